//! The process that has a store open, for whoever comes second.

use std::fs;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};
use crate::paths::{HOLDER, beside, make_private};

/// Mark of this process beside a store; it goes when the store is closed.
///
/// A killed process leaves it behind. That matters to nobody: it is only read while the store
/// itself is locked, and whoever opens the store writes it anew.
pub(crate) struct Holder(PathBuf);

impl Holder {
    /// Writes down who has the store open.
    pub(crate) fn announce(store: &Path) -> Result<Self, StorageError> {
        let path = beside(store, HOLDER);
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(Path::file_name).unwrap_or_default();
        let line = format!("process {} ({})\n", std::process::id(), program.to_string_lossy());
        make_private(&path)?;
        fs::write(&path, line).map_err(|error| from_io(&path, &error))?;
        Ok(Self(path))
    }

    /// Returns the error of a store that another process, or another handle of this one, has open.
    pub(crate) fn refusal(store: &Path) -> StorageError {
        let named = fs::read_to_string(beside(store, HOLDER)).ok();
        let named = named.as_deref().map(str::trim).filter(|named| !named.is_empty());
        let holder = named.unwrap_or("another process");
        unavailable(
            store,
            &format!(
                "{holder} has it open, and a redb store belongs to one process at a time; end that \
                 one, name another path, or use the backend libsql, which windows share"
            ),
        )
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "the mark of the store's holder stays behind");
        }
    }
}
