//! From a path to a store that is checked and ready.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use memory_core::StorageError;
use redb::{Database, DatabaseError};

use crate::batch::OpenTables;
use crate::error::{at, corrupt_file, decode, encode, failed, from_io, unavailable};
use crate::files::StoreFile;
use crate::holder::Holder;
use crate::paths::{NEW, beside, checked_path, flush_directory, make_private};
use crate::schema::{FORMAT, META, META_FORMAT, META_STORE_ID};

/// Options of opening a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Most memory for pages of the file, in bytes. Default 16 MiB.
    pub cache_bytes: usize,
    /// Longest wait for another process that has the store open; one that was just ended or killed
    /// takes a moment to let go. Default 2 s.
    pub lock_wait: Duration,
}

/// Time between two tries to open a store that another process has open.
const RETRY_TIME: Duration = Duration::from_millis(20);

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 16 << 20, lock_wait: Duration::from_secs(2) }
    }
}

/// A store that is open.
pub(crate) struct Opened {
    pub(crate) db: Database,
    pub(crate) file: StoreFile,
    pub(crate) holder: Holder,
    pub(crate) store_id: [u8; 16],
}

/// Opens or makes the store at `path`.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Opened, StorageError> {
    let path = checked_path(path)?;
    let made = if is_missing(&path) { make(&path, options)? } else { None };
    let (db, store_id) = if let Some(made) = made {
        made
    } else {
        let db = open_database(&path, options)?;
        let store_id = identify(&db).map_err(at(&path))?;
        (db, store_id)
    };
    // What a process left that was killed while it made the store. Nobody else makes one now.
    drop(fs::remove_file(beside(&path, NEW)));
    let holder = Holder::announce(&path)?;
    let file = StoreFile::opened(path)?;
    Ok(Opened { db, file, holder, store_id })
}

/// Returns whether there is no store yet. An empty file holds nothing, as one that was made to
/// reserve a name.
fn is_missing(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.len() == 0)
}

/// Makes a store under another name and gives it its own when it is whole: redb does not open a
/// file whose making was killed. `None` when another process was faster.
fn make(path: &Path, options: &Options) -> Result<Option<(Database, [u8; 16])>, StorageError> {
    let new = beside(path, NEW);
    make_private(&new)?;
    let db = match open_database(&new, options) {
        // Half of a store, and nobody has it open.
        Err(StorageError::Corrupt { .. }) => {
            fs::remove_file(&new).map_err(|error| from_io(&new, &error))?;
            make_private(&new)?;
            open_database(&new, options)?
        }
        opened => opened?,
    };
    let store_id = identify(&db).map_err(at(&new))?;
    if fs::metadata(path).is_ok_and(|found| found.len() == 0) {
        fs::remove_file(path).map_err(|error| from_io(path, &error))?;
    }
    // A link, unlike a renaming, never takes the place of a store that came in between.
    let placed = fs::hard_link(&new, path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound => Err(error),
        // A disk without links.
        _ => fs::rename(&new, path),
    });
    match placed {
        Ok(()) => {
            flush_directory(path).map_err(|error| from_io(path, &error))?;
            Ok(Some((db, store_id)))
        }
        Err(_) if path.exists() => Ok(None),
        Err(error) => Err(from_io(path, &error)),
    }
}

fn open_database(path: &Path, options: &Options) -> Result<Database, StorageError> {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    let begin = Instant::now();
    let opened = loop {
        match builder.create(path) {
            Err(DatabaseError::DatabaseAlreadyOpen) if begin.elapsed() < options.lock_wait => {
                std::thread::sleep(RETRY_TIME);
            }
            opened => break opened,
        }
    };
    opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => Holder::refusal(path),
        DatabaseError::UpgradeRequired(version) => unavailable(
            path,
            &format!("it is a redb file of the older format {version}; name another path"),
        ),
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            if is_libsql(path) {
                return unavailable(path, "it is a libsql store; set the backend to libsql");
            }
            corrupt_file(path, &format!("it is no redb store of memory-mcp ({error})"))
        }
        error => at(path)(failed(error)),
    })
}

/// Returns whether a file is a database of SQLite.
fn is_libsql(path: &Path) -> bool {
    let mut head = [0; 15];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"SQLite format 3"
}

/// Returns the identity of the store; a new one gets its tables.
fn identify(db: &Database) -> Result<[u8; 16], StorageError> {
    if let Some((format, store_id)) = identity(db)? {
        return if format == FORMAT {
            Ok(store_id)
        } else {
            Err(StorageError::Format { found: format, supported: FORMAT })
        };
    }
    let store_id = *uuid::Uuid::now_v7().as_bytes();
    let txn = db.begin_write().map_err(failed)?;
    if txn.list_tables().map_err(failed)?.next().is_some() {
        return Err(StorageError::Corrupt { what: "it is a store of another program".into() });
    }
    {
        let mut meta = txn.open_table(META).map_err(failed)?;
        meta.insert(META_FORMAT, &*encode(&FORMAT)?).map_err(failed)?;
        meta.insert(META_STORE_ID, &*encode(&store_id)?).map_err(failed)?;
    }
    drop(OpenTables::open(&txn)?);
    txn.commit().map_err(failed)?;
    Ok(store_id)
}

/// Reads format and identity; `None` where the file has no table of them.
fn identity(db: &Database) -> Result<Option<(u32, [u8; 16])>, StorageError> {
    let txn = redb::ReadableDatabase::begin_read(db).map_err(failed)?;
    let meta = match txn.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let (Some(format), Some(store_id)) =
        (meta.get(META_FORMAT).map_err(failed)?, meta.get(META_STORE_ID).map_err(failed)?)
    else {
        return Err(StorageError::Corrupt { what: "it does not tell its format".into() });
    };
    let format = decode(format.value(), &"the format")?;
    Ok(Some((format, decode(store_id.value(), &"the identity of the store")?)))
}
