//! The write-ahead log as a file: flushed here, written by SQLite alone.

use std::fs::File;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::from_io;
use crate::flusher::FlushFailure;
use crate::paths::{LOG, beside, flush_directory, open_directory};

/// Flushes the `-wal` file of a store through a descriptor that stays open.
///
/// Flushing any descriptor of a file flushes what all of them wrote, and this file carries none of
/// SQLite's locks. A descriptor that stays open reports every write error since it was opened.
/// SQLite deletes the file when the last connection of all processes closes, never while ours are
/// open; [`crate::files::StoreFiles`] notices when somebody else does.
#[derive(Debug)]
pub(crate) struct WalFile {
    path: PathBuf,
    file: File,
    is_named_durably: bool,
}

impl WalFile {
    /// Opens the log of the store at `store`, which SQLite has made.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when it cannot be opened.
    pub(crate) fn open(store: &Path) -> Result<Self, StorageError> {
        let path = beside(store, LOG);
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(|error| from_io(&path, &error))?;
        Ok(Self { path, file, is_named_durably: false })
    }

    /// Returns once all that was written to the log survives a power cut.
    ///
    /// Costs one flush of the device (0.1 ms to some ms), and one more of the directory at the
    /// first call. All that a commit wrote is then safe: what is no longer in the log was flushed
    /// into the database before SQLite began the log anew.
    pub(crate) fn flush(&mut self) -> Result<(), FlushFailure> {
        if !self.is_named_durably {
            // The name of a new file is durable only after its directory is.
            let folder = open_directory(&self.path).map_err(FlushFailure::NotBegun)?;
            flush_directory(folder)?;
            self.is_named_durably = true;
        }
        Ok(self.file.sync_data()?)
    }
}
