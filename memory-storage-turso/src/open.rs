//! From a path to a store that is checked, migrated and ready.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use memory_core::StorageError;

use crate::TursoStorage;
use crate::connection::{Connection, Row};
use crate::error::{corrupt, from_io, unavailable};
use crate::flusher::{Flusher, Rhythm};
use crate::lock::{InUse, StoreLock, open_private};
use crate::migrate::{identify, migrate};
use crate::readers::Readers;
use crate::schema::{FORMAT, MIGRATIONS};
use crate::wal::WalFile;
use crate::writer::{Limits, Writer};

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Longest wait for another process that writes, before `Busy`. Default 10 s.
    pub lock_wait: Duration,
    /// Longest time until a commit of `Durability::Process` also survives a power cut. Default 100 ms.
    pub flush_interval: Duration,
    /// Most batches until they also survive a power cut. Default 64.
    pub flush_batches: u32,
    /// Growth of the write-ahead log after which the writer moves it into the database between two
    /// transactions, in bytes. Default 16 MiB.
    pub checkpoint_bytes: u64,
    /// Time without a write after which the log is moved into the database. Default 1 s.
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

/// Longest wait for the lock of the store when it is closed: an IDE that ends us waits for 5 s at most.
const MAX_CLOSE_WAIT: Duration = Duration::from_secs(2);

/// Size of a page, in bytes; SQLite's default, which new stores get.
const PAGE_BYTES: u64 = 4096;

/// Size of the smallest database, in bytes.
const MIN_BYTES: u64 = 512;

/// What the writing connection sets. With synchronous NORMAL a commit only writes to the log: it
/// survives the process, and a flush of the log makes it survive a power cut. The log is cut to 32 MB
/// when it begins anew, so that one bulk import does not leave a huge file.
const SETTINGS: &str = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
                        PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;
                        PRAGMA journal_size_limit = 33554432";

/// Opens or makes the store at `path` and starts its threads.
pub(crate) fn open(path: &Path, options: &Options) -> Result<TursoStorage, StorageError> {
    open_with(path, options, WalFile::flush)
}

/// Opens a store whose log is flushed by `flush`, which a test may let fail.
pub(crate) fn open_with(
    path: &Path,
    options: &Options,
    mut flush: impl FnMut(&mut WalFile) -> io::Result<()> + Send + 'static,
) -> Result<TursoStorage, StorageError> {
    let path: Arc<Path> = checked_path(path)?.into();
    let mut lock = StoreLock::open(&path)?;
    let held = lock.acquire(options.lock_wait)?;
    let in_use = InUse::share(&path)?;
    let (conn, store_id) = prepare(&path, options)?;
    drop(held);

    let rhythm = Rhythm { interval: options.flush_interval, n_batches: options.flush_batches };
    let mut wal = WalFile::of(&path);
    let (flusher, flush_thread) = Flusher::start(rhythm, move || flush(&mut wal))?;
    let limits = Limits {
        lock_wait: options.lock_wait,
        checkpoint_bytes: options.checkpoint_bytes,
        checkpoint_idle: options.checkpoint_idle,
    };
    let writer = Writer::new(conn, lock, flusher.clone(), limits);
    let (jobs, queue) = mpsc::channel();
    let write_thread = std::thread::Builder::new()
        .name("memory-write".to_owned())
        .spawn(move || writer.run(&queue))
        .map_err(|error| from_io(&path, &error))?;
    Ok(TursoStorage {
        readers: Some(Readers::new(Arc::clone(&path), options.n_readers)),
        jobs: Some(jobs),
        flusher,
        write_thread: Some(write_thread),
        flush_thread: Some(flush_thread),
        close_wait: options.lock_wait.min(MAX_CLOSE_WAIT),
        store_id,
        path,
        _in_use: in_use,
    })
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
    let found = identify(&mut conn)?;
    if found > FORMAT {
        return Err(StorageError::Format { found, supported: FORMAT });
    }
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
    Ok(conn.first(sql, vec![], Row::text)?.unwrap_or_default())
}

/// The path in full and without links, in a folder that exists, of something that can be a store.
///
/// All handles must agree on it: the lock and the log lie beside it, where SQLite looks for the log too.
pub(crate) fn checked_path(path: &Path) -> Result<PathBuf, StorageError> {
    let full = std::path::absolute(path).map_err(|error| from_io(path, &error))?;
    if full.to_str().is_none_or(|name| name.contains('\0')) {
        return Err(unavailable(&full, "its name is not plain text; name another path"));
    }
    match std::fs::symlink_metadata(&full) {
        Ok(_) => {
            let real = std::fs::canonicalize(&full).map_err(|error| from_io(&full, &error))?;
            let found = std::fs::metadata(&real).map_err(|error| from_io(&full, &error))?;
            if found.is_dir() {
                let reason = "it is a folder; name a file, for example memory.db in it";
                return Err(unavailable(&full, reason));
            }
            if !found.is_file() {
                return Err(unavailable(&full, "it is not a regular file; name another path"));
            }
            Ok(real)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_path(&full),
        Err(error) => Err(from_io(&full, &error)),
    }
}

/// The path of a store that is not there yet; makes its folder.
fn new_path(full: &Path) -> Result<PathBuf, StorageError> {
    let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
        return Err(unavailable(full, "it is a folder; name a file in it"));
    };
    let made = std::fs::create_dir_all(folder).and_then(|()| std::fs::canonicalize(folder));
    made.map(|folder| folder.join(name)).map_err(|error| from_io(folder, &error))
}
