//! A file that appears under its name only when it is complete.
//!
//! Until then it lies beside it as `.<name>.memory-mcp.<process>.part`, made new for its owner
//! alone and locked. What a killed process left is known by its lock, which nobody holds, and is
//! removed by the next who makes a file of that name.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Parts of the name of a half file around the number of its process.
const MARK: &str = ".memory-mcp.";
const ENDING: &str = ".part";

/// A file that is being written; removed with what lies beside it unless it is placed.
#[derive(Debug)]
pub struct HalfFile {
    file: File,
    path: PathBuf,
    to: PathBuf,
    is_placed: bool,
}

impl HalfFile {
    /// Makes a new empty file that is to lie at `to`, after removing what killed processes left.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] while this process writes another one of that name, and
    /// what the system says.
    pub fn create(to: &Path) -> io::Result<Self> {
        sweep(to);
        let path = to.with_file_name(name(to, std::process::id()));
        let mut options = OpenOptions::new();
        // New means: no link is followed either, not even one that points to nothing.
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        if cfg!(unix) {
            // Made and not yet locked it may be swept by another: then placing it fails, which does
            // no harm. Where there are no locks nobody sweeps.
            drop(file.try_lock());
        }
        Ok(Self { file, path, to: to.to_owned(), is_placed: false })
    }

    /// The file, open for reading and writing. While others have it open by its path it must not be
    /// closed: SQLite would lose its locks.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// Its path until it is placed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, in place of the file that has it; on disk when this returns if `sync`.
    /// Gives the file.
    ///
    /// # Errors
    ///
    /// What the system says; the name means what it meant before.
    pub fn place(mut self, sync: bool) -> io::Result<File> {
        if sync {
            self.file.sync_all()?;
        }
        fs::rename(&self.path, &self.to)?;
        self.is_placed = true;
        if sync {
            flush_folder(&self.to)?;
        }
        self.file.try_clone()
    }

    /// Gives it its name unless something has it already; on disk when this returns.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] when something has the name, and what the system says.
    pub fn place_new(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match fs::hard_link(&self.path, &self.to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // No hard links on this disk.
            Err(_) if fs::symlink_metadata(&self.to).is_err() => {
                fs::rename(&self.path, &self.to)?;
                self.is_placed = true;
            }
            Err(error) => return Err(error),
        }
        if !self.is_placed {
            fs::remove_file(&self.path)?;
            self.is_placed = true;
        }
        flush_folder(&self.to)
    }
}

impl Drop for HalfFile {
    fn drop(&mut self) {
        if !self.is_placed {
            remove(&self.path);
        }
    }
}

/// Name of the half file of `to` that a process writes.
fn name(to: &Path, process: u32) -> OsString {
    let mut name = beginning(to);
    name.push(process.to_string());
    name.push(ENDING);
    name
}

fn beginning(to: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(MARK);
    name
}

/// Removes half files of `to` that nobody writes any more.
fn sweep(to: &Path) {
    // Where a file cannot be locked, that nobody writes it cannot be known.
    if !cfg!(unix) {
        return;
    }
    let beginning = beginning(to);
    for path in beside(to, &beginning) {
        let is_ours = |name: &OsStr| {
            let rest = name.as_encoded_bytes().strip_prefix(beginning.as_encoded_bytes());
            let number = rest.and_then(|rest| rest.strip_suffix(ENDING.as_bytes()));
            number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
        };
        if path.file_name().is_some_and(is_ours)
            && fs::symlink_metadata(&path).is_ok_and(|found| found.is_file())
            && File::open(&path).is_ok_and(|file| file.try_lock().is_ok())
        {
            remove(&path);
        }
    }
}

/// Removes a half file, last, and what was made beside it under its name and a hyphen, such as the
/// journals of a database.
fn remove(path: &Path) {
    let mut companion = path.file_name().unwrap_or_default().to_owned();
    companion.push("-");
    for path in beside(path, &companion).chain([path.to_owned()]) {
        // What went wrong before is what is told; placed meanwhile, there is none of that name.
        drop(fs::remove_file(path));
    }
}

/// Lists the files in the folder of `path` whose names begin so.
fn beside(path: &Path, beginning: &OsStr) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder(path)).into_iter().flatten().flatten();
    let beginning = beginning.to_owned();
    entries
        .filter(move |entry| {
            entry.file_name().as_encoded_bytes().starts_with(beginning.as_encoded_bytes())
        })
        .map(|entry| entry.path())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a name in the folder of `path` survive a power cut; other systems than Unix flush names
/// with the file.
fn flush_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_once_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("all.jsonl");
        fs::write(&to, "old").unwrap();
        let half = HalfFile::create(&to).unwrap();
        half.file().write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        half.place(true).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        assert_eq!(names(dir.path()), ["all.jsonl"]);
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("copy.db");
        let half = HalfFile::create(&to).unwrap();
        fs::write(&to, "mine").unwrap();
        assert_eq!(half.place_new().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
        fs::remove_file(&to).unwrap();
        let half = HalfFile::create(&to).unwrap();
        half.file().write_all(b"new").unwrap();
        half.place_new().unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        assert_eq!(names(dir.path()), ["copy.db"]);
    }

    #[test]
    fn one_that_is_not_placed_leaves_nothing_and_no_second_is_begun() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("copy.db");
        let half = HalfFile::create(&to).unwrap();
        let second = HalfFile::create(&to).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
        let mut journal = half.path().as_os_str().to_owned();
        journal.push("-journal");
        fs::write(journal, "x").unwrap();
        drop(half);
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn leftovers_are_swept_and_what_looks_like_them_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("copy.db");
        let half = HalfFile::create(&to).unwrap();
        // A process that was killed holds no lock.
        let left = [".copy.db.memory-mcp.7.part", ".copy.db.memory-mcp.7.part-wal"];
        let kept = [".copy.db.memory-mcp.x.part", ".copy.db.part", ".other.memory-mcp.7.part"];
        for name in left.iter().chain(&kept) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("mine", dir.path().join(".copy.db.memory-mcp.8.part")).unwrap();
        sweep(&to);
        let mut expected: Vec<String> = kept.map(str::to_owned).to_vec();
        expected.push(".copy.db.memory-mcp.8.part".to_owned());
        expected.push(half.path().file_name().unwrap().to_str().unwrap().to_owned());
        expected.sort();
        assert_eq!(names(dir.path()), expected);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it_and_no_link_is_followed() {
        use std::os::unix::fs::{MetadataExt, symlink};

        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("copy.db");
        let own = dir.path().join(name(&to, std::process::id()));
        symlink(dir.path().join("nowhere"), &own).unwrap();
        assert_eq!(HalfFile::create(&to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(own.is_symlink() && !dir.path().join("nowhere").exists());
        fs::remove_file(&own).unwrap();
        let half = HalfFile::create(&to).unwrap();
        assert_eq!(half.file().metadata().unwrap().mode() & 0o777, 0o600);
    }
}
