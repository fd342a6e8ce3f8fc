//! From a query to the few hits that help.
//!
//! Who calls it: [`crate::Memory`]. What it must not know: how units are indexed, who asks and how
//! the answer is written down. The order of the work: conditions to a mask, candidates from the
//! indexes, fusion of their scores, units to records, ranking, excerpts, budget.

mod attempts;
mod cache;
mod candidates;
mod contradictions;
mod dates;
mod excerpt;
mod fuse;
mod hit;
mod learned;
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
use crate::model::{EpisodeId, HitKind, Note, NoteId, NoteKind, Record, RecordId, Timestamp};
use crate::storage::{self, Storage};

pub(crate) use cache::RecallCache;
use cache::{Answer, Key};
use candidates::{Asked, Candidate};
use dates::Dates;
pub use hit::{Hit, Recall, Signals};
pub(crate) use learned::{LearnedFacts, Unlearned};
pub use query::{Query, Strength};
use semantic::{QueryVector, without_speakers};
#[cfg_attr(
    not(feature = "bench"),
    expect(unreachable_pub, reason = "only the benches reach it, with the feature `bench`")
)]
pub use weights::Weights;

/// Parts that answer a query.
pub(crate) struct Retriever<'a> {
    pub(crate) embedder: Option<&'a dyn Embedder>,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) index: &'a Index,
    pub(crate) config: &'a Config,
    pub(crate) cache: &'a RecallCache,
    pub(crate) now: Timestamp,
    pub(crate) weights: &'a Weights,
    pub(crate) learned: &'a dyn LearnedFacts,
}

/// An episode whose task or steps resemble a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SimilarHit {
    pub(crate) id: EpisodeId,
    pub(crate) signals: Signals,
    /// The first step of its part that fits best, when that is not its task.
    pub(crate) step_idx: Option<u32>,
}

/// Most of each kind that a search for a task gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskLimits {
    pub(crate) hits: usize,
    pub(crate) similar: usize,
    pub(crate) lessons: usize,
    pub(crate) near: usize,
}

/// Everything that one search finds for a task.
#[derive(Debug, Default)]
pub(crate) struct TaskRecall {
    pub(crate) recall: Recall,
    /// Episodes that surely resemble the task, best first.
    pub(crate) similar: Vec<SimilarHit>,
    /// Notes that are surely about the task, best first.
    pub(crate) lessons: Vec<Note>,
    /// Episodes nearest to the task, however near, best first, each with its score.
    pub(crate) near: Vec<(EpisodeId, f64)>,
}

/// Kinds of notes that count as lessons for a task.
const LESSON_KINDS: [NoteKind; 4] =
    [NoteKind::Lesson, NoteKind::Decision, NoteKind::Preference, NoteKind::Fact];

/// Notes that are read for each lesson that is wanted.
const READ_PER_LESSON: usize = 4;

impl Retriever<'_> {
    /// Answers a query from what the index knows.
    pub(crate) fn recall(&self, query: &Query) -> Result<Recall, Error> {
        let limit = query.checked_limit(self.config)?;
        let budget_bytes = query.budget_bytes(self.config)?;
        let position = self.index.contents().position();
        let key = Key { query: query.clone(), position };
        self.cache.answer(key, self.now, || {
            self.again_after_damage(|| self.compute(query, limit, budget_bytes))
        })
    }

    /// Finds the hits of a query and, by the same search, what advice for that task rests on.
    pub(crate) fn recall_task(
        &self,
        query: &Query,
        limits: TaskLimits,
    ) -> Result<TaskRecall, Error> {
        Error::check_limit("limit", self.config.max_limit, limits.hits)?;
        let budget_bytes = query.budget_bytes(self.config)?;
        self.again_after_damage(|| self.compute_task(query, limits, budget_bytes))
    }

    /// Answers a query whatever the answer's size, and caches no answer.
    pub(crate) fn alike(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        let limit = query.checked_limit(self.config)?;
        Ok(self.compute(query, limit, usize::MAX)?.recall.hits)
    }

    /// Computes, and once more where a vector could not be read from its file: a refresh reads them
    /// from the storage again.
    fn again_after_damage<T>(&self, compute: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        let answer = compute()?;
        if !self.index.is_damaged() {
            return Ok(answer);
        }
        let wait = Duration::from_millis(self.config.index_wait_ms);
        self.index.refresh(self.storage, wait)?;
        compute()
    }

    fn compute(&self, query: &Query, limit: usize, budget_bytes: usize) -> Result<Answer, Error> {
        let mut recall = Recall::default();
        let (ranked, dates) =
            self.search(query, limit, &mut recall, |contents, ranked, recall| {
                self.select(contents, ranked, query, limit, recall)
            })?;
        let changes_at;
        (recall.hits, changes_at) = self.hits(ranked, limit, query, budget_bytes)?;
        contradictions::order_and_mark(&mut recall.hits);
        recall.n_over_budget = pack::fit(&mut recall.hits, budget_bytes);
        let changes_at = changes_at.into_iter().chain(dates.change_at(self.now)).min();
        Ok(Answer { recall, changes_at })
    }

    fn compute_task(
        &self,
        query: &Query,
        limits: TaskLimits,
        budget_bytes: usize,
    ) -> Result<TaskRecall, Error> {
        let mut recall = Recall::default();
        let limit = limits.hits.max(limits.similar).max(limits.lessons).max(limits.near);
        let is_lesson = |kind| LESSON_KINDS.into_iter().any(|lesson| kind == HitKind::Note(lesson));
        let (lists, _) = self.search(query, limit, &mut recall, |contents, ranked, recall| {
            let sure = |keep: &dyn Fn(HitKind) -> bool, limit| {
                let is_sure = |c: &&Candidate| c.strength == Strength::Strong && keep(c.kind);
                let sure: Vec<Candidate> = ranked.iter().filter(is_sure).cloned().collect();
                variety::order(contents, sure, limit, self.weights)
            };
            let similar = sure(&|kind| kind == HitKind::Episode, limits.similar);
            let lessons = sure(&is_lesson, limits.lessons);
            let near = ranked.iter().filter_map(|candidate| match candidate.id {
                RecordId::Episode(id) => Some((id, candidate.score)),
                RecordId::Note(_) => None,
            });
            let near: Vec<(EpisodeId, f64)> = near.take(limits.near).collect();
            let kept = self.select(contents, ranked, query, limits.hits, recall)?;
            Ok((kept, similar, lessons, near))
        })?;
        let (ranked, similar, lessons, near) = lists;
        (recall.hits, _) = self.hits(ranked, limits.hits, query, budget_bytes)?;
        contradictions::order_and_mark(&mut recall.hits);
        recall.n_over_budget = pack::fit(&mut recall.hits, budget_bytes);
        let similar = similar.into_iter().take(limits.similar).filter_map(|candidate| {
            let Candidate { id, signals, step_idx, .. } = candidate;
            let RecordId::Episode(id) = id else { return None };
            Some(SimilarHit { id, signals, step_idx })
        });
        let (similar, lessons) = (similar.collect(), self.notes(&lessons, limits.lessons)?);
        Ok(TaskRecall { recall, similar, lessons, near })
    }

    /// Ranks what the index holds for a query and hands it to `select` while the index is locked;
    /// `limit` is the most that is taken of any kind.
    fn search<T>(
        &self,
        query: &Query,
        limit: usize,
        recall: &mut Recall,
        select: impl FnOnce(&Contents, Vec<Candidate>, &mut Recall) -> Result<T, Error>,
    ) -> Result<(T, Dates), Error> {
        let text = query.used_text();
        let vector = self.embed(text, recall);
        let dates = Dates::read(text, self.now);
        let contents = self.index.contents();
        let ranked = if text.is_empty() {
            newest(&contents, query, limit)
        } else {
            let asked = Asked { text, vector: vector.as_ref(), dates: &dates, limit };
            let found = candidates::find(&contents, query, &asked, self.weights);
            rank::order(&contents, found, query, self)?
        };
        let selected = select(&contents, ranked, recall)?;
        drop(contents);
        Ok((selected, dates))
    }

    /// Leaves out what is weaker than asked for, and puts the rest in the order of an answer.
    fn select(
        &self,
        contents: &Contents,
        ranked: Vec<Candidate>,
        query: &Query,
        limit: usize,
        recall: &mut Recall,
    ) -> Result<Vec<Candidate>, Error> {
        let n_ranked = ranked.len();
        let is_kept = |candidate: &Candidate| candidate.strength >= query.strength;
        let kept: Vec<Candidate> = ranked.into_iter().filter(is_kept).collect();
        recall.n_below_strength = n_ranked - kept.len();
        if is_varied(query) {
            let kept = attempts::together(kept, self.learned)?;
            Ok(variety::order(contents, kept, limit, self.weights))
        } else {
            Ok(kept)
        }
    }

    /// The query's vector; without one the answer is found by words alone and says why.
    fn embed(&self, text: &str, recall: &mut Recall) -> Option<QueryVector> {
        // Signs alone have no meaning, though a model makes a vector of anything.
        let embedder = self.embedder.filter(|_| text.contains(char::is_alphanumeric))?;
        let pending = |contents: &Contents| contents.semantic.as_ref().map(Semantic::n_pending);
        recall.n_pending = pending(&self.index.contents()).unwrap_or_default();
        // A process that lives for one question does without the model where nothing has a vector.
        let has_vectors =
            |contents: &Contents| contents.semantic.as_ref().is_some_and(Semantic::has_vectors);
        if self.index.is_on_demand() && !has_vectors(&self.index.contents()) {
            return None;
        }
        let strip = |text: &str| without_speakers(&self.index.contents().columns, text);
        QueryVector::embed(embedder, strip, text).unwrap_or_else(|error| {
            tracing::warn!(%error, "a query is answered by words alone");
            recall.degraded = Some(error.to_string());
            None
        })
    }

    /// Reads the best candidates until there are `limit` hits.
    ///
    /// Some drop out: what was forgotten since the refresh, and notes that do not hold now. The
    /// instant is when the first of the notes that were read begins or ceases to hold.
    fn hits(
        &self,
        ranked: Vec<Candidate>,
        limit: usize,
        query: &Query,
        budget_bytes: usize,
    ) -> Result<(Vec<Hit>, Option<Timestamp>), Error> {
        // Each hit may take its share; what short ones leave is for the long ones.
        let learned = is_varied(query).then_some(self.learned);
        let share = budget_bytes.checked_div(limit.min(ranked.len())).unwrap_or_default();
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
            let room = share.saturating_mul(found.len());
            hits.extend(excerpt::write(self.storage, found, query.used_text(), learned, room)?);
        }
        Ok((hits, changes_at))
    }

    /// Reads the notes of candidates that hold now, at most `limit`.
    fn notes(&self, candidates: &[Candidate], limit: usize) -> Result<Vec<Note>, Error> {
        // Some may not hold now, so more are read than are wanted.
        let ids: Vec<NoteId> = candidates
            .iter()
            .take(limit.saturating_mul(READ_PER_LESSON))
            .filter_map(|candidate| match candidate.id {
                RecordId::Note(id) => Some(id),
                RecordId::Episode(_) => None,
            })
            .collect();
        let read = storage::notes(self.storage, &ids).map_err(Error::storage("read notes"))?;
        let holding = read.into_iter().flatten().filter(|note| is_valid(note, self.now));
        Ok(holding.take(limit).collect())
    }
}

/// Returns whether hits stand for others that are like them; the newest are asked for in their
/// order.
fn is_varied(query: &Query) -> bool {
    query.variety && !query.used_text().is_empty()
}

/// The newest records that pass the query's conditions; there is nothing to rank them by.
fn newest(contents: &Contents, query: &Query, limit: usize) -> Vec<Candidate> {
    let conditions = candidates::conditions(contents, query);
    let numbers = contents.columns.newest(&conditions, limit);
    let to_candidate = |record: RecordNo| {
        let facts = contents.columns.facts(record)?;
        Some(Candidate {
            record,
            id: facts.id,
            kind: facts.kind,
            unit: facts.units.first().copied().unwrap_or_default(),
            score: 0.0,
            strength: Strength::Strong,
            step_idx: None,
            signals: Signals::default(),
            terms: Vec::new(),
        })
    };
    numbers.into_iter().filter_map(to_candidate).collect()
}

/// Returns whether a record holds at that instant.
fn holds(record: &Record, now: Timestamp) -> bool {
    match record {
        Record::Episode(_) => true,
        Record::Note(note) => is_valid(note, now),
    }
}

fn is_valid(note: &Note, now: Timestamp) -> bool {
    note.valid_from.is_none_or(|from| from <= now) && note.valid_to.is_none_or(|to| now < to)
}

/// The first instant after `now` at which [`holds`] may give another answer.
fn next_change(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let Record::Note(note) = record else { return None };
    [note.valid_from, note.valid_to].into_iter().flatten().filter(|at| now < *at).min()
}
