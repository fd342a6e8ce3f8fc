//! Prediction without a storage, for the harness that measures it on public series.

use super::anomaly::scores;
use super::changepoint::{breaks, standardized};
use super::forecast::{Range, forecast as make_forecast};
use super::rate::{Counts, rate as make_rate};

/// Forecast of the points after a series.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchForecast {
    /// Expected values.
    pub points: Vec<f64>,
    /// Lower bounds of the intervals.
    pub lower: Vec<f64>,
    /// Upper bounds of the intervals.
    pub upper: Vec<f64>,
}

/// Forecasts the `horizon` points after a series as `analyze` does, for numbers of any size;
/// `None` for a series that is too short.
#[must_use]
pub fn forecast(
    series: &[f64],
    period: usize,
    horizon: usize,
    level: f64,
) -> Option<BenchForecast> {
    let range = Range { low: f64::MIN, high: f64::MAX };
    let found = make_forecast(series, period, horizon, level, range)?;
    Some(BenchForecast { points: found.points, lower: found.lower, upper: found.upper })
}

/// Returns the first point of each segment of a series but the first.
#[must_use]
pub fn change_points(series: &[f64]) -> Vec<usize> {
    breaks(&standardized(series))
}

/// Returns the distance of each point from what is expected, in robust standard deviations.
#[must_use]
pub fn anomaly_scores(series: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; series.len()];
    for judged in scores(series) {
        if let Some(score) = all.get_mut(judged.at) {
            *score = judged.score.abs();
        }
    }
    all
}

/// Returns the success rate after bins of attempts and successes among them, with the bounds of its
/// interval.
#[must_use]
pub fn rate(bins: &[(f64, f64)], level: f64) -> [f64; 3] {
    let counts = bins.iter().map(|(n, successes)| Counts { n: *n, successes: *successes });
    let found = make_rate(&counts.collect::<Vec<_>>(), level);
    [found.mean, found.lower, found.upper]
}
