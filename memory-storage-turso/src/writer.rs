//! The one thread that writes: it takes all batches that wait into one transaction.
//!
//! Before a transaction, and again before it is acknowledged, the writer makes sure that the files
//! that it writes to are those that the path of the store names ([`StoreFiles`]). When they are
//! not, what is still in the log is moved into the open database, wherever that lies now, and
//! every later batch is refused until the names are right again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use memory_core::backend::{Commit, Durability, Op, WriteBatch};
use memory_core::{Record, Step, StorageError};

use crate::batch;
use crate::changes::Feed;
use crate::compact::{self, CHECKPOINT};
use crate::connection::{Connection, Row};
use crate::files::{Cause, Displaced, StoreFiles};
use crate::flusher::{Flusher, Waiting};
use crate::lock::{InUse, LockGuard, StoreLock};
use crate::open;

/// Most batches of one transaction, and most bytes of them.
const MAX_GROUP_BATCHES: usize = 256;
const MAX_GROUP_BYTES: usize = 1 << 20;

/// Bytes that a batch adds to the log besides its texts: the pages that it touches.
const BATCH_WAL_BYTES: u64 = 16 * 1024;

/// Growth of the log up to which it may wait longer until the writer is idle.
const SHORT_WAL_BYTES: u64 = 1 << 20;

/// Factor by which a short log waits longer: an agent that works is never idle for so long, and a
/// file that is copied without its log some seconds after the last write lacks nothing.
const SHORT_WAL_WAIT: u32 = 5;

/// A transaction that takes longer than this is reported.
const SLOW: Duration = Duration::from_millis(500);

/// A batch on its way to the writer.
#[derive(Debug)]
pub(crate) struct Job {
    /// The changes.
    pub(crate) batch: WriteBatch,
    /// Promise of the acknowledgement.
    pub(crate) durability: Durability,
    /// Channel for the answer.
    pub(crate) ack: SyncSender<Result<Commit, StorageError>>,
}

impl Job {
    fn n_bytes(&self) -> usize {
        let step = |step: &Step| {
            let error = step.error.as_ref().map_or(0, |error| error.as_str().len());
            step.args.as_str().len() + step.observation.as_str().len() + error
        };
        let op = |op: &Op| match op {
            Op::InsertEpisode { episode, steps } => {
                episode.task.as_str().len() + steps.iter().map(step).sum::<usize>()
            }
            Op::AppendSteps { steps, .. } => steps.iter().map(step).sum(),
            Op::InsertNote(note) => note.text.as_str().len(),
            Op::Place(placed) => {
                let text = match &placed.record {
                    Record::Episode(episode) => episode.task.as_str().len(),
                    Record::Note(note) => note.text.as_str().len(),
                };
                text + placed.steps.iter().flatten().map(step).sum::<usize>()
            }
            Op::PutVectors { vectors, .. } => {
                vectors.iter().map(|stored| size_of_val(&*stored.vector)).sum()
            }
            Op::KeepDigest { digest, .. } => digest.len(),
            Op::KeepState { bytes, .. } => bytes.len(),
            Op::Close { .. }
            | Op::Judge { .. }
            | Op::Merge { .. }
            | Op::Tie { .. }
            | Op::SetScope { .. }
            | Op::DropVectors { .. }
            | Op::Lift(_)
            | Op::DropStates { .. }
            | Op::Withdraw { .. }
            | Op::Remove(_) => 0,
        };
        self.batch.ops.iter().map(op).sum()
    }

    fn answer(self, answer: Result<Commit, StorageError>) {
        // Whoever has stopped waiting needs no answer.
        drop(self.ack.send(answer));
    }
}

/// Limits of the writer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Longest wait for the lock of the store.
    pub(crate) lock_wait: Duration,
    /// Growth of the log, by this handle, after which it is checkpointed.
    pub(crate) checkpoint_bytes: u64,
    /// Time without a batch after which the log is checkpointed.
    pub(crate) checkpoint_idle: Duration,
}

/// The connection that writes, and all that goes with it.
pub(crate) struct Writer {
    conn: Connection,
    lock: StoreLock,
    in_use: InUse,
    files: Arc<StoreFiles>,
    flusher: Flusher,
    limits: Limits,
    /// Estimated growth of the log since the last checkpoint.
    wal_bytes: u64,
    /// Set once the log was moved into a database that has lost its name.
    is_rescued: bool,
}

impl Writer {
    /// Takes over what was opened for writing.
    pub(crate) fn new(
        conn: Connection,
        (lock, in_use): (StoreLock, InUse),
        files: Arc<StoreFiles>,
        flusher: Flusher,
        limits: Limits,
    ) -> Self {
        Self { conn, lock, in_use, files, flusher, limits, wal_bytes: 0, is_rescued: false }
    }

    /// Writes until all senders are gone and their batches are written; returns itself, to be
    /// closed after all other connections of this handle.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) -> Self {
        loop {
            let idle = self.limits.checkpoint_idle;
            let first = match self.wal_bytes {
                0 => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                1..SHORT_WAL_BYTES => jobs.recv_timeout(idle * SHORT_WAL_WAIT),
                _ => jobs.recv_timeout(idle),
            };
            match first {
                Ok(first) => {
                    let group = gather(first, jobs);
                    self.commit(group);
                    if self.wal_bytes >= self.limits.checkpoint_bytes {
                        self.checkpoint();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint();
                    self.shorten();
                }
                Err(RecvTimeoutError::Disconnected) => return self,
            }
        }
    }

    /// Closes the connection. The last one of all processes moves the log into the database and
    /// removes it, so this happens under the lock.
    ///
    /// Without the lock, or when the files are not ours any more, the connection is left open, as
    /// after a crash: SQLite would checkpoint beside another writer, play the log into a database
    /// that somebody overwrote, or remove the log of somebody else.
    pub(crate) fn close(mut self, wait: Duration) {
        let held = match self.hold(wait) {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, "closed without moving the log into the store");
                std::mem::forget(self.conn);
                return;
            }
        };
        let mut conn = Some(self.conn);
        if let Err(error) = self.files.while_writing(|| drop(conn.take())) {
            tracing::warn!(%error, "closed without moving the log into the store");
            std::mem::forget(conn);
        }
        // Before the lock: whoever opens the store next must not find it in use and its log gone.
        drop(self.in_use);
        drop(held);
    }

    /// Takes the lock and makes sure that the files are still those of the store.
    ///
    /// Lock files that somebody removed are made anew; other processes make do with the new ones
    /// too.
    fn hold(&mut self, wait: Duration) -> Result<LockGuard, StorageError> {
        let held = self.lock.acquire(wait)?;
        if let Err(displaced) = self.files.check() {
            if !self.is_rescued {
                tracing::error!(error = %displaced.noticed(), "the store has lost its files");
                self.rescue(&displaced);
                self.is_rescued = true;
            }
            return Err(displaced.refused());
        }
        self.is_rescued = false;
        if self.lock.is_named() && self.in_use.is_named() {
            return Ok(held);
        }
        tracing::warn!(store = %self.files.path().display(), "lock files were removed, made anew");
        drop(held);
        let (lock, held) = open::hold_lock(self.files.path(), wait)?;
        self.lock = lock;
        self.in_use = InUse::share(self.files.path())?;
        self.files.announce(false);
        self.files.check().map_err(|displaced| displaced.refused())?;
        Ok(held)
    }

    /// Moves the log into the open database, which may have another name by now, so that the file
    /// is whole without its log.
    ///
    /// Nothing is moved when that could do harm: into a database whose content somebody changed,
    /// or into one that another process may have opened with another log, because the lock files
    /// are gone too.
    fn rescue(&mut self, displaced: &Displaced) {
        let is_shared = !self.lock.is_named() || !self.in_use.is_named();
        match displaced.cause {
            Cause::LogIndex | Cause::Overwritten | Cause::Hidden(_) => return,
            Cause::Log if is_shared || !self.files.is_log_index_named() => return,
            Cause::Log | Cause::Missing | Cause::Replaced => {}
        }
        let Self { conn, files, .. } = self;
        let moved = files.while_displaced(|| conn.first(CHECKPOINT, vec![], Row::int));
        match moved {
            Ok(_) => tracing::info!("the log was moved into the file that is open"),
            Err(error) => tracing::error!(%error, "the log could not be saved"),
        }
    }

    /// Commits a group and answers each of its batches.
    fn commit(&mut self, group: Vec<Job>) {
        let begin = Instant::now();
        let n_bytes: usize = group.iter().map(Job::n_bytes).sum();
        match self.transaction(&group) {
            Ok(mut answers) => {
                if let Err(displaced) = self.files.check_names() {
                    for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                        *answer = Err(displaced.unconfirmed());
                    }
                }
                metrics::counter!("memory_storage_commits_total").increment(1);
                #[expect(clippy::cast_precision_loss, reason = "at most 256")]
                metrics::histogram!("memory_storage_commit_batches").record(group.len() as f64);
                self.wal_bytes += BATCH_WAL_BYTES * group.len() as u64 + 2 * n_bytes as u64;
                self.acknowledge(group, answers);
            }
            Err(StorageError::Busy) => {
                for job in group {
                    job.answer(Err(StorageError::Busy));
                }
            }
            Err(StorageError::Poisoned { reason }) => {
                for job in group {
                    job.answer(Err(StorageError::Poisoned { reason: Box::clone(&reason) }));
                }
            }
            // What one batch ran into must not fail the others: each is tried alone.
            Err(error) if group.len() > 1 => {
                tracing::debug!(%error, "a group failed, its batches are tried one by one");
                for job in group {
                    self.commit(vec![job]);
                }
            }
            Err(error) => {
                if let Some(alone) = group.into_iter().next() {
                    alone.answer(Err(error));
                }
            }
        }
        let took = begin.elapsed();
        metrics::histogram!("memory_storage_commit_seconds").record(took);
        if took > SLOW {
            tracing::warn!(took_ms = took.as_millis(), n_bytes, "a slow commit");
        }
    }

    fn acknowledge(&self, group: Vec<Job>, answers: Vec<Result<Commit, StorageError>>) {
        let mut n_committed = 0;
        let mut waiting = Vec::new();
        for (job, answer) in group.into_iter().zip(answers) {
            n_committed += u32::from(answer.is_ok());
            match answer {
                Ok(commit) if job.durability == Durability::Power => {
                    waiting.push(Waiting::Commit(job.ack, commit));
                }
                answer => job.answer(answer),
            }
        }
        if n_committed > 0 {
            self.flusher.committed(n_committed, waiting);
        }
    }

    /// Writes the group in one transaction; one answer per batch. After an error nothing is
    /// written.
    fn transaction(
        &mut self,
        group: &[Job],
    ) -> Result<Vec<Result<Commit, StorageError>>, StorageError> {
        self.flusher.check()?;
        let _held = self.hold(self.limits.lock_wait)?;
        self.files.check_alias().map_err(|displaced| displaced.refused())?;
        let conn = &mut self.conn;
        if !conn.is_autocommit() {
            // The transaction before could not even be taken back.
            conn.execute("ROLLBACK", vec![])?;
        }
        let written = conn.execute("BEGIN IMMEDIATE", vec![]).and_then(|_| {
            let answers = match group {
                [alone] => {
                    let mut feed = Feed::load(conn)?;
                    vec![Ok(batch::apply(conn, &mut feed, &alone.batch)?)]
                }
                group => apply_each(conn, group)?,
            };
            conn.execute("COMMIT", vec![])?;
            Ok(answers)
        });
        if let Err(error) = &written {
            if !conn.is_autocommit() {
                conn.execute("ROLLBACK", vec![])?;
            }
            if let StorageError::Poisoned { reason } = error {
                self.flusher.poison(reason);
            }
        }
        written
    }

    /// Moves the log into the database, as far as readers allow, so that SQLite begins it anew.
    fn checkpoint(&mut self) {
        let begin = Instant::now();
        // A failure is not the caller's: the log only stays longer, and is tried after more growth.
        self.wal_bytes = 0;
        if self.flusher.check().is_err() {
            return;
        }
        match self.try_checkpoint() {
            Ok(n_pages) => {
                metrics::counter!("memory_storage_checkpoint_pages_total").increment(n_pages);
                metrics::histogram!("memory_storage_checkpoint_seconds").record(begin.elapsed());
                tracing::debug!(n_pages, took_ms = begin.elapsed().as_millis(), "checkpoint");
            }
            Err(StorageError::Poisoned { reason }) => self.flusher.poison(&reason),
            Err(error) => tracing::warn!(%error, "the log could not be moved into the store"),
        }
    }

    /// Gives some unused pages back, a bit at each idle moment.
    fn shorten(&mut self) {
        let shortened = self
            .hold(self.limits.lock_wait)
            .and_then(|held| compact::some(&mut self.conn).inspect(|_| drop(held)));
        match shortened {
            // The next idle moment moves what this one left in the log, and goes on.
            Ok(true) => {
                self.wal_bytes = SHORT_WAL_BYTES;
                self.flusher.committed(1, Vec::new());
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "the file of the store was not shortened"),
        }
    }

    fn try_checkpoint(&mut self) -> Result<u64, StorageError> {
        // Flushed first, the log costs the checkpoint little while it holds the lock.
        let (ack, flushed) = std::sync::mpsc::sync_channel(1);
        self.flusher.wait(Waiting::Flush(ack));
        let stopped = |_| StorageError::Backend("the flusher has stopped".into());
        flushed.recv().map_err(stopped)??;
        let _held = self.hold(self.limits.lock_wait)?;
        let Self { conn, files, .. } = self;
        let moved = files.while_writing(|| {
            conn.first(CHECKPOINT, vec![], |row| {
                let (_busy, _log, moved) = (row.int()?, row.int()?, row.int()?);
                Ok(moved)
            })
        })??;
        // SQLite says −1 when there is no log.
        Ok(moved.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }
}

/// Takes what waits behind `first`, up to the limits of a transaction.
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut n_bytes = first.n_bytes();
    let mut group = vec![first];
    while group.len() < MAX_GROUP_BATCHES && n_bytes < MAX_GROUP_BYTES {
        let Ok(next) = jobs.try_recv() else { break };
        n_bytes += next.n_bytes();
        group.push(next);
    }
    group
}

/// Applies each batch or nothing of it: a rejected one is taken back alone.
fn apply_each(
    conn: &mut Connection,
    group: &[Job],
) -> Result<Vec<Result<Commit, StorageError>>, StorageError> {
    let mut feed = Feed::load(conn)?;
    let mut answers = Vec::with_capacity(group.len());
    for job in group {
        let before = feed;
        conn.execute("SAVEPOINT batch", vec![])?;
        let answer = batch::apply(conn, &mut feed, &job.batch);
        if let Err(error) = &answer {
            if !matches!(error, StorageError::Rejected(_)) {
                return answer.map(|_| Vec::new());
            }
            feed = before;
            conn.execute("ROLLBACK TO batch", vec![])?;
        }
        conn.execute("RELEASE batch", vec![])?;
        answers.push(answer);
    }
    Ok(answers)
}
