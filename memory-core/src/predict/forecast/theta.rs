//! Theta method: the mean of a straight line and of simple smoothing of what bends away from it.
//!
//! Source: V. Assimakopoulos, K. Nikolopoulos, "The theta model: a decomposition approach to
//! forecasting", 2000, with the test for a season of that paper.

use super::ets::line;
use super::gaps::filled;
use super::season::{MIN_FACTOR, decompose, is_seasonal};
use crate::stats::real;

/// Golden section.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// Range of the smoothing parameter.
const ALPHA: (f64, f64) = (0.01, 0.99);

/// A fitted Theta method.
#[derive(Debug, Clone)]
pub(crate) struct Theta {
    /// Factors or offsets of the season by point of the period; empty without one.
    season: Vec<f64>,
    is_factor: bool,
    /// Height of the line at 0, and its slope.
    line: (f64, f64),
    /// Smoothed value after each point of the series.
    levels: Vec<f64>,
}

impl Theta {
    /// Fits the method; `None` for less than three known points.
    pub(crate) fn fit(series: &[f64], period: usize) -> Option<Self> {
        if series.iter().filter(|value| !value.is_nan()).count() < 3 {
            return None;
        }
        let mut whole = filled(series);
        let is_factor = whole.iter().all(|value| *value > 0.0);
        let mut season = Vec::new();
        if is_seasonal(&whole, period) {
            season = decompose(&whole, period, is_factor).unwrap_or_default();
            for factor in season.iter_mut().filter(|_| is_factor) {
                *factor = factor.max(MIN_FACTOR);
            }
        }
        for (value, season) in whole.iter_mut().zip(season.iter().cycle()) {
            *value = if is_factor { *value / season } else { *value - season };
        }
        let line = line(&whole)?;
        let bent: Vec<f64> = whole
            .iter()
            .enumerate()
            .map(|(t, value)| 2.0 * value - (line.0 + line.1 * real(t + 1)))
            .collect();
        let alpha = best_alpha(&bent);
        let mut levels = Vec::with_capacity(bent.len());
        smooth(&bent, alpha, |level, _| levels.push(level));
        Some(Self { season, is_factor, line, levels })
    }

    /// Returns the forecasts of the `horizon` points after the first `n` of the series.
    pub(crate) fn forecast_from(&self, n: usize, horizon: usize) -> Vec<f64> {
        let level = n.checked_sub(1).and_then(|last| self.levels.get(last)).copied();
        let level = level.unwrap_or(self.line.0);
        let points = (n..n + horizon).map(|t| {
            let line = self.line.0 + self.line.1 * real(t + 1);
            let point = f64::midpoint(line, level);
            let season = self.season.get(t % self.season.len().max(1)).copied();
            match season {
                None => point,
                Some(factor) if self.is_factor => point * factor,
                Some(offset) => point + offset,
            }
        });
        points.collect()
    }

    /// Returns the forecasts of the next `horizon` points.
    pub(crate) fn forecast(&self, horizon: usize) -> Vec<f64> {
        self.forecast_from(self.levels.len(), horizon)
    }

    /// Returns whether a season was found.
    pub(crate) fn is_seasonal(&self) -> bool {
        !self.season.is_empty()
    }
}

/// Runs simple smoothing from the first value; `visit` gets each level and the error before it.
fn smooth(series: &[f64], alpha: f64, mut visit: impl FnMut(f64, f64)) {
    let mut level = series.first().copied().unwrap_or(0.0);
    for value in series {
        let error = value - level;
        level += alpha * error;
        visit(level, error);
    }
}

/// Finds the smoothing parameter with the least squared errors, by golden sections.
fn best_alpha(series: &[f64]) -> f64 {
    let cost = |alpha: f64| {
        let mut sum = 0.0;
        smooth(series, alpha, |_, error| sum += error * error);
        sum
    };
    let (mut low, mut high) = ALPHA;
    let mut inner = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let mut costs = (cost(inner.0), cost(inner.1));
    while high - low > 1e-3 {
        if costs.0 <= costs.1 {
            high = inner.1;
            inner = (high - GOLDEN * (high - low), inner.0);
            costs = (cost(inner.0), costs.0);
        } else {
            low = inner.0;
            inner = (inner.1, low + GOLDEN * (high - low));
            costs = (costs.1, cost(inner.1));
        }
    }
    f64::midpoint(low, high)
}
