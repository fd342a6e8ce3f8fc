//! The durable store of memory-mcp: one libsql file that several processes share.
//!
//! One thread per handle writes (`writer`), one flushes (`flusher`), reads run on the caller's thread
//! (`readers`). A batch becomes rows in `batch`; `schema` holds the tables. Across processes all writers
//! take turns at an advisory lock (`lock`), which also covers opening, checkpoints and closing.

mod backup;
mod batch;
mod changes;
mod check;
mod connection;
#[cfg(test)]
mod durability_tests;
mod episodes;
mod error;
mod flusher;
mod half_file;
mod ids;
mod list;
mod lock;
mod migrate;
mod notes;
mod open;
mod readers;
mod schema;
mod sources;
mod stats;
mod steps;
mod tags;
mod ties;
mod vectors;
mod wal;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memory_core::backend::{Commit, Durability, StepRange, VectorRow, WriteBatch};
use memory_core::{
    Change, Episode, EpisodeId, Head, ListEntry, Note, NoteId, RecordFilter, RecordId, RecordKind,
    Seq, Source, Step, Storage, StorageError, StorageStats,
};

pub use backup::restore;
pub use open::Options;

use connection::Connection;
use flusher::{Flusher, Waiting};
use lock::{InUse, StoreLock};
use readers::Readers;
use writer::Job;

/// One handle on a store in a libsql file.
///
/// Any number of handles, of any number of processes on one machine, may use the same file. Dropping a
/// handle writes what is queued, flushes it and closes the file.
pub struct TursoStorage {
    // Optional only because they go one by one when the handle is dropped.
    readers: Option<Readers>,
    jobs: Option<Sender<Job>>,
    flusher: Flusher,
    write_thread: Option<JoinHandle<(Connection, StoreLock)>>,
    flush_thread: Option<JoinHandle<()>>,
    close_wait: Duration,
    store_id: [u8; 16],
    path: Arc<Path>,
    _in_use: InUse,
}

impl TursoStorage {
    /// Opens the store at `path`, makes it (and its folder) where there is none, and brings an older
    /// one to the newest format.
    ///
    /// Takes about a millisecond; the content is not checked, see [`Storage::check`].
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the path cannot be a store (a folder, no permission, a
    /// database of another program), [`StorageError::Corrupt`] when it is no database or cut off,
    /// [`StorageError::Format`] when a newer version wrote it, [`StorageError::Busy`] when another
    /// process holds it for too long.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StorageError> {
        open::open(path, options)
    }

    /// The file, in full.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a compact copy to `to`, which must not exist, while reading and writing go on.
    ///
    /// Costs about a second per 100 MB.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when `to` exists or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StorageError> {
        backup::backup(&self.path, to)
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.readers.as_ref().ok_or_else(stopped)?.with(read)
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
        let Some(Ok((conn, mut lock))) = writer else {
            tracing::error!("the writer stopped before its time");
            return;
        };
        match lock.acquire(self.close_wait) {
            Ok(_held) => drop(conn),
            Err(error) => {
                tracing::warn!(%error, "closed without moving the log into the store");
                // Closing may checkpoint, which must not happen beside another writer. The connection
                // stays as it would after a crash.
                std::mem::forget(conn);
            }
        }
    }
}

fn stopped() -> StorageError {
    StorageError::Backend("the writer of the store has stopped".into())
}

impl fmt::Debug for TursoStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TursoStorage").field("path", &self.path).finish_non_exhaustive()
    }
}

/// How long an answer is looked out for before the thread sleeps: a few commits.
const LOOK_OUT: Duration = Duration::from_micros(100);

/// Looks for an answer for a short while: a commit takes some tens of microseconds, and being woken for
/// its answer would take as long again. Yields in between, so that a lone processor is left to the writer.
fn look_out<T>(answer: &Receiver<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < LOOK_OUT {
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
            && let Some(answer) = look_out(&answer)
        {
            return answer;
        }
        answer.recv().map_err(|_| stopped())?
    }

    fn head(&self) -> Result<Head, StorageError> {
        let seq = self.read(changes::newest)?;
        Ok(Head { store_id: self.store_id, seq, format: schema::FORMAT })
    }

    fn episodes(&self, ids: &[EpisodeId]) -> Result<Vec<Option<Episode>>, StorageError> {
        self.read(|conn| episodes::read(conn, ids))
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.read(|conn| steps::read(conn, ranges))
    }

    fn notes(&self, ids: &[NoteId]) -> Result<Vec<Option<Note>>, StorageError> {
        self.read(|conn| notes::read(conn, ids))
    }

    fn find(
        &self,
        kind: RecordKind,
        sources: &[Source],
    ) -> Result<Vec<Option<RecordId>>, StorageError> {
        self.read(|conn| sources::find(conn, kind, sources))
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
