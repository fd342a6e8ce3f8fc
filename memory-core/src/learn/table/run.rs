//! Run: an ended episode as a row of the table.

use std::cmp::Ordering;

use super::interner::NameId;
use super::scope_targets::TargetKey;
use crate::learn::digest::{CallKey, Incident, ToolCost};
use crate::learn::hash::StableHash;
use crate::model::{Context, EpisodeId, Outcome, RecordId, Timestamp};
use crate::stats::Trial;

/// Hash of a task's text without case, spacing and punctuation around words. Runs with the same key
/// are attempts at the same task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey(pub(crate) u64);

/// Hash of the names of an agent and its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AgentKey(u64);

/// A step without its texts: its tool and whether it was ok.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Move {
    pub(crate) tool: NameId,
    pub(crate) ok: bool,
}

/// An ended attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: EpisodeId,
    pub(crate) scope: NameId,
    pub(crate) task: TaskKey,
    /// `None` where neither agent nor model is named.
    pub(crate) agent: Option<AgentKey>,
    /// Keys of its task, its type of task and its domain, each combined with its scope, agent and
    /// model; 0 where it has none. They do not depend on the table.
    pub(crate) strata: [u64; 3],
    /// 0 where it has none, like the following ones.
    pub(crate) task_type: NameId,
    pub(crate) language: NameId,
    pub(crate) domain: NameId,
    /// Each once.
    pub(crate) tags: Box<[NameId]>,
    /// `None` for an abandoned one.
    pub(crate) outcome: Option<Outcome>,
    /// True when the outcome was inferred from evidence: it counts half.
    pub(crate) is_inferred: bool,
    /// Reward as recorded, in [0, 1].
    pub(crate) reward: Option<f64>,
    pub(crate) ended_at: Timestamp,
    pub(crate) moves: Box<[Move]>,
    /// Key of the call of each move.
    pub(crate) calls: Box<[CallKey]>,
    /// What it changed and read, each once, with whether it was changed.
    pub(crate) targets: Box<[(TargetKey, bool)]>,
    /// Errors in the order of their steps, all of which are among `moves`.
    pub(crate) incidents: Box<[Incident]>,
    pub(crate) n_tokens: Option<u64>,
    pub(crate) latency_ms: Option<u64>,
    /// Mean cost of a call of each of its tools; empty where none is known.
    pub(crate) costs: Box<[(NameId, ToolCost)]>,
    /// Records that were shown when it began, each with whether it was a strong hit.
    pub(crate) shown: Box<[(RecordId, bool)]>,
    /// Records whose advice the agent says that it followed.
    pub(crate) followed: Box<[RecordId]>,
}

/// Rank of an attempt among those at its task: most credit first, then most reward, then fewest
/// steps, then the newest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptRank {
    credit: f64,
    reward: f64,
    n_steps: u32,
    ended_at: Timestamp,
    id: EpisodeId,
}

impl AttemptRank {
    /// Number of bytes of an encoded rank without its episode.
    pub(crate) const N_BYTES: usize = 28;

    /// Orders ranks: the better one is the greater.
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        self.credit
            .total_cmp(&other.credit)
            .then_with(|| self.reward.total_cmp(&other.reward))
            .then_with(|| other.n_steps.cmp(&self.n_steps))
            .then_with(|| (self.ended_at, self.id).cmp(&(other.ended_at, other.id)))
    }

    /// Returns whether it is worth anything.
    pub(crate) fn has_credit(&self) -> bool {
        self.credit > 0.0
    }

    /// Returns the episode.
    pub(crate) const fn episode(self) -> EpisodeId {
        self.id
    }

    /// Encodes all but the episode.
    pub(crate) fn encode(&self) -> [u8; Self::N_BYTES] {
        let mut bytes = [0; Self::N_BYTES];
        let fields = [
            self.credit.to_le_bytes(),
            self.reward.to_le_bytes(),
            self.ended_at.as_millis().to_le_bytes(),
        ];
        let parts = fields.into_iter().flatten().chain(self.n_steps.to_le_bytes());
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
        }
        bytes
    }

    /// Decodes what [`AttemptRank::encode`] wrote.
    pub(crate) fn decode(id: EpisodeId, bytes: &[u8; Self::N_BYTES]) -> Self {
        let (fields, rest) = bytes.as_chunks::<8>();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let n_steps = rest.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Self {
            credit: f64::from_le_bytes(field(0)),
            reward: f64::from_le_bytes(field(1)),
            n_steps,
            ended_at: Timestamp::from_millis(i64::from_le_bytes(field(2))),
            id,
        }
    }
}

impl TaskKey {
    /// Computes the key of a task's text.
    pub(crate) fn of(task: &str) -> Self {
        let mut hash = StableHash::new();
        // Eight bytes at a time: tasks are the longest text that learning reads whole.
        let (mut chunk, mut n_bytes) = (0_u64, 0);
        let mut push = |byte: u8| {
            chunk = chunk << 8 | u64::from(byte);
            n_bytes += 1;
            if n_bytes % 8 == 0 {
                hash.update_word(chunk);
            }
        };
        for word in task.split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            if word.is_ascii() {
                word.bytes().for_each(|byte| push(byte.to_ascii_lowercase()));
            } else {
                word.to_lowercase().bytes().for_each(&mut push);
            }
            if !word.is_empty() {
                push(b' ');
            }
        }
        hash.update_word(chunk);
        Self(hash.finish())
    }
}

impl AgentKey {
    /// Computes the key of the agent of a context; `None` where neither agent nor model is named.
    pub(crate) fn of(context: &Context) -> Option<Self> {
        let names =
            [&context.agent, &context.model].map(|name| name.as_deref().unwrap_or_default());
        let mut hash = StableHash::new();
        for name in names {
            hash.update(name.as_bytes());
            hash.update(&[0]);
        }
        names.iter().any(|name| !name.is_empty()).then_some(Self(hash.finish()))
    }
}

impl Run {
    /// Returns the key by which runs are ordered: by their end, then by id, which is the order of
    /// creation.
    pub(crate) fn age_key(&self) -> (Timestamp, EpisodeId) {
        (self.ended_at, self.id)
    }

    /// Returns its rank among the attempts at its task.
    pub(crate) fn rank(&self) -> AttemptRank {
        AttemptRank {
            credit: self.credit().unwrap_or(0.0),
            reward: self.reward.unwrap_or(0.0),
            n_steps: u32::try_from(self.moves.len()).unwrap_or(u32::MAX),
            ended_at: self.ended_at,
            id: self.id,
        }
    }

    /// Returns the moves, each with the index of its step.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = (u32, Move)> + ExactSizeIterator {
        self.moves
            .iter()
            .enumerate()
            .map(|(at, step)| (u32::try_from(at).unwrap_or(u32::MAX), *step))
    }

    /// Returns the tool of a step of the run.
    #[expect(clippy::indexing_slicing, reason = "incidents name steps of their own run")]
    pub(crate) fn tool_at(&self, at: u32) -> NameId {
        debug_assert!((at as usize) < self.moves.len(), "step {at} of {}", self.moves.len());
        self.moves[at as usize].tool
    }

    /// Returns the key of the call of a step of the run.
    #[expect(clippy::indexing_slicing, reason = "a run has a call for each move")]
    pub(crate) fn call_at(&self, at: u32) -> CallKey {
        debug_assert_eq!(self.calls.len(), self.moves.len(), "one call for each move");
        self.calls[at as usize]
    }

    /// Returns whether the task was done, a partial success counting as no; `None` where the
    /// outcome is unknown or the run abstained.
    pub(crate) fn success(&self) -> Option<bool> {
        match self.outcome? {
            Outcome::Success => Some(true),
            Outcome::Partial | Outcome::Failure => Some(false),
            Outcome::Abstained | Outcome::Unjudged => None,
        }
    }

    /// Returns whether the outcome is a success.
    pub(crate) fn succeeded(&self) -> bool {
        self.outcome == Some(Outcome::Success)
    }

    /// Returns its credit: the share of a success that its outcome counts as in posteriors.
    ///
    /// Success 1, failure 0; a partial success by its reward, ½ without one. An abstained or
    /// abandoned run is unknown (`None`) unless its recorder gave a reward, an unjudged one always.
    pub(crate) fn credit(&self) -> Option<f64> {
        let reward = self.reward.filter(|reward| reward.is_finite());
        let given = reward.map(|reward| reward.clamp(0.0, 1.0));
        match self.outcome {
            Some(Outcome::Success) => Some(1.0),
            Some(Outcome::Failure) => Some(0.0),
            Some(Outcome::Partial) => Some(given.unwrap_or(0.5)),
            Some(Outcome::Abstained) | None => given,
            Some(Outcome::Unjudged) => None,
        }
    }

    /// Returns the weight of its outcome in statistics: a whole attempt, or half of one where the
    /// outcome was inferred.
    pub(crate) fn weight(&self) -> f64 {
        if self.is_inferred { 0.5 } else { 1.0 }
    }

    /// Returns the run as a trial of a comparison; `None` where [`Run::success`] is.
    pub(crate) fn trial(&self, exposed: bool) -> Option<Trial> {
        let (success, weight) = (self.success()?, self.weight());
        Some(Trial { strata: self.strata, exposed, success, weight })
    }
}

/// Computes the strata of a run.
///
/// They are made of names, not of their numbers in a table, so that sums over strata, which are
/// ordered by them, are the same to the last digit in every table.
///
/// Agent and model are part of each key because agents differ in their tools and in their ability:
/// on recorded runs of three models 41 of 259 sequences of tools went with success within the task
/// at q < .1, and none within the task and the model.
pub(super) fn strata(scope: &str, context: &Context, task: TaskKey) -> [u64; 3] {
    let [task_type, domain] = [&context.task_type, &context.domain]
        .map(|name| name.as_deref().filter(|name| !name.is_empty()));
    [
        stratum(scope, context, 0, "", task.0),
        task_type.map_or(0, |name| stratum(scope, context, 1, name, 0)),
        domain.map_or(0, |name| stratum(scope, context, 2, name, 0)),
    ]
}

fn stratum(scope: &str, context: &Context, kind: u8, name: &str, key: u64) -> u64 {
    let mut hash = StableHash::new();
    hash.update(&[kind]);
    for part in [Some(scope), context.agent.as_deref(), context.model.as_deref()] {
        hash.update(part.unwrap_or_default().as_bytes());
        hash.update(&[0]);
    }
    hash.update(name.as_bytes());
    hash.update_word(key);
    // 0 means no stratum.
    hash.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::{TaskKey, strata};
    use crate::model::Context;

    #[test]
    fn runs_of_another_agent_or_model_are_not_compared() {
        let by = |model: Option<&str>, scope| {
            let context = Context {
                model: model.map(Into::into),
                task_type: Some("bugfix".into()),
                ..Context::default()
            };
            strata(scope, &context, TaskKey(7))
        };
        let known = by(Some("a"), "x");
        assert_eq!(known, by(Some("a"), "x"));
        for other in [by(Some("b"), "x"), by(None, "x"), by(Some("a"), "y")] {
            assert!(known[0] != other[0] && known[1] != other[1], "{other:?}");
        }
        assert!(known[0] != 0 && known[1] != 0 && known[2] == 0, "no domain, no stratum");
    }

    #[test]
    fn case_spacing_and_punctuation_make_no_other_task() {
        let key = TaskKey::of("Fix the checkout, please.");
        assert_eq!(key, TaskKey::of("  fix THE\ncheckout please!"));
        assert_ne!(key, TaskKey::of("fix the checkout pleas e"));
        assert_eq!(TaskKey::of("ÄNDERE «das»"), TaskKey::of("ändere das"));
        assert_eq!(TaskKey::of(""), TaskKey::of(" -- "));
    }
}
