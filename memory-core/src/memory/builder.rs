//! Opening a memory: the parts that a caller may choose, each with its default.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Memory;
use super::catalog::CatalogFile;
use super::foresight::Foresight;
use super::learning::Learning;
use super::told::ToldErrors;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::embed::Embedder;
use crate::error::Error;
use crate::index::Index;
use crate::retrieve::{RecallCache, Weights};
use crate::storage::Storage;

/// Share of the search index that a memory holds, and with it of what was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchIndex {
    /// All of it, loaded on a thread: for a process that answers many questions. It keeps the
    /// snapshot.
    #[default]
    Loaded,
    /// The parts that one question needs, read when it is asked from the snapshot that others keep:
    /// for a process that lives for one question. Where too much changed after the snapshot, that
    /// is [`Error::Index`].
    OnDemand,
    /// Nothing: for a process that records, or asks for cures and warnings.
    Absent,
}

/// Chooses the parts of a [`Memory`]; made by [`Memory::builder`].
pub struct MemoryBuilder {
    storage: Arc<dyn Storage>,
    config: Config,
    clock: Arc<dyn Clock>,
    embedder: Option<Arc<dyn Embedder>>,
    background: bool,
    search: SearchIndex,
    catalog: Option<PathBuf>,
}

impl MemoryBuilder {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        let (config, clock) = (Config::default(), Arc::new(SystemClock));
        Self {
            storage,
            config,
            clock,
            embedder: None,
            background: false,
            search: SearchIndex::Loaded,
            catalog: None,
        }
    }

    /// Sets limits and constants; [`Config::default`] otherwise.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the source of time and ids; the system's otherwise.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds search by meaning to search by words; without an embedder there is none.
    #[must_use]
    pub fn embedder(mut self, embedder: impl Into<Option<Arc<dyn Embedder>>>) -> Self {
        self.embedder = embedder.into();
        self
    }

    /// Sets whether threads embed what is stored, and read what was learned before the first
    /// question; not otherwise. Without them [`Memory::embed_all`] embeds, and the first question
    /// waits for what was learned.
    #[must_use]
    pub const fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Sets how much of the search index is held; all of it, unless told otherwise. Without it
    /// nothing is searched, and who only records or asks for cures waits for nothing.
    #[must_use]
    pub const fn search(mut self, search: SearchIndex) -> Self {
        self.search = search;
        self
    }

    /// Sets the file beside the store by which a memory that does not load the index finds what was
    /// learned about a question; it is made where it is missing. Without one the first question
    /// reads what all episodes taught.
    #[must_use]
    pub fn catalog(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.catalog = path.into();
        self
    }

    /// Opens the memory and begins to load its index on a thread.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the configuration makes no sense, or the embedder's vectors cannot
    /// be indexed.
    pub fn open(self) -> Result<Memory, Error> {
        let Self { storage, config, clock, embedder, background, search, catalog } = self;
        config.validate()?;
        let snapshot = config.snapshot_path.clone();
        let index = match search {
            SearchIndex::Loaded => {
                Index::load(Arc::clone(&storage), embedder.as_deref(), snapshot)?
            }
            SearchIndex::OnDemand => Index::on_demand(embedder.as_deref(), snapshot)?,
            SearchIndex::Absent => Index::absent(),
        };
        let learning = Arc::new(Learning::new());
        let mut memory = Memory {
            cache: RecallCache::new(&config),
            storage,
            clock,
            config,
            embedder,
            embedding: None,
            index,
            learning,
            catalog: catalog.map(|path| Arc::new(CatalogFile::new(path))),
            is_selective: search != SearchIndex::Loaded,
            foresight: Foresight::new(background),
            told: ToldErrors::default(),
            loading: None,
            weights: Weights::default(),
        };
        if background {
            memory.embedding = memory.embedding_round().and_then(super::embedding::start);
            let (storage, catalog) = (Arc::clone(&memory.storage), memory.catalog.clone());
            let foresee = memory.foresight.catch_up(&memory.learning);
            let keep = move |storage: &dyn Storage, abandoned: &AtomicBool| {
                foresee();
                let kept = catalog.map(|catalog| catalog.keep(storage, abandoned));
                if let Some(Err(error)) = kept {
                    tracing::warn!(%error, "the catalog is not up to date");
                }
            };
            memory.loading = Learning::load(&memory.learning, &memory.index, storage, keep);
        }
        Ok(memory)
    }
}
