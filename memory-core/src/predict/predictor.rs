//! State of the models of episodes, kept up with the table of runs.

use super::attempt::Attempt;
use super::next_step::NextStep;
use super::odds::{Odds, OddsModel};
use crate::learn::{Learned, NameId, Position, Run};
use crate::model::{EpisodeId, Timestamp};

/// Number of runs that are learned when the models begin anew: the newest.
const MAX_RUNS: usize = 2_000;

/// Models of next steps and of odds.
///
/// Runs are learned in the order of time. A run that changed, went away, or ended before one that
/// was learned makes the models begin anew with the newest runs; so they do not depend on the order
/// in which runs arrive, but for how many old ones are still among them.
#[derive(Debug, Default)]
pub(crate) struct Predictor {
    position: Position,
    newest: Option<(Timestamp, EpisodeId)>,
    n_learned: usize,
    next_step: NextStep,
    odds: OddsModel,
}

impl Predictor {
    /// Returns the number of runs that have to be learned to follow the table.
    pub(crate) fn n_behind(&self, learned: &Learned) -> usize {
        match self.new_runs(learned) {
            Some(runs) => runs.len(),
            None => learned.n_runs().min(MAX_RUNS),
        }
    }

    /// Returns the runs to go on with, oldest first; `None` to begin anew.
    fn new_runs<'a>(&self, learned: &'a Learned) -> Option<Vec<&'a Run>> {
        let mut runs = learned.runs_since(self.position)?;
        runs.sort_unstable_by_key(|run| run.age_key());
        let is_late = runs.first().is_some_and(|run| Some(run.age_key()) < self.newest);
        let is_full = self.n_learned + runs.len() > 2 * MAX_RUNS;
        (!is_late && !is_full).then_some(runs)
    }

    /// Learns what is new in the table. Costs some ten microseconds for each new run of 15 steps,
    /// and up to 2,000 times that to begin anew.
    pub(crate) fn follow(&mut self, learned: &Learned) {
        let position = learned.position();
        if position == self.position {
            return;
        }
        let runs = self.new_runs(learned).unwrap_or_else(|| {
            *self = Self::default();
            let mut newest = learned.runs_in(None);
            newest.truncate(MAX_RUNS);
            newest.reverse();
            newest
        });
        for run in runs {
            self.newest = Some(run.age_key());
            self.n_learned += 1;
            self.next_step.learn(run);
            self.odds.learn(run);
        }
        self.position = position;
    }

    /// Returns the odds of an attempt after its steps.
    pub(crate) fn odds(&self, attempt: Attempt<'_>) -> Odds {
        self.odds.odds(attempt)
    }

    /// Returns the likeliest next tools of an attempt, at most `limit`, with their probabilities.
    pub(crate) fn next_tools(
        &self,
        attempt: Attempt<'_>,
        same_task: &[&Run],
        limit: usize,
    ) -> Vec<(NameId, f64)> {
        self.next_step.predict(attempt, same_task, limit)
    }
}
