//! Records: whatever is stored, listed, changed, recalled and forgotten under an id.

use super::{Episode, Note, NoteKind, RecordId};

/// An episode or a note, as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An episode, without its steps.
    Episode(Box<Episode>),
    /// A note.
    Note(Box<Note>),
}

impl Record {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        match self {
            Self::Episode(episode) => episode.id.into(),
            Self::Note(note) => note.id.into(),
        }
    }
}

/// Kinds of what can be recalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HitKind {
    /// Episodes.
    Episode,
    /// Notes of one kind.
    Note(NoteKind),
}
