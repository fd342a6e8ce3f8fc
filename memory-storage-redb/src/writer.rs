//! Writing: all batches that wait become one transaction, which costs one flush.
//!
//! Whoever comes first writes for all who came meanwhile. There is no thread of our own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use memory_core::StorageError;
use memory_core::backend::{Commit, WriteBatch, apply};
use redb::Database;

use crate::batch::OpenTables;
use crate::error::failed;

type Answer = Result<Commit, StorageError>;

/// A batch that waits to be written.
struct Job {
    batch: WriteBatch,
    answer: SyncSender<Answer>,
}

/// Batches that wait, and the turn to write them.
#[derive(Default)]
pub(crate) struct Writer {
    waiting: Mutex<Vec<Job>>,
    turn: Mutex<()>,
}

impl Writer {
    /// Writes a batch; `committed` runs after each transaction, before anybody is told.
    pub(crate) fn write(
        &self,
        db: &Database,
        batch: WriteBatch,
        committed: impl Fn() -> Result<(), StorageError>,
    ) -> Answer {
        let (answer, written) = sync_channel(1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Job { batch, answer });
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answered(&written) {
            return answer;
        }
        let jobs =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        write_all(db, jobs, &committed);
        drop(turn);
        answered(&written)
            .unwrap_or_else(|| Err(StorageError::Backend("a write was given up".into())))
    }
}

fn answered(written: &Receiver<Answer>) -> Option<Answer> {
    written.try_recv().ok()
}

/// Writes jobs in one transaction; those that are rejected are left out.
fn write_all(db: &Database, mut jobs: Vec<Job>, committed: &impl Fn() -> Result<(), StorageError>) {
    while !jobs.is_empty() {
        match write_together(db, &mut jobs) {
            Ok(commits) => {
                let confirmed = committed();
                let mut confirmed = Some(confirmed);
                for (job, commit) in jobs.drain(..).zip(commits) {
                    // The first one gets the reason, the others that there was one.
                    let answer = match confirmed.take() {
                        Some(Err(error)) => Err(error),
                        Some(Ok(())) => {
                            confirmed = Some(Ok(()));
                            Ok(commit)
                        }
                        None => Err(unconfirmed()),
                    };
                    send(&job, answer);
                }
            }
            // The transaction is gone with all that the batch and those before it changed; the
            // others are written again without it.
            Err((at, error @ StorageError::Rejected(_))) if at < jobs.len() => {
                send(&jobs.remove(at), Err(error));
            }
            Err((_, error)) => {
                let mut error = Some(error);
                for job in jobs.drain(..) {
                    send(&job, Err(error.take().unwrap_or_else(unconfirmed)));
                }
            }
        }
    }
}

/// Reason for those who shared the transaction of a batch that was told more.
fn unconfirmed() -> StorageError {
    StorageError::Poisoned {
        reason: "a transaction that was shared with another write failed".into(),
    }
}

fn send(job: &Job, answer: Answer) {
    // The caller waits for its turn with the receiver in hand.
    drop(job.answer.try_send(answer));
}

/// Writes all jobs or none; an error comes with the number of the job that it is about.
fn write_together(db: &Database, jobs: &mut [Job]) -> Result<Vec<Commit>, (usize, StorageError)> {
    let none = usize::MAX;
    let txn = db.begin_write().map_err(|error| (none, failed(error)))?;
    let mut commits = Vec::with_capacity(jobs.len());
    let mut tables = OpenTables::open(&txn).map_err(|error| (none, error))?;
    let is_alone = jobs.len() == 1;
    for (at, job) in jobs.iter_mut().enumerate() {
        // One that is alone is never written again.
        let batch = if is_alone { std::mem::take(&mut job.batch) } else { job.batch.clone() };
        let seq = tables.seq();
        commits.push(apply(&mut tables, seq, batch).map_err(|error| (at, error))?);
    }
    tables.finish().map_err(|error| (none, error))?;
    txn.commit().map_err(|error| (none, failed(error)))?;
    Ok(commits)
}
