//! Odds of success of an attempt, before its first step and while it is running.
//!
//! The plain chance is the rate of the same task, drawn towards that of its scope; where it broke,
//! of its last attempts (`fading`). A regression adds what the agent, the errors, the repetitions
//! and the sequences of steps say (`evidence`, `regression`), and is corrected by what came where
//! it told such a chance (`recalibration`). As far as that would have been better than the plain
//! chance up to now, it is believed (`skill`), apart before the first step and later.
//!
//! For tasks that were never tried there is a model of its own, which learns from all attempts as
//! if their tasks were new (`View::AsNew`): first attempts alone are few, and the early ones. It is
//! asked from the first step on; before it, nothing told new tasks apart better than the rate of
//! their scope on every set.

mod evidence;
mod fading;
mod recalibration;
mod regression;
mod skill;

use evidence::{Evidence, Features, Plain, View};
use recalibration::Recalibration;
use regression::Regression;
use skill::Skill;

use super::attempt::Attempt;
use crate::learn::Run;
use crate::stats::{Posterior, Prior};

/// Numbers of steps after which an attempt is learned from, besides all of them.
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

/// What a model told at a stretch of attempts.
#[derive(Debug, Default)]
struct Stretch {
    recalibration: Recalibration,
    skill: Skill,
}

/// What is known of an attempt in a view: its plain chance, and its features after some steps.
struct Told {
    view: View,
    plain: Plain,
    features: Vec<(usize, Features)>,
}

/// Model of attempts in one view.
#[derive(Debug, Default)]
struct ViewModel {
    regression: Regression,
    stretches: [Stretch; N_STRETCHES],
}

/// Model of the odds, learned attempt by attempt in the order of time.
#[derive(Debug, Default)]
pub(crate) struct OddsModel {
    evidence: Evidence,
    whole: ViewModel,
    as_new: ViewModel,
}

/// Number of stretches of an attempt: before its first step, and later.
const N_STRETCHES: usize = 2;

impl ViewModel {
    fn learn(&mut self, run: &Run, told: &Told, success: f64) {
        let Told { view, plain, features } = told;
        let weight = run.weight();
        let mut said: [Vec<(f64, f64)>; N_STRETCHES] = Default::default();
        for (n, features) in features {
            if let Some(said) = said.get_mut(usize::from(*n > 0)) {
                said.push((plain.chance, self.regression.chance(features)));
            }
            self.regression.learn(features, success, weight * CHECKPOINT_WEIGHT);
        }
        if *view == View::Whole && plain.n_task == 0.0 {
            // It is asked about tasks that were tried, and trusted by what it told of these.
            return;
        }
        let task = (*view == View::AsNew).then_some((run.scope, run.task));
        for (Stretch { recalibration, skill }, said) in self.stretches.iter_mut().zip(said) {
            let corrected = |(plain, model): &(f64, f64)| (*plain, recalibration.corrected(*model));
            let pairs: Vec<_> = said.iter().map(corrected).collect();
            skill.note(task, &pairs, success, weight);
            for (_, model) in said {
                recalibration.learn(model, success, weight);
            }
        }
    }

    /// Returns the chance of success, and the trust in the model.
    fn chance(&self, n: usize, plain: Plain, features: &Features) -> (f64, f64) {
        let Some(stretch) = self.stretches.get(usize::from(n > 0)) else {
            return (plain.chance, 0.0);
        };
        let trust = stretch.skill.trust();
        let model = stretch.recalibration.corrected(self.regression.chance(features));
        (plain.chance + trust * (model - plain.chance), trust)
    }
}

impl OddsModel {
    /// Learns an attempt that ended; one without a known outcome teaches nothing.
    pub(crate) fn learn(&mut self, run: &Run) {
        let Some(success) = run.success() else { return };
        let success = if success { 1.0 } else { 0.0 };
        let whole = Attempt::of(run);
        let n_all = run.moves.len();
        let reached = CHECKPOINTS.into_iter().filter(|n| *n < n_all || *n == 0);
        let reached: Vec<usize> = reached.chain((n_all > 0).then_some(n_all)).collect();
        for view in View::ALL {
            let plain = self.evidence.plain(whole, view);
            let features = |n: usize| self.evidence.features(whole.after(n), plain, view);
            let features = reached.iter().map(|n| (*n, features(*n))).collect();
            let model = match view {
                View::Whole => &mut self.whole,
                View::AsNew => &mut self.as_new,
            };
            model.learn(run, &Told { view, plain, features }, success);
        }
        self.evidence.add(run, success);
    }

    /// Returns the odds of an attempt after its steps.
    pub(crate) fn odds(&self, attempt: Attempt<'_>) -> Odds {
        let plain = self.evidence.plain(attempt, View::Whole);
        let (view, model) = if plain.n_task > 0.0 {
            (View::Whole, &self.whole)
        } else {
            (View::AsNew, &self.as_new)
        };
        let features = self.evidence.features(attempt, plain, view);
        let is_untold = plain.n_task == 0.0 && attempt.moves.is_empty();
        let (chance, trust) = if is_untold {
            (plain.chance, 0.0)
        } else {
            model.chance(attempt.moves.len(), plain, &features)
        };
        let Plain { base, n_task: n, successes, n_worth, .. } = plain;
        // Nothing is surer than the experience of the scope is large (rule of succession).
        let n_scope = self.evidence.n_scope(attempt.scope);
        let least = 1.0 / (n_scope + 2.0);
        let chance = chance.clamp(least, 1.0 - least);
        // A Beta distribution around the chance that is worth the attempts it rests on.
        let around = Prior { mean: chance, weight: n_worth + WORTH };
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
