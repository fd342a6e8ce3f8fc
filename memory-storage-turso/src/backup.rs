//! Copies of a store: made from the running one, and put in its place.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_core::StorageError;
use memory_core::backend::HalfFile;

use crate::check;
use crate::connection::Connection;
use crate::error::{corrupt, from_io, unavailable};
use crate::files::StoreFiles;
use crate::lock::{InUse, open_elsewhere};
use crate::migrate::{identify, migrate};
use crate::open::{Options, hold_lock};
use crate::paths::{LOG, LOG_INDEX, beside, checked_path, flush_directory, open_directory};
use crate::readers;
use crate::schema::{FORMAT, MIGRATIONS};
use crate::shape;

/// Writes a compact copy of the store at `store` to `to`, which must not exist.
///
/// Reads one state of the store; others go on reading and writing. The copy appears under its name
/// only when it is complete and on disk.
pub(crate) fn backup(files: &StoreFiles, to: &Path) -> Result<(), StorageError> {
    let to = checked_path(to)?;
    let half = half_file(&to)?;
    if std::fs::symlink_metadata(&to).is_ok() {
        return Err(taken(&to));
    }
    copy(files, half.path())?;
    half.place_new().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&to),
        _ => from_io(&to, &error),
    })
}

fn taken(to: &Path) -> StorageError {
    unavailable(to, "it exists; name a new file for the backup")
}

/// Makes the file that becomes `to`.
fn half_file(to: &Path) -> Result<HalfFile, StorageError> {
    HalfFile::create(to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => unavailable(to, "it is being written already"),
        _ => from_io(to, &error),
    })
}

fn copy(files: &StoreFiles, to: &Path) -> Result<(), StorageError> {
    let mut conn = readers::open(files)?;
    // VACUUM INTO writes, if only to the other file.
    conn.script("PRAGMA query_only = OFF")?;
    let name = to.to_str().ok_or_else(|| unavailable(to, "its name is not plain text"))?;
    conn.execute("VACUUM INTO ?", vec![name.to_owned().into()]).map(drop)
}

/// Puts the backup at `from` in the place of the store at `to`, checked and in one step.
///
/// Whatever fails, the store at `to` is what it was before. An existing one is replaced only with
/// `force` and while no handle has it open. The restored store has a new identity.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when there is no backup, when the store exists without `force` or
/// is open in some handle; [`StorageError::Corrupt`] and [`StorageError::Format`] when the backup
/// is no sound store of a format that this program reads; [`StorageError::Busy`].
pub fn restore(from: &Path, to: &Path, force: bool) -> Result<(), StorageError> {
    if !from.is_file() {
        return Err(unavailable(from, "there is no such backup"));
    }
    if std::fs::metadata(beside(from, LOG)).is_ok_and(|log| log.len() > 0) {
        return Err(unavailable(
            from,
            "it is a store in use, not a backup: make one with `backup`",
        ));
    }
    let to = checked_path(to)?;
    let (_lock, _held) = hold_lock(&to, Options::default().lock_wait)?;
    let _alone = InUse::exclude(&to)?;
    if !force && std::fs::metadata(&to).is_ok_and(|found| found.len() > 0) {
        return Err(unavailable(
            &to,
            "a store exists there; force its replacement or name another path",
        ));
    }
    let half = half_file(&to)?;
    let mut backup = File::open(from).map_err(|error| from_io(from, &error))?;
    // The content alone: the restored store is its owner's, whoever may read the backup.
    io::copy(&mut backup, &mut half.file()).map_err(|error| from_io(&to, &error))?;
    verify(from, half.path())?;
    retire(&to)?;
    half.place(true).map(drop).map_err(|error| from_io(&to, &error))
}

/// Makes sure that the copy at `path` of the backup `from` is a sound store, and gives it an
/// identity.
fn verify(from: &Path, path: &Path) -> Result<(), StorageError> {
    let path = Arc::from(path);
    // What is wrong with the copy is wrong with the backup, which is the name that the caller
    // knows.
    let renamed = |error| match error {
        StorageError::Corrupt { .. } => corrupt(from, "it is not a sound backup"),
        error => error,
    };
    let mut conn = Connection::open(&path, Duration::ZERO).map_err(renamed)?;
    match identify(&mut conn).map_err(renamed)? {
        0 => return Err(corrupt(from, "it is empty, not a backup")),
        found if found > FORMAT => return Err(StorageError::Format { found, supported: FORMAT }),
        found => shape::check(&mut conn, found).map_err(renamed)?,
    }
    // The check knows the newest format only, and the copy is ours to change.
    migrate(&mut conn, MIGRATIONS).map_err(renamed)?;
    if let Some(finding) = check::run(&mut conn).map_err(renamed)?.first() {
        return Err(corrupt(from, &format!("it is not a sound backup: {finding}")));
    }
    // Positions of the change feed are given out a second time from here on. What was derived from
    // the store that is replaced must not be taken for derived from this one.
    conn.script("UPDATE meta SET value = randomblob(16) WHERE key = 'store_id'").map_err(renamed)
}

/// Longest wait for those who may have the store open although its mark is missing.
const OTHERS_WAIT: Duration = Duration::from_secs(1);

/// Leaves the old store without a log, which would be played into the new one.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when somebody has it open.
fn retire(store: &Path) -> Result<(), StorageError> {
    let log = beside(store, LOG);
    if !log.exists() {
        return Ok(());
    }
    // A sound store takes its log in; then it is whole until it is replaced.
    let taken_in = Connection::open(&Arc::from(store), OTHERS_WAIT)
        .and_then(|mut conn| conn.script("PRAGMA journal_mode = DELETE"));
    match taken_in {
        Ok(()) => {}
        // SQLite's own lock, where the mark was removed.
        Err(StorageError::Busy) => return Err(open_elsewhere(store)),
        Err(error) => tracing::warn!(%error, "the store to be replaced is damaged"),
    }
    for leftover in [log, beside(store, LOG_INDEX)] {
        match std::fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(from_io(&leftover, &error));
            }
            _ => {}
        }
    }
    open_directory(store).and_then(flush_directory).map_err(|error| from_io(store, &error))
}
