//! A file that is written beside the one whose place it takes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::SnapshotError;

/// Ending of the name of a neighbour.
const ENDING: &str = ".new";

/// A file that is being written; removed unless it is placed.
pub(super) struct Neighbour {
    file: File,
    path: PathBuf,
    placed: bool,
}

impl Neighbour {
    /// A new file beside `path`, held by a lock as long as it is written.
    ///
    /// Errors: [`SnapshotError::Stopped`] when this process writes one already.
    pub(super) fn create(path: &Path) -> Result<Self, SnapshotError> {
        sweep(path);
        // Two processes do not write to one neighbour.
        let name = format!("{}.{}{ENDING}", name_of(path), std::process::id());
        let path = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        // It tells what is remembered.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => SnapshotError::Stopped,
            _ => SnapshotError::Io { op: "create", source },
        })?;
        // Made and not yet locked it may be swept by another: then the rename fails, which does no
        // harm. Where there are no locks nobody sweeps.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(SnapshotError::Stopped);
        }
        Ok(Self { file, path, placed: false })
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Moves the file to `path`, after all of it is on disk if `sync`; gives it, open for reading.
    pub(super) fn place(mut self, path: &Path, sync: bool) -> Result<File, SnapshotError> {
        if sync {
            self.file.sync_all().map_err(SnapshotError::io("sync"))?;
        }
        fs::rename(&self.path, path).map_err(SnapshotError::io("rename"))?;
        self.placed = true;
        #[cfg(unix)]
        if let Some(folder) = path.parent().filter(|folder| sync && !folder.as_os_str().is_empty())
        {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(SnapshotError::io("sync the folder of"))?;
        }
        let copy = self.file.try_clone().map_err(SnapshotError::io("keep open"))?;
        Ok(copy)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        if !self.placed {
            // What went wrong before is what is told.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Removes neighbours of processes that were ended while they wrote: nobody holds their lock.
fn sweep(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return };
    let beginning = name_of(path) + ".";
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(&beginning).and_then(|rest| rest.strip_suffix(ENDING));
        if number.is_none_or(|number| number.parse::<u32>().is_err()) {
            continue;
        }
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // Placed meanwhile, then there is none of that name.
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
