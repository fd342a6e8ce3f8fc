//! Connections for reading: as many at once as there are in the pool, each used by one caller.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memory_core::StorageError;

use crate::connection::Connection;

/// What every connection sets. Its pages are cached up to this many KiB (negative: a size, not pages).
const SETTINGS: &str =
    "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;
                        PRAGMA cache_size = -1024; PRAGMA query_only = ON";

/// How long a reader waits for SQLite's own locks: only while another process recovers the log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    n_open: usize,
}

/// A pool of connections, opened when they are needed for the first time.
pub(crate) struct Readers {
    path: Arc<Path>,
    limit: usize,
    state: Mutex<State>,
    returned: Condvar,
}

impl Readers {
    /// A pool of at most `limit` connections.
    pub(crate) fn new(path: Arc<Path>, limit: usize) -> Self {
        let (state, returned) = (Mutex::default(), Condvar::new());
        Self { path, limit: limit.max(1), state, returned }
    }

    /// Reads with a connection of the pool, on this thread; waits while all are in use.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut lent = Lent { pool: self, conn: self.take() };
        let conn = match &mut lent.conn {
            Some(conn) => conn,
            none => none.insert(open(&self.path)?),
        };
        read(conn)
    }

    /// Takes an idle connection, or the right to open one.
    fn take(&self) -> Option<Connection> {
        let mut state = self.lock();
        loop {
            if let Some(conn) = state.idle.pop() {
                return Some(conn);
            }
            if state.n_open < self.limit {
                state.n_open += 1;
                return None;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the connection back, also when reading panics.
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
        self.pool.returned.notify_one();
    }
}

/// Opens a connection that cannot write.
pub(crate) fn open(path: &Arc<Path>) -> Result<Connection, StorageError> {
    let mut conn = Connection::open(path, BUSY_TIMEOUT)?;
    conn.script(SETTINGS)?;
    Ok(conn)
}
