//! Derived state: what is searched. Rebuildable from storage at any time, never the only copy.
//!
//! Who calls it: [`crate::Memory`] and the retriever. What it must not know: where records are stored,
//! what a hit looks like.

mod bm25;
mod columns;
pub(crate) mod dense;
mod fold;
mod identifier;
mod mask;
mod postings;
mod query;
mod refresh;
mod scores;
mod tokenize;
pub(crate) mod unit;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::storage::{Seq, Storage};
use bm25::Bm25;
pub(crate) use columns::{Columns, Conditions, RecordNo, UnitNo};
pub(crate) use mask::Mask;
pub(crate) use query::LexicalQuery;
pub(crate) use scores::LexicalScores;
pub(crate) use tokenize::Tokenizer;

/// State of the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatus {
    /// Whether it is loaded.
    pub ready: bool,
    /// Why it could not be loaded, if so; the next query tries again.
    pub failure: Option<String>,
    /// Units that are indexed.
    pub n_units: usize,
    /// Size in memory, in bytes.
    pub size_bytes: usize,
    /// Position of the change feed that it knows.
    pub seq: Seq,
}

/// How far the first load is.
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
    /// Position of the change feed that is reflected here.
    seq: Seq,
    /// Grows with every change, so that what was computed from the contents can be told outdated.
    pub(crate) version: u64,
}

/// What is searched, kept up to date from the change feed.
pub(crate) struct Index {
    contents: RwLock<Contents>,
    /// One refresh at a time; readers go on meanwhile.
    refreshing: Mutex<()>,
    load: Mutex<Load>,
    loaded: Condvar,
    /// Set when nobody will ask any more: the first load ends at the next page.
    abandoned: AtomicBool,
}

impl Index {
    /// An empty index that a thread of its own fills from the storage.
    pub(crate) fn load(storage: Arc<dyn Storage>) -> Arc<Self> {
        let index = Arc::new(Self {
            contents: RwLock::new(Contents {
                columns: Columns::default(),
                lexical: Bm25::new(),
                seq: 0,
                version: 0,
            }),
            refreshing: Mutex::new(()),
            load: Mutex::new(Load::Running),
            loaded: Condvar::new(),
            abandoned: AtomicBool::new(false),
        });
        let loader = Arc::clone(&index);
        let spawned = std::thread::Builder::new().name("memory-index".into()).spawn(move || {
            let result = loader.catch_up(storage.as_ref());
            // Whoever waits for the end of the load may count on the storage being free again.
            drop(storage);
            loader.finish_load(result.map_err(|error| error.to_string()));
        });
        if let Err(error) = spawned {
            index.finish_load(Err(error.to_string()));
        }
        index
    }

    /// Ends the first load, if it still runs, and with it the hold on the storage.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
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

    /// Waits for the first load, then takes in what changed since.
    pub(crate) fn refresh(&self, storage: &dyn Storage, wait: Duration) -> Result<(), Error> {
        let running = |load: &mut Load| *load == Load::Running;
        let (load, _) = self
            .loaded
            .wait_timeout_while(lock(&self.load), wait, running)
            .unwrap_or_else(PoisonError::into_inner);
        let state = load.clone();
        drop(load);
        match state {
            Load::Running => Err(Error::Index {
                reason: format!("is still being loaded after {} ms, try again", wait.as_millis())
                    .into(),
            }),
            Load::Done => self.catch_up(storage),
            Load::Failed(_) => {
                self.catch_up(storage)?;
                self.finish_load(Ok(()));
                Ok(())
            }
        }
    }

    fn catch_up(&self, storage: &dyn Storage) -> Result<(), Error> {
        let one_at_a_time = lock(&self.refreshing);
        let started = Instant::now();
        let n_changes = refresh::catch_up(&self.contents, storage, &self.abandoned)
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
        let contents = self.contents();
        IndexStatus {
            ready: load == Load::Done,
            failure: if let Load::Failed(reason) = load { Some(reason) } else { None },
            n_units: contents.columns.n_units(),
            size_bytes: contents.columns.size_bytes() + contents.lexical.size_bytes(),
            seq: contents.seq,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
