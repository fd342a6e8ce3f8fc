//! What was learned, kept up to date from the change feed.
//!
//! An episode that ended is taken in by its digest, which is stored with it; where that is missing or of
//! another version it is made from the steps once more, and kept. So a start reads no steps, and every
//! process learns what the others recorded.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::error::Error;
use crate::index::Index;
use crate::learn::{Digest, Learned};
use crate::model::{Episode, EpisodeId, RecordId, Timestamp};
use crate::storage::{ChangeOp, Durability, Op, Seq, StepRange, Storage, StorageError, WriteBatch};

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
}

impl Learning {
    /// Nothing is learned yet.
    pub(super) fn new() -> Self {
        Self {
            learned: RwLock::new(Learned::default()),
            seq: Mutex::new(0),
            looked_at: AtomicI64::new(i64::MIN),
            abandoned: AtomicBool::new(false),
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
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let changes = storage.changes(*seq, PAGE_CHANGES).map_err(Error::storage(READ))?;
            let Some(last) = changes.last().filter(|_| !self.abandoned.load(Ordering::Relaxed))
            else {
                return Ok(());
            };
            let (mut gone, mut put) = (Vec::new(), Vec::new());
            for change in &changes {
                if let RecordId::Episode(id) = change.id {
                    if change.op == ChangeOp::Put { put.push(id) } else { gone.push(id) }
                }
            }
            self.take(storage, &gone, &put).map_err(Error::storage(READ))?;
            *seq = last.seq;
        }
    }

    fn take(
        &self,
        storage: &dyn Storage,
        gone: &[EpisodeId],
        put: &[EpisodeId],
    ) -> Result<(), StorageError> {
        let episodes = if put.is_empty() { Vec::new() } else { storage.episodes(put)? };
        let mut made = Vec::new();
        let mut digested = Vec::with_capacity(episodes.len());
        for episode in episodes.into_iter().flatten().filter(|e| e.closing.is_some()) {
            let digest = if let Some(digest) = kept(&episode) {
                digest
            } else {
                let digest = digest_of(storage, episode.id)?;
                let keep = digest.encode().into();
                made.push(Op::KeepDigest { episode: episode.id, digest: keep });
                digest
            };
            digested.push((episode, digest));
        }
        if !made.is_empty()
            && let Err(error) = storage.apply(WriteBatch { ops: made }, Durability::Process)
        {
            // They are derived: the next start makes them once more.
            tracing::warn!(%error, "digests of episodes were not kept");
        }
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        for id in gone {
            learned.remove(*id);
        }
        for (episode, digest) in &digested {
            learned.put(episode, digest);
        }
        Ok(())
    }

    /// Ends a load that may be running.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Begins to load on a thread of its own once the index is loaded, so that the first question waits
    /// for less.
    pub(super) fn load(
        learning: &Arc<Self>,
        index: &Arc<Index>,
        storage: Arc<dyn Storage>,
    ) -> Option<Loading> {
        let (learning, index) = (Arc::clone(learning), Arc::clone(index));
        let spawned = std::thread::Builder::new().name("memory-learn".into()).spawn(move || {
            index.wait();
            if let Err(error) = learning.refresh(storage.as_ref()) {
                tracing::warn!(%error, "what was learned could not be loaded yet");
            }
        });
        spawned.ok().map(|thread| Loading { thread: Some(thread) })
    }
}

/// What the messages of a failed refresh call it.
const READ: &str = "read what was learned";

/// The thread of the first load; dropping it waits for its end.
pub(super) struct Loading {
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Loading {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there was said on its way.
            drop(thread.join());
        }
    }
}

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
