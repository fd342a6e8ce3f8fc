//! Search for the experience that advice for a task is based on.

use super::Memory;
use super::advice::{Advice, Basis, MAX_LESSONS};
use super::cures::FailedStep;
use crate::error::Error;
use crate::learn::{AgentKey, Digest, Ending, KnownError, Lesson, MetError, SimilarEpisode};
use crate::model::{Context, Episode, EpisodeId, Origin, RecordId, Scope};
use crate::retrieve::{Query, Recall, SimilarHit, TaskLimits, TaskRecall};

/// Maximum number of episodes of similar tasks, besides those of the same task.
const MAX_SIMILAR: usize = 24;

/// Share of its similarity that an episode keeps when a part of its steps is similar, not its task.
const STEPS_SHARE: f64 = 0.5;

/// Maximum similarity of an episode that was found by a search: 1 means the same task.
const MAX_SIMILARITY: f64 = 0.95;

/// Maximum number of hits where there is no similar attempt to go by.
const MAX_RELATED: usize = 3;

/// Number of last steps of an open episode in which open errors are looked for.
const N_LAST_STEPS: u32 = 20;

/// Maximum number of errors of an open episode.
const MAX_KNOWN_ERRORS: usize = 2;

/// Maximum number of episodes that say where such work is done, however little they resemble it.
const MAX_NEAR: usize = 32;

/// Everything that one search finds for a task.
#[derive(Default)]
pub(super) struct Experience {
    /// Hits of an answer.
    pub(super) recall: Recall,
    pub(super) basis: Basis,
}

impl Memory {
    /// Gives advice for a task from how attempts at it, and at similar tasks, went in a scope;
    /// `None` stands for all scopes.
    ///
    /// `max_tokens` bounds the text; whole lines are left out, the least valuable first. Quotations
    /// in it are stored text, masked again.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no task or no budget, [`Error::Storage`].
    pub fn recommend<'a>(
        &self,
        task: &str,
        scope: impl Into<Option<&'a Scope>>,
        max_tokens: usize,
    ) -> Result<Advice, Error> {
        self.recommend_in(task, scope.into(), &Context::default(), Vec::new(), max_tokens)
    }

    /// Gives advice without the errors that are told besides.
    fn recommend_in(
        &self,
        task: &str,
        scope: Option<&Scope>,
        context: &Context,
        told: Vec<MetError>,
        max_tokens: usize,
    ) -> Result<Advice, Error> {
        if task.trim().is_empty() {
            return Err(Error::invalid("task", "must not be empty"));
        }
        if max_tokens == 0 {
            return Err(Error::invalid("max_tokens", "must be at least 1"));
        }
        let mut query = Query::new(task);
        query.scope = scope.cloned();
        query.max_tokens = Some(max_tokens);
        let (basis, hits) = match self.experience(&query, MAX_RELATED) {
            Ok(found) => (found.basis, found.recall.hits),
            Err(error @ Error::Storage { .. }) => return Err(error),
            Err(error) => {
                // What was learned of the task itself needs no search.
                self.learn()?;
                let degraded = Some(error.to_string());
                (Basis { degraded, ..Basis::default() }, Vec::new())
            }
        };
        let odds = scope.and_then(|scope| self.odds_at_start(task, scope, context));
        let basis = Basis { odds, told, ..basis };
        let mut advice = self.advise(task, scope, AgentKey::of(context), basis, max_tokens)?;
        if advice.expected.is_none() {
            advice.is_experienced |= !hits.is_empty();
            advice.hits = hits;
        }
        Ok(advice)
    }

    /// Gives advice for an open episode: what [`Memory::recommend`] gives for its task, without the
    /// episode itself, and what is known of the errors that are open in it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and those of [`Memory::recommend`].
    pub fn recommend_for<'a>(
        &self,
        id: EpisodeId,
        scope: impl Into<Option<&'a Scope>>,
        max_tokens: usize,
    ) -> Result<Advice, Error> {
        let episode = self.episode(id)?;
        self.learn()?;
        let (known_errors, told) = self.open_known_errors(&episode)?.into_iter().unzip();
        let (task, scope) = (episode.task.as_str(), scope.into());
        let mut advice = self.recommend_in(task, scope, &episode.context, told, max_tokens)?;
        advice.known_errors = known_errors;
        advice.hits.retain(|hit| hit.record.id() != RecordId::Episode(id));
        advice.is_experienced = advice.expected.is_some()
            || !(advice.hits.is_empty() && advice.known_errors.is_empty());
        Ok(advice)
    }

    /// Returns what is known of the errors that are open in an episode, newest first, each with the
    /// error as it was met.
    fn open_known_errors(&self, episode: &Episode) -> Result<Vec<(KnownError, MetError)>, Error> {
        let from = episode.n_steps.saturating_sub(N_LAST_STEPS);
        let steps = self.steps(episode.id, from, N_LAST_STEPS)?;
        let incidents = Digest::of(&steps).incidents;
        let open = incidents.iter().rev().filter(|i| !matches!(i.ending, Ending::Resolved { .. }));
        let mut all: Vec<(KnownError, MetError)> = Vec::new();
        for step in open.filter_map(|incident| steps.get(incident.at as usize)) {
            let failed = self.errors_of(std::slice::from_ref(step), self.clock.now());
            let known = self.known_errors(&failed, step.idx, Some(episode.scope.as_str())).pop();
            let error = failed.into_iter().next().map(FailedStep::into_error);
            let is_new = |error: &KnownError| {
                let is_same =
                    |other: &KnownError| other.tool == error.tool && other.cures == error.cures;
                !all.iter().any(|(known, _)| is_same(known))
            };
            all.extend(known.filter(is_new).zip(error));
        }
        all.truncate(MAX_KNOWN_ERRORS);
        Ok(all)
    }

    /// Searches once for the hits of a query and for the experience that advice on it is based on;
    /// what was learned is up to date afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`Memory::recall`].
    pub(super) fn experience(&self, query: &Query, n_hits: usize) -> Result<Experience, Error> {
        self.refresh()?;
        let limits =
            TaskLimits { hits: n_hits, similar: MAX_SIMILAR, lessons: MAX_LESSONS, near: MAX_NEAR };
        let found = self.retriever(self.clock.now()).recall_task(query, limits)?;
        let TaskRecall { recall, similar, lessons, near } = found;
        let similar =
            similar.iter().map(|hit| SimilarEpisode { id: hit.id, similarity: similarity(hit) });
        let lessons = lessons
            .into_iter()
            // What a tool printed is found by a recall, but nobody's advice.
            .filter(|note| note.origin != Origin::Tool)
            .map(|note| Lesson { id: note.id, text: note.text.as_str().to_owned() });
        let best = near.first().map_or(1.0, |(_, score)| score.max(f64::MIN_POSITIVE));
        let near =
            near.iter().map(|(id, score)| SimilarEpisode { id: *id, similarity: score / best });
        let basis = Basis {
            similar: similar.collect(),
            near: near.collect(),
            lessons: lessons.collect(),
            degraded: recall.degraded.clone(),
            ..Basis::default()
        };
        Ok(Experience { recall, basis })
    }
}

/// Returns the similarity of a hit's task to the query, in [0, 1): from the cosine of their
/// vectors, or without vectors from the share of the query's words. The lower half of that scale is
/// noise and counts as 0.
fn similarity(hit: &SimilarHit) -> f64 {
    let share = hit.signals.cosine.unwrap_or(hit.signals.coverage);
    let similarity = ((share - 0.5) * 2.0).clamp(0.0, MAX_SIMILARITY);
    if hit.step_idx.is_some() { similarity * STEPS_SHARE } else { similarity }
}
