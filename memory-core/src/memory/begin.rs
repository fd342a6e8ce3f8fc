//! Beginning of an episode: past experience is looked up first, so that the episode does not find
//! itself, then the episode is stored with what was shown.

use super::advice::Basis;
use super::{Advice, Memory};
use crate::error::Error;
use crate::intake::{NewEpisode, Receipt};
use crate::learn::{AgentKey, TaskKey};
use crate::model::{Episode, EpisodeId, Outcome, RecordId, Relation, RelationKind, Shown};
use crate::predict::Odds;
use crate::retrieve::{Hit, Query, Strength};
use crate::storage::{Durability, Op, WriteBatch};

/// Size of the look at past experience when an episode begins; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lookup {
    /// Maximum number of hits; 0 looks nothing up, advice included.
    pub limit: usize,
    /// Maximum size of the hits, in tokens; the configured default, if not said.
    pub max_tokens: Option<usize>,
    /// Maximum size of the advice, in tokens; 0 gives none.
    pub advice_tokens: usize,
}

/// An episode that has begun, with the past experience that may help.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The episode.
    pub id: EpisodeId,
    /// Past experience with tasks like it, best first; it is stored as shown.
    pub hits: Vec<Hit>,
    /// Advice from past attempts; `None` without any.
    pub advice: Option<Advice>,
    /// Change of late in the scope, in one sentence; mostly none.
    pub news: Option<String>,
    /// Reason why past experience could not be looked up, if so.
    pub degraded: Option<String>,
}

/// Result of the look at past experience.
#[derive(Default)]
struct Found {
    hits: Vec<Hit>,
    advice: Option<Advice>,
    degraded: Option<String>,
    odds: Option<Odds>,
    news: Option<String>,
}

impl Memory {
    /// Begins an episode and gives the past experience that may help with its task.
    ///
    /// Where the last attempt at the same task in its scope did not succeed, the episode retries
    /// that one. A search that fails never costs the episode: the answer says why there are no
    /// hits. The first call of a process may wait while what was learned is read.
    ///
    /// Cost: one refresh, one search for hits and advice together, one write that waits for the
    /// disk.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty task or an overlong name, [`Error::LimitExceeded`] for too
    /// many tags or hits, [`Error::NotFound`] for a relation to an episode that is not stored,
    /// [`Error::Conflict`] when its source is stored already, [`Error::Storage`]. Nothing is stored
    /// then.
    pub fn begin(&self, new: NewEpisode, lookup: Lookup) -> Result<Receipt<Begun>, Error> {
        let mut intake = self.intake();
        let id = EpisodeId::from_bytes(self.clock.next_id());
        let mut episode = Box::new(intake.episode(id, new)?);
        let related: Vec<RecordId> =
            episode.relations.iter().map(|relation| relation.episode.into()).collect();
        self.check_stored(&related)?;
        let Found { hits, advice, degraded, odds, news } = self.look_up(&episode, lookup)?;
        let is_strong = |hit: &Hit| hit.strength == Strength::Strong;
        let shown =
            hits.iter().map(|hit| Shown { record: hit.record.id(), strong: is_strong(hit) });
        episode.shown.extend(shown);
        episode.relations.extend(self.retried(&episode));
        let watched = (lookup.limit > 0).then(|| (*episode).clone());
        let insert = Op::InsertEpisode { episode, steps: Vec::new() };
        self.apply("start episode", WriteBatch::of(insert), Durability::Power)?;
        if let Some(watched) = watched {
            self.watch(&watched, odds);
        }
        Ok(intake.receipt(Begun { id, hits, advice, news, degraded }))
    }

    /// Begins an episode without looking anything up.
    ///
    /// # Errors
    ///
    /// Those of [`Memory::begin`].
    pub fn start(&self, new: NewEpisode) -> Result<Receipt<EpisodeId>, Error> {
        let Receipt { value, n_masked, n_cut } = self.begin(new, Lookup::default())?;
        Ok(Receipt { value: value.id, n_masked, n_cut })
    }

    /// Looks up what helps with an episode's task; what was learned is up to date afterwards.
    fn look_up(&self, episode: &Episode, lookup: Lookup) -> Result<Found, Error> {
        if lookup.limit == 0 {
            self.learn()?;
            return Ok(Found::default());
        }
        let mut query = Query::new(episode.task.as_str());
        query.scope = Some(episode.scope.clone());
        query.max_tokens = lookup.max_tokens;
        let found = match self.experience(&query, lookup.limit) {
            Ok(found) => found,
            Err(error @ (Error::Invalid { .. } | Error::LimitExceeded { .. })) => {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(%error, "an episode begins without a look at past experience");
                // Without what was learned, earlier attempts at the task would go unnoticed.
                self.learn()?;
                return Ok(Found { degraded: Some(error.to_string()), ..Found::default() });
            }
        };
        let news = self.learned_news(&episode.scope);
        let odds = self.odds_at_start(episode.task.as_str(), &episode.scope, &episode.context);
        let advice = if lookup.advice_tokens == 0 {
            None
        } else {
            let (task, scope) = (episode.task.as_str(), Some(&episode.scope));
            let agent = AgentKey::of(&episode.context);
            let basis = Basis { odds, ..found.basis };
            let advice = self.advise(task, scope, agent, basis, lookup.advice_tokens);
            let advice = advice.inspect_err(|error| {
                tracing::warn!(%error, "an episode begins without advice");
            });
            advice.ok().filter(|advice| advice.is_experienced)
        };
        Ok(Found { hits: found.recall.hits, advice, degraded: None, odds, news })
    }

    /// Refuses ids under which nothing is stored.
    pub(super) fn check_stored(&self, ids: &[RecordId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let stored = self.read(ids)?;
        let missing = ids.iter().find(|id| stored.iter().all(|record| record.id() != **id));
        missing.map_or(Ok(()), |id| Err(Error::not_found(*id)))
    }

    /// Returns the relation to the last attempt at the same task, if that did not succeed.
    fn retried(&self, episode: &Episode) -> Option<Relation> {
        let is_related = |kind| episode.relations.iter().any(|relation| relation.kind == kind);
        if is_related(RelationKind::Retries) || is_related(RelationKind::Follows) {
            return None;
        }
        let learned = self.learning.learned();
        let task = TaskKey::of(episode.task.as_str());
        let last = learned.runs_of_task(episode.scope.as_str(), task).into_iter().next()?;
        let is_done = matches!(last.outcome, Some(Outcome::Success | Outcome::Abstained));
        (!is_done).then_some(Relation { kind: RelationKind::Retries, episode: last.id })
    }
}
