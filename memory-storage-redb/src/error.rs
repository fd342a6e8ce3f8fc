//! Translation of the errors of redb, of postcard and of the file system into those of the storage
//! trait.

use std::io;
use std::path::Path;

use memory_core::StorageError;

/// Stands for the path of the store where it is not known; [`at`] puts the path in its place.
const STORE: &str = "the store";

/// Translates what redb reports.
pub(crate) fn failed(error: impl Into<redb::Error>) -> StorageError {
    match error.into() {
        redb::Error::Corrupted(what) => StorageError::Corrupt { what: what.into() },
        redb::Error::Io(error) => from_io(Path::new(STORE), &error),
        redb::Error::PreviousIo => {
            StorageError::Poisoned { reason: "an earlier write or flush to disk failed".into() }
        }
        other => StorageError::Backend(Box::new(other)),
    }
}

/// Names the path of the store in an error that is about it.
pub(crate) fn at(path: &Path) -> impl Fn(StorageError) -> StorageError + '_ {
    move |error| match error {
        StorageError::Unavailable { resource, reason } if *resource == *STORE => {
            StorageError::Unavailable { resource: path.to_string_lossy().into(), reason }
        }
        StorageError::Corrupt { what } => corrupt_file(path, &what),
        error => error,
    }
}

/// Translates a failed call of the file system about `path`.
pub(crate) fn from_io(path: &Path, error: &io::Error) -> StorageError {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "change the permissions or name another path",
        io::ErrorKind::ReadOnlyFilesystem => "name a path on a disk that can be written",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (`ulimit -f`)",
        io::ErrorKind::Unsupported => "name a path on a local disk",
        _ => "check the path and the disk",
    };
    unavailable(path, &format!("{error}; {remedy}"))
}

/// Returns the error of a store at `path` that cannot be used.
pub(crate) fn unavailable(path: &Path, reason: &str) -> StorageError {
    StorageError::Unavailable { resource: path.to_string_lossy().into(), reason: reason.into() }
}

/// Returns the error of a store of which a part is damaged.
pub(crate) fn corrupt(what: &str) -> StorageError {
    StorageError::Corrupt { what: what.into() }
}

/// Returns the error of a store at `path` that is damaged.
pub(crate) fn corrupt_file(path: &Path, what: &str) -> StorageError {
    StorageError::Corrupt { what: format!("{}: {what}", path.display()).into() }
}

/// Reads a value; `what` names it where its bytes are not such a value.
pub(crate) fn decode<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    what: &dyn std::fmt::Display,
) -> Result<T, StorageError> {
    postcard::from_bytes(bytes).map_err(|error| corrupt(&format!("{what}: {error}")))
}

/// Writes a value.
pub(crate) fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, StorageError> {
    postcard::to_stdvec(value).map_err(|error| StorageError::Backend(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_names_the_store_and_a_remedy() {
        let path = Path::new("/data/memory.redb");
        let full = redb::Error::Io(io::Error::from(io::ErrorKind::StorageFull));
        let message = at(path)(failed(full)).to_string();
        assert!(
            message.contains("/data/memory.redb") && message.contains("free some"),
            "{message}"
        );
        let torn = redb::Error::Corrupted("a page".to_owned());
        let message = at(path)(failed(torn)).to_string();
        assert!(message.contains("/data/memory.redb: a page"), "{message}");
        assert!(matches!(failed(redb::Error::PreviousIo), StorageError::Poisoned { .. }));
    }
}
