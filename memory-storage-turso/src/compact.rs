//! Giving the space of removed records back to the disk.
//!
//! `VACUUM` writes the whole store anew into the log, in one transaction: whatever ends it leaves
//! the store as it was. The checkpoint after it shortens the file. From then on the store is one
//! that can be shortened page by page, which the writer does when it is idle.

use std::time::Duration;

use memory_core::StorageError;

use crate::connection::{Connection, Row};
use crate::files::{LOG_SIZE_LIMIT, StoreFiles};
use crate::open::hold_lock;

/// Moves the log into the database as far as no reader needs it; gives three numbers: 1 when it was
/// kept from that, the pages in the log, those of them that are moved.
pub(crate) const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Settings of the connection: the new content goes through a temporary file, not through memory,
/// and is flushed before it counts.
const SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
                        PRAGMA mmap_size = 0; PRAGMA temp_store = FILE;
                        PRAGMA auto_vacuum = INCREMENTAL";

/// Unused pages from which on shortening the file is worth it: 4 MiB.
const MIN_UNUSED: i64 = 1_024;
/// Most pages by which the file is shortened at once: others wait for some milliseconds.
const MAX_STEP: i64 = 2_048;

/// Writes the store anew without the space of what was removed.
///
/// Holds the lock of the store for the whole time, about a second per 100 MB; needs free space of
/// twice the content.
pub(crate) fn all(files: &StoreFiles, wait: Duration) -> Result<(), StorageError> {
    let (_lock, _held) = hold_lock(files.path(), wait)?;
    files.check().map_err(|displaced| displaced.refused())?;
    let mut conn = Connection::open(files.path(), wait)?;
    conn.script(SETTINGS)?;
    conn.script(&format!("PRAGMA journal_size_limit = {LOG_SIZE_LIMIT}"))?;
    conn.script("VACUUM")?;
    files.while_writing(|| conn.first(CHECKPOINT, vec![], Row::int))?.map(drop)
}

/// Shortens the file by some unused pages, where that is worth it and the store was compacted
/// before; returns whether more is left to do. The lock of the store is held; the next checkpoint
/// shortens the file.
pub(crate) fn some(conn: &mut Connection) -> Result<bool, StorageError> {
    let sql = "SELECT auto_vacuum = 2, freelist_count
               FROM pragma_auto_vacuum, pragma_freelist_count";
    let found = conn.first(sql, vec![], |row| Ok((row.int()?, row.int()?)))?;
    let Some((1, n_unused @ MIN_UNUSED..)) = found else { return Ok(false) };
    conn.script(&format!("PRAGMA incremental_vacuum({MAX_STEP})"))?;
    metrics::counter!("memory_storage_vacuumed_pages_total")
        .increment(n_unused.min(MAX_STEP).unsigned_abs());
    Ok(true)
}
