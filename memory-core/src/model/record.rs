//! Records: whatever is stored, listed, changed, recalled and forgotten under an id.

use super::{Author, Episode, Note, NoteKind, RecordId, Scope, Source};

/// An episode or a note, as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An episode, without its steps.
    Episode(Box<Episode>),
    /// A note.
    Note(Box<Note>),
}

impl Record {
    /// Its scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        match self {
            Self::Episode(episode) => &episode.scope,
            Self::Note(note) => &note.scope,
        }
    }

    /// Place that it came from, for an imported one.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Episode(episode) => episode.source.as_ref(),
            Self::Note(note) => note.source.as_ref(),
        }
    }

    /// Who made it, on another machine; `None` for one's own.
    #[must_use]
    pub fn author(&self) -> Option<&Author> {
        match self {
            Self::Episode(episode) => episode.author.as_ref(),
            Self::Note(note) => note.author.as_ref(),
        }
    }

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
