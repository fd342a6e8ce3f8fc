//! What was learned, kept up to date from the change feed.
//!
//! An episode that ended is taken in by its digest, which is stored with it; where that is missing or of
//! another version it is made from the steps once more, and kept. So a start reads no steps, and every
//! process learns what the others recorded.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::background::Task;
use crate::error::Error;
use crate::index::Index;
use crate::learn::{Digest, Learned};
use crate::model::{Episode, EpisodeId, RecordId, Timestamp};
use crate::storage::{
    Durability, Follower, Op, Page, Seq, StepRange, Storage, StorageError, WriteBatch,
};

/// Changes that are read at once.
const PAGE_CHANGES: usize = 256;

/// How long what was learned counts as fresh for a step, in milliseconds.
const FRESH_MS: i64 = 1_000;

/// Steps that are read at once.
const PAGE_STEPS: u32 = 64;

/// What was learned, and how much of the storage it reflects.
pub(super) struct Learning {
    learned: RwLock<Learned>,
    /// Position of the change feed that is reflected; also lets one thread refresh at a time.
    seq: Mutex<Seq>,
    /// When that was last looked for, in milliseconds; the smallest number before the first time.
    looked_at: AtomicI64,
    /// Set when nobody will ask any more: a load ends at the next page.
    abandoned: AtomicBool,
    /// Digests that were missing or of another version, and are not stored yet.
    unsaved: Mutex<Vec<(EpisodeId, Box<[u8]>)>>,
}

impl Learning {
    /// Nothing is learned yet.
    pub(super) fn new() -> Self {
        Self {
            learned: RwLock::new(Learned::default()),
            seq: Mutex::new(0),
            looked_at: AtomicI64::new(i64::MIN),
            abandoned: AtomicBool::new(false),
            unsaved: Mutex::default(),
        }
    }

    /// What was learned as of the last refresh.
    pub(super) fn learned(&self) -> RwLockReadGuard<'_, Learned> {
        self.learned.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as [`Learning::refresh`], unless that was done within the last second: for what is asked with
    /// every step.
    pub(super) fn refresh_if_due(
        &self,
        storage: &dyn Storage,
        now: Timestamp,
    ) -> Result<(), Error> {
        let looked_at = Timestamp::from_millis(self.looked_at.load(Ordering::Relaxed));
        // A clock that was set back must not keep it from looking.
        if (0..FRESH_MS).contains(&now.millis_since(looked_at)) {
            return Ok(());
        }
        self.refresh(storage)?;
        self.looked_at.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }

    /// Takes in what changed since the last time; the first time that is everything.
    pub(super) fn refresh(&self, storage: &dyn Storage) -> Result<(), Error> {
        self.refresh_to(storage, Seq::MAX)
    }

    /// Takes in what changed since the last time, unless all up to `position` is known already.
    pub(super) fn refresh_to(&self, storage: &dyn Storage, position: Seq) -> Result<(), Error> {
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        if *seq >= position {
            return Ok(());
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

    fn take(&self, storage: &dyn Storage, page: Page) -> Result<(), StorageError> {
        let mut digested = Vec::with_capacity(page.episodes.len());
        for episode in page.episodes.into_iter().filter(|episode| episode.closing.is_some()) {
            let digest = match kept(&episode) {
                Some(digest) => digest,
                None => {
                    let digest = digest_of(storage, episode.id)?;
                    self.unsaved().push((episode.id, digest.encode().into()));
                    digest
                }
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

    /// Stores the digests that had to be made anew, so that the next process need not make them.
    ///
    /// Only what writes anyway calls it: a question changes nothing that is stored.
    pub(super) fn save(&self, storage: &dyn Storage) {
        let unsaved = std::mem::take(&mut *self.unsaved());
        for page in unsaved.chunks(PAGE_CHANGES) {
            let keep = |(episode, digest): &(EpisodeId, Box<[u8]>)| Op::KeepDigest {
                episode: *episode,
                digest: digest.clone(),
            };
            let batch = WriteBatch { ops: page.iter().map(keep).collect() };
            if let Err(error) = storage.apply(batch, Durability::Process) {
                // They are derived: the next process makes them once more.
                tracing::warn!(%error, "digests of episodes were not stored");
                return;
            }
        }
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<(EpisodeId, Box<[u8]>)>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a load that may be running.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Starts a thread that reads what was learned once the index is loaded, so that the first
    /// question waits for less.
    pub(super) fn load(
        learning: &Arc<Self>,
        index: &Arc<Index>,
        storage: Arc<dyn Storage>,
    ) -> Option<Task> {
        let (learning, index) = (Arc::clone(learning), Arc::clone(index));
        let task = Task::start("memory-learn", move |_| {
            index.wait();
            match learning.refresh(storage.as_ref()) {
                Ok(()) => learning.save(storage.as_ref()),
                Err(error) => tracing::warn!(%error, "what was learned could not be loaded yet"),
            }
        });
        task.inspect_err(|error| tracing::warn!(%error, "the first question has to wait")).ok()
    }
}

/// What the messages of a failed refresh call it.
const READ: &str = "read what was learned";

/// The digest that is kept with an episode, if it is of this version and of all steps.
fn kept(episode: &Episode) -> Option<Digest> {
    let digest = Digest::decode(episode.digest.as_deref()?)?;
    (digest.moves.len() == episode.n_steps as usize).then_some(digest)
}

/// The digest of an episode's steps as stored.
pub(super) fn digest_of(storage: &dyn Storage, id: EpisodeId) -> Result<Digest, StorageError> {
    let mut steps = Vec::new();
    loop {
        let from = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let read = storage.steps(&[StepRange { episode: id, from, limit: PAGE_STEPS }])?;
        let page = read.into_iter().next().unwrap_or_default();
        let is_last = page.len() < PAGE_STEPS as usize;
        steps.extend(page);
        if is_last {
            return Ok(Digest::of(&steps));
        }
    }
}
