//! Remembering a text: beside those that say nearly the same, or instead of another copy.

use std::time::Duration;

use super::Memory;
use crate::error::Error;
use crate::index::Index;
use crate::intake::{NewNote, Receipt};
use crate::likeness::{Likeness, likeness, text_key};
use crate::model::{HitKind, Note, NoteId, NoteKind, Record};
use crate::retrieve::Query;
use crate::storage::{Durability, Op, WriteBatch};

/// Notes alike by words that a new one is compared with.
const N_COMPARED: usize = 5;

/// How long after it began the first load of the index is waited for: enough to build that of some 100,000
/// units anew. A server has loaded it before an agent tells the first text; a command waits for it.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Longest chain of superseding notes that is followed.
const MAX_CHAIN: usize = 64;

/// What became of a text that was to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// It is a note of its own.
    New {
        /// The note.
        id: NoteId,
        /// Current notes that say something else of the same thing, as far as words can tell.
        contradicts: Vec<NoteId>,
    },
    /// A current note says nearly the same: that one counts the telling, and nothing else is stored.
    Merged {
        /// That note.
        into: NoteId,
    },
    /// The text was superseded: nothing is stored. Whoever means it supersedes the newer note with it.
    Rejected {
        /// The note that had this text.
        old: NoteId,
        /// The current note in its place.
        by: NoteId,
    },
}

impl Remembered {
    /// The current note that says it.
    #[must_use]
    pub const fn id(&self) -> NoteId {
        match self {
            Self::New { id, .. } => *id,
            Self::Merged { into } => *into,
            Self::Rejected { by, .. } => *by,
        }
    }
}

impl Memory {
    /// Stores a note, unless a note of its scope says the same already.
    ///
    /// A text that a current note of its kind tells nearly word by word is merged into that; one that was
    /// superseded is not stored again unless it supersedes the newer one. Turns of conversations, notes
    /// with a validity, with a source or that supersede another are never merged. Compared by words; a text
    /// waits for an index that is being loaded, until five seconds after the memory was opened, and is
    /// then stored without being compared.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty text or a checkpoint of no episode, [`Error::NotFound`] when the note
    /// that it supersedes is not stored, [`Error::Conflict`] when that one is superseded already or the note's source is stored,
    /// [`Error::LimitExceeded`] for too many tags, [`Error::Storage`].
    pub fn remember(&self, new: NewNote) -> Result<Receipt<Remembered>, Error> {
        if new.kind == NoteKind::Checkpoint && new.episode.is_none() {
            return Err(Error::invalid(
                "kind",
                "a checkpoint is kept of an episode: use checkpoint",
            ));
        }
        let mut desk = self.desk();
        let id = NoteId::from_bytes(self.clock.next_id());
        let (op, told) = self.tell(desk.note(id, new)?)?;
        if let Some(op) = op {
            self.apply("remember note", WriteBatch::of(op), Durability::Power)?;
        }
        Ok(desk.receipt(told))
    }

    /// What is to be written for a note, if anything, and what then became of its text.
    pub(super) fn tell(&self, note: Note) -> Result<(Option<Op>, Remembered), Error> {
        let speaks_for_itself = matches!(note.kind, NoteKind::Turn | NoteKind::Checkpoint);
        let (mut contradicts, id) = (Vec::new(), note.id);
        if !speaks_for_itself && note.supersedes.is_none() && self.index.is_ready(MAX_WAIT) {
            for other in self.alike(&note)? {
                let standing = likeness(note.text.as_str(), other.text.as_str());
                if let Some(by) = other.superseded_by {
                    if standing == Likeness::Same {
                        let by = self.current(by)?;
                        return Ok((None, Remembered::Rejected { old: other.id, by }));
                    }
                    continue;
                }
                match standing {
                    Likeness::Same | Likeness::Near if may_merge(&note, &other) => {
                        let merge = Op::Merge { note: other.id, at: note.occurred_at };
                        return Ok((Some(merge), Remembered::Merged { into: other.id }));
                    }
                    Likeness::Against => contradicts.push(other.id),
                    _ => {}
                }
            }
        }
        Ok((Some(Op::InsertNote(Box::new(note))), Remembered::New { id, contradicts }))
    }

    /// Notes of the same scope that have this text, also superseded ones, then some that share words.
    fn alike(&self, note: &Note) -> Result<Vec<Note>, Error> {
        self.refresh()?;
        let key = text_key(note.text.as_str());
        let same = Index::notes_of_text(&self.index.contents(), &note.scope, key);
        let read = self.storage.notes(&same).map_err(Error::storage("read notes"))?;
        let mut alike: Vec<Note> = read.into_iter().flatten().collect();
        // Current ones first: what is told again is no revival as long as one of them says it.
        alike.sort_by_key(|note| (note.superseded_by.is_some(), note.id));
        let mut query = Query::new(note.text.as_str());
        query.scope = Some(note.scope.clone());
        let kinds = NoteKind::ALL.iter().copied();
        let kinds = kinds.filter(|kind| !matches!(kind, NoteKind::Turn | NoteKind::Checkpoint));
        query.kinds = kinds.map(HitKind::Note).collect();
        query.limit = Some(N_COMPARED);
        query.variety = false;
        for hit in self.retriever(None, note.recorded_at, &|_, _| 0.0).alike(&query)? {
            if let Record::Note(other) = hit.record
                && !same.contains(&other.id)
            {
                alike.push(*other);
            }
        }
        Ok(alike)
    }

    /// The end of the chain of notes that superseded each other, from `id` on.
    fn current(&self, id: NoteId) -> Result<NoteId, Error> {
        let mut id = id;
        for _ in 0..MAX_CHAIN {
            match self.note(id)?.superseded_by {
                Some(by) => id = by,
                None => break,
            }
        }
        Ok(id)
    }
}

/// Whether one of two notes may stand for both.
fn may_merge(new: &Note, stored: &Note) -> bool {
    let unbounded = |note: &Note| note.valid_from.is_none() && note.valid_to.is_none();
    new.kind == stored.kind && new.source.is_none() && unbounded(new) && unbounded(stored)
}
