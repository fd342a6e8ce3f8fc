//! Quality of our own chances of success, told before each episode and compared with its outcome.
//!
//! Every episode is predicted from those that had ended before it did, as `start_episode` does; no
//! episode is predicted from itself.

use super::attempt::Attempt;
use super::odds::OddsModel;
use crate::learn::Run;
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

/// Most runs that are predicted: the newest.
const MAX_RUNS: usize = 2_000;

/// Predicts each of the runs from those before it and compares; `None` without any.
pub(crate) fn calibration<'a>(runs: impl Iterator<Item = &'a Run>) -> Option<Calibration> {
    let mut runs: Vec<(&Run, f64)> =
        runs.filter_map(|run| Some((run, if run.success()? { 1.0 } else { 0.0 }))).collect();
    runs.sort_unstable_by_key(|(run, _)| run.age_key());
    runs.drain(..runs.len().saturating_sub(MAX_RUNS));
    let mut model = OddsModel::default();
    let (mut squares, mut base_squares, mut surprise, mut weights) = (0.0, 0.0, 0.0, 0.0);
    let mut bins = [(ReliabilityBin::default(), 0.0); N_BINS];
    for (run, came) in &runs {
        let (weight, odds) = (run.weight(), model.odds(Attempt::of(run).after(0)));
        let chance = odds.chance.mean;
        squares += weight * (came - chance).powi(2);
        base_squares += weight * (came - odds.base).powi(2);
        surprise += weight * (came - chance);
        weights += weight;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, 5]")]
        let place = ((chance * real(N_BINS)) as usize).min(N_BINS - 1);
        if let Some((bin, all)) = bins.get_mut(place) {
            bin.n += 1;
            bin.predicted += weight * chance;
            bin.observed += weight * came;
            *all += weight;
        }
        model.learn(run);
    }
    let shares = bins.iter().filter(|(bin, _)| bin.n > 0).map(|(bin, all)| ReliabilityBin {
        n: bin.n,
        predicted: bin.predicted / all,
        observed: bin.observed / all,
    });
    (weights > 0.0).then(|| Calibration {
        n: runs.len(),
        brier: squares / weights,
        brier_base: base_squares / weights,
        surprise: surprise / weights,
        bins: shares.collect(),
    })
}
