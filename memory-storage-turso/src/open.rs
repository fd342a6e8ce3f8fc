//! From a path to a store that is checked, migrated and ready.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_core::StorageError;

use crate::connection::{Connection, Row};
use crate::error::{corrupt, from_io, unavailable};
use crate::files::{LOG_SIZE_LIMIT, StoreFiles};
use crate::leftovers;
use crate::lock::{InUse, LockGuard, StoreLock};
use crate::migrate::{identify, migrate};
use crate::paths::{checked_path, open_private};
use crate::schema::{FORMAT, MIGRATIONS};
use crate::shape;
use crate::wal::WalFile;

/// Options of opening a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Longest wait for another process that writes, before `Busy`. Default 10 s.
    pub lock_wait: Duration,
    /// Longest time until a commit of `Durability::Process` also survives a power cut. Default
    /// 100 ms.
    pub flush_interval: Duration,
    /// Most batches until they also survive a power cut. Default 64.
    pub flush_batches: u32,
    /// Growth of the write-ahead log after which the writer moves it into the database between two
    /// transactions, in bytes. Default 16 MiB.
    pub checkpoint_bytes: u64,
    /// Time without a write after which the log is moved into the database; a short log waits five
    /// times as long. Default 1 s.
    pub checkpoint_idle: Duration,
    /// Most reads at once; each costs about 1 MB of memory once it was needed. Default 4.
    pub n_readers: usize,
    /// Largest size of the database file, in bytes; writes above it fail as if the disk were full.
    /// Default: none.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_secs(10),
            flush_interval: Duration::from_millis(100),
            flush_batches: 64,
            checkpoint_bytes: 16 << 20,
            checkpoint_idle: Duration::from_secs(1),
            n_readers: 4,
            max_bytes: None,
        }
    }
}

/// Size of a page, in bytes; SQLite's default, which new stores get.
const PAGE_BYTES: u64 = 4096;

/// Size of the smallest database, in bytes.
const MIN_BYTES: u64 = 512;

/// Settings of the writing connection.
///
/// With synchronous NORMAL a commit only writes to the log: it survives the process, and a flush
/// of the log makes it survive a power cut.
const SETTINGS: &str = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
                        PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;
                        PRAGMA cache_size = -2048";

/// A store that is open and at rest: nobody holds its lock, no thread runs.
pub(crate) struct Opened {
    /// The connection that writes.
    pub(crate) conn: Connection,
    /// The lock of the store.
    pub(crate) lock: StoreLock,
    /// The mark that the store is in use.
    pub(crate) in_use: InUse,
    /// The log, to be flushed.
    pub(crate) log: WalFile,
    /// The files that are open.
    pub(crate) files: Arc<StoreFiles>,
    /// Identity of the store.
    pub(crate) store_id: [u8; 16],
}

/// Opens or makes the store at `path`.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Opened, StorageError> {
    let given = std::path::absolute(path).map_err(|error| from_io(path, &error))?;
    let path: Arc<Path> = checked_path(path)?.into();
    let (lock, held) = hold_lock(&path, options.lock_wait)?;
    let in_use = InUse::share(&path)?;
    leftovers::settle(&path, lock.path(), in_use.is_first())?;
    let (conn, store_id) = prepare(&path, options)?;
    let log = WalFile::open(&path)?;
    let files = Arc::new(StoreFiles::opened(&path, &given)?);
    files.announce(in_use.is_first());
    drop(held);
    Ok(Opened { conn, lock, in_use, log, files, store_id })
}

/// Opens the lock of the store and takes it; a lock file that was removed meanwhile is made anew.
pub(crate) fn hold_lock(
    path: &Path,
    wait: Duration,
) -> Result<(StoreLock, LockGuard), StorageError> {
    loop {
        let lock = StoreLock::open(path)?;
        let held = lock.acquire(wait)?;
        if lock.is_named() {
            return Ok((lock, held));
        }
    }
}

/// Opens the writing connection and brings the store to the newest format. The lock is held.
fn prepare(path: &Arc<Path>, options: &Options) -> Result<(Connection, [u8; 16]), StorageError> {
    match std::fs::metadata(path) {
        // SQLite would take less than a header for an empty file, and write over it.
        Ok(found) if (1..MIN_BYTES).contains(&found.len()) => {
            return Err(corrupt(path, "it is cut off, or not a store of memory-mcp"));
        }
        Ok(_) => {}
        // Made here so that only its owner can read it; nobody can have it open yet.
        Err(_) => drop(open_private(path)?),
    }
    let mut conn = Connection::open(path, options.lock_wait)?;
    conn.script(SETTINGS)?;
    conn.script(&format!("PRAGMA journal_size_limit = {LOG_SIZE_LIMIT}"))?;
    let found = identify(&mut conn)?;
    if found > FORMAT {
        return Err(StorageError::Format { found, supported: FORMAT });
    }
    // Before anything is written, which a foreign trigger would see.
    shape::check(&mut conn, found)?;
    if journal_mode(&mut conn)? != "wal" {
        conn.script("PRAGMA journal_mode = WAL")?;
        let mode = journal_mode(&mut conn)?;
        if mode != "wal" {
            let reason = format!("its journal stays `{mode}`; name a path on a local disk");
            return Err(unavailable(path, &reason));
        }
    }
    migrate(&mut conn, MIGRATIONS)?;
    if let Some(max_bytes) = options.max_bytes {
        conn.script(&format!("PRAGMA max_page_count = {}", (max_bytes / PAGE_BYTES).max(1)))?;
    }
    let store_id = conn.first("SELECT value FROM meta WHERE key = 'store_id'", vec![], Row::id)?;
    let store_id = store_id.ok_or_else(|| corrupt(path, "it has no identity"))?;
    Ok((conn, store_id))
}

fn journal_mode(conn: &mut Connection) -> Result<String, StorageError> {
    let sql = "SELECT CAST(journal_mode AS BLOB) FROM pragma_journal_mode";
    let mode = conn.first(sql, vec![], Row::text)?;
    mode.ok_or_else(|| corrupt(conn.path(), "it names no kind of journal"))
}
