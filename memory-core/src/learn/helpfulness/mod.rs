//! Helpfulness of a record to the episodes that met it: what retrieval ranks by, and what feedback
//! answers.

mod effectiveness;
mod record_use;
mod usefulness;

use rustc_hash::FxHashSet;

use effectiveness::effectiveness;
use record_use::RecordUse;
use usefulness::usefulness;
pub(crate) use usefulness::usefulness_bonus;

use super::association::Association;
use super::table::Learned;
use crate::model::{Feedback, RecordId, Timestamp};
use crate::stats::Posterior;

/// Level of the interval: its lower bound is the 10 % quantile.
const LEVEL: f64 = 0.8;

/// Helpfulness of a record to the episodes that met it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Helpfulness {
    /// Value that retrieval ranks by, from −1 (following it did harm) to 1 (it helped); 0 for one
    /// that was never followed or rated.
    pub usefulness: f64,
    /// Number of episodes that it was shown to when they began.
    pub n_shown: u32,
    /// Number of episodes that followed it.
    pub n_followed: u32,
    /// Number of successes among these.
    pub n_succeeded: u32,
    /// Ratings by readers.
    pub feedback: Feedback,
    /// Chance that it helps, with an 80 % interval, from a uniform prior: over ratings and over
    /// episodes that followed it, of which older ones count less (half after 50 later ones or 90
    /// days).
    pub chance: Posterior,
    /// Success of those that followed it against those that did not, within the same task; `None`
    /// where nothing can be compared.
    pub effect: Option<Association>,
}

impl Learned {
    /// Returns the helpfulness of a record at `now`, given its ratings.
    ///
    /// Costs time linear in the attempts at the tasks of the episodes that met it.
    pub(crate) fn helpfulness(
        &self,
        record: RecordId,
        feedback: Feedback,
        now: Timestamp,
    ) -> Helpfulness {
        let runs = self.runs_of_record(record);
        let tasks: FxHashSet<_> = runs.map(|run| (run.scope, run.task)).collect();
        let attempts = tasks.iter().flat_map(|(scope, task)| self.attempts(*scope, *task));
        let mut uses: Vec<RecordUse> = attempts.map(|run| RecordUse::of(run, record)).collect();
        let followed = effectiveness(&mut uses, now);
        let n_ratings = f64::from(feedback.n_helpful) + f64::from(feedback.n_unhelpful);
        let successes = followed.rate.successes + f64::from(feedback.n_helpful);
        Helpfulness {
            usefulness: self.usefulness(record, feedback),
            n_shown: followed.n_shown,
            n_followed: followed.n_followed,
            n_succeeded: followed.n_succeeded,
            feedback,
            chance: Posterior::new(followed.rate.n + n_ratings, successes, LEVEL),
            effect: followed.effect.and_then(|effect| Association::of(&effect, None)),
        }
    }

    /// Returns the value that retrieval ranks a record by, in [−1, 1]; 0 for one that was never
    /// followed or rated.
    pub(crate) fn usefulness(&self, record: RecordId, feedback: Feedback) -> f64 {
        let runs = self.runs_of_record(record);
        let mut uses: Vec<RecordUse> = runs.map(|run| RecordUse::of(run, record)).collect();
        usefulness(&mut uses, feedback)
    }
}
