//! The files that an installation touches: read once, changed in memory, written at the end.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::diff::diff;
use super::entry::Unfit;
use super::ours::PROGRAM;

/// What a copy of a file is called that is made before the first change.
const BACKUP: &str = ".before-memory-mcp";

/// Reason why an installation stopped; every file is whole, as it was or as it was to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    /// A file has a content that cannot be changed safely.
    #[error("{}: {source}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file cannot be read or written.
    #[error("{}: cannot be {what}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A file was changed by another program between reading and writing.
    #[error("{}: another program changed it just now; run the command again", .0.display())]
    Moved(PathBuf),
    /// A file that would be ours is another's.
    #[error(
        "{}: is there and was not made by memory-mcp; move it away, or call `{line}` in it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line to call instead.
        line: String,
    },
    /// Nothing says where the client keeps its settings.
    #[error("cannot tell where {0} keeps its settings: there is no home folder")]
    Nowhere(String),
    /// The table of clients is wrong, which a test excludes.
    #[error("the table of clients has a bad entry for {0}; this is a bug")]
    Table(String),
}

impl InstallError {
    /// Returns the mapping of a reason to this file.
    pub(super) fn unfit(path: &Path) -> impl FnOnce(Unfit) -> Self {
        move |source| Self::Unfit { path: path.to_owned(), source: source.into() }
    }

    fn file(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), what, source }
    }
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its content; nothing if there is no such file.
    pub(super) before: Option<String>,
    /// Its content afterwards; nothing if it is to be removed.
    pub(super) after: Option<String>,
    /// True for a script.
    pub(super) is_executable: bool,
    /// True if the copy from before the first change is the content again.
    pub(super) is_restored: bool,
}

impl Change {
    /// Returns the changed lines, for people.
    pub(crate) fn diff(&self) -> String {
        let text = |side: &Option<String>| side.clone().unwrap_or_default();
        diff(&text(&self.before), &text(&self.after))
    }

    /// Returns what happens to the file.
    pub(crate) const fn verb(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "new",
            (_, None) => "removed",
            _ => "changed",
        }
    }

    /// Makes the change: a copy first, then the new content by renaming.
    pub(super) fn write(&self) -> Result<(), InstallError> {
        // Through a link, to the file that it names.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        if read(&path)? != self.before {
            return Err(InstallError::Moved(path));
        }
        let Some(after) = &self.after else {
            return fs::remove_file(&path).map_err(InstallError::file(&path, "removed"));
        };
        if let Some(before) = &self.before {
            keep_copy(&path, before)?;
        }
        replace(&path, after, self.is_executable)?;
        if self.is_restored {
            let copy = copy_path(&path);
            fs::remove_file(&copy).map_err(InstallError::file(&copy, "removed"))?;
        }
        Ok(())
    }
}

/// Files by path; what was not asked for is not read.
#[derive(Debug, Default)]
pub(super) struct Texts {
    changes: BTreeMap<PathBuf, Change>,
    /// Contents to start from in place of what the files hold.
    pretended: BTreeMap<PathBuf, Option<String>>,
}

impl Texts {
    /// Returns files that begin with these contents.
    pub(super) fn pretending(pretended: BTreeMap<PathBuf, Option<String>>) -> Self {
        Self { changes: BTreeMap::new(), pretended }
    }

    /// Returns the content as it is by now.
    pub(super) fn get(&mut self, path: &Path) -> Result<Option<String>, InstallError> {
        if let Some(change) = self.changes.get(path) {
            return Ok(change.after.clone());
        }
        match self.pretended.get(path) {
            Some(text) => Ok(text.clone()),
            None => read(path),
        }
    }

    /// Sets the content.
    pub(super) fn set(
        &mut self,
        path: &Path,
        after: Option<String>,
        is_executable: bool,
    ) -> Result<(), InstallError> {
        if let Some(change) = self.changes.get_mut(path) {
            change.after = after;
            return Ok(());
        }
        let before = self.get(path)?;
        let path = path.to_owned();
        let change =
            Change { path: path.clone(), before, after, is_executable, is_restored: false };
        self.changes.insert(path, change);
        Ok(())
    }

    /// Returns the files that differ afterwards.
    pub(super) fn changes(self) -> Vec<Change> {
        self.changes.into_values().filter(|change| change.before != change.after).collect()
    }
}

/// Copies a file that another program is about to change.
pub(super) fn keep(path: &Path) -> Result<(), InstallError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    read(&path)?.map_or(Ok(()), |text| keep_copy(&path, &text))
}

/// Returns the content from before the first change, if it was kept.
pub(super) fn kept(path: &Path) -> Result<Option<String>, InstallError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    read(&copy_path(&path))
}

fn copy_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(BACKUP);
    path.with_file_name(name)
}

/// Reads a file; one that does not exist is nothing, one that is no text is an error.
fn read(path: &Path) -> Result<Option<String>, InstallError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(InstallError::file(path, "read")(error)),
    }
}

/// Keeps the content beside the file, unless it holds something of ours already: then the copy
/// from before that is the better one.
fn keep_copy(path: &Path, before: &str) -> Result<(), InstallError> {
    let copy = copy_path(path);
    if before.contains(PROGRAM) && copy.exists() {
        return Ok(());
    }
    replace(&copy, before, false)?;
    if let Ok(meta) = path.metadata() {
        fs::set_permissions(&copy, meta.permissions())
            .map_err(InstallError::file(&copy, "written"))?;
    }
    Ok(())
}

/// Puts a content in the place of a file, with the permissions that the file had.
fn replace(path: &Path, text: &str, is_executable: bool) -> Result<(), InstallError> {
    let written = InstallError::file;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(written(folder, "made"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(written(path, "written"))?;
    file.write_all(text.as_bytes()).map_err(written(path, "written"))?;
    let permissions = match path.metadata() {
        Ok(meta) => Some(meta.permissions()),
        Err(_) => executable(is_executable),
    };
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions).map_err(written(path, "written"))?;
    }
    file.as_file().sync_all().map_err(written(path, "written"))?;
    file.persist(path).map_err(|error| written(path, "written")(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn executable(is_executable: bool) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    is_executable.then(|| fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
const fn executable(_: bool) -> Option<fs::Permissions> {
    None
}
