//! Derived state: what is searched. Rebuildable from storage at any time, never the only copy.
//!
//! Who calls it: [`crate::Memory`] and the retriever. What it must not know: where records are
//! stored, what a hit looks like.

mod bm25;
mod columns;
mod fold;
mod identifier;
mod postings;
mod query;
mod refresh;
mod scores;
mod semantic;
mod snapshot;
mod tokenize;
pub(crate) mod unit;
mod upkeep;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::{Duration, Instant};

use crate::background::Task;
use crate::embed::Embedder;
use crate::error::Error;
use crate::model::{EpisodeId, NoteId, RecordId, Scope};
use crate::storage::{self, Seq, StepRange, Storage, StoredVector, UnitKey};
use bm25::Bm25;
pub(crate) use columns::{Columns, Conditions, Facts, NameNo, RecordNo, UnitNo};
pub(crate) use memory_dense::{Mask, QueryScorer};
pub(crate) use query::LexicalQuery;
pub(crate) use scores::LexicalScores;
pub(crate) use semantic::Semantic;
pub(crate) use tokenize::Tokenizer;
use unit::{Part, UnitText, WINDOW_STEPS, content_hash};
use upkeep::Upkeep;

/// State of the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatus {
    /// True once it is loaded.
    pub ready: bool,
    /// Reason why it could not be loaded, if so; the next query tries again.
    pub failure: Option<String>,
    /// Units that are indexed.
    pub n_units: usize,
    /// Size in memory, in bytes.
    pub size_bytes: usize,
    /// Position of the change feed that it knows.
    pub seq: Seq,
    /// Units that wait for their vector; none without an embedder.
    pub n_pending: usize,
    /// The embedding model, if there is an embedder.
    pub model: Option<String>,
    /// Reason why stored vectors cannot be read, if so: their texts are found by words alone.
    pub vectors_failure: Option<String>,
    /// True when it was read from its snapshot at the start instead of being built.
    pub snapshot_loaded: bool,
    /// Reason why the snapshot was of no use or could not be written; `None` without a snapshot.
    pub snapshot_failure: Option<String>,
}

impl IndexStatus {
    /// State of the snapshot in a few words: `loaded`, `none`, or `rebuilt: ` and the reason.
    #[must_use]
    pub fn snapshot(&self) -> String {
        match (&self.snapshot_failure, self.snapshot_loaded) {
            (None, true) => "loaded".to_owned(),
            (None, false) => "none".to_owned(),
            (Some(failure), true) => format!("loaded, not saved: {failure}"),
            (Some(failure), false) => format!("rebuilt: {failure}"),
        }
    }
}

/// State of the first load.
#[derive(Debug, Clone, PartialEq)]
enum Load {
    Running,
    Done,
    Failed(String),
}

/// The units of all records with the indexes over them.
pub(crate) struct Contents {
    pub(crate) columns: Columns,
    pub(crate) lexical: Bm25,
    /// The vectors, where there is an embedder.
    pub(crate) semantic: Option<Semantic>,
    /// Position of the change feed that is reflected here.
    seq: Seq,
    /// Units entered and taken out and vectors put since the snapshot.
    n_changed: usize,
    /// Vectors of units that were taken out on the way to being entered again, for those whose text
    /// is the same then: record, part, hash of the text.
    spared: Vec<(RecordId, Part, u64, Vec<f32>)>,
}

impl Contents {
    /// These parts, as of that position of the change feed.
    const fn new(columns: Columns, lexical: Bm25, semantic: Option<Semantic>, seq: Seq) -> Self {
        Self { columns, lexical, semantic, seq, n_changed: 0, spared: Vec::new() }
    }

    /// Position of the storage that is reflected here.
    pub(crate) fn position(&self) -> Position {
        let vectors = self.semantic.as_ref().map_or(0, Semantic::seq);
        Position { changes: self.seq, vectors }
    }
}

/// Position of the storage that an index reflects; grows with every write and every vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Position {
    /// Position of the change feed.
    pub(crate) changes: Seq,
    /// Position among the vectors of the model; 0 without an embedder.
    pub(crate) vectors: u64,
}

/// Search index, kept up to date from the change feed.
pub(crate) struct Index {
    contents: RwLock<Contents>,
    /// One refresh at a time; readers go on meanwhile.
    refreshing: Mutex<()>,
    load: Mutex<Load>,
    loaded: Condvar,
    /// Beginning of the first load.
    began: Instant,
    /// Set when nobody will ask any more: the first load ends at the next page.
    abandoned: AtomicBool,
    /// The thread of the first load.
    loading: Mutex<Option<Task>>,
    /// True when it is read for one question, by whoever asks it.
    is_on_demand: bool,
    upkeep: Upkeep,
    /// For the thread that works beside the requests.
    me: Weak<Self>,
}

impl Index {
    /// An empty index that a thread of its own fills: from the snapshot at `path`, if there is one,
    /// and the storage.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an embedder of a dimension that cannot be indexed.
    pub(crate) fn load(
        storage: Arc<dyn Storage>,
        embedder: Option<&dyn Embedder>,
        path: Option<PathBuf>,
    ) -> Result<Arc<Self>, Error> {
        let index = Self::empty(semantic(embedder)?, Load::Running, path, false);
        let loader = Arc::clone(&index);
        let task = Task::start("memory-index", move |_| {
            let result = loader.fill(storage.as_ref());
            // Whoever waits for the end of the load may count on the storage being free again.
            drop(storage);
            let is_whole = result.is_ok() && !loader.abandoned.load(Ordering::Relaxed);
            loader.finish_load(result.map_err(|error| error.to_string()));
            if is_whole {
                loader.tend();
            }
        });
        match task {
            Ok(task) => *lock(&index.loading) = Some(task),
            Err(error) => index.finish_load(Err(error.to_string())),
        }
        Ok(index)
    }

    /// An index that whoever asks first reads from the snapshot at `path`: of the postings what the
    /// question needs. It is not kept.
    ///
    /// # Errors
    ///
    /// As [`Index::load`].
    pub(crate) fn on_demand(
        embedder: Option<&dyn Embedder>,
        path: Option<PathBuf>,
    ) -> Result<Arc<Self>, Error> {
        let load = Load::Failed("nobody has asked yet".to_owned());
        Ok(Self::empty(semantic(embedder)?, load, path, true))
    }

    /// Returns whether it is read for one question.
    pub(crate) const fn is_on_demand(&self) -> bool {
        self.is_on_demand
    }

    /// Returns an index that is never loaded: whoever asks it learns that.
    pub(crate) fn absent() -> Arc<Self> {
        let reason = "the memory was opened without its index".to_owned();
        Self::empty(None, Load::Failed(reason), None, false)
    }

    fn empty(
        semantic: Option<Semantic>,
        load: Load,
        path: Option<PathBuf>,
        is_on_demand: bool,
    ) -> Arc<Self> {
        let contents = Contents::new(Columns::default(), Bm25::new(), semantic, 0);
        Arc::new_cyclic(|me| Self {
            contents: RwLock::new(contents),
            refreshing: Mutex::new(()),
            load: Mutex::new(load),
            loaded: Condvar::new(),
            began: Instant::now(),
            abandoned: AtomicBool::new(false),
            loading: Mutex::new(None),
            is_on_demand,
            upkeep: Upkeep::new(path),
            me: Weak::clone(me),
        })
    }

    /// Ends the first load, if it still runs, and with it the hold on the storage.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
        if let Some(task) = lock(&self.loading).take() {
            task.join();
        }
    }

    /// Waits for the end of the first load, good or bad.
    pub(crate) fn wait(&self) {
        let running = |load: &mut Load| *load == Load::Running;
        drop(self.loaded.wait_while(lock(&self.load), running));
    }

    fn finish_load(&self, result: Result<(), String>) {
        if let Err(reason) = &result {
            tracing::warn!(reason, "the search index could not be loaded");
        }
        *lock(&self.load) = result.map_or_else(Load::Failed, |()| Load::Done);
        self.loaded.notify_all();
    }

    /// State of the first load once it has ended or that time is over.
    fn load_after(&self, wait: Duration) -> Load {
        let running = |load: &mut Load| *load == Load::Running;
        let waited = self.loaded.wait_timeout_while(lock(&self.load), wait, running);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Returns whether the first load is done; waits for that until `within` after it began.
    pub(crate) fn is_ready(&self, within: Duration) -> bool {
        self.load_after(within.saturating_sub(self.began.elapsed())) == Load::Done
    }

    /// Returns the key under which notes are found that may have the same text.
    pub(crate) fn text_key(text: &str) -> u64 {
        unit::text_key(text)
    }

    /// The notes of a scope whose text has this key, superseded ones too. Cost: linear in the
    /// records.
    pub(crate) fn notes_of_text(contents: &Contents, scope: &Scope, key: u64) -> Vec<NoteId> {
        contents.columns.notes_of_text(contents.columns.known_name(scope.as_str()), key)
    }

    /// Waits for the first load, then takes in what changed since.
    pub(crate) fn refresh(&self, storage: &dyn Storage, wait: Duration) -> Result<(), Error> {
        if self.is_on_demand && *lock(&self.load) != Load::Done {
            self.read_for_question(storage)?;
        }
        match self.load_after(wait) {
            Load::Running => {
                let waited_ms = wait.as_millis();
                let reason = format!("is still being loaded after {waited_ms} ms, try again");
                return Err(Error::Index { reason: reason.into() });
            }
            Load::Done => self.catch_up(storage)?,
            Load::Failed(_) => {
                self.catch_up(storage)?;
                self.finish_load(Ok(()));
            }
        }
        self.tend();
        Ok(())
    }

    fn catch_up(&self, storage: &dyn Storage) -> Result<(), Error> {
        let one_at_a_time = lock(&self.refreshing);
        self.repair();
        let started = Instant::now();
        let n_changes = refresh::catch_up(&self.contents, storage, &self.abandoned, None)
            .map_err(Error::storage("refresh search index"))?;
        drop(one_at_a_time);
        if n_changes > 0 {
            let elapsed_ms = started.elapsed().as_millis();
            tracing::debug!(n_changes, elapsed_ms, "search index refreshed");
        }
        Ok(())
    }

    /// The contents as of the last refresh.
    pub(crate) fn contents(&self) -> RwLockReadGuard<'_, Contents> {
        // A panic while a change is taken in leaves that record half indexed, never unreadable.
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> IndexStatus {
        let load = lock(&self.load).clone();
        let (snapshot_loaded, snapshot_failure) = self.upkeep.status();
        let contents = self.contents();
        IndexStatus {
            ready: load == Load::Done,
            failure: if let Load::Failed(reason) = load { Some(reason) } else { None },
            n_units: contents.columns.n_units(),
            size_bytes: contents.columns.size_bytes()
                + contents.lexical.size_bytes()
                + contents.semantic.as_ref().map_or(0, Semantic::size_bytes),
            seq: contents.seq,
            n_pending: contents.semantic.as_ref().map_or(0, Semantic::n_pending),
            model: contents.semantic.as_ref().map(|semantic| semantic.model().to_owned()),
            vectors_failure: contents
                .semantic
                .as_ref()
                .and_then(|semantic| semantic.failure().map(str::to_owned)),
            snapshot_loaded,
            snapshot_failure,
        }
    }

    /// At most `limit` units that wait for a vector, the newest first, with their texts as stored
    /// now; the first `skip` of the queue come last.
    pub(crate) fn waiting(
        &self,
        storage: &dyn Storage,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<WaitingUnit>, Error> {
        let places: Vec<(RecordId, Part)> = {
            let contents = self.contents();
            let Some(semantic) = &contents.semantic else { return Ok(Vec::new()) };
            let place = |unit: &UnitNo| {
                let place = contents.columns.place(*unit)?;
                Some((contents.columns.facts(place.record)?.id, place.part))
            };
            semantic.pending(skip, limit).iter().filter_map(place).collect()
        };
        let mut waiting = Vec::with_capacity(places.len());
        for (record, part) in places {
            // Forgotten since: the next refresh takes its units out of the queue.
            let Some(text) = text_of(storage, record, part)? else { continue };
            let key = UnitKey { record, part: part.code() };
            waiting.push(WaitingUnit { key, content_hash: content_hash(&text), text });
        }
        Ok(waiting)
    }

    /// Takes in vectors that this process has made and stored; gives the number of units that
    /// waited for one of them and wait no more.
    pub(crate) fn put_vectors(&self, vectors: &[StoredVector]) -> usize {
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        let n_pending =
            |contents: &Contents| contents.semantic.as_ref().map_or(0, Semantic::n_pending);
        let before = n_pending(&contents);
        for vector in vectors {
            contents.put_vector(vector);
        }
        let n_done = before - n_pending(&contents);
        drop(contents);
        self.tend();
        n_done
    }
}

/// Returns the place for the vectors of an embedder.
fn semantic(embedder: Option<&dyn Embedder>) -> Result<Option<Semantic>, Error> {
    let semantic = embedder.map(|embedder| Semantic::new(embedder.id(), embedder.dimension()));
    semantic.transpose().map_err(|error| {
        Error::invalid("embedder", format!("its vectors cannot be indexed: {error}"))
    })
}

/// A unit that waits for its vector.
pub(crate) struct WaitingUnit {
    pub(crate) key: UnitKey,
    pub(crate) content_hash: u64,
    /// Text to be embedded.
    pub(crate) text: String,
}

/// The text of a unit as stored now, by which its vector is made; `None` when it is no longer
/// stored.
fn text_of(storage: &dyn Storage, record: RecordId, part: Part) -> Result<Option<String>, Error> {
    let failed = Error::storage("read what is to be embedded");
    let steps = |episode: EpisodeId, from: u32, limit: u32| {
        let read = storage.steps(&[StepRange { episode, from, limit }]);
        read.map(|read| read.into_iter().next().unwrap_or_default())
    };
    let text = match (record, part) {
        (RecordId::Note(id), _) => storage::notes(storage, &[id]).map(|notes| {
            let note = notes.into_iter().flatten().next();
            note.map(|note| unit::note_text(&note).into_meaning())
        }),
        (RecordId::Episode(id), Part::Head) => storage::episodes(storage, &[id]).map(|episodes| {
            episodes
                .into_iter()
                .flatten()
                .next()
                .map(|episode| unit::head_text(&episode).into_meaning())
        }),
        (RecordId::Episode(id), Part::Synopsis) => {
            storage::episodes(storage, &[id]).map(|episodes| {
                let episode = episodes.into_iter().flatten().next();
                episode.and_then(|episode| unit::synopsis_text(&episode))
            })
        }
        (RecordId::Episode(id), Part::Window(from)) => {
            steps(id, from, WINDOW_STEPS).map(|steps| Some(unit::window_text(&steps)))
        }
        (RecordId::Episode(id), Part::Error(at)) => steps(id, at, 1)
            .map(|steps| steps.first().and_then(unit::error_text).map(UnitText::into_meaning)),
    };
    text.map_err(failed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
