//! A file of a command's output, which appears under its name only when it is complete.
//!
//! Whatever is no regular file under the name is left as it is.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use memory_core::backend::HalfFile;

use super::output::Failure;

/// A file that is being written; removed again unless it is completed.
pub(crate) struct NewFile(HalfFile);

impl NewFile {
    /// Makes the half file of `to`.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] when it cannot be made, or when `to` is there and is no regular file.
    pub(crate) fn create(to: &Path) -> Result<Self, Failure> {
        match std::fs::symlink_metadata(to) {
            Ok(found) if !found.is_file() => {
                let what = if found.is_symlink() { "a link" } else { "no regular file" };
                let message = format!("{}: it is {what}; name another file", to.display());
                return Err(Failure::Failed(message));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::file(to, &error));
            }
            _ => {}
        }
        HalfFile::create(to).map(Self).map_err(|error| Failure::file(to, &error))
    }

    /// Returns it open for writing.
    pub(crate) const fn file(&self) -> &File {
        self.0.file()
    }

    /// Puts the written file on the disk and gives it its name.
    pub(crate) fn complete(self) -> io::Result<()> {
        self.0.place(true).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_none_is_replaced() {
        use std::os::unix::fs::symlink;

        let dir = tempfile::tempdir().unwrap();
        let (to, nowhere) = (dir.path().join("x"), dir.path().join("nowhere"));
        let target = dir.path().join("mine");
        std::fs::write(&target, "mine").unwrap();
        for linked in [&target, &nowhere] {
            symlink(linked, &to).unwrap();
            assert!(NewFile::create(&to).is_err());
            assert!(to.is_symlink() && !nowhere.exists());
            std::fs::remove_file(&to).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        std::fs::create_dir(&to).unwrap();
        assert!(NewFile::create(&to).is_err() && to.is_dir());
    }
}
