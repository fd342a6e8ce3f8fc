//! Translation of the errors of libsql and of the file system into those of the storage trait.

use std::io;
use std::path::Path;

use memory_core::StorageError;

/// Primary result codes of SQLite: the low byte of what libsql reports.
mod code {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
    /// Extended codes of a failed `fsync`, of a file and of a directory.
    pub(super) const IOERR_FSYNC: i32 = 1_034;
    pub(super) const IOERR_DIR_FSYNC: i32 = 1_290;
}

/// Translates what libsql reports about the store at `path`.
pub(crate) fn from_libsql(path: &Path, error: libsql::Error) -> StorageError {
    let libsql::Error::SqliteFailure(extended, message) = &error else {
        return match error {
            libsql::Error::ConnectionFailed(reason) => {
                unavailable(path, &format!("{reason}; check that it may be read and written"))
            }
            error => StorageError::Backend(Box::new(error)),
        };
    };
    if matches!(*extended, code::IOERR_FSYNC | code::IOERR_DIR_FSYNC) {
        let reason = format!("a flush to disk failed ({message})").into();
        return StorageError::Poisoned { reason };
    }
    match extended & 0xff {
        code::BUSY | code::LOCKED => StorageError::Busy,
        code::CORRUPT => corrupt(path, message),
        code::NOTADB => corrupt(path, "it is not a store of memory-mcp"),
        code::FULL => unavailable(path, "the disk or the store is full; free some space"),
        code::READONLY | code::PERM => {
            unavailable(path, &format!("it cannot be written ({message}); change its permissions"))
        }
        code::CANTOPEN => {
            unavailable(path, &format!("{message}; check that path and permissions are right"))
        }
        code::IOERR => unavailable(
            path,
            &format!(
                "{message} (code {extended}); check the disk, its free space, the limit on files \
                 (ulimit -f) and that it may be written"
            ),
        ),
        _ => StorageError::Backend(Box::new(error)),
    }
}

/// Translates a failed call of the file system about `path`.
pub(crate) fn from_io(path: &Path, error: &io::Error) -> StorageError {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "change the permissions or name another path",
        io::ErrorKind::ReadOnlyFilesystem => "name a path on a disk that can be written",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f)",
        io::ErrorKind::Unsupported => "name a path on a local disk",
        _ => "check the path and the disk",
    };
    unavailable(path, &format!("{error}; {remedy}"))
}

/// Returns the error of a store at `path` that cannot be used.
pub(crate) fn unavailable(path: &Path, reason: &str) -> StorageError {
    StorageError::Unavailable { resource: path.to_string_lossy().into(), reason: reason.into() }
}

/// Returns the error of a store at `path` that is damaged.
pub(crate) fn corrupt(path: &Path, what: &str) -> StorageError {
    StorageError::Corrupt { what: format!("{}: {what}", path.display()).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StorageError {
        from_libsql(
            Path::new("/data/store.db"),
            libsql::Error::SqliteFailure(code, "said so".to_owned()),
        )
    }

    #[test]
    fn every_failure_says_what_to_do() {
        assert!(matches!(of(5), StorageError::Busy), "locked by somebody");
        assert!(matches!(of(261), StorageError::Busy), "recovered by somebody");
        assert!(matches!(of(11), StorageError::Corrupt { .. }));
        assert!(matches!(of(26), StorageError::Corrupt { .. }));
        assert!(matches!(of(1_034), StorageError::Poisoned { .. }), "a flush inside SQLite failed");
        assert!(matches!(of(1), StorageError::Backend(_)), "our own mistake in SQL");
        for code in [3, 8, 10, 13, 14] {
            let message = of(code).to_string();
            assert!(message.contains("/data/store.db"), "{code}: {message}");
        }
    }

    #[test]
    fn a_file_system_failure_names_path_and_remedy() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let message = from_io(Path::new("/data/store.db"), &denied).to_string();
        assert!(message.contains("/data/store.db") && message.contains("permissions"), "{message}");
    }
}
