//! Ids of records of every kind.

use std::fmt;

use super::{EpisodeId, NoteId};

/// The kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// An episode with its steps.
    Episode,
    /// A note.
    Note,
}

impl RecordKind {
    /// The kind's name in messages and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Note => "note",
        }
    }
}

/// An id together with the kind of what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId {
    /// Names an episode.
    Episode(EpisodeId),
    /// Names a note.
    Note(NoteId),
}

impl RecordId {
    /// Makes the id of a record of `kind` from its bytes.
    #[must_use]
    pub const fn from_bytes(kind: RecordKind, bytes: [u8; 16]) -> Self {
        match kind {
            RecordKind::Episode => Self::Episode(EpisodeId::from_bytes(bytes)),
            RecordKind::Note => Self::Note(NoteId::from_bytes(bytes)),
        }
    }

    /// Returns the kind of record that the id names.
    #[must_use]
    pub const fn kind(self) -> RecordKind {
        match self {
            Self::Episode(_) => RecordKind::Episode,
            Self::Note(_) => RecordKind::Note,
        }
    }

    /// Returns the episode that the id names, if it names one.
    pub(crate) const fn episode(self) -> Option<EpisodeId> {
        match self {
            Self::Episode(id) => Some(id),
            Self::Note(_) => None,
        }
    }

    /// The 16 bytes of the id.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        match self {
            Self::Episode(id) => id.to_bytes(),
            Self::Note(id) => id.to_bytes(),
        }
    }
}

impl From<EpisodeId> for RecordId {
    fn from(id: EpisodeId) -> Self {
        Self::Episode(id)
    }
}

impl From<NoteId> for RecordId {
    fn from(id: NoteId) -> Self {
        Self::Note(id)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Episode(id) => id.fmt(f),
            Self::Note(id) => id.fmt(f),
        }
    }
}
