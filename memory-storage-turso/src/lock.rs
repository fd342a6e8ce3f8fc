//! The lock that keeps writers of several processes apart, and the mark that a store is in use.
//!
//! libsql's SQLite can damage a store when a commit and a checkpoint of different processes overlap
//! (the WAL-reset race), so all writers take turns at one advisory lock. The kernel frees it when a
//! process ends, however it ends. These are files of their own: closing any descriptor of the database
//! would drop SQLite's locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use memory_core::StorageError;

use crate::error::{from_io, unavailable};

/// Attempts that give way only to runnable threads; a commit holds the lock for about this long.
const N_SPINS: u32 = 40;
/// First and longest pause between attempts.
const MIN_PAUSE: Duration = Duration::from_micros(50);
const MAX_PAUSE: Duration = Duration::from_millis(1);

/// The store's lock as one handle sees it; nobody holds it yet.
///
/// Two files: whoever wants `<store>.lock` first takes `<store>.queue` and gives it back once it has
/// the lock. Without it a writer that commits back to back would take the lock again before those who
/// wait have woken up.
#[derive(Debug)]
pub(crate) struct StoreLock {
    lock: File,
    queue: File,
    path: PathBuf,
}

impl StoreLock {
    /// Opens the lock files of the store at `path` and makes them where they are missing.
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let lock_path = beside(path, ".lock");
        Ok(Self {
            lock: open_private(&lock_path)?,
            queue: open_private(&beside(path, ".queue"))?,
            path: lock_path,
        })
    }

    /// Takes the lock, about 2 µs when nobody holds it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] when it is not free within `wait`.
    pub(crate) fn acquire(&mut self, wait: Duration) -> Result<LockGuard<'_>, StorageError> {
        let begin = Instant::now();
        let queued = HeldFile(self.poll(&self.queue, begin, wait)?);
        let held = HeldFile(self.poll(&self.lock, begin, wait)?);
        drop(queued);
        let waited = begin.elapsed();
        if waited > Duration::from_secs(1) {
            tracing::warn!(waited_ms = waited.as_millis(), "another process held the store");
        }
        metrics::histogram!("memory_storage_lock_wait_seconds").record(waited);
        Ok(LockGuard { _held: held })
    }

    fn poll<'f>(
        &self,
        file: &'f File,
        begin: Instant,
        wait: Duration,
    ) -> Result<&'f File, StorageError> {
        let mut n_attempts = 0;
        let mut pause = MIN_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
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

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct LockGuard<'l> {
    _held: HeldFile<'l>,
}

#[derive(Debug)]
struct HeldFile<'f>(&'f File);

impl Drop for HeldFile<'_> {
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
}

impl InUse {
    /// Marks the store as used, together with any number of other handles.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] while the store is being replaced.
    pub(crate) fn share(path: &Path) -> Result<Self, StorageError> {
        let path = beside(path, ".use");
        let file = open_private(&path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file }),
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
        let path = beside(store, ".use");
        let file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(unavailable(store, "it is open in another window; close that first"))
            }
            Err(TryLockError::Error(error)) => Err(from_io(&path, &error)),
        }
    }
}

/// The path of a file that belongs to the store: its name with `suffix`.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file for writing, makes it for its owner alone if it is missing, and leaves its content.
pub(crate) fn open_private(path: &Path) -> Result<File, StorageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| from_io(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn a_lock_that_is_held_too_long_makes_others_busy() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store.db");
        let (mut ours, mut theirs) =
            (StoreLock::open(&store).unwrap(), StoreLock::open(&store).unwrap());
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
            let mut lock = StoreLock::open(&store).unwrap();
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
