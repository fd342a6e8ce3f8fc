//! Storage of records: one trait, one way to write.
//!
//! Who calls it: [`crate::Memory`] and its index. What it must not know: search, learning, tools.
//! Every method is required, every call may block, and all of them may be called from several
//! threads at once. [`MemStorage`] is the reference that the backends are compared with.

mod apply;
mod batch;
mod copy;
mod error;
mod filter;
mod follower;
mod mem;
mod place;
mod placement;
mod tables;
mod vector;

pub use apply::apply;
pub use batch::{Applied, Commit, Durability, Op, Placed, WriteBatch};
pub use copy::{Contents, compare, copy};
pub use error::{Rejection, StorageError};
pub use filter::{ListEntry, RecordFilter};
pub(crate) use follower::{Follower, Page};
pub use mem::MemStorage;
pub use placement::{Placement, StoredCall};
pub use tables::{EpisodeState, NoteState, Tables};
pub use vector::{StoredVector, UnitKey, VectorRow};

use crate::model::{
    Episode, EpisodeId, Note, NoteId, Record, RecordId, RecordKind, Source, Step, Timestamp,
};

/// Position in the change feed; 0 is before the first change.
pub type Seq = u64;

/// Kind of a change to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeOp {
    /// It was inserted or changed.
    Put,
    /// It was removed.
    Remove,
}

/// One entry of the change feed: the newest change of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its position; grows with every change, has gaps.
    pub seq: Seq,
    /// The record.
    pub id: RecordId,
    /// Kind of the change.
    pub op: ChangeOp,
}

/// Identity and state of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Made once when the store is created; derived data of another store is told apart by it.
    pub store_id: [u8; 16],
    /// Position of the newest change.
    pub seq: Seq,
    /// Format of the store.
    pub format: u32,
}

/// Result of looking for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing of this source is stored.
    Unknown,
    /// This record came from it.
    Stored(RecordId),
    /// The record that came from it was removed: it is not stored again, unless that is lifted.
    Forgotten,
}

impl Found {
    /// Returns the record, if one is stored.
    #[must_use]
    pub const fn id(self) -> Option<RecordId> {
        match self {
            Self::Stored(id) => Some(id),
            Self::Unknown | Self::Forgotten => None,
        }
    }
}

/// Bytes that a program keeps under a name between its calls, such as the open episode of a
/// client's session. No record: not searched, exported or in the change feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedState {
    /// The name.
    pub name: Box<str>,
    /// Content, in a form that its keeper alone reads; never empty.
    pub bytes: Box<[u8]>,
    /// Time at which it was kept.
    pub recorded_at: Timestamp,
}

/// A run of steps of one episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRange {
    /// The episode.
    pub episode: EpisodeId,
    /// Position of the first step.
    pub from: u32,
    /// Most steps to give.
    pub limit: u32,
}

/// Counts of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageStats {
    /// Episodes.
    pub n_episodes: u64,
    /// Episodes that are open.
    pub n_open: u64,
    /// Steps of all episodes.
    pub n_steps: u64,
    /// Notes, superseded ones too.
    pub n_notes: u64,
    /// Vectors of units by embedding model, by its name; those without vectors are left out.
    pub vectors: Vec<(Box<str>, u64)>,
    /// Size on disk (or in memory, estimated) in bytes.
    pub size_bytes: u64,
    /// Scopes with the number of episodes and notes in each, by name.
    pub scopes: Vec<(Box<str>, u64)>,
}

impl StorageStats {
    /// Returns the number of vectors of units, of all models.
    #[must_use]
    pub fn n_vectors(&self) -> u64 {
        self.vectors.iter().map(|(_, n)| n).sum()
    }
}

/// A place that keeps records and lists their changes.
///
/// Reads see all that was committed before they began, by this process or another.
pub trait Storage: Send + Sync {
    /// Applies the whole batch or nothing, and returns once it is as durable as asked.
    ///
    /// Every operation sees the effects of those before it in the batch. Each record that is
    /// touched gets a new [`Change`]; the seq of the commit is that of the last of them. Vectors
    /// are derived from records and make no change.
    ///
    /// # Errors
    ///
    /// [`StorageError::Rejected`] when a precondition does not hold; see [`StorageError`].
    fn apply(&self, batch: WriteBatch, durability: Durability) -> Result<Commit, StorageError>;

    /// Identity and newest position of the store.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn head(&self) -> Result<Head, StorageError>;

    /// Reads records, one query for each kind, all of one state of the store; the answer has one
    /// entry per id, `None` where nothing is stored.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError>;

    /// Reads steps, one list per range, ordered by position; an unknown episode has none.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError>;

    /// Finds imported records by where they came from; one entry per source.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError>;

    /// Lists the small states whose names begin with `prefix`, ordered by name.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError>;

    /// Lists records of one kind that pass the filter, newest first (by `occurred_at` or
    /// `started_at`, then by id, both descending), at most `limit`, after `cursor` in that order.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError>;

    /// Lists changes with a seq above `after`, oldest first, at most `limit`.
    ///
    /// A record that changed several times is listed once, at its newest change.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError>;

    /// Lists the vectors of a model with a position above `after`, oldest first, at most `limit`.
    ///
    /// Whoever asks again after the last one that they got, learns of every vector that this
    /// process or another has stored since; of those that were removed they learn nothing.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError>;

    /// Counts what is stored.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    fn stats(&self) -> Result<StorageStats, StorageError>;

    /// Waits until everything that was committed so far survives a power cut.
    ///
    /// # Errors
    ///
    /// [`StorageError::Poisoned`] when the flush failed; see [`StorageError`].
    fn flush(&self) -> Result<(), StorageError>;

    /// Reads all of the store and says what is wrong with it; an empty list means it is sound.
    ///
    /// # Errors
    ///
    /// See [`StorageError`]; damage that was found is not an error but the answer.
    fn check(&self) -> Result<Vec<String>, StorageError>;
}

/// Reads records in the order of `ids`; what is not stored is left out.
pub(crate) fn records(
    storage: &dyn Storage,
    ids: &[RecordId],
) -> Result<Vec<Record>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(storage.records(ids)?.into_iter().flatten().collect())
}

/// Reads episodes; one entry per id, `None` where nothing is stored.
pub(crate) fn episodes(
    storage: &dyn Storage,
    ids: &[EpisodeId],
) -> Result<Vec<Option<Episode>>, StorageError> {
    let ids: Vec<RecordId> = ids.iter().map(|id| (*id).into()).collect();
    let read = if ids.is_empty() { Vec::new() } else { storage.records(&ids)? };
    let episode = |record| match record {
        Some(Record::Episode(episode)) => Some(*episode),
        _ => None,
    };
    Ok(read.into_iter().map(episode).collect())
}

/// Reads notes; one entry per id, `None` where nothing is stored.
pub(crate) fn notes(
    storage: &dyn Storage,
    ids: &[NoteId],
) -> Result<Vec<Option<Note>>, StorageError> {
    let ids: Vec<RecordId> = ids.iter().map(|id| (*id).into()).collect();
    let read = if ids.is_empty() { Vec::new() } else { storage.records(&ids)? };
    let note = |record| match record {
        Some(Record::Note(note)) => Some(*note),
        _ => None,
    };
    Ok(read.into_iter().map(note).collect())
}
