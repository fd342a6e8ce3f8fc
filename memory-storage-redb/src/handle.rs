//! One handle on a store, and the storage trait on top of it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use memory_core::backend::{
    Commit, Contents, Durability, Found, NamedState, StepRange, VectorRow, WriteBatch,
};
use memory_core::{
    Change, Head, ListEntry, Record, RecordFilter, RecordId, RecordKind, Seq, Source, Step,
    Storage, StorageError, StorageStats,
};
use redb::{CompactionError, Database};

use crate::error::{at, failed};
use crate::files::StoreFile;
use crate::holder::Holder;
use crate::open::{self, Opened, Options};
use crate::schema::FORMAT;
use crate::view::View;
use crate::writer::Writer;
use crate::{changes, check, list, sources, states, stats, steps, vectors};

/// The store in a redb file that this process owns while it is open.
///
/// Every batch waits for one flush of the disk, also with [`Durability::Process`]: redb knows no
/// commit that survives the process but not a power cut. A logged step takes as long as a flush of
/// the disk, some milliseconds, where the libsql store takes tens of microseconds; batches that are
/// applied at the same time share one flush.
///
/// If the file is removed, moved or replaced while it is open, writes and [`Storage::stats`] fail
/// with [`StorageError::Unavailable`]; reads go on with what is open.
pub struct RedbStorage {
    // The snapshot goes before the database that it is of.
    view: RwLock<Option<Arc<View>>>,
    db: RwLock<Database>,
    writer: Writer,
    file: StoreFile,
    store_id: [u8; 16],
    // Goes last: the mark is there for as long as the file is locked.
    _holder: Holder,
}

impl RedbStorage {
    /// Opens the store at `path`, makes it (and its folder) where there is none.
    ///
    /// Takes some tens of milliseconds, for the flushes of redb. The content is not checked, see
    /// [`Storage::check`].
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when another process has the store open (the message names
    /// it) or the path cannot be a store, [`StorageError::Corrupt`] when it is no store or damaged,
    /// [`StorageError::Format`] when a newer version wrote it.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StorageError> {
        let Opened { db, file, holder, store_id } = open::open(path, options)?;
        Ok(Self {
            view: RwLock::default(),
            db: RwLock::new(db),
            writer: Writer::default(),
            file,
            store_id,
            _holder: holder,
        })
    }

    /// Returns the path of the file, in full.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives the space of what was removed back to the disk, as far as no reader is at work.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] while somebody reads, [`StorageError::Unavailable`] when the disk is
    /// full.
    pub fn compact(&self) -> Result<(), StorageError> {
        self.file.probe()?;
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        self.forget_view();
        match db.compact() {
            Ok(_) => Ok(()),
            Err(CompactionError::TransactionInProgress) => Err(StorageError::Busy),
            Err(error) => Err(at(self.path())(failed(error))),
        }
    }

    /// Returns the store with what the trait [`Storage`] gives only by name, to be copied or
    /// compared.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    pub fn contents(&self) -> Result<Contents<'_>, StorageError> {
        let (forgotten, models) = self.read(|view| {
            Ok((sources::forgotten(&view.sources)?, vectors::models(&view.models, &view.vectors)?))
        })?;
        Ok(Contents { storage: self, forgotten, models })
    }

    /// Returns the snapshot of the newest commit.
    fn view(&self) -> Result<Arc<View>, StorageError> {
        let kept = self.view.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = &*kept {
            return Ok(Arc::clone(view));
        }
        drop(kept);
        // The lock is held while the snapshot is taken, so that a commit in between, which empties
        // the place afterwards, finds it there.
        let mut place = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = &*place {
            return Ok(Arc::clone(view));
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(place.insert(Arc::new(View::open(&db)?))))
    }

    fn forget_view(&self) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&View) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.view().and_then(|view| read(&view)).map_err(at(self.path()))
    }
}

impl fmt::Debug for RedbStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStorage").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl Storage for RedbStorage {
    fn apply(&self, batch: WriteBatch, _: Durability) -> Result<Commit, StorageError> {
        self.file.probe()?;
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let committed = || {
            self.forget_view();
            self.file.probe()
        };
        self.writer.write(&db, batch, committed).map_err(at(self.path()))
    }

    fn head(&self) -> Result<Head, StorageError> {
        let seq = self.read(|view| changes::newest(&view.changes))?;
        Ok(Head { store_id: self.store_id, seq, format: FORMAT })
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.read(|view| {
            let one = |id: &RecordId| match id {
                RecordId::Episode(id) => {
                    Ok(view.episode(*id)?.map(|episode| Record::Episode(Box::new(episode))))
                }
                RecordId::Note(id) => Ok(view.note(*id)?.map(|note| Record::Note(Box::new(note)))),
            };
            ids.iter().map(one).collect()
        })
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.read(|view| ranges.iter().map(|range| steps::read(&view.steps, range)).collect())
    }

    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        self.read(|view| {
            sources.iter().map(|one| sources::find_one(&view.sources, kind, one)).collect()
        })
    }

    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        self.read(|view| states::read(&view.states, prefix))
    }

    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        self.read(|view| list::read(view, kind, filter, cursor, limit))
    }

    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.read(|view| changes::read(&view.changes, after, limit))
    }

    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        self.read(|view| match view.models.get(model).map_err(failed)? {
            Some(number) => vectors::read(&view.vectors, number.value(), after, limit),
            None => Ok(Vec::new()),
        })
    }

    fn stats(&self) -> Result<StorageStats, StorageError> {
        self.file.probe()?;
        let size_bytes = self.file.size_bytes();
        self.read(|view| stats::read(view, size_bytes))
    }

    /// Returns at once: every commit waited for its flush.
    fn flush(&self) -> Result<(), StorageError> {
        self.file.probe()
    }

    fn check(&self) -> Result<Vec<String>, StorageError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        self.forget_view();
        let pages = check::pages(&mut db);
        drop(db);
        match pages {
            Ok(Some(finding)) => return Ok(vec![finding]),
            Err(StorageError::Corrupt { what }) => return Ok(vec![what.into()]),
            Err(error) => return Err(at(self.path())(error)),
            Ok(None) => {}
        }
        self.read(check::run)
    }
}
