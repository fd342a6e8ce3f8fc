//! From the settings to an open memory.

use std::path::Path;
use std::sync::Arc;

use memory_core::{Memory, Storage};
use memory_storage_turso::TursoStorage;

use crate::cli::Failure;
use crate::config::Settings;

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
    let memory = Memory::open(shared, settings.engine.clone())?;
    Ok(Store { memory: Arc::new(memory), storage })
}

/// Puts a backup in the place of the store.
pub(crate) fn restore(settings: &Settings, from: &Path, force: bool) -> Result<(), Failure> {
    memory_storage_turso::restore(from, &settings.store, force)
        .map_err(|error| Failure::store(&settings.store, &error))
}
