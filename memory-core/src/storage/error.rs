//! Errors of a storage.

use std::error::Error as StdError;

use crate::model::{EpisodeId, NoteId, RecordId, RecordKind, Source, Status};

/// Reason why a storage did not do what it was asked. Nothing of a failed batch is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another process holds the store for longer than we wait: nothing was written, try again.
    #[error("the store is busy, nothing was written: try again")]
    Busy,
    /// The batch does not fit what is stored.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store cannot be read: restore a backup.
    #[error("the store is damaged: {what}; restore a backup or run `doctor`")]
    Corrupt {
        /// The damaged part.
        what: Box<str>,
    },
    /// The store was written by a newer version: update the program.
    #[error(
        "the store has format {found}, this program reads up to {supported}: update the program"
    )]
    Format {
        /// Format of the store.
        found: u32,
        /// Newest format that is understood.
        supported: u32,
    },
    /// A flush failed: what is on disk is uncertain, so nothing more is written until the store is
    /// opened again.
    #[error("writing has ended because {reason}; restart the server")]
    Poisoned {
        /// The failure that ended it, as a clause.
        reason: Box<str>,
    },
    /// The disk, path or server cannot be used.
    #[error("{resource} is unavailable: {reason}")]
    Unavailable {
        /// The path or address.
        resource: Box<str>,
        /// Reason, and what would help.
        reason: Box<str>,
    },
    /// Anything else, as the backend tells it.
    #[error(transparent)]
    Backend(#[from] Box<dyn StdError + Send + Sync>),
}

/// Precondition of a batch that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// An operation names a record that is not stored.
    #[error("{} {id} is not stored", id.kind().name())]
    Missing {
        /// The record.
        id: RecordId,
    },
    /// An operation would change an episode that has ended.
    #[error("episode {id} is already {}", status.name())]
    Closed {
        /// The episode.
        id: EpisodeId,
        /// Its end.
        status: Status,
    },
    /// An operation would log steps of an episode that another machine begins and logs.
    #[error("episode {id} was begun on another machine")]
    Elsewhere {
        /// The episode.
        id: EpisodeId,
    },
    /// A merged state is older than what is stored.
    #[error("{} {id} was changed meanwhile", id.kind().name())]
    Changed {
        /// The record.
        id: RecordId,
    },
    /// An operation would insert a record whose id or source is stored already.
    #[error("{} {id} is already stored", id.kind().name())]
    Exists {
        /// The record that is stored.
        id: RecordId,
    },
    /// An operation would insert a record whose source was forgotten.
    #[error("{} `{source_of}` was forgotten", kind.name())]
    Forgotten {
        /// Kind of the record.
        kind: RecordKind,
        /// Place that it came from.
        source_of: Source,
    },
    /// An operation would lift what was not forgotten.
    #[error("nothing of `{source_of}` was forgotten")]
    NotForgotten {
        /// Place that it came from.
        source_of: Source,
    },
    /// A note would supersede one that is superseded already.
    #[error("note {id} is already superseded by {by}")]
    Superseded {
        /// The note.
        id: NoteId,
        /// The note that superseded it.
        by: NoteId,
    },
    /// The episode would have too many steps.
    #[error("an episode of {got} steps exceeds the limit of {limit}")]
    TooManySteps {
        /// The most that an episode may have.
        limit: usize,
        /// Number that it would have.
        got: usize,
    },
    /// A vector has another length than those of the same model that are stored or come with it.
    #[error("model `{model}` makes vectors of dimension {expected}, got one of {got}")]
    Dimension {
        /// Embedding model that made the vector.
        model: Box<str>,
        /// The dimension of the others.
        expected: usize,
        /// Its own.
        got: usize,
    },
    /// A vector cannot be compared with any other.
    #[error(
        "model `{model}` made an empty vector, or one that is not finite, of {} {id}",
        id.kind().name()
    )]
    NoVector {
        /// Embedding model that made the vector.
        model: Box<str>,
        /// The record that it belongs to.
        id: RecordId,
    },
}
