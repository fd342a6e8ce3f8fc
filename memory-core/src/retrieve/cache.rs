//! Cache of answers, which also answers identical queries in flight once.
//!
//! An answer is kept under its query and the position that the index reflects. A write, or a vector
//! that arrives, gives each query another key: stale answers are never asked for again and are
//! pushed out in the end. What changes with time alone (recency, the validity of notes) is bounded
//! by the age of an answer and by the instant at which a note begins or ceases to hold.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use lru::LruCache;

use super::{Hit, Query, Recall};
use crate::config::Config;
use crate::error::Error;
use crate::index::Position;
use crate::model::{Author, Closing, Context, Episode, Excerpt, Note, Record, Source, Timestamp};

/// Everything that an answer depends on, besides the time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) query: Query,
    pub(super) position: Position,
}

/// A computed answer.
pub(super) struct Answer {
    pub(super) recall: Recall,
    /// Instant at which a note that was looked at begins or ceases to hold, or at which a day that
    /// the query names relative to now becomes another one.
    pub(super) changes_at: Option<Timestamp>,
}

/// Numbers of recalls by how they were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecallCounts {
    /// Answered with a cached answer.
    pub(crate) cached: u64,
    /// Computed, successfully or not.
    pub(crate) computed: u64,
    /// Answered with the answer of an identical query in flight.
    pub(crate) shared: u64,
}

/// Least recently used answers within a bound of bytes.
pub(crate) struct RecallCache {
    state: Mutex<State>,
    max_bytes: usize,
    max_age_ms: u64,
}

struct State {
    entries: LruCache<Arc<Key>, Entry>,
    n_bytes: usize,
    counts: RecallCounts,
}

/// The answer to one query, once there is one. Whoever computes it holds the lock meanwhile, so
/// that identical queries wait for it.
type Slot = Arc<Mutex<Option<Cached>>>;

struct Entry {
    slot: Slot,
    n_bytes: usize,
}

struct Cached {
    recall: Arc<Recall>,
    computed_at: Timestamp,
    changes_at: Option<Timestamp>,
}

impl RecallCache {
    pub(crate) fn new(config: &Config) -> Self {
        let (entries, counts) = (LruCache::unbounded(), RecallCounts::default());
        Self {
            state: Mutex::new(State { entries, n_bytes: 0, counts }),
            max_bytes: config.cache_bytes,
            max_age_ms: config.cache_age_ms,
        }
    }

    /// Gives the cached answer, or that of an identical query in flight, or computes it.
    ///
    /// # Errors
    ///
    /// Those of `compute`. An error or a panic is its caller's alone: one of those who waited
    /// computes the answer anew.
    pub(super) fn answer(
        &self,
        key: Key,
        now: Timestamp,
        compute: impl FnOnce() -> Result<Answer, Error>,
    ) -> Result<Recall, Error> {
        let key = Arc::new(key);
        let slot = self.slot(&key);
        let (mut cached, was_in_flight) = match slot.try_lock() {
            Ok(cached) => (cached, false),
            Err(TryLockError::Poisoned(error)) => (error.into_inner(), false),
            Err(TryLockError::WouldBlock) => {
                self.state().counts.shared += 1;
                (lock(&slot), true)
            }
        };
        // An answer that was waited for is new, however short the time for which answers are kept.
        let usable = cached.as_ref().filter(|cached| was_in_flight || self.is_fresh(cached, now));
        if let Some(Cached { recall, .. }) = usable {
            self.state().counts.cached += u64::from(!was_in_flight);
            return Ok(Recall::clone(recall));
        }
        *cached = None;
        {
            let mut state = self.state();
            state.counts.computed += 1;
            state.counts.shared -= u64::from(was_in_flight);
        }
        let answer = compute();
        let n_bytes = match &answer {
            Ok(answer) if answer.recall.degraded.is_none() => size_bytes(&key, &answer.recall),
            _ => usize::MAX,
        };
        let recall = answer.map(|Answer { recall, changes_at }| {
            let recall = Arc::new(recall);
            if n_bytes < usize::MAX {
                let recall = Arc::clone(&recall);
                *cached = Some(Cached { recall, computed_at: now, changes_at });
            }
            recall
        });
        drop(cached);
        self.charge(&key, &slot, n_bytes);
        recall.map(Arc::unwrap_or_clone)
    }

    pub(crate) fn counts(&self) -> RecallCounts {
        self.state().counts
    }

    /// The slot of a key, which is the most recently used one from now on.
    fn slot(&self, key: &Arc<Key>) -> Slot {
        let mut state = self.state();
        if let Some(entry) = state.entries.get(key) {
            return Arc::clone(&entry.slot);
        }
        let slot = Slot::default();
        state.entries.put(Arc::clone(key), Entry { slot: Arc::clone(&slot), n_bytes: 0 });
        slot
    }

    /// Counts the answer in a slot, and drops what exceeds the bound: the answer itself if it alone
    /// does, else the least recently used ones.
    fn charge(&self, key: &Arc<Key>, slot: &Slot, n_bytes: usize) {
        let mut state = self.state();
        let State { entries, n_bytes: sum, .. } = &mut *state;
        // A slot that was pushed out meanwhile is not counted any more.
        let is_own = |entry: &&mut Entry| Arc::ptr_eq(&entry.slot, slot);
        let Some(entry) = entries.peek_mut(key).filter(is_own) else { return };
        *sum -= std::mem::take(&mut entry.n_bytes);
        if n_bytes > self.max_bytes || self.max_age_ms == 0 {
            entries.pop(key);
            return;
        }
        entry.n_bytes = n_bytes;
        *sum += n_bytes;
        while *sum > self.max_bytes
            && let Some((_, oldest)) = entries.pop_lru()
        {
            *sum -= oldest.n_bytes;
        }
    }

    /// Returns whether time has left an answer as it was; one from the future is not trusted.
    fn is_fresh(&self, cached: &Cached, now: Timestamp) -> bool {
        let age_ms = u64::try_from(now.millis_since(cached.computed_at));
        age_ms.is_ok_and(|age_ms| age_ms < self.max_age_ms)
            && cached.changes_at.is_none_or(|at| now < at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Locks; a panic elsewhere leaves nothing half changed, since each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory that a cached answer takes, in bytes: all that hangs on its key and its hits.
///
/// Structures are taken apart completely, so that a new field cannot be forgotten here.
fn size_bytes(key: &Key, recall: &Recall) -> usize {
    let Query {
        text,
        scope,
        own_scope,
        kinds,
        outcome: _,
        task_type,
        language,
        tags,
        since: _,
        until: _,
        except,
        limit: _,
        max_tokens: _,
        strength: _,
        variety: _,
    } = &key.query;
    let scopes = [scope, own_scope].into_iter().flatten().map(|scope| scope.as_str().len());
    let names = [task_type, language].into_iter().flatten().map(String::len);
    let tags = tags.iter().map(|tag| tag.len() + size_of::<String>());
    let query = text.len()
        + size_of_val(&**kinds)
        + size_of_val(&**except)
        + scopes.chain(names).chain(tags).sum::<usize>();
    let fixed = size_of::<Key>() + size_of::<Entry>() + size_of::<Cached>() + size_of::<Recall>();
    fixed + query + recall.hits.iter().map(hit_bytes).sum::<usize>()
}

fn hit_bytes(hit: &Hit) -> usize {
    let Hit {
        record,
        strength: _,
        score: _,
        text,
        step_idx: _,
        attempts,
        contradicts,
        signals: _,
        terms,
    } = hit;
    let record = match record {
        Record::Episode(episode) => episode_bytes(episode),
        Record::Note(note) => note_bytes(note),
    };
    let contrast = attempts.as_ref().and_then(|attempts| attempts.contrast.as_ref());
    let text = text.len() + contrast.map_or(0, String::len);
    size_of::<Hit>() + text + size_of_val(&**terms) + size_of_val(&**contradicts) + record
}

fn episode_bytes(episode: &Episode) -> usize {
    let Episode {
        id: _,
        scope,
        task,
        context,
        source,
        origin: _,
        author,
        started_at: _,
        recorded_at: _,
        relations,
        shown,
        feedback: _,
        digest,
        n_steps: _,
        closing,
    } = episode;
    let Context { task_type, language, framework, domain, tags, agent, model, session, branch } =
        context;
    let names = [task_type, language, framework, domain, agent, model, session, branch];
    size_of::<Episode>()
        + scope.as_str().len()
        + excerpt_bytes(Some(task))
        + names.into_iter().flatten().map(|name| name.len()).sum::<usize>()
        + labels_bytes(tags)
        + source_bytes(source.as_ref())
        + author_bytes(author.as_ref())
        + size_of_val(&**relations)
        + size_of_val(&**shown)
        + digest.as_ref().map_or(0, |digest| digest.len())
        + closing.as_ref().map_or(0, closing_bytes)
}

fn closing_bytes(closing: &Closing) -> usize {
    let Closing {
        outcome: _,
        inferred,
        ended_at: _,
        summary,
        artifacts,
        reward: _,
        surprise: _,
        followed,
        reflection,
    } = closing;
    excerpt_bytes(summary.as_ref())
        + excerpt_bytes(reflection.as_ref())
        + labels_bytes(artifacts)
        + inferred.as_ref().map_or(0, |evidence| evidence.len())
        + size_of_val(&**followed)
}

fn note_bytes(note: &Note) -> usize {
    let Note {
        id: _,
        kind: _,
        scope,
        text,
        speaker,
        session,
        position: _,
        tags,
        source,
        origin: _,
        author,
        episode: _,
        occurred_at: _,
        recorded_at: _,
        valid_from: _,
        valid_to: _,
        supersedes: _,
        superseded_by: _,
        n_merged: _,
        merged_at: _,
        feedback: _,
    } = note;
    size_of::<Note>()
        + scope.as_str().len()
        + excerpt_bytes(Some(text))
        + [speaker, session].into_iter().flatten().map(|name| name.len()).sum::<usize>()
        + labels_bytes(tags)
        + source_bytes(source.as_ref())
        + author_bytes(author.as_ref())
}

fn excerpt_bytes(excerpt: Option<&Excerpt>) -> usize {
    excerpt.map_or(0, |excerpt| excerpt.as_str().len())
}

fn source_bytes(source: Option<&Source>) -> usize {
    source.map_or(0, |source| source.importer.len() + source.external_id.len())
}

fn author_bytes(author: Option<&Author>) -> usize {
    author.map_or(0, |author| author.name.len())
}

fn labels_bytes(labels: &[Box<str>]) -> usize {
    size_of_val(labels) + labels.iter().map(|label| label.len()).sum::<usize>()
}

#[cfg(test)]
mod tests;
