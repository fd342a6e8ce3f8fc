//! The write-ahead log as a file: flushed here, written by SQLite alone.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::lock::beside;

/// Flushes the `-wal` file of a store through a descriptor that stays open.
///
/// Flushing any descriptor of a file flushes what all of them wrote, and this file carries none of
/// SQLite's locks. A descriptor that stays open is told of every write error since it was opened. SQLite
/// deletes the file when the last connection of all processes closes, never while ours are open; should
/// it be another file in spite of that, the descriptor is opened again.
#[derive(Debug)]
pub(crate) struct WalFile {
    path: PathBuf,
    open: Option<File>,
}

impl WalFile {
    /// The log of the store at `store`; nothing is opened yet.
    pub(crate) fn of(store: &Path) -> Self {
        Self { path: beside(store, "-wal"), open: None }
    }

    /// Returns once all that was written to the log survives a power cut. Costs one flush of the device
    /// (0.1 ms to some ms), and one more of the directory at the first call.
    ///
    /// All that a commit wrote is then safe: what is no longer in the log was flushed into the database
    /// before SQLite began the log anew.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let current = std::fs::metadata(&self.path)?;
        let file = match self.open.take() {
            Some(file) if is_same(&file.metadata()?, &current) => file,
            _ => {
                // The name of a new file is durable only after its directory is.
                let file = File::options().read(true).write(true).open(&self.path)?;
                flush_directory(&self.path)?;
                file
            }
        };
        file.sync_data()?;
        self.open = Some(file);
        Ok(())
    }
}

#[cfg(unix)]
fn is_same(open: &Metadata, current: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (open.dev(), open.ino()) == (current.dev(), current.ino())
}

/// Without a portable identity of files the descriptor is opened again at each flush.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// Makes names that were added to the directory of `path` survive a power cut.
#[cfg(unix)]
pub(crate) fn flush_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Other systems flush the names with the file.
#[cfg(not(unix))]
pub(crate) fn flush_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
