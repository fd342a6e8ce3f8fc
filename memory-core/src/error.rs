//! Errors of the engine, each of which tells the caller what to do.

use std::borrow::Cow;

use crate::embed::EmbedError;
use crate::model::{InvalidValue, RecordId, RecordKind, Source};
use crate::storage::{Rejection, StorageError};

/// Reason why an operation of the engine did not happen. Nothing was written unless a variant says
/// so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is wrong: correct it.
    #[error("{field}: {reason}")]
    Invalid {
        /// The argument.
        field: &'static str,
        /// Fault of the value, and what would be right.
        reason: Cow<'static, str>,
    },
    /// Nothing is stored under that id: look again.
    #[error("no {kind} {id} is stored")]
    NotFound {
        /// Kind of record that was looked for.
        kind: &'static str,
        /// The id or prefix as given.
        id: Box<str>,
    },
    /// The record was forgotten on purpose: lift that first, if it is to be stored again.
    #[error(
        "{kind} `{source_of}` was forgotten and is not stored again, unless `forget` with `lift` \
         allows it"
    )]
    Forgotten {
        /// Kind of the record.
        kind: &'static str,
        /// Place that it came from.
        source_of: Box<Source>,
    },
    /// The record is not in the state that the operation needs: read it again.
    #[error("{} {id} {reason}", id.kind().name())]
    Conflict {
        /// The record.
        id: RecordId,
        /// Its state.
        reason: Cow<'static, str>,
    },
    /// Too much at once: send less.
    #[error("{what}: {got} is more than the limit of {limit}")]
    LimitExceeded {
        /// Limited quantity.
        what: &'static str,
        /// The most that is taken.
        limit: usize,
        /// Given amount.
        got: usize,
    },
    /// The storage failed.
    #[error("{op}: {source}")]
    Storage {
        /// Operation that failed.
        op: &'static str,
        /// Reason of the failure.
        #[source]
        source: StorageError,
    },
    /// A text could not be embedded: without its vector it is found by its words alone.
    #[error(transparent)]
    Embed {
        /// Reason of the failure.
        #[from]
        source: EmbedError,
    },
    /// The index could not be built from the storage: the search cannot answer.
    #[error("search index: {reason}")]
    Index {
        /// Reason of the failure.
        reason: Cow<'static, str>,
    },
}

impl Error {
    /// An [`Error::Invalid`].
    pub fn invalid(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// Refuses more than `limit` of `what`.
    pub(crate) fn check_limit(what: &'static str, limit: usize, got: usize) -> Result<(), Self> {
        if got > limit { Err(Self::LimitExceeded { what, limit, got }) } else { Ok(()) }
    }

    /// Names the operation that a storage error interrupted; a rejected precondition becomes the
    /// caller's error.
    pub(crate) fn storage(op: &'static str) -> impl FnOnce(StorageError) -> Self {
        move |source| match source {
            StorageError::Rejected(rejection) => rejection.into(),
            source => Self::Storage { op, source },
        }
    }

    /// The error for a prefix that several records share.
    pub(crate) fn ambiguous(prefix: &str, some: &[RecordId]) -> Self {
        let some: Vec<String> = some.iter().map(ToString::to_string).collect();
        Self::invalid(
            "id",
            format!("`{prefix}` is ambiguous, give more digits: {}, …", some.join(", ")),
        )
    }

    /// The error for an id under which nothing is stored.
    pub(crate) fn not_found(id: RecordId) -> Self {
        Self::NotFound { kind: id.kind().name(), id: id.to_string().into() }
    }

    /// The error for a prefix that fits nothing of `kind` (or of any kind).
    pub(crate) fn unknown(kind: Option<RecordKind>, given: &str) -> Self {
        Self::NotFound { kind: kind.map_or("record", RecordKind::name), id: given.trim().into() }
    }
}

impl From<InvalidValue> for Error {
    fn from(InvalidValue { field, reason }: InvalidValue) -> Self {
        Self::Invalid { field, reason }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Missing { id } => Self::not_found(id),
            Rejection::Closed { id, status } => Self::Conflict {
                id: id.into(),
                reason: format!("is already {}; start a new episode for more work", status.name())
                    .into(),
            },
            Rejection::Exists { id, .. } => {
                Self::Conflict { id, reason: "is already stored".into() }
            }
            Rejection::Forgotten { kind, source_of } => {
                Self::Forgotten { kind: kind.name(), source_of: Box::new(source_of) }
            }
            Rejection::NotForgotten { .. } => Self::invalid("lift", rejection.to_string()),
            Rejection::Elsewhere { id } => Self::Conflict {
                id: id.into(),
                reason: "was begun on another machine, which alone logs its steps; start an \
                         episode of your own that follows it"
                    .into(),
            },
            Rejection::Changed { id } => {
                Self::Conflict { id, reason: "was changed meanwhile; read it again".into() }
            }
            Rejection::Superseded { id, by } => Self::Conflict {
                id: id.into(),
                reason: format!("is already superseded by {by}; supersede that one").into(),
            },
            Rejection::TooManySteps { limit, got } => {
                Self::LimitExceeded { what: "steps of an episode", limit, got }
            }
            Rejection::Dimension { .. } | Rejection::NoVector { .. } => {
                Self::invalid("vectors", rejection.to_string())
            }
        }
    }
}
