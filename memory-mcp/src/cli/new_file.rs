//! A file that appears under its name only when it is complete.
//!
//! Until then it is `<name>.part`, made new for its owner alone: a file, folder or link that lies
//! there is left as it is, and so is whatever is no regular file under the name itself.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::output::Failure;

/// A file that is being written; removed again unless it is completed.
pub(crate) struct NewFile {
    to: PathBuf,
    half: PathBuf,
    is_complete: bool,
}

impl NewFile {
    /// Makes the half file of `to`.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] when something lies in its place, or when `to` is there and is no
    /// regular file.
    pub(crate) fn create(to: &Path) -> Result<(Self, File), Failure> {
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
        let mut half = to.as_os_str().to_owned();
        half.push(".part");
        let half = PathBuf::from(half);
        // New means: no link is followed either, not even one that points to nothing.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&half).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::Failed(format!(
                "{}: it exists; remove it if it is left over from a command that was stopped, or \
                 name another file",
                half.display()
            )),
            _ => Failure::file(&half, &error),
        })?;
        Ok((Self { to: to.to_owned(), half, is_complete: false }, file))
    }

    /// Puts the written file on the disk and gives it its name.
    pub(crate) fn complete(mut self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        std::fs::rename(&self.half, &self.to)?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_complete {
            // The failure that led here is what is reported.
            drop(std::fs::remove_file(&self.half));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_there_once_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("all.jsonl");
        std::fs::write(&to, "old").unwrap();
        let (new, mut file) = NewFile::create(&to).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
        new.complete(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_completed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(NewFile::create(&dir.path().join("all.jsonl")).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_lies_in_the_place_of_the_half_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (to, half) = (dir.path().join("x"), dir.path().join("x.part"));
        std::fs::write(&half, "mine").unwrap();
        let Err(Failure::Failed(message)) = NewFile::create(&to) else { panic!() };
        assert!(message.contains("x.part: it exists"), "{message}");
        assert_eq!(std::fs::read_to_string(&half).unwrap(), "mine");
        std::fs::remove_file(&half).unwrap();
        std::fs::create_dir(&half).unwrap();
        assert!(NewFile::create(&to).is_err() && half.is_dir());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_nobody_else_can_read() {
        use std::os::unix::fs::{MetadataExt, symlink};

        let dir = tempfile::tempdir().unwrap();
        let (to, half) = (dir.path().join("x"), dir.path().join("x.part"));
        let (target, nowhere) = (dir.path().join("mine"), dir.path().join("nowhere"));
        std::fs::write(&target, "mine").unwrap();
        for linked in [&target, &nowhere] {
            symlink(linked, &half).unwrap();
            assert!(NewFile::create(&to).is_err());
            assert!(half.is_symlink() && !nowhere.exists());
            std::fs::remove_file(&half).unwrap();
            symlink(linked, &to).unwrap();
            assert!(NewFile::create(&to).is_err());
            assert!(to.is_symlink() && !half.exists());
            std::fs::remove_file(&to).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        let (new, file) = NewFile::create(&to).unwrap();
        new.complete(&file).unwrap();
        assert_eq!(std::fs::metadata(&to).unwrap().mode() & 0o777, 0o600);
    }
}
