//! Paths of a store and of the file beside it.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};

/// Returns the path in full and without links, in a folder that exists, of something that can be a
/// store.
///
/// # Errors
///
/// [`StorageError::Unavailable`] for a folder, a device, a link that leads nowhere, a folder that
/// cannot be made.
pub(crate) fn checked_path(path: &Path) -> Result<PathBuf, StorageError> {
    let full = std::path::absolute(path).map_err(|error| from_io(path, &error))?;
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
                let reason = "it is a folder; name a file, for example memory.redb in it";
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

/// Makes the file for its owner alone if it is missing, and leaves its content.
pub(crate) fn make_private(path: &Path) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| from_io(path, &error))
}

/// Makes names that were added to the directory of `path` survive a power cut.
#[cfg(unix)]
pub(crate) fn flush_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| std::fs::File::open(directory)?.sync_all())
}

/// Other systems flush the names with the file.
#[cfg(not(unix))]
pub(crate) fn flush_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Suffix of the file that names who has the store open.
pub(crate) const HOLDER: &str = ".holder";
/// Suffix of a store that is being made.
pub(crate) const NEW: &str = ".new";

/// Returns the path of a file that belongs to the store: its name with `suffix`.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
