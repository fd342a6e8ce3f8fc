//! What a record was worth to those who met it.

use rustc_hash::FxHashSet;

use super::association::Association;
use super::evidence::effectiveness::{Use, effectiveness};
use super::evidence::reward::credit_of;
use super::evidence::{Following, Posterior, Showing, usefulness};
use super::{Learned, Run};
use crate::model::{Feedback, RecordId, Timestamp};

/// Level of the interval that is told: its lower bound is the 10 % quantile.
const LEVEL: f64 = 0.8;

/// What a record was worth to those who met it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// From −1 (following it did harm) to 1 (it helped); 0 for one that was never followed or judged.
    /// What retrieval ranks by.
    pub usefulness: f64,
    /// Episodes that it was shown to when they began.
    pub n_shown: u32,
    /// Episodes that followed it.
    pub n_followed: u32,
    /// Of these the successes.
    pub n_succeeded: u32,
    /// What readers said.
    pub feedback: Feedback,
    /// Mean of the posterior that it helps: judgements, and episodes that followed it, of which older ones
    /// count less (by half after 50 later ones or 90 days); from a uniform prior.
    pub mean: f64,
    /// Lower bound of its 80 % interval.
    pub lower: f64,
    /// Upper bound of it.
    pub upper: f64,
    /// Success of those who followed it against those who did not, within the same task; `None` where
    /// nothing can be compared.
    pub effect: Option<Association>,
}

impl Learned {
    /// What a record was worth by `now`, given what readers said of it.
    ///
    /// Costs time linear in the attempts at the tasks of those who met it.
    pub(crate) fn worth(&self, id: RecordId, feedback: Feedback, now: Timestamp) -> Worth {
        let met = self.runs_of_record(id);
        let tasks: FxHashSet<_> = met.iter().map(|run| (run.scope, run.task)).collect();
        let concerned = tasks.iter().flat_map(|(scope, task)| self.runs_of_key(*scope, *task));
        let mut uses: Vec<Use> = concerned.map(|run| used(run, id)).collect();
        let effect = effectiveness(&mut uses, now);
        let said = f64::from(feedback.n_helpful) + f64::from(feedback.n_unhelpful);
        let successes = effect.rate.successes + f64::from(feedback.n_helpful);
        let posterior = Posterior::new(effect.rate.n + said, successes, LEVEL);
        Worth {
            usefulness: self.usefulness(id, feedback),
            n_shown: effect.n_shown,
            n_followed: effect.n_followed,
            n_succeeded: effect.n_succeeded,
            feedback,
            mean: posterior.mean,
            lower: posterior.lower,
            upper: posterior.upper,
            effect: effect.effect.map(|effect| Association::new(&effect, None)),
        }
    }

    /// What retrieval ranks a record by, in [−1, 1]; 0 for one that was never followed or judged.
    pub(crate) fn usefulness(&self, id: RecordId, feedback: Feedback) -> f64 {
        let mut met: Vec<Following> =
            self.runs_of_record(id).into_iter().map(|run| following(run, id)).collect();
        usefulness(&mut met, feedback.n_helpful, feedback.n_unhelpful).value
    }
}

/// How a run met a record.
fn showing(run: &Run, id: RecordId) -> Showing {
    let shown = run.shown.iter().filter(|(shown, _)| *shown == id).map(|(_, strong)| *strong);
    match shown.reduce(|a, b| a || b) {
        None => Showing::NotShown,
        Some(false) => Showing::Weak,
        Some(true) => Showing::Strong,
    }
}

fn following(run: &Run, id: RecordId) -> Following {
    Following {
        id: run.id,
        ended_at: run.ended_at,
        showing: showing(run, id),
        followed: run.followed.contains(&id),
        reward: credit_of(run),
    }
}

fn used(run: &Run, id: RecordId) -> Use {
    Use {
        id: run.id,
        ended_at: run.ended_at,
        shown: showing(run, id) != Showing::NotShown,
        followed: run.followed.contains(&id),
        credit: credit_of(run),
        strata: run.strata,
    }
}
