//! Errors of the snapshot.

use std::io;

use crate::storage::Seq;

/// Reason why a snapshot was not written or not read. The remedy is to build the index from the
/// storage.
#[derive(Debug, thiserror::Error)]
pub(in crate::index) enum SnapshotError {
    /// There is no file yet.
    #[error("there is no snapshot")]
    Missing,
    /// The file is no snapshot, or one of something else.
    #[error("the snapshot belongs to another {what}")]
    Foreign {
        /// Property that differs.
        what: &'static str,
    },
    /// Written by another version.
    #[error("the snapshot has format {found}, this build reads {supported}")]
    Format {
        /// Version in the file.
        found: u32,
        /// Version of this build.
        supported: u32,
    },
    /// Shorter or longer than its head says.
    #[error("the snapshot has {got} bytes, its head says {expected}")]
    Truncated {
        /// Bytes by the head.
        expected: u64,
        /// Bytes there are.
        got: u64,
    },
    /// A checksum or an invariant does not hold.
    #[error("the snapshot is damaged: {what}")]
    Corrupt {
        /// Property that does not hold.
        what: &'static str,
    },
    /// It knows more than the store, which must be an older copy.
    #[error("the snapshot knows change {found}, the store ends at {newest}")]
    Ahead {
        /// Position of the snapshot.
        found: Seq,
        /// Position of the store.
        newest: Seq,
    },
    /// It knows other records than the store had at its position: the store's file was replaced by
    /// a copy that went its own way.
    #[error("the snapshot belongs to another history of the store")]
    OtherHistory,
    /// Another process writes one, or nobody waits for this one any more.
    #[error("writing the snapshot was stopped")]
    Stopped,
    /// The operating system refused.
    #[error("cannot {op} the snapshot: {source}")]
    Io {
        /// Operation that was tried.
        op: &'static str,
        /// Reason that it gave.
        source: io::Error,
    },
    /// The vectors cannot be written or read.
    #[error("the vectors of the snapshot cannot be used: {0}")]
    Vectors(memory_dense::Error),
}

impl From<memory_dense::Error> for SnapshotError {
    fn from(error: memory_dense::Error) -> Self {
        match error {
            memory_dense::Error::Stopped => Self::Stopped,
            error => Self::Vectors(error),
        }
    }
}

impl SnapshotError {
    /// Returns a function that wraps the reason why `op` failed.
    pub(in crate::index) fn io(op: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { op, source }
    }
}
