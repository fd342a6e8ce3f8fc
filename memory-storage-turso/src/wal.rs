//! The write-ahead log as a file: flushed here, written by SQLite alone.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};
use crate::files::Displaced;
use crate::paths::{LOG, beside, flush_directory, open_directory};

/// Reason why commits may not survive a power cut.
#[derive(Debug)]
pub(crate) enum FlushFailure {
    /// The system reported an error of a flush: what is on disk is uncertain.
    Io(io::Error),
    /// The flush did not begin, so that nothing is lost: the next one tries again.
    NotBegun(io::Error),
    /// An earlier flush failed for this reason.
    Poisoned(Box<str>),
    /// The flushed file is not the log of the store that the path names.
    Displaced(Displaced),
}

impl From<io::Error> for FlushFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Displaced> for FlushFailure {
    fn from(displaced: Displaced) -> Self {
        Self::Displaced(displaced)
    }
}

impl FlushFailure {
    /// Returns what those are told who waited for the flush.
    pub(crate) fn error(&self) -> StorageError {
        match self {
            Self::Io(error) => poisoned(reason_of(error)),
            Self::Poisoned(reason) => poisoned(Box::clone(reason)),
            Self::NotBegun(error) => unavailable(
                "the folder of the store".as_ref(),
                &format!(
                    "{error}, so that a write was not flushed to disk and is not confirmed; it is \
                     tried again"
                ),
            ),
            Self::Displaced(displaced) => displaced.unconfirmed(),
        }
    }
}

/// Words the failure of a flush as the reason why writing has ended.
pub(crate) fn reason_of(error: &io::Error) -> Box<str> {
    format!("a flush to disk failed ({error})").into()
}

/// Returns the error of writing that has ended.
pub(crate) fn poisoned(reason: Box<str>) -> StorageError {
    StorageError::Poisoned { reason }
}

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
