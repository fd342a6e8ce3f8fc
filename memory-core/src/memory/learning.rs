//! Learned state, kept up to date from the change feed.
//!
//! An ended episode is learned from its digest, which is stored with it; a digest that is missing
//! or of another version is computed from the steps again and stored. So a start reads no steps,
//! and every process learns what the others recorded.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::background::Task;
use crate::error::Error;
use crate::index::Index;
use crate::learn::{Attempts, Digest, Learned, TaskGroup};
use crate::model::{Episode, EpisodeId, Feedback, RecordId, Step, Timestamp};
use crate::retrieve::LearnedFacts;
use crate::storage::{
    Durability, Follower, Op, Page, Seq, StepRange, Storage, StorageError, WriteBatch,
};

/// Number of changes that are read at once.
const PAGE_CHANGES: usize = 256;

/// Age up to which the learned state is fresh enough for logged steps, in milliseconds.
const FRESH_MS: i64 = 1_000;

/// Number of steps that are read at once.
const PAGE_STEPS: u32 = 64;

/// Learned state with its position in the change feed.
pub(super) struct Learning {
    learned: RwLock<Learned>,
    /// Position in the change feed up to which changes are learned; its lock lets one thread
    /// refresh at a time.
    seq: Mutex<Seq>,
    /// Time of the last refresh for logged steps, in milliseconds; the smallest number before it.
    refreshed_at: AtomicI64,
    /// Set on shutdown; a load stops after the current page.
    abandoned: AtomicBool,
    /// Digests that were missing or of another version, and are not stored yet.
    unsaved: Mutex<Vec<(EpisodeId, Box<[u8]>)>>,
}

impl LearnedFacts for Learning {
    fn usefulness(&self, records: &[(RecordId, Feedback)]) -> Result<Vec<f64>, Error> {
        let learned = self.learned();
        Ok(records.iter().map(|(id, feedback)| learned.usefulness(*id, *feedback)).collect())
    }

    fn task_groups(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<TaskGroup>>, Error> {
        let learned = self.learned();
        Ok(episodes.iter().map(|id| learned.task_group(*id)).collect())
    }

    fn attempts(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<Attempts>>, Error> {
        let learned = self.learned();
        Ok(episodes.iter().map(|id| learned.attempts_in_short(*id)).collect())
    }
}

impl Learning {
    /// Creates an empty state.
    pub(super) fn new() -> Self {
        Self {
            learned: RwLock::new(Learned::default()),
            seq: Mutex::new(0),
            refreshed_at: AtomicI64::new(i64::MIN),
            abandoned: AtomicBool::new(false),
            unsaved: Mutex::default(),
        }
    }

    /// Locks the learned state as of the last refresh for reading.
    pub(super) fn learned(&self) -> RwLockReadGuard<'_, Learned> {
        self.learned.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether some thread holds a lock on the learned state.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.learned.try_write().is_err()
    }

    /// Refreshes unless this was done within the last second: for calls with every logged step.
    pub(super) fn refresh_if_due(
        &self,
        storage: &dyn Storage,
        now: Timestamp,
    ) -> Result<(), Error> {
        let refreshed_at = Timestamp::from_millis(self.refreshed_at.load(Ordering::Relaxed));
        // The lower bound keeps a clock that was set back from preventing refreshes.
        if (0..FRESH_MS).contains(&now.millis_since(refreshed_at)) {
            return Ok(());
        }
        self.refresh(storage)?;
        self.refreshed_at.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }

    /// Learns all changes since the last refresh; the first time that is everything.
    pub(super) fn refresh(&self, storage: &dyn Storage) -> Result<(), Error> {
        self.refresh_to(storage, Seq::MAX)
    }

    /// Learns all changes since the last refresh, unless those up to `position` are learned
    /// already.
    pub(super) fn refresh_to(&self, storage: &dyn Storage, position: Seq) -> Result<(), Error> {
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        if *seq >= position {
            return Ok(());
        }
        if *seq == 0 {
            // What was asked about alone, or put by this process: the feed has it too.
            *self.learned.write().unwrap_or_else(PoisonError::into_inner) = Learned::default();
        }
        let feed = Follower {
            storage,
            page_size: PAGE_CHANGES,
            with_notes: false,
            abandoned: &self.abandoned,
        };
        let taken = feed.follow(*seq, |page| {
            let position = page.seq;
            self.take(storage, page)?;
            *seq = position;
            Ok(())
        });
        taken.map(drop).map_err(Error::storage(READ))
    }

    /// Puts what is asked about in the place of all that was learned; a refresh learns all anew.
    pub(super) fn replace(&self, learned: Learned, now: Timestamp) {
        *self.learned.write().unwrap_or_else(PoisonError::into_inner) = learned;
        self.refreshed_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Learns an episode that this process has just ended; the next refresh learns it again.
    pub(super) fn put(&self, episode: &Episode, digest: &Digest) {
        self.learned.write().unwrap_or_else(PoisonError::into_inner).put(episode, digest);
    }

    fn take(&self, storage: &dyn Storage, page: Page) -> Result<(), StorageError> {
        let mut digested = Vec::with_capacity(page.episodes.len());
        for episode in page.episodes.into_iter().filter(|episode| episode.closing.is_some()) {
            let digest = if let Some(digest) = stored_digest(&episode) {
                digest
            } else {
                let digest = digest_of(storage, episode.id)?;
                self.unsaved().push((episode.id, digest.encode().into()));
                digest
            };
            digested.push((episode, digest));
        }
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        for id in page.removed {
            if let RecordId::Episode(id) = id {
                learned.remove(id);
            }
        }
        for (episode, digest) in &digested {
            learned.put(episode, digest);
        }
        Ok(())
    }

    /// Stores the digests that had to be computed again, so that the next process finds them.
    ///
    /// Refreshes do not call it: a question changes nothing that is stored.
    pub(super) fn save(&self, storage: &dyn Storage) {
        let unsaved = std::mem::take(&mut *self.unsaved());
        for page in unsaved.chunks(PAGE_CHANGES) {
            let keep = |(episode, digest): &(EpisodeId, Box<[u8]>)| Op::KeepDigest {
                episode: *episode,
                digest: digest.clone(),
            };
            let batch = WriteBatch { ops: page.iter().map(keep).collect() };
            if let Err(error) = storage.apply(batch, Durability::Process) {
                // Digests are derived: the next process computes them again.
                tracing::warn!(%error, "digests of episodes were not stored");
                return;
            }
        }
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<(EpisodeId, Box<[u8]>)>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops a load that may be running.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Starts a thread that loads the state once the index is loaded, so that the first call waits
    /// for less; `afterwards` is done on it at last.
    pub(super) fn load(
        learning: &Arc<Self>,
        index: &Arc<Index>,
        storage: Arc<dyn Storage>,
        afterwards: impl FnOnce(&dyn Storage, &AtomicBool) + Send + 'static,
    ) -> Option<Task> {
        let (learning, index) = (Arc::clone(learning), Arc::clone(index));
        let task = Task::start("memory-learn", move |_| {
            index.wait();
            match learning.refresh(storage.as_ref()) {
                Ok(()) => learning.save(storage.as_ref()),
                Err(error) => tracing::warn!(%error, "the learned state could not be loaded yet"),
            }
            afterwards(storage.as_ref(), &learning.abandoned);
        });
        task.inspect_err(
            |error| tracing::warn!(%error, "the first call has to wait for the learned state"),
        )
        .ok()
    }
}

/// Name of a refresh in errors.
pub(super) const READ: &str = "read what was learned";

/// Returns the digest that is stored with an episode, if it is readable and covers all steps.
pub(super) fn stored_digest(episode: &Episode) -> Option<Digest> {
    // A digest of another version is no error: it is computed again.
    let digest = Digest::decode(episode.digest.as_deref()?).ok()?;
    (digest.moves.len() == episode.n_steps as usize).then_some(digest)
}

/// Computes the digest of an episode's stored steps.
pub(super) fn digest_of(storage: &dyn Storage, id: EpisodeId) -> Result<Digest, StorageError> {
    Ok(Digest::of(&steps_of(storage, id)?))
}

/// Reads all steps of an episode.
pub(super) fn steps_of(storage: &dyn Storage, id: EpisodeId) -> Result<Vec<Step>, StorageError> {
    let mut steps = Vec::new();
    loop {
        let from = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let read = storage.steps(&[StepRange { episode: id, from, limit: PAGE_STEPS }])?;
        let page = read.into_iter().next().unwrap_or_default();
        let is_last = page.len() < PAGE_STEPS as usize;
        steps.extend(page);
        if is_last {
            return Ok(steps);
        }
    }
}
