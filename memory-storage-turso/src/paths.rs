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
            refuse_second_name(&full, &real, &found)?;
            Ok(real)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_path(&full),
        Err(error) => Err(from_io(&full, &error)),
    }
}

/// Refuses a file that can be opened under another path: the lock and the log lie beside the path,
/// so that whoever opens the other one has a log of their own, and both lose what they write.
///
/// # Errors
///
/// [`StorageError::Unavailable`] for a file with several hard links, or one that is mounted alone.
fn refuse_second_name(
    path: &Path,
    real: &Path,
    found: &std::fs::Metadata,
) -> Result<(), StorageError> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(found) > 1 {
        let reason = "it has another name too (a hard link), and two names of one store lose what \
                      is written; remove the other, or copy the store with `memory-mcp backup`";
        return Err(unavailable(path, reason));
    }
    // Other systems have no such table.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if real.to_str().is_some_and(|real| is_mount_point(&mounts, real)) {
        let reason = "the file alone is mounted here, without the log beside it; mount its folder";
        return Err(unavailable(path, reason));
    }
    Ok(())
}

/// Returns whether a path is in the table of mounts of Linux, in whose fifth column white space and
/// backslashes are octal numbers.
fn is_mount_point(mounts: &str, path: &str) -> bool {
    let escaped = path.replace('\\', "\\134").replace(' ', "\\040");
    let escaped = escaped.replace('\t', "\\011").replace('\n', "\\012");
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(&*escaped))
}

/// Returns the path of a store that is not there yet; makes its folder.
fn new_path(full: &Path) -> Result<PathBuf, StorageError> {
    let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
        return Err(unavailable(full, "it is a folder; name a file in it"));
    };
    let made = std::fs::create_dir_all(folder).and_then(|()| std::fs::canonicalize(folder));
    made.map(|folder| folder.join(name)).map_err(|error| from_io(folder, &error))
}

/// Opens the directory of `path`, to be flushed; `None` where there is none, and on systems that
/// flush the names with the file.
pub(crate) fn open_directory(path: &Path) -> io::Result<Option<File>> {
    path.parent().filter(|_| cfg!(unix)).map(File::open).transpose()
}

/// Makes names that were added to a directory survive a power cut.
pub(crate) fn flush_directory(directory: Option<File>) -> io::Result<()> {
    directory.map_or(Ok(()), |directory| directory.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_alone_is_in_the_table_of_mounts() {
        let mounts = "21 1 0:20 / /proc rw - proc proc rw\n\
                      36 35 98:0 /m.db /data/my\\040store/memory.db rw - ext4 /dev/sda rw\n";
        assert!(is_mount_point(mounts, "/data/my store/memory.db"));
        assert!(!is_mount_point(mounts, "/data/my store"), "the folder is not");
        assert!(!is_mount_point("", "/proc"), "there is no table");
    }
}
