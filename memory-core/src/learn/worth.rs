//! What a record was worth to those who met it.

use super::evidence::reward::credit_of;
use super::evidence::{Following, Posterior, Showing, usefulness};
use super::{Learned, Run};
use crate::model::{Feedback, RecordId};

/// Level of the interval that is told.
const LEVEL: f64 = 0.8;

/// What a record was worth to those who met it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// From −1 (following it did harm) to 1 (it helped); 0 for one that was never followed or judged.
    /// What retrieval ranks by.
    pub usefulness: f64,
    /// Episodes that it was shown to when they began.
    pub n_shown: u32,
    /// Episodes that followed it, of those it was no weak hit to, and whose result is known.
    pub n_followed: u32,
    /// Of these the number that succeeded; a partial success counts by its share.
    pub n_succeeded: f64,
    /// What readers said.
    pub feedback: Feedback,
    /// Mean of the posterior that it helps: followed episodes and judgements, from a uniform prior.
    pub mean: f64,
    /// Lower bound of its 80 % interval.
    pub lower: f64,
    /// Upper bound of it.
    pub upper: f64,
}

impl Learned {
    /// What a record was worth, given what readers said of it.
    pub(crate) fn worth(&self, id: RecordId, feedback: Feedback) -> Worth {
        let mut met: Vec<Following> =
            self.runs_of_record(id).into_iter().map(|run| following(run, id)).collect();
        let useful = usefulness(&mut met, feedback.n_helpful, feedback.n_unhelpful);
        let gated = met.iter().filter(|met| met.followed && met.showing != Showing::Weak);
        let n_succeeded: f64 = gated.filter_map(|met| met.reward).sum();
        let said = f64::from(feedback.n_helpful) + f64::from(feedback.n_unhelpful);
        let n = f64::from(useful.n_followed) + said;
        let successes = n_succeeded + f64::from(feedback.n_helpful);
        let posterior = Posterior::new(n, successes, LEVEL);
        Worth {
            usefulness: useful.value,
            n_shown: useful.n_shown,
            n_followed: useful.n_followed,
            n_succeeded,
            feedback,
            mean: posterior.mean,
            lower: posterior.lower,
            upper: posterior.upper,
        }
    }
}

/// How a run met a record.
fn following(run: &Run, id: RecordId) -> Following {
    let shown = run.shown.iter().filter(|(shown, _)| *shown == id).map(|(_, strong)| *strong);
    let showing = match shown.reduce(|a, b| a || b) {
        None => Showing::NotShown,
        Some(false) => Showing::Weak,
        Some(true) => Showing::Strong,
    };
    Following {
        id: run.id,
        ended_at: run.ended_at,
        showing,
        followed: run.followed.contains(&id),
        reward: credit_of(run),
    }
}
