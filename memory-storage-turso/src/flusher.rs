//! The thread that makes commits survive a power cut.
//!
//! A flush runs beside the next commits and without the lock of the store: it takes as long as
//! some hundred of them. All who wait when it begins share it. Afterwards the names of the files
//! are checked once more: what was flushed into a file that lost its name is not acknowledged.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memory_core::StorageError;
use memory_core::backend::Commit;

use crate::error::unavailable;
use crate::wal::{FlushFailure, poisoned, reason_of};

/// Caller that waits until all commits so far survive a power cut.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// For an acknowledgement of this commit.
    Commit(SyncSender<Result<Commit, StorageError>>, Commit),
    /// For the flush alone.
    Flush(SyncSender<Result<(), StorageError>>),
}

impl Waiting {
    fn answer(self, flushed: &Result<(), FlushFailure>) {
        let flushed = flushed.as_ref().copied().map_err(FlushFailure::error);
        // Whoever has stopped waiting needs no answer.
        match self {
            Self::Commit(ack, commit) => drop(ack.send(flushed.map(|()| commit))),
            Self::Flush(ack) => drop(ack.send(flushed)),
        }
    }
}

/// Limits at which the flusher acts by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Longest time that a commit waits for its flush.
    pub(crate) interval: Duration,
    /// Most commits that wait for their flush.
    pub(crate) n_batches: u32,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    n_dirty: u32,
    dirty_since: Option<Instant>,
    closing: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Reason why writing has ended, once it has.
    poisoned: OnceLock<Box<str>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the thread what was committed; clones tell the same thread.
#[derive(Debug, Clone)]
pub(crate) struct Flusher {
    shared: Arc<Shared>,
    rhythm: Rhythm,
}

impl Flusher {
    /// Starts the thread, which calls `flush`; join it after [`Flusher::close`].
    pub(crate) fn start(
        rhythm: Rhythm,
        flush: impl FnMut() -> Result<(), FlushFailure> + Send + 'static,
    ) -> Result<(Self, JoinHandle<()>), StorageError> {
        let flusher = Self { shared: Arc::default(), rhythm };
        let worker = flusher.clone();
        let thread = std::thread::Builder::new()
            .name("memory-flush".to_owned())
            .spawn(move || worker.run(flush))
            .map_err(|error| unavailable("a thread".as_ref(), &error.to_string()))?;
        Ok((flusher, thread))
    }

    /// Passes while no flush has failed.
    ///
    /// # Errors
    ///
    /// [`StorageError::Poisoned`] once one has: no more writes.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        match self.shared.poisoned.get() {
            Some(reason) => Err(poisoned(Box::clone(reason))),
            None => Ok(()),
        }
    }

    /// Ends all writing, because what is on disk is uncertain; the first reason stays.
    pub(crate) fn poison(&self, reason: &str) {
        self.shared.poisoned.get_or_init(|| reason.into());
    }

    /// Notes that batches were committed, and who waits for their flush: all share the next one.
    pub(crate) fn committed(&self, n_batches: u32, waiting: Vec<Waiting>) {
        let mut state = self.shared.lock();
        state.n_dirty += n_batches;
        state.waiting.extend(waiting);
        let begins = state.dirty_since.is_none();
        if begins {
            state.dirty_since = Some(Instant::now());
        }
        let wake = begins || !state.waiting.is_empty() || state.n_dirty >= self.rhythm.n_batches;
        drop(state);
        if wake {
            self.shared.changed.notify_one();
        }
    }

    /// Has somebody answered after the next flush that begins.
    pub(crate) fn wait(&self, waiting: Waiting) {
        let mut state = self.shared.lock();
        if state.closing {
            let reason = "the store is being closed".into();
            return waiting.answer(&Err(FlushFailure::Poisoned(reason)));
        }
        state.waiting.push(waiting);
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Lets the thread end after one last flush of what is not flushed.
    pub(crate) fn close(&self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
    }

    fn run(&self, mut flush: impl FnMut() -> Result<(), FlushFailure>) {
        loop {
            let (waiting, is_dirty, closing) = self.next();
            if is_dirty || !waiting.is_empty() {
                let flushed = self.flush(&mut flush);
                for waiting in waiting {
                    waiting.answer(&flushed);
                }
            }
            if closing {
                break;
            }
        }
    }

    /// Sleeps until there is something to flush.
    fn next(&self) -> (Vec<Waiting>, bool, bool) {
        let mut state = self.shared.lock();
        loop {
            let age = state.dirty_since.map(|since| since.elapsed());
            let is_due = age.is_some_and(|age| age >= self.rhythm.interval)
                || state.n_dirty >= self.rhythm.n_batches;
            if is_due || state.closing || !state.waiting.is_empty() {
                let is_dirty = state.dirty_since.take().is_some();
                state.n_dirty = 0;
                return (std::mem::take(&mut state.waiting), is_dirty, state.closing);
            }
            state = match age {
                None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(age) => {
                    let rest = self.rhythm.interval.saturating_sub(age);
                    let woken = self.shared.changed.wait_timeout(state, rest);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn flush(
        &self,
        flush: &mut impl FnMut() -> Result<(), FlushFailure>,
    ) -> Result<(), FlushFailure> {
        if let Some(reason) = self.shared.poisoned.get() {
            return Err(FlushFailure::Poisoned(Box::clone(reason)));
        }
        let begin = Instant::now();
        let flushed = flush();
        metrics::histogram!("memory_storage_flush_ms").record(begin.elapsed().as_secs_f64() * 1e3);
        match &flushed {
            Err(FlushFailure::Io(error)) => {
                tracing::error!(%error, "a flush failed: writing has ended");
                self.poison(&reason_of(error));
            }
            Err(FlushFailure::NotBegun(error)) => {
                tracing::warn!(%error, "a flush could not begin, and is tried again");
                let mut state = self.shared.lock();
                state.n_dirty += 1;
                state.dirty_since.get_or_insert_with(Instant::now);
            }
            _ => {}
        }
        flushed
    }
}
