//! Records that come from elsewhere: stored once, however often they come.

use std::collections::BTreeSet;

use super::Memory;
use crate::error::Error;
use crate::intake::{Completion, Intake, NewEpisode, NewNote, NewStep, Receipt};
use crate::learn::Digest;
use crate::model::{Episode, EpisodeId, NoteId, RecordId, RecordKind, Relation, Shown, Source};
use crate::storage::{Durability, Op, WriteBatch};

/// A record that comes from elsewhere, with its source set; or what it names.
#[derive(Debug, Clone, PartialEq)]
pub enum Import {
    /// An episode with its steps; `None` leaves it open.
    Episode(Box<NewEpisode>, Vec<NewStep>, Option<Box<Completion>>),
    /// A note.
    Note(Box<NewNote>),
    /// What an episode names, told once all of that is stored. One that is stored with other ties than
    /// these is left as it is, and so is one that is not stored.
    Ties {
        /// The episode.
        episode: EpisodeId,
        /// Its ties to earlier episodes.
        relations: Vec<Relation>,
        /// What was shown when it began.
        shown: Vec<Shown>,
        /// Records whose advice was followed.
        followed: Vec<RecordId>,
    },
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
        let mut intake = self.intake();
        let mut ops = Vec::with_capacity(records.len());
        let (ties, records): (Vec<Import>, Vec<Import>) =
            records.into_iter().partition(|record| matches!(record, Import::Ties { .. }));
        for record in self.without_known(records)? {
            match record {
                Import::Note(new) => {
                    let id = NoteId::from_bytes(self.clock.next_id());
                    ops.push(Op::InsertNote(Box::new(intake.note(id, *new)?)));
                }
                Import::Episode(new, steps, completion) => {
                    self.take_episode(&mut intake, *new, steps, completion, &mut ops)?;
                }
                Import::Ties { .. } => {}
            }
        }
        let n_new = ops.len();
        ops.extend(self.new_ties(ties)?);
        if !ops.is_empty() {
            self.apply("import records", WriteBatch { ops }, Durability::Process)?;
        }
        Ok(intake.receipt(n_new))
    }

    /// What is to be written for an episode.
    fn take_episode(
        &self,
        intake: &mut Intake<'_>,
        new: NewEpisode,
        steps: Vec<NewStep>,
        completion: Option<Box<Completion>>,
        ops: &mut Vec<Op>,
    ) -> Result<(), Error> {
        let id = EpisodeId::from_bytes(self.clock.next_id());
        let mut episode = Box::new(intake.episode(id, new)?);
        let steps = intake.steps(steps)?;
        let mut notes = Vec::new();
        if let Some(completion) = completion {
            let (closing, lessons) = intake.closing(*completion)?;
            for text in lessons {
                let id = NoteId::from_bytes(self.clock.next_id());
                let note = intake.lesson(id, &episode, closing.ended_at, text);
                notes.push(Op::InsertNote(Box::new(note)));
            }
            episode.closing = Some(closing);
            episode.digest = Some(Digest::of(&steps).encode().into());
        }
        ops.push(Op::InsertEpisode { episode, steps });
        ops.append(&mut notes);
        Ok(())
    }

    /// Those ties that say more than what is stored.
    fn new_ties(&self, ties: Vec<Import>) -> Result<Vec<Op>, Error> {
        let id = |tie: &Import| {
            if let Import::Ties { episode, .. } = tie { Some(*episode) } else { None }
        };
        let ids: Vec<EpisodeId> = ties.iter().filter_map(id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.storage.episodes(&ids).map_err(Error::storage("read episodes"))?;
        let mut ops = Vec::new();
        for (tie, stored) in ties.into_iter().zip(stored) {
            let (Import::Ties { episode, relations, shown, followed }, Some(stored)) =
                (tie, stored)
            else {
                continue;
            };
            if says_more(&stored, &relations, &shown, &followed) {
                ops.push(Op::Tie { episode, relations, shown, followed });
            }
        }
        Ok(ops)
    }

    /// Drops records whose source is stored, or occurs earlier in the list.
    fn without_known(&self, records: Vec<Import>) -> Result<Vec<Import>, Error> {
        let mut keyed = Vec::with_capacity(records.len());
        for record in records {
            let (kind, source) = match &record {
                Import::Episode(new, ..) => (RecordKind::Episode, new.source.clone()),
                Import::Note(new) => (RecordKind::Note, new.source.clone()),
                Import::Ties { .. } => continue,
            };
            let source = source.ok_or(Error::invalid("source", "an imported record needs one"))?;
            // As it is stored, so that it is found.
            let source = source.masked();
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

/// Whether these ties are those of the stored episode and others.
fn says_more(
    stored: &Episode,
    relations: &[Relation],
    shown: &[Shown],
    followed: &[RecordId],
) -> bool {
    let has_followed = stored.closing.as_ref().map_or(&[][..], |closing| &closing.followed);
    // Nothing is followed by an episode that is open.
    let followed = if stored.closing.is_some() { followed } else { &[] };
    let is_covered = stored.relations.iter().all(|tie| relations.contains(tie))
        && stored.shown.iter().all(|tie| shown.contains(tie))
        && has_followed.iter().all(|id| followed.contains(id));
    let is_same =
        stored.relations == relations && stored.shown == shown && has_followed == followed;
    is_covered && !is_same
}
