//! Remembering a text: as a note of its own, merged into one of the same text, or instead of
//! another.
//!
//! In: a note that the intake has checked. Out: the change to be stored, if any, and what became of
//! the text. Used by `remember` and by the lessons of an episode that ends. Limits: notes are
//! compared within one scope and by words.

use std::time::Duration;

use super::Memory;
use crate::dedup::{Comparison, Statement, is_same, is_same_in_small_letters};
use crate::error::Error;
use crate::index::Index;
use crate::intake::{NewNote, Receipt};
use crate::model::{HitKind, Note, NoteId, NoteKind, Record};
use crate::retrieve::{Query, Retriever, Unlearned};
use crate::storage::{self, Durability, Op, WriteBatch};

/// Notes that share words with a new one and are compared with it.
const N_COMPARED: usize = 8;

/// Longest wait for the first load of the index, counted from its beginning: enough to build that
/// of some 100,000 units anew. A server has loaded it before an agent remembers something; a
/// command waits for it.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Longest chain of superseding notes that is followed.
const MAX_CHAIN: usize = 64;

/// Result of remembering a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// It is a note of its own.
    New {
        /// The note.
        id: NoteId,
        /// Current notes that contradict it, as far as words can tell. Both are kept.
        contradicts: Vec<NoteId>,
    },
    /// A current note has the same text: that one counts it and gets its labels; nothing else is
    /// stored.
    Merged {
        /// That note.
        into: NoteId,
    },
    /// The text was superseded: nothing is stored. Who means it supersedes the newer note with it.
    Rejected {
        /// The note that had this text.
        old: NoteId,
        /// The current note in its place.
        by: NoteId,
    },
}

impl Remembered {
    /// Returns the current note that says it.
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
    /// Stores a note, unless a note of its scope has the same text.
    ///
    /// A text is the same as another if they differ in white space, in the capital at the
    /// beginning of a sentence or in closing punctuation, and in nothing else. It is merged into a
    /// current note of its kind; one that was superseded is not stored again unless it supersedes
    /// the newer one. Turns of conversations, notes with a validity, with a source or that
    /// supersede another are never merged. Contradictions are told: both notes are kept. A text
    /// waits for an index that is being loaded, until five seconds after the memory was opened,
    /// and is then stored without being compared.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty text or a checkpoint of no episode, [`Error::NotFound`] when
    /// the note that it supersedes is not stored, [`Error::Conflict`] when that one is superseded
    /// already or the note's source is stored, [`Error::LimitExceeded`] for too many tags, also
    /// together with those of the note that it is merged into, [`Error::Storage`].
    pub fn remember(&self, new: NewNote) -> Result<Receipt<Remembered>, Error> {
        if new.kind == NoteKind::Checkpoint && new.episode.is_none() {
            return Err(Error::invalid(
                "kind",
                "a checkpoint is kept of an episode: use checkpoint",
            ));
        }
        let mut intake = self.intake();
        let id = NoteId::from_bytes(self.clock.next_id());
        let (op, remembered) = self.deduplicate(intake.note(id, new)?)?;
        if let Some(op) = op {
            self.apply("remember note", WriteBatch::of(op), Durability::Power)?;
        }
        Ok(intake.receipt(remembered))
    }

    /// Returns the change that a note needs, if any, and what becomes of its text.
    pub(super) fn deduplicate(&self, note: Note) -> Result<(Option<Op>, Remembered), Error> {
        let is_part = matches!(note.kind, NoteKind::Turn | NoteKind::Checkpoint);
        let (mut contradicts, id) = (Vec::new(), note.id);
        if !is_part && note.supersedes.is_none() && self.index.is_ready(MAX_WAIT) {
            self.refresh()?;
            let same = self.notes_of_text(&note)?;
            for other in &same {
                if other.superseded_by.is_none()
                    && may_merge(&note, other)
                    && is_same(note.text.as_str(), other.text.as_str())
                {
                    let merge = self.merge(&note, other)?;
                    return Ok((Some(merge), Remembered::Merged { into: other.id }));
                }
            }
            let is_current = same.iter().any(|other| {
                other.superseded_by.is_none() && is_same(note.text.as_str(), other.text.as_str())
            });
            // As long as a current note says it, the text is no revival of a superseded one.
            for other in same.iter().filter(|_| !is_current) {
                if let Some(by) = other.superseded_by
                    && is_same_in_small_letters(note.text.as_str(), other.text.as_str())
                {
                    let by = self.current(by)?;
                    return Ok((None, Remembered::Rejected { old: other.id, by }));
                }
            }
            contradicts = self.contradicted(&note, same)?;
        }
        Ok((Some(Op::InsertNote(Box::new(note))), Remembered::New { id, contradicts }))
    }

    /// Returns the change that merges a note into a stored one.
    fn merge(&self, note: &Note, stored: &Note) -> Result<Op, Error> {
        let mut tags = note.tags.clone();
        tags.retain(|tag| !stored.tags.contains(tag));
        Error::check_limit("tags", self.config.max_labels, stored.tags.len() + tags.len())?;
        Ok(Op::Merge { note: stored.id, at: note.occurred_at, tags })
    }

    /// Returns the notes of the scope whose text may be the same, also superseded ones.
    fn notes_of_text(&self, note: &Note) -> Result<Vec<Note>, Error> {
        let key = Index::text_key(note.text.as_str());
        let ids = Index::notes_of_text(&self.index.contents(), &note.scope, key);
        let read =
            storage::notes(self.storage.as_ref(), &ids).map_err(Error::storage("read notes"))?;
        let mut notes: Vec<Note> = read.into_iter().flatten().collect();
        notes.sort_by_key(|note| note.id);
        Ok(notes)
    }

    /// Returns the current notes that a new one contradicts: of those that may have the same text
    /// but for case, and of those that share most words with it.
    fn contradicted(&self, note: &Note, same: Vec<Note>) -> Result<Vec<NoteId>, Error> {
        let mut query = Query::new(note.text.as_str());
        query.scope = Some(note.scope.clone());
        let kinds = NoteKind::ALL.iter().copied();
        let kinds = kinds.filter(|kind| !matches!(kind, NoteKind::Turn | NoteKind::Checkpoint));
        query.kinds = kinds.map(HitKind::Note).collect();
        query.limit = Some(N_COMPARED);
        query.variety = false;
        // Words alone find what shares most of them.
        let all = self.retriever(note.recorded_at);
        let by_words = Retriever { embedder: None, learned: &Unlearned, ..all };
        let hits = by_words.alike(&query)?;
        let mut compared = same;
        for hit in hits {
            if let Record::Note(other) = hit.record
                && compared.iter().all(|known| known.id != other.id)
            {
                compared.push(*other);
            }
        }
        let Some(statement) = Statement::read(note.text.as_str()) else { return Ok(Vec::new()) };
        let contradicts = |other: &Note| {
            let other = Statement::read(other.text.as_str());
            other.is_some_and(|other| statement.compare(&other) == Comparison::Contradiction)
        };
        let current = compared.iter().filter(|other| other.superseded_by.is_none());
        Ok(current.filter(|other| contradicts(other)).map(|other| other.id).collect())
    }

    /// Returns the end of the chain of notes that superseded each other, from `id` on.
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

/// Tells whether one of two notes of the same text may stand for both.
fn may_merge(new: &Note, stored: &Note) -> bool {
    let unbounded = |note: &Note| note.valid_from.is_none() && note.valid_to.is_none();
    new.kind == stored.kind && new.source.is_none() && unbounded(new) && unbounded(stored)
}
