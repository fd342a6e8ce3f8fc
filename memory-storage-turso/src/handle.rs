//! One handle on a store: its connections and threads, and the storage trait on top of them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memory_core::backend::{
    Commit, Contents, Durability, Found, NamedState, StepRange, VectorRow, WriteBatch,
};
use memory_core::{
    Change, Head, ListEntry, Record, RecordFilter, RecordId, RecordKind, Seq, Source, Step,
    Storage, StorageError, StorageStats,
};

use crate::connection::Connection;
use crate::error::from_io;
use crate::files::StoreFiles;
use crate::flusher::{Flusher, Rhythm, Waiting};
use crate::open::{self, Opened, Options};
use crate::readers::Readers;
use crate::wal::{FlushFailure, WalFile};
use crate::writer::{Job, Limits, Writer};
use crate::{
    backup, changes, check, compact, list, records, schema, sources, states, stats, steps, vectors,
};

/// Longest wait for the lock of the store when it is closed: an IDE that ends us waits for 5 s at
/// most.
const MAX_CLOSE_WAIT: Duration = Duration::from_secs(2);

/// One handle on a store in a libsql file.
///
/// Any number of handles, of any number of processes on one machine, may use the same file.
/// Dropping a handle writes what is queued, flushes it and closes the file.
///
/// If the file is removed, moved, replaced or overwritten while it is open, writes and
/// [`Storage::stats`] fail with [`StorageError::Unavailable`]; reads go on with what is open.
pub struct TursoStorage {
    // Optional only because they go one by one when the handle is dropped.
    readers: Option<Readers>,
    jobs: Option<Sender<Job>>,
    flusher: Flusher,
    write_thread: Option<JoinHandle<Writer>>,
    flush_thread: Option<JoinHandle<()>>,
    lock_wait: Duration,
    store_id: [u8; 16],
    files: Arc<StoreFiles>,
}

impl TursoStorage {
    /// Opens the store at `path`, makes it (and its folder) where there is none, and brings an
    /// older one to the newest format.
    ///
    /// Takes about a millisecond; the content is not checked, see [`Storage::check`].
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the path cannot be a store (a folder, no permission, a
    /// database of another program) or when its files were replaced while another process has them
    /// open, [`StorageError::Corrupt`] when it is no database or cut off, [`StorageError::Format`]
    /// when a newer version wrote it, [`StorageError::Busy`] when another process holds it for too
    /// long.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StorageError> {
        Self::open_with(path, options, WalFile::flush)
    }

    /// Opens a store whose log is flushed by `flush`, which a test may let fail.
    pub(crate) fn open_with(
        path: &Path,
        options: &Options,
        mut flush: impl FnMut(&mut WalFile) -> Result<(), FlushFailure> + Send + 'static,
    ) -> Result<Self, StorageError> {
        let Opened { conn, lock, in_use, mut log, files, store_id } = open::open(path, options)?;
        let rhythm = Rhythm { interval: options.flush_interval, n_batches: options.flush_batches };
        let opened = Arc::clone(&files);
        let (flusher, flush_thread) = Flusher::start(rhythm, move || {
            flush(&mut log)?;
            Ok(opened.probe()?)
        })?;
        let limits = Limits {
            lock_wait: options.lock_wait,
            checkpoint_bytes: options.checkpoint_bytes,
            checkpoint_idle: options.checkpoint_idle,
        };
        let writer = Writer::new(conn, (lock, in_use), Arc::clone(&files), flusher.clone(), limits);
        let (jobs, queue) = mpsc::channel();
        let write_thread = std::thread::Builder::new()
            .name("memory-write".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| from_io(path, &error))?;
        Ok(Self {
            readers: Some(Readers::new(Arc::clone(&files), options.n_readers)),
            jobs: Some(jobs),
            flusher,
            write_thread: Some(write_thread),
            flush_thread: Some(flush_thread),
            lock_wait: options.lock_wait,
            store_id,
            files,
        })
    }

    /// Returns the path of the file, in full.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.files.path()
    }

    /// Writes a compact copy to `to`, which must not exist, while reading and writing go on.
    ///
    /// Costs about a second per 100 MB.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when `to` exists or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StorageError> {
        backup::backup(&self.files, to)
    }

    /// Writes the store anew without the space of what was removed, in one step.
    ///
    /// Reading goes on; writers of all processes wait, about a second per 100 MB. The file gets
    /// shorter once no reader needs the former state.
    ///
    /// # Errors
    ///
    /// [`StorageError::Busy`] when another process writes for too long,
    /// [`StorageError::Unavailable`] when the disk has no room for a second copy; nothing has
    /// changed then.
    pub fn compact(&self) -> Result<(), StorageError> {
        self.flusher.check()?;
        compact::all(&self.files, self.lock_wait)
    }

    /// Returns the store with what the trait [`Storage`] gives only by name, to be copied or
    /// compared.
    ///
    /// # Errors
    ///
    /// See [`StorageError`].
    pub fn contents(&self) -> Result<Contents<'_>, StorageError> {
        let (forgotten, models) = self.read(|conn| {
            conn.snapshot(|conn| Ok((sources::forgotten(conn)?, vectors::models(conn)?)))
        })?;
        Ok(Contents { storage: self, forgotten, models })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let read = self.readers.as_ref().ok_or_else(stopped)?.with(read);
        // What cannot be read of a file that is not the store any more says nothing of the store.
        read.map_err(|error| match error {
            StorageError::Corrupt { .. } => {
                self.files.probe().map_err(|displaced| displaced.noticed()).err().unwrap_or(error)
            }
            error => error,
        })
    }

    fn close(&mut self) {
        drop(self.jobs.take());
        let writer = self.write_thread.take().map(JoinHandle::join);
        self.flusher.close();
        if self.flush_thread.take().map(JoinHandle::join).is_some_and(|ended| ended.is_err()) {
            tracing::error!("the flusher stopped before its time");
        }
        // The last connection that closes takes the log in, so it is the writer's, under the lock.
        drop(self.readers.take());
        if let Some(Ok(writer)) = writer {
            writer.close(self.lock_wait.min(MAX_CLOSE_WAIT));
        } else {
            tracing::error!("the writer stopped before its time");
        }
    }
}

fn stopped() -> StorageError {
    StorageError::Backend("the writer of the store has stopped".into())
}

impl fmt::Debug for TursoStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TursoStorage").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Time for which a caller polls for its answer before it sleeps: a few commits.
const POLL_TIME: Duration = Duration::from_micros(100);

/// Polls for an answer for a short while: a commit takes some tens of microseconds, and being
/// woken for its answer would take as long again. Yields in between, so that a lone processor is
/// left to the writer.
fn poll_briefly<T>(answer: &Receiver<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < POLL_TIME {
        match answer.try_recv() {
            Ok(answer) => return Some(answer),
            Err(TryRecvError::Empty) => std::thread::yield_now(),
            Err(TryRecvError::Disconnected) => return None,
        }
    }
    None
}

impl Drop for TursoStorage {
    fn drop(&mut self) {
        self.close();
    }
}

impl Storage for TursoStorage {
    fn apply(&self, batch: WriteBatch, durability: Durability) -> Result<Commit, StorageError> {
        let (ack, answer) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Job { batch, durability, ack }).map_err(|_| stopped())?;
        if durability == Durability::Process
            && let Some(answer) = poll_briefly(&answer)
        {
            return answer;
        }
        answer.recv().map_err(|_| stopped())?
    }

    fn head(&self) -> Result<Head, StorageError> {
        // Who asks how far the store has come must not follow files that nobody else finds.
        self.files.check_names().map_err(|displaced| displaced.noticed())?;
        let seq = self.read(changes::newest)?;
        Ok(Head { store_id: self.store_id, seq, format: schema::FORMAT })
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.read(|conn| records::read(conn, ids))
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.read(|conn| steps::read(conn, ranges))
    }

    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        self.read(|conn| sources::find(conn, kind, sources))
    }

    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        self.read(|conn| states::read(conn, prefix))
    }

    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        self.read(|conn| list::read(conn, kind, filter, cursor, limit))
    }

    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.files.check_names().map_err(|displaced| displaced.noticed())?;
        self.read(|conn| changes::read(conn, after, limit))
    }

    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        self.read(|conn| vectors::read(conn, model, after, limit))
    }

    fn stats(&self) -> Result<StorageStats, StorageError> {
        self.flusher.check()?;
        self.files.probe().map_err(|displaced| displaced.noticed())?;
        self.read(stats::read)
    }

    fn flush(&self) -> Result<(), StorageError> {
        let (ack, answer) = sync_channel(1);
        self.flusher.wait(Waiting::Flush(ack));
        answer.recv().map_err(|_| stopped())?
    }

    fn check(&self) -> Result<Vec<String>, StorageError> {
        self.read(check::run)
    }
}
