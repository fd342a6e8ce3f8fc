//! The lock that keeps writers of several processes apart, and the mark that a store is in use.
//!
//! libsql's SQLite can damage a store when a commit and a checkpoint of different processes
//! overlap (the WAL-reset race), so all writers take turns at one advisory lock. The kernel frees
//! it when a process ends, however it ends. These are files of their own: closing any descriptor
//! of the database would drop SQLite's locks. A lock file that somebody removed is made anew:
//! whoever opens the store next would lock another file than we do.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};
use crate::fingerprint::FileId;
use crate::paths::{LOCK, beside, open_private};

/// Suffix of the file that all take who wait for the lock.
const QUEUE: &str = ".queue";
/// Suffix of the file that every open handle holds.
const IN_USE: &str = ".use";

/// Attempts that give way only to runnable threads; a commit holds the lock for about this long.
const N_SPINS: u32 = 40;
/// First and longest pause between attempts.
const MIN_PAUSE: Duration = Duration::from_micros(50);
const MAX_PAUSE: Duration = Duration::from_millis(1);

/// Lock of a store as one handle sees it; not held by being open.
///
/// Two files: whoever wants `<store>.lock` first takes `<store>.queue` and gives it back once it
/// has the lock. Without it a writer that commits back to back would take the lock again before
/// those who wait have woken up.
#[derive(Debug)]
pub(crate) struct StoreLock {
    lock: Arc<File>,
    queue: Arc<File>,
    path: PathBuf,
    id: FileId,
}

impl StoreLock {
    /// Opens the lock files of the store at `path` and makes them where they are missing.
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let lock_path = beside(path, LOCK);
        let lock = open_private(&lock_path)?;
        let id = opened_id(&lock, &lock_path)?;
        let queue = open_private(&beside(path, QUEUE))?;
        Ok(Self { lock: lock.into(), queue: queue.into(), path: lock_path, id })
    }

    /// Returns the path of the lock file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the lock file still lies under its name, where the other processes find it.
    pub(crate) fn is_named(&self) -> bool {
        FileId::at(&self.path) == Some(self.id)
    }

    /// Takes the lock, about 2 µs when nobody holds it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] when it is not free within `wait`.
    pub(crate) fn acquire(&self, wait: Duration) -> Result<LockGuard, StorageError> {
        let begin = Instant::now();
        let queued = self.poll(&self.queue, begin, wait)?;
        let held = self.poll(&self.lock, begin, wait)?;
        drop(queued);
        let waited = begin.elapsed();
        if waited > Duration::from_secs(1) {
            tracing::warn!(waited_ms = waited.as_millis(), "another process held the store");
        }
        metrics::histogram!("memory_storage_lock_wait_seconds").record(waited);
        Ok(held)
    }

    fn poll(
        &self,
        file: &Arc<File>,
        begin: Instant,
        wait: Duration,
    ) -> Result<LockGuard, StorageError> {
        let mut n_attempts = 0;
        let mut pause = MIN_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(LockGuard(Arc::clone(file))),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= wait => {
                    metrics::counter!("memory_storage_busy_total").increment(1);
                    return Err(StorageError::Busy);
                }
                Err(TryLockError::WouldBlock) if n_attempts < N_SPINS => thread::yield_now(),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(pause);
                    pause = MAX_PAUSE.min(pause * 2);
                }
                Err(TryLockError::Error(error)) => return Err(from_io(&self.path, &error)),
            }
            n_attempts += 1;
        }
    }
}

/// Holds a lock file until it is dropped.
#[derive(Debug)]
pub(crate) struct LockGuard(Arc<File>);

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "the lock of the store could not be released");
        }
    }
}

/// Marks the store as open in some handle, so that `restore` does not replace it underneath.
#[derive(Debug)]
pub(crate) struct InUse {
    _file: File,
    path: PathBuf,
    id: FileId,
    is_first: bool,
}

impl InUse {
    /// Marks the store as used, together with any number of other handles. The lock must be held.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] while the store is being replaced.
    pub(crate) fn share(store: &Path) -> Result<Self, StorageError> {
        let path = beside(store, IN_USE);
        let file = open_private(&path)?;
        let id = opened_id(&file, &path)?;
        // Nobody else can come in between, because all do this under the lock of the store.
        let is_first = file.try_lock().is_ok();
        if is_first {
            file.unlock().map_err(|error| from_io(&path, &error))?;
        }
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file, path, id, is_first }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Busy),
            Err(TryLockError::Error(error)) => Err(from_io(&path, &error)),
        }
    }

    /// Makes sure that no handle has the store open, and keeps it so.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when one has.
    pub(crate) fn exclude(store: &Path) -> Result<Self, StorageError> {
        let path = beside(store, IN_USE);
        let file = open_private(&path)?;
        let id = opened_id(&file, &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file, path, id, is_first: true }),
            Err(TryLockError::WouldBlock) => Err(open_elsewhere(store)),
            Err(TryLockError::Error(error)) => Err(from_io(&path, &error)),
        }
    }

    /// Returns whether no other handle had the store open when this one was made.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Returns whether the file still lies under its name, where the other processes find it.
    pub(crate) fn is_named(&self) -> bool {
        FileId::at(&self.path) == Some(self.id)
    }
}

/// Returns the error of replacing a store that is in use.
pub(crate) fn open_elsewhere(store: &Path) -> StorageError {
    unavailable(store, "it is open in another window; close that first")
}

fn opened_id(file: &File, path: &Path) -> Result<FileId, StorageError> {
    file.metadata().map(|found| FileId::of(&found)).map_err(|error| from_io(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn a_lock_that_is_held_too_long_makes_others_busy() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store.db");
        let (ours, theirs) = (StoreLock::open(&store).unwrap(), StoreLock::open(&store).unwrap());
        let held = theirs.acquire(SHORT).unwrap();
        assert!(matches!(ours.acquire(SHORT), Err(StorageError::Busy)));
        drop(held);
        assert!(ours.acquire(SHORT).is_ok(), "it is free again, and so is the queue");
    }

    #[test]
    fn back_to_back_holders_let_the_others_in() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store.db");
        let hold = |n_rounds: u32| {
            let lock = StoreLock::open(&store).unwrap();
            let mut longest = Duration::ZERO;
            for _ in 0..n_rounds {
                let begin = Instant::now();
                let held = lock.acquire(Duration::from_mins(1)).unwrap();
                longest = longest.max(begin.elapsed());
                std::hint::black_box((0..20_000_u64).sum::<u64>());
                drop(held);
            }
            longest
        };
        let longest = thread::scope(|scope| {
            let holders: Vec<_> = (0..4).map(|_| scope.spawn(|| hold(300))).collect();
            holders.into_iter().map(|holder| holder.join().unwrap()).max().unwrap()
        });
        assert!(longest < Duration::from_secs(5), "somebody waited for {longest:?}");
    }

    #[test]
    fn a_store_in_use_excludes_its_replacement() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store.db");
        let (one, two) = (InUse::share(&store).unwrap(), InUse::share(&store).unwrap());
        assert!(InUse::exclude(&store).is_err());
        drop((one, two));
        let replacing = InUse::exclude(&store).unwrap();
        assert!(matches!(InUse::share(&store), Err(StorageError::Busy)));
        drop(replacing);
    }
}
