//! Quality of our own chances of success, told before each episode and compared with its outcome.
//!
//! Every episode is predicted from those that had ended before it did, as `start_episode` does; no
//! episode is predicted from itself.

use rustc_hash::FxHashMap;

use crate::learn::{OutcomeCounts, Run};
use crate::stats::real;

/// Number of bins of chances.
const N_BINS: usize = 5;

/// Predictions of about the same chance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReliabilityBin {
    /// Number of predictions.
    pub n: usize,
    /// Mean of the chances told.
    pub predicted: f64,
    /// Share of what came.
    pub observed: f64,
}

/// Quality of predictions of success.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Number of episodes that were predicted.
    pub n: usize,
    /// Mean squared error of the chances: lower is better.
    pub brier: f64,
    /// The same for the success rate of all earlier episodes.
    pub brier_base: f64,
    /// Mean of outcome minus chance: above 0 where episodes went better than told.
    pub surprise: f64,
    /// Predictions by chance, from low to high; those that never came are left out.
    pub bins: Vec<ReliabilityBin>,
}

/// Predicts each of the runs from those before it and compares; `None` without any.
pub(crate) fn calibration<'a>(runs: impl Iterator<Item = &'a Run>) -> Option<Calibration> {
    let mut runs: Vec<&Run> = runs.filter(|run| run.credit().is_some()).collect();
    runs.sort_unstable_by_key(|run| run.age_key());
    let (mut scopes, mut tasks) = (FxHashMap::default(), FxHashMap::default());
    let (mut squares, mut base_squares, mut surprise) = (0.0, 0.0, 0.0);
    let mut bins = [ReliabilityBin::default(); N_BINS];
    for run in &runs {
        let Some(credit) = run.credit() else { continue };
        let scope: &mut OutcomeCounts = scopes.entry(run.scope).or_default();
        let task: &mut OutcomeCounts = tasks.entry((run.scope, run.task)).or_default();
        let chance = task.expected_credit(scope).mean;
        let base = scope.expected_credit(&OutcomeCounts::default()).mean;
        squares += (credit - chance).powi(2);
        base_squares += (credit - base).powi(2);
        surprise += credit - chance;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, 5]")]
        let place = ((chance * real(N_BINS)) as usize).min(N_BINS - 1);
        if let Some(bin) = bins.get_mut(place) {
            bin.n += 1;
            bin.predicted += chance;
            bin.observed += credit;
        }
        scope.add(1.0, credit);
        task.add(1.0, credit);
    }
    let n = runs.len();
    (n > 0).then(|| Calibration {
        n,
        brier: squares / real(n),
        brier_base: base_squares / real(n),
        surprise: surprise / real(n),
        bins: bins
            .iter()
            .filter(|bin| bin.n > 0)
            .map(|bin| ReliabilityBin {
                n: bin.n,
                predicted: bin.predicted / real(bin.n),
                observed: bin.observed / real(bin.n),
            })
            .collect(),
    })
}
