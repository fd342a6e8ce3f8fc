//! From a query to the few hits that help.
//!
//! Who calls it: [`crate::Memory`]. What it must not know: how units are indexed, who asks and how the
//! answer is written down. The order of the work: conditions to a mask, candidates from the indexes,
//! fusion of their scores, units to records, ranking, excerpts, budget.

mod cache;
mod candidates;
mod dates;
mod excerpt;
mod fuse;
mod hit;
mod pack;
mod query;
mod rank;
mod semantic;
mod strength;
mod variety;
mod weights;

use std::time::Duration;

use crate::config::Config;
use crate::embed::Embedder;
use crate::error::Error;
use crate::index::{Contents, Index, RecordNo, Semantic};
use crate::model::{Feedback, Record, RecordId, Timestamp};
use crate::storage::{self, Storage};

pub(crate) use cache::RecallCache;
use cache::{Answer, Key};
use candidates::{Asked, Candidate};
use dates::Dates;
pub use hit::{Hit, Recall};
pub use query::{Query, Strength};
use semantic::{QueryVector, without_speakers};
#[cfg_attr(
    not(feature = "bench"),
    expect(unreachable_pub, reason = "only the benches reach it, with the feature `bench`")
)]
pub use weights::Weights;

/// What answers a query.
pub(crate) struct Retriever<'a> {
    pub(crate) embedder: Option<&'a dyn Embedder>,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) index: &'a Index,
    pub(crate) config: &'a Config,
    pub(crate) cache: &'a RecallCache,
    pub(crate) now: Timestamp,
    pub(crate) weights: &'a Weights,
    /// What a record was worth to those who followed or judged it, in [−1, 1].
    pub(crate) usefulness: &'a dyn Fn(RecordId, Feedback) -> f64,
}

impl Retriever<'_> {
    /// Answers a query from all that was acknowledged before.
    pub(crate) fn recall(&self, query: &Query) -> Result<Recall, Error> {
        let limit = query.checked_limit(self.config)?;
        let budget_bytes = query.budget_bytes(self.config)?;
        let refresh = || {
            let wait = Duration::from_millis(self.config.index_wait_ms);
            self.index.refresh(self.storage, wait)
        };
        refresh()?;
        let position = self.index.contents().position();
        let key = Key { query: query.clone(), position };
        self.cache.answer(key, self.now, || {
            let answer = self.compute(query, limit, budget_bytes)?;
            if !self.index.is_damaged() {
                return Ok(answer);
            }
            // A vector could not be read from its file: they are read from the storage again.
            refresh()?;
            self.compute(query, limit, budget_bytes)
        })
    }

    /// Answers a query from what the index knows, whatever the answer's size, and keeps no answer.
    pub(crate) fn alike(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        let limit = query.checked_limit(self.config)?;
        Ok(self.compute(query, limit, usize::MAX)?.recall.hits)
    }

    /// Answers a query from what the index knows.
    fn compute(&self, query: &Query, limit: usize, budget_bytes: usize) -> Result<Answer, Error> {
        let text = query.used_text();
        let mut recall = Recall::default();
        let vector = self.embed(text, &mut recall);
        let dates = Dates::read(text, self.now);
        let ranked = {
            let contents = self.index.contents();
            let ranked = if text.is_empty() {
                newest(&contents, query, limit)
            } else {
                let asked = Asked { text, vector: vector.as_ref(), dates: &dates };
                let found = candidates::find(&contents, query, &asked, self.weights);
                rank::order(&contents, found, query, self)
            };
            let kept = ranked.into_iter().filter(|candidate| {
                let keep = candidate.strength >= query.strength;
                recall.n_below_strength += usize::from(!keep);
                keep
            });
            let kept: Vec<Candidate> = kept.collect();
            // The newest are asked for in their order.
            let various = query.variety && !text.is_empty();
            if various { variety::order(&contents, kept, limit, self.weights) } else { kept }
        };
        let changes_at;
        (recall.hits, changes_at) = self.hits(ranked, limit, text)?;
        recall.n_over_budget = pack::fit(&mut recall.hits, budget_bytes);
        let changes_at = changes_at.into_iter().chain(dates.change_at(self.now)).min();
        Ok(Answer { recall, changes_at })
    }

    /// The query's vector; without one the answer is found by words alone and says why.
    fn embed(&self, text: &str, recall: &mut Recall) -> Option<QueryVector> {
        // Signs alone have no meaning, though a model makes a vector of anything.
        let embedder = self.embedder.filter(|_| text.contains(char::is_alphanumeric))?;
        let pending = |contents: &Contents| contents.semantic.as_ref().map(Semantic::n_pending);
        recall.n_pending = pending(&self.index.contents()).unwrap_or_default();
        let strip = |text: &str| without_speakers(&self.index.contents().columns, text);
        QueryVector::embed(embedder, strip, text).unwrap_or_else(|error| {
            tracing::warn!(%error, "a query is answered by words alone");
            recall.degraded = Some(error.to_string());
            None
        })
    }

    /// Reads the best candidates until there are `limit` hits.
    ///
    /// Some drop out: what was forgotten since the refresh, and notes that do not hold now. The instant is
    /// when the first of the notes that were read begins or ceases to hold.
    fn hits(
        &self,
        ranked: Vec<Candidate>,
        limit: usize,
        text: &str,
    ) -> Result<(Vec<Hit>, Option<Timestamp>), Error> {
        let mut hits = Vec::with_capacity(limit);
        let mut changes_at = None;
        let mut ranked = ranked.into_iter();
        while hits.len() < limit && ranked.len() > 0 {
            let chunk: Vec<Candidate> = ranked.by_ref().take(limit - hits.len()).collect();
            let ids: Vec<RecordId> = chunk.iter().map(|candidate| candidate.id).collect();
            let mut records = storage::records(self.storage, &ids)
                .map_err(Error::storage("read records"))?
                .into_iter()
                .peekable();
            let mut found = Vec::with_capacity(chunk.len());
            for candidate in chunk {
                let read = records.next_if(|record| record.id() == candidate.id);
                let Some(record) = read else { continue };
                changes_at = changes_at.into_iter().chain(next_change(&record, self.now)).min();
                if holds(&record, self.now) {
                    found.push((candidate, record));
                }
            }
            hits.extend(excerpt::write(self.storage, found, text)?);
        }
        Ok((hits, changes_at))
    }
}

/// The newest records that pass the query's conditions; there is nothing to rank them by.
fn newest(contents: &Contents, query: &Query, limit: usize) -> Vec<Candidate> {
    let conditions = candidates::conditions(contents, query);
    let numbers = contents.columns.newest(&conditions, limit);
    let to_candidate = |record: RecordNo| {
        let facts = contents.columns.facts(record)?;
        let (strength, terms) = (Strength::Strong, Vec::new());
        let unit = facts.units.first().copied().unwrap_or_default();
        Some(Candidate { record, id: facts.id, unit, score: 0.0, strength, step_idx: None, terms })
    };
    numbers.into_iter().filter_map(to_candidate).collect()
}

/// Whether a record holds at that instant.
fn holds(record: &Record, now: Timestamp) -> bool {
    match record {
        Record::Episode(_) => true,
        Record::Note(note) => {
            note.valid_from.is_none_or(|from| from <= now)
                && note.valid_to.is_none_or(|to| now < to)
        }
    }
}

/// The first instant after `now` at which [`holds`] may give another answer.
fn next_change(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let Record::Note(note) = record else { return None };
    [note.valid_from, note.valid_to].into_iter().flatten().filter(|at| now < *at).min()
}
