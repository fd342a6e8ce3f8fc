//! The store: from the settings to an open memory.
//!
//! Used by the server and by the commands. Limits: nothing is printed here, and the commands are
//! not known.

#[cfg(feature = "http")]
mod provider;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_core::backend::Contents;
use memory_core::{Embedder, Memory, MemoryBuilder, SearchIndex, Storage, StorageError};
use memory_embed::{Cached, MiniLm};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::{Salvaged, TursoStorage};

use crate::config::{BackendChoice, EmbedderChoice, Origin, Service, Settings};
#[cfg(feature = "http")]
use provider::ByRole;

/// Queries whose vectors are kept: 1.5 KB each.
const KEPT_QUERIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Reason why a store cannot be opened or replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file of the store cannot be used.
    #[error("{}", with_path(path, source))]
    Storage {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: StorageError,
    },
    /// The store is of a kind that this cannot be done with.
    #[error(
        "`{command}` works with the backend libsql, and `backend` is redb ({origin}): {instead}"
    )]
    Unsupported {
        /// The command.
        command: &'static str,
        /// Place where the backend is set.
        origin: Origin,
        /// Remedy.
        instead: &'static str,
    },
    /// The engine refuses its configuration, or the model cannot be used.
    #[error(transparent)]
    Engine(#[from] memory_core::Error),
    /// A provider is set that this build cannot ask.
    #[error(
        "`embedder` is {name} ({origin}), but this build has no remote embedders: build with \
         --features http, or set embedder to minilm"
    )]
    #[cfg_attr(feature = "http", expect(dead_code, reason = "such a build asks all of them"))]
    NoProvider {
        /// Name of the provider.
        name: &'static str,
        /// Place where it is set.
        origin: Origin,
    },
    /// A setting of the provider is missing.
    #[error("`{key}`: {what}")]
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "no provider is asked"))]
    MissingSetting {
        /// The setting.
        key: &'static str,
        /// Its meaning.
        what: &'static str,
    },
}

impl StoreError {
    fn storage(path: &Path) -> impl FnOnce(StorageError) -> Self {
        move |source| Self::Storage { path: path.to_owned(), source }
    }
}

/// Returns the message of a failure at a file; some name the file themselves.
fn with_path(path: &Path, error: &StorageError) -> String {
    match error {
        StorageError::Unavailable { .. } | StorageError::Corrupt { .. } => error.to_string(),
        _ => format!("{}: {error}", path.display()),
    }
}

/// An open store of either kind.
pub(crate) enum Backend {
    /// A libsql file.
    Libsql(Arc<TursoStorage>),
    /// A redb file.
    Redb(Arc<RedbStorage>),
}

impl Backend {
    /// Opens a store of that kind, or makes it.
    pub(crate) fn open(
        kind: BackendChoice,
        path: &Path,
        settings: &Settings,
    ) -> Result<Self, StoreError> {
        let opened = match kind {
            BackendChoice::Libsql => TursoStorage::open(path, &settings.storage)
                .map(|storage| Self::Libsql(Arc::new(storage))),
            BackendChoice::Redb => {
                let default = memory_storage_redb::Options::default();
                let lock_wait = settings.storage.lock_wait.min(default.lock_wait);
                let options = memory_storage_redb::Options { lock_wait, ..default };
                RedbStorage::open(path, &options).map(|storage| Self::Redb(Arc::new(storage)))
            }
        };
        opened.map_err(StoreError::storage(path))
    }

    /// Returns the path of the file, in full.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Libsql(storage) => storage.path(),
            Self::Redb(storage) => storage.path(),
        }
    }

    /// Returns the store with all that is in it by name.
    pub(crate) fn contents(&self) -> Result<Contents<'_>, StoreError> {
        let contents = match self {
            Self::Libsql(storage) => storage.contents(),
            Self::Redb(storage) => storage.contents(),
        };
        contents.map_err(StoreError::storage(self.path()))
    }

    fn compact(&self) -> Result<(), StoreError> {
        let compacted = match self {
            Self::Libsql(storage) => storage.compact(),
            Self::Redb(storage) => storage.compact(),
        };
        compacted.map_err(StoreError::storage(self.path()))
    }

    /// Returns the storage that both kinds are.
    pub(crate) fn shared(&self) -> Arc<dyn Storage> {
        match self {
            Self::Libsql(storage) => Arc::<TursoStorage>::clone(storage),
            Self::Redb(storage) => Arc::<RedbStorage>::clone(storage),
        }
    }
}

/// The memory with the storage under it, which backups need beside it.
pub(crate) struct Store {
    /// The engine.
    pub(crate) memory: Arc<Memory>,
    /// The storage of the engine.
    pub(crate) storage: Backend,
}

impl Store {
    /// Returns the size of the log that is not yet part of the store, in bytes.
    pub(crate) fn log_bytes(&self) -> u64 {
        match &self.storage {
            Backend::Libsql(storage) => {
                beside(storage.path(), "-wal").metadata().map_or(0, |log| log.len())
            }
            Backend::Redb(_) => 0,
        }
    }
}

/// Remedy for whoever would back a redb store up.
const BACKUP_INSTEAD: &str =
    "end the server and copy the file, or `memory-mcp copy --from redb:FILE --to libsql:FILE`";
/// Remedy for whoever would restore a redb store.
const RESTORE_INSTEAD: &str =
    "end the server and put the copied file in its place, or `memory-mcp copy` it from libsql";

/// Copies the store to a file that must not exist.
pub(crate) fn backup(settings: &Settings, to: &Path) -> Result<(), StoreError> {
    check_libsql(settings, "backup", BACKUP_INSTEAD)?;
    let storage = TursoStorage::open(&settings.store, &settings.storage)
        .map_err(StoreError::storage(&settings.store))?;
    storage.backup(to).map_err(StoreError::storage(storage.path()))
}

/// Sizes of the files of a store, in bytes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Sizes {
    /// The store with its log.
    pub(crate) store: u64,
    /// The search index.
    pub(crate) index: u64,
}

/// Gives the space of removed records back, in the store and in its derived files; returns the
/// sizes before and after.
pub(crate) fn compact(settings: &Settings) -> Result<(Sizes, Sizes), StoreError> {
    let backend = Backend::open(settings.backend, &settings.store, settings)?;
    let (path, index) = (backend.path().to_owned(), index_path(settings, backend.path()));
    let sizes = || Sizes {
        store: size_of(&path) + size_of(&beside(&path, "-wal")),
        index: size_of(&index),
    };
    let before = sizes();
    backend.compact()?;
    drop(backend);
    renew(settings)?;
    Ok((before, sizes()))
}

/// Makes the derived files of the store anew: the search index, and what hooks look up.
pub(crate) fn renew(settings: &Settings) -> Result<(), StoreError> {
    let backend = Backend::open(settings.backend, &settings.store, settings)?;
    for derived in [index_path(settings, backend.path()), beside(backend.path(), ".catalog")] {
        match std::fs::remove_file(&derived) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(file = %derived.display(), %error, "a derived file stays");
            }
            _ => {}
        }
    }
    drop(backend);
    let store = open(settings)?;
    store.memory.refresh()?;
    store.memory.keep_catalog()?;
    Ok(())
}

/// Makes a sound store of what is readable in a damaged one, which is kept under another name.
pub(crate) fn salvage(settings: &Settings) -> Result<Salvaged, StoreError> {
    check_libsql(settings, "doctor --repair", RESTORE_INSTEAD)?;
    memory_storage_turso::salvage(&settings.store).map_err(StoreError::storage(&settings.store))
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

fn index_path(settings: &Settings, store: &Path) -> PathBuf {
    settings.engine.snapshot_path.clone().unwrap_or_else(|| beside(store, ".index"))
}

fn check_libsql(
    settings: &Settings,
    command: &'static str,
    instead: &'static str,
) -> Result<(), StoreError> {
    match settings.backend {
        BackendChoice::Libsql => Ok(()),
        BackendChoice::Redb => {
            let origin = settings.origin("backend");
            Err(StoreError::Unsupported { command, origin, instead })
        }
    }
}

/// Opens the store and the engine on it for one command; the index loads in the background.
pub(crate) fn open(settings: &Settings) -> Result<Store, StoreError> {
    open_with(settings, false)
}

/// Opens the store and the engine on it for one question, which reads what it needs of the index.
pub(crate) fn open_to_ask(settings: &Settings) -> Result<Store, StoreError> {
    let storage = Backend::open(settings.backend, &settings.store, settings)?;
    let builder = whole_builder(&storage, settings)?;
    Ok(Store { memory: Arc::new(builder.search(SearchIndex::OnDemand).open()?), storage })
}

/// Opens the store and the engine on it without search and its model, which cost most of a start.
pub(crate) fn open_to_record(settings: &Settings) -> Result<Store, StoreError> {
    let storage = Backend::open(settings.backend, &settings.store, settings)?;
    let builder = Memory::builder(storage.shared()).config(settings.engine.clone());
    let catalog = beside(storage.path(), ".catalog");
    Ok(Store {
        memory: Arc::new(builder.search(SearchIndex::Absent).catalog(catalog).open()?),
        storage,
    })
}

/// Opens the store and the engine on it for a server, with threads that embed and learn.
pub(crate) fn open_for_serving(settings: &Settings) -> Result<Store, StoreError> {
    open_with(settings, true)
}

fn open_with(settings: &Settings, background: bool) -> Result<Store, StoreError> {
    let storage = Backend::open(settings.backend, &settings.store, settings)?;
    let memory = whole_builder(&storage, settings)?.background(background).open()?;
    Ok(Store { memory: Arc::new(memory), storage })
}

/// Returns a builder of an engine with its embedder and its derived files.
fn whole_builder(storage: &Backend, settings: &Settings) -> Result<MemoryBuilder, StoreError> {
    let mut engine = settings.engine.clone();
    engine.snapshot_path = Some(index_path(settings, storage.path()));
    let builder = Memory::builder(storage.shared()).config(engine).embedder(embedder(settings)?);
    Ok(builder.catalog(beside(storage.path(), ".catalog")))
}

/// Returns a derived file beside a store: `<store>.index` of the search index, unless another is
/// set, `<store>.catalog` of what hooks look up.
fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    store.with_file_name(name)
}

/// Returns the embedder that is set; it keeps the vectors of the last queries.
fn embedder(settings: &Settings) -> Result<Option<Arc<dyn Embedder>>, StoreError> {
    let model = match &settings.embedder {
        EmbedderChoice::None => return Ok(None),
        EmbedderChoice::MiniLm => MiniLm::embedded(),
        EmbedderChoice::File(path) => MiniLm::open(path),
        EmbedderChoice::Remote(service) => return remote(settings, *service).map(Some),
    };
    let model = model.map_err(memory_core::Error::from)?;
    Ok(Some(Arc::new(Cached::new(model, KEPT_QUERIES))))
}

/// Returns a provider, which is not asked anything yet.
#[cfg(feature = "http")]
fn remote(settings: &Settings, service: Service) -> Result<Arc<dyn Embedder>, StoreError> {
    let target = settings.remote.target(service);
    let target = target.map_err(|(key, what)| StoreError::MissingSetting { key, what })?;
    Ok(Arc::new(Cached::new(ByRole::new(service, &target), KEPT_QUERIES)))
}

#[cfg(not(feature = "http"))]
fn remote(settings: &Settings, service: Service) -> Result<Arc<dyn Embedder>, StoreError> {
    Err(StoreError::NoProvider { name: service.name(), origin: settings.origin("embedder") })
}

/// Puts a backup in the place of the store.
pub(crate) fn restore(settings: &Settings, from: &Path, force: bool) -> Result<(), StoreError> {
    check_libsql(settings, "restore", RESTORE_INSTEAD)?;
    memory_storage_turso::restore(from, &settings.store, force)
        .map_err(StoreError::storage(&settings.store))
}
