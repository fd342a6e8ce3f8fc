//! Answers that were given lately, and those that are being computed right now.
//!
//! Who calls it: the retriever, once the index is refreshed. What it must not know: how an answer is found.
//!
//! An answer is kept under its query and the positions that the index reflects. A write, or a vector that
//! arrives, gives each query another key: nothing has to be removed for being out of date, it is merely
//! never asked for again and in the end pushed out. What changes with time alone (recency, and which notes
//! hold) is bounded by age and by the instant at which a note begins or ceases to hold.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::{Hit, Query, Recall};
use crate::config::Config;
use crate::error::Error;
use crate::index::Position;
use crate::model::{Episode, Excerpt, Note, Record, Timestamp};

/// What an answer depends on, besides the time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) query: Query,
    pub(super) position: Position,
}

/// An answer that was computed.
pub(super) struct Answer {
    pub(super) recall: Recall,
    /// When a note that was looked at begins or ceases to hold, or “yesterday” is another day.
    pub(super) changes_at: Option<Timestamp>,
}

/// How recalls were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecallCounts {
    /// With a kept answer.
    pub(crate) cached: u64,
    /// By computing the answer, or trying to.
    pub(crate) computed: u64,
    /// With the answer of an identical query in flight.
    pub(crate) shared: u64,
}

/// The answers that are kept, and the queries in flight.
pub(crate) struct RecallCache {
    state: Mutex<State>,
    max_bytes: usize,
    max_age_ms: u64,
}

/// All under one lock: between the look for a kept answer and the look for one in flight, none can slip.
struct State {
    recent: LruCache<Arc<Key>, Kept>,
    n_bytes: usize,
    flights: HashMap<Arc<Key>, Arc<Flight>>,
    counts: RecallCounts,
}

struct Kept {
    recall: Arc<Recall>,
    made_at: Timestamp,
    changes_at: Option<Timestamp>,
    n_bytes: usize,
}

/// What a query that comes in has to do.
enum Turn<'a> {
    Take(Arc<Recall>),
    Wait(Arc<Flight>),
    Lead(Lead<'a>),
}

impl RecallCache {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::new(State {
                recent: LruCache::unbounded(),
                n_bytes: 0,
                flights: HashMap::new(),
                counts: RecallCounts::default(),
            }),
            max_bytes: config.cache_bytes,
            max_age_ms: config.cache_age_ms,
        }
    }

    /// Gives the kept answer, or that of an identical query in flight, or computes it.
    ///
    /// An error or a panic is its caller's alone: whoever waited for it computes the answer itself.
    pub(super) fn answer(
        &self,
        key: Key,
        now: Timestamp,
        compute: impl FnOnce() -> Result<Answer, Error>,
    ) -> Result<Recall, Error> {
        let key = Arc::new(key);
        let lead = match self.turn(&key, now) {
            Turn::Take(recall) => return Ok(Recall::clone(&recall)),
            Turn::Wait(flight) => {
                if let Some(recall) = flight.wait() {
                    return Ok(Recall::clone(&recall));
                }
                let counts = &mut self.state().counts;
                counts.shared -= 1;
                counts.computed += 1;
                None
            }
            Turn::Lead(lead) => Some(lead),
        };
        let Answer { recall, changes_at } = compute()?;
        let recall = Arc::new(recall);
        if recall.degraded.is_none() {
            self.keep(key, &recall, now, changes_at);
        }
        if let Some(lead) = lead {
            lead.flight.end(Progress::Done(Arc::clone(&recall)));
        }
        Ok(Arc::unwrap_or_clone(recall))
    }

    pub(crate) fn counts(&self) -> RecallCounts {
        self.state().counts
    }

    fn turn(&self, key: &Arc<Key>, now: Timestamp) -> Turn<'_> {
        let mut state = self.state();
        if let Some(kept) = state.recent.get(key) {
            if self.is_fresh(kept, now) {
                let recall = Arc::clone(&kept.recall);
                state.counts.cached += 1;
                return Turn::Take(recall);
            }
            state.drop_kept(key);
        }
        if let Some(flight) = state.flights.get(key) {
            let flight = Arc::clone(flight);
            state.counts.shared += 1;
            return Turn::Wait(flight);
        }
        state.counts.computed += 1;
        let flight = Arc::new(Flight::default());
        state.flights.insert(Arc::clone(key), Arc::clone(&flight));
        Turn::Lead(Lead { cache: self, key: Arc::clone(key), flight })
    }

    /// Whether time has left an answer as it was; one that seems to come from the future is not trusted.
    fn is_fresh(&self, kept: &Kept, now: Timestamp) -> bool {
        let age_ms = u64::try_from(now.millis_since(kept.made_at));
        age_ms.is_ok_and(|age_ms| age_ms < self.max_age_ms)
            && kept.changes_at.is_none_or(|at| now < at)
    }

    fn keep(
        &self,
        key: Arc<Key>,
        recall: &Arc<Recall>,
        made_at: Timestamp,
        changes_at: Option<Timestamp>,
    ) {
        let n_bytes = size_bytes(&key, recall);
        if n_bytes > self.max_bytes || self.max_age_ms == 0 {
            return;
        }
        let mut state = self.state();
        state.drop_kept(&key);
        state.n_bytes += n_bytes;
        state.recent.put(key, Kept { recall: Arc::clone(recall), made_at, changes_at, n_bytes });
        while state.n_bytes > self.max_bytes
            && let Some((_, oldest)) = state.recent.pop_lru()
        {
            state.n_bytes -= oldest.n_bytes;
        }
    }

    /// A panic elsewhere cannot leave it half changed: its operations do not unwind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_kept(&mut self, key: &Arc<Key>) {
        if let Some(kept) = self.recent.pop(key) {
            self.n_bytes -= kept.n_bytes;
        }
    }
}

/// An answer that is being computed.
#[derive(Default)]
struct Flight {
    progress: Mutex<Progress>,
    ended: Condvar,
}

#[derive(Default)]
enum Progress {
    #[default]
    Running,
    Done(Arc<Recall>),
    Failed,
}

impl Flight {
    /// Waits for the end; `None` when there is no answer.
    fn wait(&self) -> Option<Arc<Recall>> {
        let running = |progress: &mut Progress| matches!(progress, Progress::Running);
        let progress = self.ended.wait_while(self.progress(), running);
        match &*progress.unwrap_or_else(PoisonError::into_inner) {
            Progress::Done(recall) => Some(Arc::clone(recall)),
            Progress::Running | Progress::Failed => None,
        }
    }

    /// Ends it, unless it has ended.
    fn end(&self, end: Progress) {
        let mut progress = self.progress();
        if matches!(*progress, Progress::Running) {
            *progress = end;
        }
        drop(progress);
        self.ended.notify_all();
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to end a flight, however the computation ends.
struct Lead<'a> {
    cache: &'a RecallCache,
    key: Arc<Key>,
    flight: Arc<Flight>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.cache.state().flights.remove(&self.key);
        self.flight.end(Progress::Failed);
    }
}

/// What a kept answer takes in memory, estimated: its texts and what holds them.
fn size_bytes(key: &Key, recall: &Recall) -> usize {
    let Query { text, scope, own_scope, kinds, task_type, language, tags, .. } = &key.query;
    let scopes = [scope, own_scope].into_iter().flatten().map(|scope| scope.as_str().len());
    let names = [task_type, language].into_iter().flatten().map(String::len);
    let tags = tags.iter().map(|tag| tag.len() + size_of::<String>());
    let query: usize = scopes.chain(names).chain(tags).sum();
    let fixed = size_of::<Key>() + size_of::<Kept>() + size_of::<Recall>() + size_of_val(&**kinds);
    let hits: usize = recall.hits.iter().map(hit_bytes).sum();
    fixed + text.len() + query + hits
}

fn hit_bytes(hit: &Hit) -> usize {
    let record = match &hit.record {
        Record::Episode(episode) => episode_bytes(episode),
        Record::Note(note) => note_bytes(note),
    };
    size_of::<Hit>() + hit.text.len() + size_of_val(&*hit.terms) + record
}

fn episode_bytes(episode: &Episode) -> usize {
    let context = &episode.context;
    let names = [
        &context.task_type,
        &context.language,
        &context.framework,
        &context.domain,
        &context.agent,
        &context.model,
        &context.session,
        &context.branch,
    ];
    let closing = episode.closing.as_ref().map_or(0, |closing| {
        let texts = [&closing.summary, &closing.reflection].into_iter().flatten();
        texts.map(excerpt_bytes).sum::<usize>() + labels_bytes(&closing.artifacts)
    });
    size_of::<Episode>()
        + excerpt_bytes(&episode.task)
        + episode.scope.as_str().len()
        + names.into_iter().flatten().map(|name| name.len()).sum::<usize>()
        + labels_bytes(&context.tags)
        + closing
}

fn note_bytes(note: &Note) -> usize {
    let names = [&note.speaker, &note.session].into_iter().flatten();
    size_of::<Note>()
        + excerpt_bytes(&note.text)
        + note.scope.as_str().len()
        + names.map(|name| name.len()).sum::<usize>()
        + labels_bytes(&note.tags)
}

fn excerpt_bytes(excerpt: &Excerpt) -> usize {
    excerpt.as_str().len()
}

fn labels_bytes(labels: &[Box<str>]) -> usize {
    size_of_val(labels) + labels.iter().map(|label| label.len()).sum::<usize>()
}

#[cfg(test)]
mod tests;
