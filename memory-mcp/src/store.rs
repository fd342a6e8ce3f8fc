//! From the settings to an open memory.

#[cfg(feature = "http")]
mod provider;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_core::{Embedder, Memory, Storage, SystemClock};
use memory_embed::{Cached, MiniLm};
use memory_storage_turso::TursoStorage;

use crate::cli::Failure;
use crate::config::{EmbedderChoice, Service, Settings};
#[cfg(feature = "http")]
use provider::ByRole;

/// Queries whose vectors are kept: 1.5 KB each.
const KEPT_QUERIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// The memory with the storage under it, which backups and imports need beside it.
pub(crate) struct Store {
    /// The engine.
    pub(crate) memory: Arc<Memory>,
    /// Where it stores.
    pub(crate) storage: Arc<TursoStorage>,
}

/// Opens the store and the engine on it; the index loads in the background.
pub(crate) fn open(settings: &Settings) -> Result<Store, Failure> {
    let storage = TursoStorage::open(&settings.store, &settings.storage)
        .map_err(|error| Failure::store(&settings.store, &error))?;
    let storage = Arc::new(storage);
    let shared: Arc<dyn Storage> = Arc::<TursoStorage>::clone(&storage);
    let (mut engine, clock) = (settings.engine.clone(), Arc::new(SystemClock));
    engine.snapshot_path.get_or_insert_with(|| snapshot_path(storage.path()));
    let memory = Memory::with_parts(shared, engine, clock, embedder(settings)?)?;
    Ok(Store { memory: Arc::new(memory), storage })
}

/// File of the search index of a store, unless another is set: `<store>.index`.
fn snapshot_path(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_os_string();
    name.push(".index");
    store.with_file_name(name)
}

/// What makes vectors of texts; the vectors of the last queries are kept.
fn embedder(settings: &Settings) -> Result<Option<Arc<dyn Embedder>>, Failure> {
    match settings.embedder {
        EmbedderChoice::None => Ok(None),
        EmbedderChoice::MiniLm => {
            let model = MiniLm::embedded().map_err(memory_core::Error::from)?;
            Ok(Some(Arc::new(Cached::new(model, KEPT_QUERIES))))
        }
        EmbedderChoice::Remote(service) => remote(settings, service).map(Some),
    }
}

/// A provider, which is not asked anything yet.
#[cfg(feature = "http")]
fn remote(settings: &Settings, service: Service) -> Result<Arc<dyn Embedder>, Failure> {
    let target = settings.remote.target(service);
    let target = target.map_err(|(key, what)| Failure::Usage(format!("`{key}`: {what}")))?;
    Ok(Arc::new(Cached::new(ByRole::new(service, &target), KEPT_QUERIES)))
}

#[cfg(not(feature = "http"))]
fn remote(settings: &Settings, service: Service) -> Result<Arc<dyn Embedder>, Failure> {
    let (name, origin) = (service.name(), settings.origin("embedder"));
    Err(Failure::Usage(format!(
        "`embedder` is {name} ({origin}), but this build has no remote embedders: build with \
         --features http, or set embedder to minilm"
    )))
}

/// Puts a backup in the place of the store.
pub(crate) fn restore(settings: &Settings, from: &Path, force: bool) -> Result<(), Failure> {
    memory_storage_turso::restore(from, &settings.store, force)
        .map_err(|error| Failure::store(&settings.store, &error))
}
