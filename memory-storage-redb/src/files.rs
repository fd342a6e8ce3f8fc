//! Identity of the open file, by which a store is noticed that was moved or replaced.

use std::path::{Path, PathBuf};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};

/// The file of a store.
pub(crate) struct StoreFile {
    path: PathBuf,
    identity: Identity,
}

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

impl StoreFile {
    /// Remembers which file is open under the path.
    pub(crate) fn opened(path: PathBuf) -> Result<Self, StorageError> {
        let identity = identity(&path).map_err(|error| from_io(&path, &error))?;
        Ok(Self { path, identity })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the path still names the open file: what is written to another one is lost.
    pub(crate) fn probe(&self) -> Result<(), StorageError> {
        match identity(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            Ok(_) => Err(self.ended("its file was replaced; restart the server")),
            Err(error) => Err(self.ended(&format!(
                "its file was moved or removed ({error}); put it back and restart the server"
            ))),
        }
    }

    fn ended(&self, why: &str) -> StorageError {
        unavailable(&self.path, &format!("writing has ended because {why}"))
    }

    /// Returns the size of the file in bytes, 0 where it is not there.
    pub(crate) fn size_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |found| found.len())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Other systems do not let an open file go.
#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<Identity> {
    std::fs::metadata(path).map(drop)
}
