//! The stores that claims run on, and how claims write to and read from them.

use std::path::Path;
use std::sync::{RwLock, RwLockReadGuard};

use memory_core::backend::{
    Applied, Commit, Durability, Found, NamedState, Op, Rejection, StepRange, VectorRow, WriteBatch,
};
use memory_core::{
    Change, Episode, EpisodeId, Head, ListEntry, Note, NoteId, Record, RecordFilter, RecordId,
    RecordKind, Seq, Source, Step, Storage, StorageError, StorageStats,
};

use crate::{read, sample};

/// A store that is closed and opened again after every batch, accepted or not.
///
/// What a claim reads has therefore always passed through the place where it is kept.
pub(super) struct Reopening<'a, S> {
    // `None` only while the store is being reopened: a store that only one handle may own must be
    // closed before it is opened.
    inner: RwLock<Option<S>>,
    open: Box<dyn Fn() -> S + Send + Sync + 'a>,
}

impl<'a, S: Storage> Reopening<'a, S> {
    pub(super) fn new(open: impl Fn() -> S + Send + Sync + 'a) -> Self {
        Self { inner: RwLock::new(Some(open())), open: Box::new(open) }
    }

    fn read<T>(&self, read: impl FnOnce(&S) -> T) -> T {
        let inner: RwLockReadGuard<'_, Option<S>> = self.inner.read().unwrap();
        read(inner.as_ref().expect("the store is open between calls"))
    }
}

impl<S: Storage> Storage for Reopening<'_, S> {
    fn apply(&self, batch: WriteBatch, durability: Durability) -> Result<Commit, StorageError> {
        let mut inner = self.inner.write().unwrap();
        let result =
            inner.as_ref().expect("the store is open between calls").apply(batch, durability);
        drop(inner.take());
        *inner = Some((self.open)());
        result
    }

    fn head(&self) -> Result<Head, StorageError> {
        self.read(Storage::head)
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.read(|inner| inner.records(ids))
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.read(|inner| inner.steps(ranges))
    }

    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        self.read(|inner| inner.find(kind, sources))
    }

    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        self.read(|inner| inner.states(prefix))
    }

    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        self.read(|inner| inner.list(kind, filter, cursor, limit))
    }

    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.read(|inner| inner.changes(after, limit))
    }

    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        self.read(|inner| inner.vectors(model, after, limit))
    }

    fn stats(&self) -> Result<StorageStats, StorageError> {
        self.read(Storage::stats)
    }

    fn flush(&self) -> Result<(), StorageError> {
        self.read(Storage::flush)
    }

    fn check(&self) -> Result<Vec<String>, StorageError> {
        self.read(Storage::check)
    }
}

/// Runs `claim` on a store in a fresh directory, opened once.
pub fn fresh<S: Storage>(open: impl Fn(&Path) -> S, claim: impl FnOnce(&dyn Storage)) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    claim(&store);
    // The store goes before its directory, or a background flush would find no file.
    drop(store);
}

/// Runs `claim` on a store in a fresh directory that is closed and opened again after every batch.
pub fn reopened<S: Storage>(
    open: impl Fn(&Path) -> S + Send + Sync,
    claim: impl FnOnce(&dyn Storage),
) {
    let dir = tempfile::tempdir().unwrap();
    let store = Reopening::new(|| open(dir.path()));
    claim(&store);
}

/// Runs `claim` on two handles of one store in a fresh directory.
pub fn shared<S: Storage>(
    open: impl Fn(&Path) -> S,
    claim: impl FnOnce(&dyn Storage, &dyn Storage),
) {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()), open(dir.path()));
    claim(&first, &second);
}

/// Applies a batch that must be accepted.
pub(super) fn apply(storage: &dyn Storage, ops: Vec<Op>) -> Commit {
    let n_ops = ops.len();
    let commit = storage.apply(WriteBatch { ops }, Durability::Process).unwrap();
    assert_eq!(commit.applied.len(), n_ops, "a commit says of every operation what it did");
    commit
}

/// Applies a batch that must be rejected, and checks that nothing of it is visible.
pub(super) fn reject(storage: &dyn Storage, ops: Vec<Op>) -> Rejection {
    let before = Snapshot::of(storage);
    let shown = format!("{ops:?}");
    let rejection = match storage.apply(WriteBatch { ops }, Durability::Process) {
        Err(StorageError::Rejected(rejection)) => rejection,
        other => panic!("expected a rejection, got {other:?} for {shown}"),
    };
    assert_eq!(Snapshot::of(storage), before, "a rejected batch leaves no trace: {shown}");
    rejection
}

pub(super) fn insert_episode(episode: Episode, steps: Vec<Step>) -> Op {
    Op::InsertEpisode { episode: Box::new(episode), steps }
}

pub(super) fn insert_note(note: Note) -> Op {
    Op::InsertNote(Box::new(note))
}

pub(super) fn append(episode: EpisodeId, steps: Vec<Step>) -> Op {
    Op::AppendSteps { episode, steps, limit: u32::MAX }
}

/// The counts of steps that a commit reports, operation by operation.
pub(super) fn n_steps(commit: &Commit) -> Vec<Option<u32>> {
    let n_steps = |applied: &Applied| match applied {
        Applied::Steps { n_steps, .. } => Some(*n_steps),
        Applied::Done => None,
    };
    commit.applied.iter().map(n_steps).collect()
}

pub(super) fn read_episode(storage: &dyn Storage, id: EpisodeId) -> Option<Episode> {
    let mut read = read::episodes(storage, &[id]);
    assert_eq!(read.len(), 1, "one entry per id");
    read.remove(0)
}

pub(super) fn read_note(storage: &dyn Storage, id: NoteId) -> Option<Note> {
    let mut read = read::notes(storage, &[id]);
    assert_eq!(read.len(), 1, "one entry per id");
    read.remove(0)
}

pub(super) fn read_steps(storage: &dyn Storage, id: EpisodeId) -> Vec<Step> {
    let mut read = storage.steps(&[StepRange { episode: id, from: 0, limit: u32::MAX }]).unwrap();
    assert_eq!(read.len(), 1, "one list per range");
    read.remove(0)
}

/// All ids of a kind, newest first.
pub(super) fn list_ids(
    storage: &dyn Storage,
    kind: RecordKind,
    filter: &RecordFilter,
) -> Vec<RecordId> {
    let entries = storage.list(kind, filter, None, usize::MAX).unwrap();
    entries.iter().map(|entry| entry.id).collect()
}

/// All that can be seen of a store but its size on disk.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) head: Head,
    pub(super) episodes: Vec<Option<Episode>>,
    pub(super) steps: Vec<Vec<Step>>,
    pub(super) notes: Vec<Option<Note>>,
    pub(super) changes: Vec<Change>,
    pub(super) vectors: Vec<Vec<VectorRow>>,
    pub(super) states: Vec<NamedState>,
    pub(super) stats: StorageStats,
}

impl Snapshot {
    pub(super) fn of(storage: &dyn Storage) -> Self {
        let all = RecordFilter::default();
        let (mut episodes, mut notes) = (Vec::new(), Vec::new());
        for kind in [RecordKind::Episode, RecordKind::Note] {
            for id in list_ids(storage, kind, &all) {
                match id {
                    RecordId::Episode(id) => episodes.push(id),
                    RecordId::Note(id) => notes.push(id),
                }
            }
        }
        let whole = |id: &EpisodeId| StepRange { episode: *id, from: 0, limit: u32::MAX };
        Self {
            head: storage.head().unwrap(),
            steps: storage.steps(&episodes.iter().map(whole).collect::<Vec<_>>()).unwrap(),
            episodes: read::episodes(storage, &episodes),
            notes: read::notes(storage, &notes),
            changes: storage.changes(0, usize::MAX).unwrap(),
            vectors: sample::MODELS
                .map(|model| storage.vectors(model, 0, usize::MAX).unwrap())
                .to_vec(),
            states: storage.states("").unwrap(),
            stats: StorageStats { size_bytes: 0, ..storage.stats().unwrap() },
        }
    }
}
