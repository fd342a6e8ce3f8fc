//! A database file that is removed again unless it gets another name once it is complete.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};
use crate::paths::{LOG, LOG_INDEX, beside};

/// Suffixes of the files that SQLite may make beside one that it writes.
const COMPANIONS: [&str; 3] = [LOG, LOG_INDEX, "-journal"];

/// A half-written file, removed with its companions unless it has another name by then.
pub(crate) struct HalfFile(PathBuf);

impl HalfFile {
    /// Makes a new file at `path`, for its owner alone.
    ///
    /// Whatever lies in its place or in that of a companion is left as it is, links included, which
    /// are not followed.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when something lies there, or when no file can be made.
    pub(crate) fn create(path: PathBuf) -> Result<(Self, File), StorageError> {
        for companion in COMPANIONS.map(|suffix| beside(&path, suffix)) {
            if std::fs::symlink_metadata(&companion).is_ok() {
                return Err(exists(&companion));
            }
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => Ok((Self(path), file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(from_io(&path, &error)),
        }
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for HalfFile {
    fn drop(&mut self) {
        // They are there only if something failed, which is what the caller is told.
        drop(std::fs::remove_file(&self.0));
        for suffix in COMPANIONS {
            drop(std::fs::remove_file(beside(&self.0, suffix)));
        }
    }
}

fn exists(path: &Path) -> StorageError {
    unavailable(path, "it exists; remove it if it is left over from a command that was stopped")
}
