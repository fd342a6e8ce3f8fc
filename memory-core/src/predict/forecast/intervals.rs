//! Errors of a method from earlier points of a series, and the intervals that follow from them.
//!
//! The interval of a forecast is conformal: as wide as the given share of the errors that the same
//! method made at the same distance from earlier points. It supposes no distribution. Parameters
//! were fitted to the whole series, so that errors are a little too small; they are enlarged by
//! what is known of that for regressions.

use super::ets::Model;
use super::theta::Theta;
use crate::stats::real;

/// Longest distance at which errors are measured; beyond it intervals widen by the root of the
/// distance.
const MAX_DISTANCE: usize = 24;

/// Share of the series that the first origin has before it.
const FIRST_SHARE: f64 = 0.25;

/// Errors by distance, from 1 on, of smoothing, Theta and their mean.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    by_distance: Vec<[Vec<f64>; 3]>,
    /// True where errors are shares of the forecast.
    is_relative: bool,
    /// Factor by which errors are enlarged.
    inflation: f64,
    n_origins: usize,
}

impl Errors {
    /// Measures the errors on a series.
    pub(crate) fn of(
        series: &[f64],
        model: Option<&Model>,
        theta: Option<&Theta>,
        horizon: usize,
    ) -> Self {
        let n = series.len();
        let distance = horizon.min(MAX_DISTANCE).min(n / 2).max(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of n")]
        let first = ((real(n) * FIRST_SHARE) as usize).max(2);
        let is_relative = series.iter().all(|value| value.is_nan() || *value > 0.0);
        let mut errors = Self {
            by_distance: vec![Default::default(); distance],
            is_relative,
            ..Self::default()
        };
        let smoothed = model.map(|model| model.forecasts_from_each(series, distance));
        for origin in first..n {
            let reach = distance.min(n - origin);
            let by_theta = theta.map(|theta| theta.forecast_from(origin, reach));
            let by_model = smoothed.as_ref().and_then(|forecasts| forecasts.get(origin));
            errors.n_origins += 1;
            for ahead in 0..reach {
                let Some(actual) = series.get(origin + ahead).filter(|y| !y.is_nan()) else {
                    continue;
                };
                let a = by_model.and_then(|points| points.get(ahead)).copied();
                let b = by_theta.as_ref().and_then(|points| points.get(ahead)).copied();
                let (Some(first), Some(second)) = (a.or(b), b.or(a)) else { continue };
                let forecasts = [first, second, f64::midpoint(first, second)];
                let Some(lists) = errors.by_distance.get_mut(ahead) else { continue };
                for (list, forecast) in lists.iter_mut().zip(forecasts) {
                    let error = (actual - forecast).abs();
                    let error = if is_relative { error / forecast.abs() } else { error };
                    if error.is_finite() {
                        list.push(error);
                    }
                }
            }
        }
        let n_known = real(series.iter().filter(|value| !value.is_nan()).count());
        let n_fitted = model.map_or(2.0, |model| real(model.n_fitted));
        errors.inflation = (n_known / (n_known - n_fitted).max(n_known / 4.0)).sqrt();
        errors
    }

    /// Returns the mean error of each method over all distances, each distance counted alike.
    pub(crate) fn means(&self) -> Option<[f64; 3]> {
        let mut sums = [0.0; 3];
        let mut n = 0.0;
        for lists in &self.by_distance {
            if lists.iter().all(|list| !list.is_empty()) {
                n += 1.0;
                for (sum, list) in sums.iter_mut().zip(lists) {
                    *sum += list.iter().sum::<f64>() / real(list.len());
                }
            }
        }
        (n > 0.0).then(|| sums.map(|sum| sum / n))
    }

    /// Returns the number of points that were forecast from.
    pub(crate) const fn n_origins(&self) -> usize {
        self.n_origins
    }

    /// Returns half the width of the interval at each point of a forecast.
    pub(crate) fn widths(&self, method: usize, points: &[f64], level: f64) -> Vec<f64> {
        let mut known: Vec<f64> = Vec::with_capacity(self.by_distance.len());
        for lists in &self.by_distance {
            let mut errors = lists.get(method).cloned().unwrap_or_default();
            let last = known.last().copied().unwrap_or(0.0);
            // An error further ahead is no smaller: few errors must not say otherwise.
            known.push(conformal(&mut errors, level).map_or(last, |width| width.max(last)));
        }
        let last = known.last().copied().unwrap_or(0.0);
        let reach = real(known.len().max(1));
        points
            .iter()
            .enumerate()
            .map(|(ahead, point)| {
                let beyond = (real(ahead + 1) / reach).max(1.0).sqrt();
                let width = known.get(ahead).copied().unwrap_or(last * beyond) * self.inflation;
                if self.is_relative { width * point.abs() } else { width }
            })
            .collect()
    }
}

/// Returns the error that a new one stays below with probability `level`, as far as that many
/// errors can tell: the one of rank ⌈(n + 1) · level⌉.
fn conformal(errors: &mut [f64], level: f64) -> Option<f64> {
    errors.sort_unstable_by(f64::total_cmp);
    let rank = (real(errors.len() + 1) * level).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank in a list")]
    let rank = (rank as usize).clamp(1, errors.len().max(1));
    errors.get(rank - 1).copied()
}
