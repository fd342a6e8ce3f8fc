//! A store, a file beside it, and what is asked of the memory on them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::clock::{Clock, StepClock};
use crate::config::Config;
use crate::embed::{EmbedError, Embedder, Role};
use crate::index::unit::content_hash;
use crate::intake::{NewNote, NewStep};
use crate::memory::meaning_tests::Concepts;
use crate::memory::{Memory, SearchIndex};
use crate::model::{NoteKind, Record, RecordId, RecordKind, Scope, Source, Step, Timestamp};
use crate::retrieve::{Query, Strength};
use crate::storage::{
    Change, Commit, Durability, Found, Head, ListEntry, MemStorage, NamedState, RecordFilter, Seq,
    StepRange, Storage, StorageError, StorageStats, VectorRow, WriteBatch,
};

/// Makes vectors of that many dimensions, each the sum of one for each word.
pub(in crate::memory) struct Words(pub(in crate::memory) usize);

impl Embedder for Words {
    fn id(&self) -> &'static str {
        "words/1"
    }

    fn dimension(&self) -> usize {
        self.0
    }

    fn batch_limit(&self) -> usize {
        64
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut sum = vec![0.01_f32; self.0];
            for word in text.split_whitespace() {
                let mut state = content_hash(word);
                for value in &mut sum {
                    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ 0x5a5a;
                    let bits = u16::try_from(state >> 48).unwrap();
                    *value += f32::from(bits) / 65_535.0 - 0.5;
                }
            }
            let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
            sum.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// A store that counts what is read from it; head and vectors can be made to lie.
pub(in crate::memory) struct Counting {
    inner: MemStorage,
    /// Called with the number of ranges before steps are read.
    pub(in crate::memory) on_steps: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
    n_steps: AtomicUsize,
    n_records: AtomicUsize,
    n_vectors: AtomicUsize,
    /// Position of the vector that is damaged, and whether all are.
    pub(super) damaged: Vec<u64>,
    pub(super) is_unreadable: bool,
}

impl Counting {
    pub(super) fn over(inner: MemStorage) -> Self {
        let zero = AtomicUsize::default;
        let (n_steps, n_records, n_vectors) = (zero(), zero(), zero());
        Self {
            inner,
            on_steps: OnceLock::new(),
            n_steps,
            n_records,
            n_vectors,
            damaged: Vec::new(),
            is_unreadable: false,
        }
    }

    pub(in crate::memory) fn new() -> Arc<Self> {
        Arc::new(Self::over(MemStorage::new()))
    }

    /// Records, steps and vectors that were read since the last time.
    pub(super) fn n_read(&self) -> [usize; 3] {
        [&self.n_records, &self.n_steps, &self.n_vectors]
            .map(|count| count.swap(0, Ordering::Relaxed))
    }
}

impl Storage for Counting {
    fn apply(&self, batch: WriteBatch, durability: Durability) -> Result<Commit, StorageError> {
        self.inner.apply(batch, durability)
    }
    fn head(&self) -> Result<Head, StorageError> {
        self.inner.head()
    }
    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.n_records.fetch_add(ids.len(), Ordering::Relaxed);
        self.inner.records(ids)
    }
    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.on_steps.get().into_iter().for_each(|on_steps| on_steps(ranges.len()));
        self.n_steps.fetch_add(ranges.len(), Ordering::Relaxed);
        self.inner.steps(ranges)
    }
    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        self.inner.find(kind, sources)
    }
    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        self.inner.states(prefix)
    }
    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        self.inner.list(kind, filter, cursor, limit)
    }
    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.inner.changes(after, limit)
    }
    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        let rows = self.inner.vectors(model, after, limit)?;
        let is_damaged = |row: &VectorRow| self.damaged.contains(&row.seq);
        if self.is_unreadable || rows.iter().any(is_damaged) {
            return Err(StorageError::Corrupt { what: "a vector".into() });
        }
        self.n_vectors.fetch_add(rows.len(), Ordering::Relaxed);
        Ok(rows)
    }
    fn stats(&self) -> Result<StorageStats, StorageError> {
        self.inner.stats()
    }
    fn flush(&self) -> Result<(), StorageError> {
        self.inner.flush()
    }
    fn check(&self) -> Result<Vec<String>, StorageError> {
        self.inner.check()
    }
}

/// A folder with the snapshot, and the store.
pub(super) struct World {
    folder: tempfile::TempDir,
    pub(super) storage: Arc<dyn Storage>,
    clock: Arc<StepClock>,
    pub(super) embedder: Arc<Concepts>,
}

impl World {
    pub(super) fn on(storage: Arc<dyn Storage>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            storage,
            clock: Arc::new(StepClock::new(Timestamp::from_millis(1_700_000_000_000), 1_000)),
            embedder: Concepts::new("concepts/1"),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("memory.db.index")
    }

    pub(super) fn start_with(&self, path: Option<PathBuf>) -> Memory {
        self.start_for(SearchIndex::Loaded, path)
    }

    /// Returns a process that lives for one question.
    pub(super) fn start_to_ask(&self) -> Memory {
        self.start_for(SearchIndex::OnDemand, Some(self.path()))
    }

    pub(super) fn catalog(&self) -> PathBuf {
        self.folder.path().join("memory.db.catalog")
    }

    fn start_for(&self, search: SearchIndex, path: Option<PathBuf>) -> Memory {
        let config = Config { snapshot_path: path, cache_bytes: 0, ..Config::default() };
        let clock: Arc<dyn Clock> = Arc::<StepClock>::clone(&self.clock);
        let embedder: Arc<dyn Embedder> = Arc::<Concepts>::clone(&self.embedder);
        Memory::builder(Arc::clone(&self.storage))
            .config(config)
            .clock(clock)
            .embedder(embedder)
            .search(search)
            .catalog(self.catalog())
            .open()
            .unwrap()
    }

    pub(super) fn start(&self) -> Memory {
        self.start_with(Some(self.path()))
    }

    /// Returns the answers of a memory that builds its index from the storage.
    pub(super) fn rebuilt(&self) -> Vec<Answer> {
        answers(&self.start_with(None))
    }
}

pub(super) fn note(number: usize) -> NewNote {
    let what = ["A rapid automobile", "A loaf of bread", "The sea, at last", "Nothing special"];
    let scope = Scope::new(["shop", "bakery"][number % 2]).unwrap();
    let text = format!("{}, number{number}", what[number % 4]);
    let session = number.is_multiple_of(3).then(|| format!("session {}", number / 12));
    NewNote {
        session,
        speaker: number.is_multiple_of(6).then(|| "Ada".into()),
        position: u32::try_from(number).unwrap(),
        ..NewNote::new(scope, NoteKind::ALL[number % 6], &text)
    }
}

pub(super) fn step(text: &str) -> NewStep {
    NewStep { tool: "bash".into(), observation: text.into(), ..NewStep::default() }
}

/// Answer to one query, whatever the numbers of units.
#[derive(Debug)]
pub(super) struct Answer {
    query: String,
    n_pending: usize,
    /// In the order of their ids: equal scores are told in the order of unit numbers, which history
    /// decides.
    hits: Vec<(RecordId, Strength, Option<u32>, f64)>,
}

impl PartialEq for Answer {
    /// But for the rounding of sums, whose order history decides as well.
    fn eq(&self, other: &Self) -> bool {
        let same = |((id, strength, step, score), other): (&(_, _, _, f64), &(_, _, _, f64))| {
            (id, strength, step) == (&other.0, &other.1, &other.2) && (score - other.3).abs() < 2e-3
        };
        (&self.query, self.n_pending) == (&other.query, other.n_pending)
            && self.hits.len() == other.hits.len()
            && self.hits.iter().zip(&other.hits).all(same)
    }
}

/// Everything that is asked of an index.
pub(super) fn answers(memory: &Memory) -> Vec<Answer> {
    let queries =
        ["quick vehicle", "ocean", "number7 loaf", "Ada at sea", "episode failed step", ""];
    let mut said = Vec::new();
    for text in queries {
        for scope in [None, Some(Scope::new("bakery").unwrap())] {
            let mut query = Query::new(text);
            query.scope = scope;
            query.limit = Some(40);
            // Of equal repetitions the first is kept, which history decides.
            query.variety = false;
            query.max_tokens = Some(100_000);
            query.strength = Strength::Any;
            let recall = memory.recall(&query).unwrap();
            let hits = recall.hits.iter();
            let mut hits: Vec<_> =
                hits.map(|hit| (hit.record.id(), hit.strength, hit.step_idx, hit.score)).collect();
            hits.sort_by_key(|hit| hit.0);
            said.push(Answer { query: text.to_owned(), n_pending: recall.n_pending, hits });
        }
    }
    said
}
