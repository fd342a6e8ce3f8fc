//! The files of an open store, and the check that their names still lead to them.
//!
//! A store is the file `<name>` with its write-ahead log `<name>-wal` and the index of that log,
//! `<name>-shm`. SQLite opens the three by name once and then never uses the names again. When
//! somebody removes or moves one of them, puts another file in its place or overwrites the
//! database, commits succeed into a file that nobody will find. [`StoreFiles`] notices that with a
//! few calls of `stat`, before a commit and again before it is acknowledged.
//!
//! Files are told apart by device and inode. A database that was overwritten in place keeps both,
//! so its length and modification time are compared too: only a checkpoint writes to it, each
//! under the lock of the store, and [`crate::fingerprint`] passes the new values on to the other
//! processes. Elsewhere than on Unix, where an open file cannot be removed, only the existence of
//! the files is checked.
//!
//! A descriptor of the database or of the index is never opened here: closing it would drop the
//! locks that SQLite has on the file (POSIX locks belong to the process).

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use memory_core::StorageError;

use crate::error::from_io;
use crate::fingerprint::{self, FileId, Fingerprint, Stamp};
use crate::paths::{LOCK, LOG, LOG_INDEX, beside};

/// Size to which SQLite cuts the log when it begins it anew, in bytes: one bulk import does not
/// leave a huge file. Below it the log never shrinks while the store is open.
pub(crate) const LOG_SIZE_LIMIT: u64 = 32 << 20;

/// Reason why an open store is no longer the one that its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Displaced {
    store: Arc<Path>,
    /// Kind of change that happened to the files.
    pub(crate) cause: Cause,
}

/// Kinds of [`Displaced`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The path names no file.
    Missing,
    /// The path names another file, or a link.
    Replaced,
    /// The log is not the file that is open.
    Log,
    /// The index of the log is not the file that is open.
    LogIndex,
    /// Another program wrote to the database or shortened the log.
    Overwritten,
    /// The files cannot be inspected.
    Hidden(Box<str>),
}

impl Displaced {
    /// Names what happened to the files of the store at `store`.
    pub(crate) fn new(store: &Arc<Path>, cause: Cause) -> Self {
        Self { store: Arc::clone(store), cause }
    }

    /// Returns the error of a change of which nothing was written.
    pub(crate) fn refused(&self) -> StorageError {
        self.error("nothing was written")
    }

    /// Returns the error of a change that was written to the open file, which may be lost.
    pub(crate) fn unconfirmed(&self) -> StorageError {
        self.error("the change is not confirmed")
    }

    /// Returns the error of a reading, or of a probe.
    pub(crate) fn noticed(&self) -> StorageError {
        self.error("no more changes are taken")
    }

    /// Returns the error of opening the store while other sessions have the former files open.
    pub(crate) fn not_opened(&self) -> StorageError {
        self.error("it was not opened here")
    }

    fn error(&self, consequence: &str) -> StorageError {
        let file = self.store.file_name().unwrap_or_default().to_string_lossy();
        let reason = match &self.cause {
            Cause::Missing => format!(
                "the file was removed or moved away while the store is open; {consequence}: put it \
                 back, or restart memory-mcp, which then makes a new store there"
            ),
            Cause::Replaced => format!(
                "another file was put in its place while the store is open; {consequence}: restart \
                 memory-mcp to use that file, or put the old one back first"
            ),
            Cause::Log | Cause::LogIndex => {
                let suffix = if self.cause == Cause::Log { LOG } else { LOG_INDEX };
                format!(
                    "its companion {file}{suffix} was removed or replaced while the store is open; \
                     {consequence}: end all sessions that use the store, then restart memory-mcp"
                )
            }
            Cause::Overwritten => format!(
                "another program overwrote or cut off the file, or its log, while the store is \
                 open; {consequence}: end all sessions that use the store, then run \
                 `memory-mcp doctor`, and restore a backup if it finds damage"
            ),
            Cause::Hidden(reason) => format!(
                "its files can no longer be inspected ({reason}); {consequence}: give the \
                 permissions back or connect the disk again"
            ),
        };
        StorageError::Unavailable {
            resource: self.store.to_string_lossy().into(),
            reason: reason.into(),
        }
    }
}

/// Last known state of the content of the files.
#[derive(Debug)]
struct Known {
    /// The database after the last checkpoint; `None` when it is taken as it is at the next check.
    database: Option<Stamp>,
    /// A length that the log had and must still have, in bytes.
    log_bytes: u64,
}

/// The files of an open store as they were when it was opened. Shared by the threads of a handle.
#[derive(Debug)]
pub(crate) struct StoreFiles {
    path: Arc<Path>,
    /// The path that the caller gave, where a link in it leads to `path`.
    alias: Option<Arc<Path>>,
    log_path: PathBuf,
    log_index_path: PathBuf,
    lock_path: PathBuf,
    database: FileId,
    log: FileId,
    log_index: FileId,
    known: Mutex<Known>,
}

impl StoreFiles {
    /// Notes the files of the store at `path`, which SQLite has just opened while the lock of the
    /// store is held. `given` is the path by which the caller named it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when one of them cannot be inspected.
    pub(crate) fn opened(path: &Arc<Path>, given: &Path) -> Result<Self, StorageError> {
        let (log_path, log_index_path) = (beside(path, LOG), beside(path, LOG_INDEX));
        let database = inspect(path)?;
        let (log, log_index) = (inspect(&log_path)?, inspect(&log_index_path)?);
        let known = Known {
            database: Some(Stamp::of(&database)),
            log_bytes: log.len().min(LOG_SIZE_LIMIT),
        };
        Ok(Self {
            alias: (given != &**path).then(|| Arc::from(given)),
            lock_path: beside(path, LOCK),
            path: Arc::clone(path),
            log_path,
            log_index_path,
            database: FileId::of(&database),
            log: FileId::of(&log),
            log_index: FileId::of(&log_index),
            known: Mutex::new(known),
        })
    }

    /// Returns the path of the database.
    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Returns whether the index of the log still lies under its name.
    pub(crate) fn is_log_index_named(&self) -> bool {
        FileId::at(&self.log_index_path) == Some(self.log_index)
    }

    /// Checks that the names lead to the open files and that the log was not shortened. Costs three
    /// or four calls of `stat`, about a microsecond each.
    pub(crate) fn check_names(&self) -> Result<(), Displaced> {
        self.inspect()?;
        self.check_alias()
    }

    /// Checks that the path by which the caller named the store still leads to it: whoever opens it
    /// by that path would find another one.
    pub(crate) fn check_alias(&self) -> Result<(), Displaced> {
        let Some(alias) = &self.alias else { return Ok(()) };
        let cause = match fs::metadata(alias) {
            Ok(found) if FileId::of(&found) == self.database => return Ok(()),
            Ok(_) => Cause::Replaced,
            Err(error) => unseen(&error, Cause::Missing),
        };
        Err(Displaced::new(alias, cause))
    }

    /// Checks the full names and that nobody else wrote to the database. The lock of the store must
    /// be held.
    pub(crate) fn check(&self) -> Result<(), Displaced> {
        let found = self.inspect()?;
        let mut known = self.known();
        if known.database == Some(found) {
            return Ok(());
        }
        match fingerprint::load(&self.lock_path) {
            Some(noted) if noted.database != self.database => {
                return Err(self.displaced(Cause::Overwritten));
            }
            Some(Fingerprint { stamp: Some(noted), .. }) if noted != found => {
                return Err(self.displaced(Cause::Overwritten));
            }
            Some(Fingerprint { stamp: Some(_), .. }) => {}
            // Its last writer died in a checkpoint, or never noted anything: taken as it is.
            None | Some(Fingerprint { stamp: None, .. }) => self.note(Some(found)),
        }
        known.database = Some(found);
        Ok(())
    }

    /// Does what [`StoreFiles::check`] does as far as that is possible without the lock: while
    /// another process writes to the database, its content is not judged.
    pub(crate) fn probe(&self) -> Result<(), Displaced> {
        // A checkpoint that ends just now explains one difference, not three in a row.
        let mut n_attempts = 0;
        loop {
            let found = self.inspect()?;
            if self.known().database.is_none_or(|known| known == found) {
                return self.check_alias();
            }
            let noted = fingerprint::load(&self.lock_path);
            let is_ours = noted.is_none_or(|noted| {
                noted.database == self.database && noted.stamp.is_none_or(|stamp| stamp == found)
            });
            if is_ours {
                return self.check_alias();
            }
            n_attempts += 1;
            if n_attempts == 3 {
                return Err(self.displaced(Cause::Overwritten));
            }
        }
    }

    /// Runs `write`, which may write to the database file, and notes for all processes what the
    /// file is like afterwards. The lock of the store must be held.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`], without running `write`, when the files are not ours any
    /// more, or when the note cannot be changed first.
    pub(crate) fn while_writing<T>(&self, write: impl FnOnce() -> T) -> Result<T, StorageError> {
        self.check().map_err(|displaced| displaced.refused())?;
        // Whoever comes after a process that dies in between takes the content as it is.
        fingerprint::note(&self.lock_path, &self.fingerprint(None))?;
        let done = write();
        let found = fs::symlink_metadata(&self.path);
        if let Some(found) = found.ok().filter(|found| FileId::of(found) == self.database) {
            let stamp = Stamp::of(&found);
            self.known().database = Some(stamp);
            self.note(Some(stamp));
        }
        Ok(done)
    }

    /// Runs `write`, which may write to a database that has lost its name. Should the file get its
    /// name back, it is taken as it is then.
    pub(crate) fn while_displaced<T>(&self, write: impl FnOnce() -> T) -> T {
        let noted = fingerprint::load(&self.lock_path);
        if noted.is_some_and(|noted| noted.database == self.database) {
            self.note(None);
        }
        self.known().database = None;
        write()
    }

    /// Tells other processes which files are open, unless they know. The lock must be held.
    pub(crate) fn announce(&self, is_first: bool) {
        let Some(stamp) = self.known().database else { return };
        let noted = fingerprint::load(&self.lock_path);
        if is_first || noted.is_none_or(|noted| noted.database != self.database) {
            self.note(Some(stamp));
        }
    }

    /// Tells other processes which files are open and what the database is like. A failure is only
    /// logged: without a note the content is taken as it is.
    fn note(&self, stamp: Option<Stamp>) {
        if let Err(error) = fingerprint::note(&self.lock_path, &self.fingerprint(stamp)) {
            tracing::debug!(%error, "the files of the store were not noted");
        }
    }

    fn fingerprint(&self, stamp: Option<Stamp>) -> Fingerprint {
        let Self { database, log, log_index, .. } = *self;
        Fingerprint { database, log, log_index, stamp }
    }

    /// Checks that the full names lead to the open files; returns the state of the database.
    fn inspect(&self) -> Result<Stamp, Displaced> {
        let database = match fs::symlink_metadata(&self.path) {
            Ok(found) => found,
            Err(error) => return Err(self.displaced(unseen(&error, Cause::Missing))),
        };
        if FileId::of(&database) != self.database {
            return Err(self.displaced(Cause::Replaced));
        }
        // Read before the length of the log is: another thread may see a longer one in between.
        let had_bytes = self.known().log_bytes;
        match fs::symlink_metadata(&self.log_path) {
            Ok(found) if FileId::of(&found) != self.log => return Err(self.displaced(Cause::Log)),
            Ok(found) if found.len() < had_bytes => {
                return Err(self.displaced(Cause::Overwritten));
            }
            Ok(found) => {
                let mut known = self.known();
                known.log_bytes = known.log_bytes.max(found.len().min(LOG_SIZE_LIMIT));
            }
            Err(error) => return Err(self.displaced(unseen(&error, Cause::Log))),
        }
        match fs::symlink_metadata(&self.log_index_path) {
            Ok(found) if FileId::of(&found) == self.log_index => Ok(Stamp::of(&database)),
            Ok(_) => Err(self.displaced(Cause::LogIndex)),
            Err(error) => Err(self.displaced(unseen(&error, Cause::LogIndex))),
        }
    }

    fn displaced(&self, cause: Cause) -> Displaced {
        Displaced::new(&self.path, cause)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the cause for a file that `stat` does not find (`missing`), or fails on.
fn unseen(error: &io::Error, missing: Cause) -> Cause {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing,
        _ => Cause::Hidden(error.to_string().into()),
    }
}

fn inspect(path: &Path) -> Result<Metadata, StorageError> {
    fs::symlink_metadata(path).map_err(|error| from_io(path, &error))
}
