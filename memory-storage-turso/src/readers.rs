//! Connections for reading: as many at once as there are in the pool, each used by one caller.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memory_core::StorageError;

use crate::connection::{Connection, Row};
use crate::error::corrupt;
use crate::files::StoreFiles;

/// Settings of every connection. Up to 1,024 KiB of pages are cached (negative: a size, not pages).
const SETTINGS: &str =
    "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;
     PRAGMA cache_size = -1024; PRAGMA query_only = ON";

/// Longest wait of a reader for SQLite's own locks: only while another process recovers the log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    n_open: usize,
}

/// Pool of connections, opened when they are needed for the first time.
pub(crate) struct Readers {
    files: Arc<StoreFiles>,
    limit: usize,
    state: Mutex<State>,
    returned: Condvar,
}

impl Readers {
    /// Makes a pool of at most `limit` connections.
    pub(crate) fn new(files: Arc<StoreFiles>, limit: usize) -> Self {
        let (state, returned) = (Mutex::default(), Condvar::new());
        Self { files, limit: limit.max(1), state, returned }
    }

    /// Reads with a connection of the pool, on this thread; waits while all are in use.
    ///
    /// If no more can be opened, because the files of the store lost their names for example,
    /// reading goes on with those that are open.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut lent = self.take();
        if lent.conn.is_none() {
            match open(&self.files) {
                Ok(conn) => lent.conn = Some(conn),
                Err(error) => {
                    drop(lent);
                    lent = self.wait_for_idle().ok_or(error)?;
                }
            }
        }
        let conn = lent.conn.as_mut();
        read(conn.ok_or_else(|| StorageError::Backend("no connection was lent".into()))?)
    }

    /// Takes an idle connection, or the right to open one.
    fn take(&self) -> Lent<'_> {
        let mut state = self.lock();
        loop {
            if let Some(conn) = state.idle.pop() {
                return Lent { pool: self, conn: Some(conn) };
            }
            if state.n_open < self.limit {
                state.n_open += 1;
                return Lent { pool: self, conn: None };
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a connection that others opened; `None` when there is none that could come back.
    fn wait_for_idle(&self) -> Option<Lent<'_>> {
        let mut state = self.lock();
        loop {
            if let Some(conn) = state.idle.pop() {
                return Some(Lent { pool: self, conn: Some(conn) });
            }
            if state.n_open == 0 {
                return None;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection of the pool, or the right to open one; goes back also when reading panics.
struct Lent<'p> {
    pool: &'p Readers,
    conn: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.conn.take() {
            // One that is still in a transaction would show an old state for ever.
            Some(conn) if conn.is_autocommit() => state.idle.push(conn),
            _ => state.n_open -= 1,
        }
        drop(state);
        // All: one that may open a connection and one that waits for an open one need different
        // things.
        self.pool.returned.notify_all();
    }
}

/// Opens a connection that cannot write on the files of the store.
///
/// SQLite opens by name, so the names are checked before and after; in between a first query makes
/// it open the log too.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when the names no longer lead to the files of the store.
pub(crate) fn open(files: &StoreFiles) -> Result<Connection, StorageError> {
    let check = || files.check_names().map_err(|displaced| displaced.noticed());
    check()?;
    let mut conn = Connection::open(files.path(), BUSY_TIMEOUT)?;
    conn.script(SETTINGS)?;
    let identity = "SELECT value FROM meta WHERE key = 'store_id'";
    conn.first(identity, vec![], Row::id)?
        .ok_or_else(|| corrupt(files.path(), "it has no identity"))?;
    check()?;
    Ok(conn)
}
