//! Records that come from elsewhere: stored once, however often they come.

use std::collections::BTreeSet;

use super::Memory;
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewNote, NewStep, Receipt};
use crate::learn::Digest;
use crate::model::{EpisodeId, NoteId, RecordKind, Source};
use crate::storage::{Durability, Op, WriteBatch};

/// A record that comes from elsewhere, with its source set.
#[derive(Debug, Clone, PartialEq)]
pub enum Import {
    /// An episode with its steps; `None` leaves it open.
    Episode(Box<NewEpisode>, Vec<NewStep>, Option<Box<Completion>>),
    /// A note.
    Note(Box<NewNote>),
}

impl Memory {
    /// Stores records from elsewhere; those whose source is stored already are left as they are.
    ///
    /// The new ones of one call are stored all or none. Gives the number of new ones. They survive the
    /// end of the process; [`Memory::flush`] makes them survive a power cut.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] and [`Error::LimitExceeded`] as for [`Memory::start`], [`Memory::log`] and
    /// [`Memory::remember`], also for a record without a source; [`Error::Storage`].
    pub fn import(&self, records: Vec<Import>) -> Result<Receipt<usize>, Error> {
        let mut desk = self.desk();
        let mut ops = Vec::with_capacity(records.len());
        for record in self.without_known(records)? {
            match record {
                Import::Note(new) => {
                    let id = NoteId::from_bytes(self.clock.next_id());
                    ops.push(Op::InsertNote(Box::new(desk.note(id, *new)?)));
                }
                Import::Episode(new, steps, completion) => {
                    let id = EpisodeId::from_bytes(self.clock.next_id());
                    let mut episode = Box::new(desk.episode(id, *new)?);
                    let steps = desk.steps(steps)?;
                    let mut notes = Vec::new();
                    if let Some(completion) = completion {
                        let (closing, lessons) = desk.closing(*completion)?;
                        for text in lessons {
                            let id = NoteId::from_bytes(self.clock.next_id());
                            let note = desk.lesson(id, &episode, closing.ended_at, text);
                            notes.push(Op::InsertNote(Box::new(note)));
                        }
                        episode.closing = Some(closing);
                        episode.digest = Some(Digest::of(&steps).encode().into());
                    }
                    ops.push(Op::InsertEpisode { episode, steps });
                    ops.append(&mut notes);
                }
            }
        }
        let n_new = ops.len();
        if n_new > 0 {
            self.apply("import records", WriteBatch { ops }, Durability::Process)?;
        }
        Ok(desk.receipt(n_new))
    }

    /// Drops records whose source is stored, or occurs earlier in the list.
    fn without_known(&self, records: Vec<Import>) -> Result<Vec<Import>, Error> {
        let mut keyed = Vec::with_capacity(records.len());
        for record in records {
            let (kind, source) = match &record {
                Import::Episode(new, ..) => (RecordKind::Episode, new.source.clone()),
                Import::Note(new) => (RecordKind::Note, new.source.clone()),
            };
            let source = source.ok_or(Error::invalid("source", "an imported record needs one"))?;
            keyed.push(((kind, source), record));
        }
        let mut known = BTreeSet::new();
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let keys = keyed.iter().filter(|((k, _), _)| *k == kind);
            let sources: Vec<Source> = keys.map(|((_, source), _)| source.clone()).collect();
            let found =
                self.storage.find(kind, &sources).map_err(Error::storage("find sources"))?;
            let stored = sources.into_iter().zip(found).filter(|(_, id)| id.is_some());
            known.extend(stored.map(|(source, _)| (kind, source)));
        }
        Ok(keyed.into_iter().filter_map(|(key, r)| known.insert(key).then_some(r)).collect())
    }
}
