//! Odds of success of an attempt, before its first step and while it is running.
//!
//! The plain chance is the rate of the same task, drawn towards that of its scope. A regression
//! adds what the agent, the errors, the repetitions and the sequences of steps say (`evidence`,
//! `regression`). As far as that would have been better than the plain chance up to now, it is
//! believed (`skill`), apart for tasks that were tried before and for new ones, before the first
//! step and later.

mod evidence;
mod regression;
mod skill;

use evidence::{Evidence, Features, Plain};
use regression::Regression;
use skill::Skill;

use super::attempt::Attempt;
use crate::learn::Run;
use crate::stats::{Posterior, Prior};

/// Numbers of steps after which an attempt is learned from.
const CHECKPOINTS: [usize; 5] = [0, 3, 5, 10, 20];

/// Weight of one of these: they are of the same attempt.
const CHECKPOINT_WEIGHT: f64 = 0.4;

/// Attempts that the chance of a task is worth beyond those at it, for its interval.
const WORTH: f64 = 2.0;

/// Odds of success.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    /// Chance of success, with an 80 % interval; `n` are the attempts at the same task, those with
    /// an inferred outcome by half.
    pub chance: Posterior,
    /// Success rate of the scope, and the number of attempts behind it.
    pub base: f64,
    /// Number of attempts of the scope with a known outcome.
    pub n_scope: f64,
    /// True where what is known of the attempt beyond its scope made such chances better so far.
    pub is_informed: bool,
}

/// Model of the odds, learned attempt by attempt in the order of time.
#[derive(Debug, Default)]
pub(crate) struct OddsModel {
    evidence: Evidence,
    regression: Regression,
    /// By what is known: task new or tried, no step or some.
    skills: [Skill; 4],
}

const fn place(plain: Plain, has_steps: bool) -> usize {
    (if plain.n_task > 0.0 { 2 } else { 0 }) + (if has_steps { 1 } else { 0 })
}

impl OddsModel {
    /// Learns an attempt that ended; one without a known outcome teaches nothing.
    pub(crate) fn learn(&mut self, run: &Run) {
        let Some(success) = run.success() else { return };
        let (success, weight) = (if success { 1.0 } else { 0.0 }, run.weight());
        let whole = Attempt::of(run);
        let plain = self.evidence.plain(whole);
        let mut said: [Vec<(f64, f64)>; 2] = Default::default();
        let reached = CHECKPOINTS.into_iter().filter(|n| *n == 0 || *n <= run.moves.len());
        let features: Vec<(usize, Features)> =
            reached.map(|n| (n, self.evidence.features(whole.after(n), plain))).collect();
        for (n, features) in &features {
            if let Some(said) = said.get_mut(usize::from(*n > 0)) {
                said.push((plain.chance, self.regression.chance(features)));
            }
            self.regression.learn(features, success, weight * CHECKPOINT_WEIGHT);
        }
        for (has_steps, said) in [false, true].into_iter().zip(said) {
            if let Some(skill) = self.skills.get_mut(place(plain, has_steps)) {
                skill.note(&said, success, weight);
            }
        }
        self.evidence.add(run, success);
    }

    /// Returns the odds of an attempt after its steps.
    pub(crate) fn odds(&self, attempt: Attempt<'_>) -> Odds {
        let plain = self.evidence.plain(attempt);
        let features = self.evidence.features(attempt, plain);
        let skill = self.skills.get(place(plain, !attempt.moves.is_empty()));
        let trust = skill.map_or(0.0, Skill::trust);
        let model = self.regression.chance(&features);
        let chance = plain.chance + trust * (model - plain.chance);
        let Plain { base, n_task: n, successes, .. } = plain;
        // Nothing is surer than the experience of the scope is large (rule of succession).
        let n_scope = self.evidence.n_scope(attempt.scope);
        let least = 1.0 / (n_scope + 2.0);
        let chance = chance.clamp(least, 1.0 - least);
        // A Beta distribution around the chance that is worth the attempts at the task.
        let around = Prior { mean: chance, weight: n + WORTH };
        let spread = Posterior::with_prior(0.0, 0.0, 0.8, around);
        Odds {
            chance: Posterior { n, successes, ..spread },
            base,
            n_scope,
            is_informed: n > 0.0 || trust > 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
