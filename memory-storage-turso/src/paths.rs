//! Paths of a store and of the files that belong to it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};

/// Suffix of the write-ahead log.
pub(crate) const LOG: &str = "-wal";
/// Suffix of the index of the log, which all processes map into memory.
pub(crate) const LOG_INDEX: &str = "-shm";
/// Suffix of the lock of the store.
pub(crate) const LOCK: &str = ".lock";

/// Returns the path of a file that belongs to the store: its name with `suffix`.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file for writing, makes it for its owner alone if it is missing, and leaves its content.
pub(crate) fn open_private(path: &Path) -> Result<File, StorageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| from_io(path, &error))
}

/// Returns the path in full and without links, in a folder that exists, of something that can be a
/// store.
///
/// All handles must agree on it: the lock and the log lie beside it, where SQLite looks for the log
/// too.
///
/// # Errors
///
/// [`StorageError::Unavailable`] for a folder, a device, a link that leads nowhere, a folder that
/// cannot be made.
pub(crate) fn checked_path(path: &Path) -> Result<PathBuf, StorageError> {
    let full = std::path::absolute(path).map_err(|error| from_io(path, &error))?;
    if full.to_str().is_none_or(|name| name.contains('\0')) {
        return Err(unavailable(&full, "its name is not plain text; name another path"));
    }
    match std::fs::symlink_metadata(&full) {
        Ok(_) => {
            let real = std::fs::canonicalize(&full).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    unavailable(&full, "it is a link to a file that is not there; correct the link")
                }
                _ => from_io(&full, &error),
            })?;
            let found = std::fs::metadata(&real).map_err(|error| from_io(&full, &error))?;
            if found.is_dir() {
                let reason = "it is a folder; name a file, for example memory.db in it";
                return Err(unavailable(&full, reason));
            }
            if !found.is_file() {
                return Err(unavailable(&full, "it is not a regular file; name another path"));
            }
            Ok(real)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_path(&full),
        Err(error) => Err(from_io(&full, &error)),
    }
}

/// Returns the path of a store that is not there yet; makes its folder.
fn new_path(full: &Path) -> Result<PathBuf, StorageError> {
    let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
        return Err(unavailable(full, "it is a folder; name a file in it"));
    };
    let made = std::fs::create_dir_all(folder).and_then(|()| std::fs::canonicalize(folder));
    made.map(|folder| folder.join(name)).map_err(|error| from_io(folder, &error))
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
