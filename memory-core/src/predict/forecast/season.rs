//! Classical decomposition of a series into season and rest.

use crate::stats::{mean, real};

/// Smallest factor of a season, so that a division by it stays tame.
pub(super) const MIN_FACTOR: f64 = 1e-2;

/// Quantile of the normal distribution for a test at 90 %, two-sided.
const Z_90: f64 = 1.645;

/// Returns the season of a series by point within the period: offsets that sum to 0, or factors
/// with a mean of 1; `None` for less than two whole periods.
///
/// `series` has no missing points. The trend that is taken out is the mean of a whole period around
/// each point.
#[expect(clippy::indexing_slicing, reason = "windows lie within the series")]
pub(super) fn decompose(series: &[f64], period: usize, is_factor: bool) -> Option<Vec<f64>> {
    let n = series.len();
    if period < 2 || n < 2 * period {
        return None;
    }
    let half = period / 2;
    let mut sums = vec![(0.0, 0_usize); period];
    for t in half..n - half {
        let window = &series[t - half..=t + half];
        let trend = if period.is_multiple_of(2) {
            let ends = f64::midpoint(window[0], window[period]);
            (window[1..period].iter().sum::<f64>() + ends) / real(period)
        } else {
            window.iter().sum::<f64>() / real(period)
        };
        let off = if is_factor { series[t] / trend } else { series[t] - trend };
        if off.is_finite() {
            sums[t % period].0 += off;
            sums[t % period].1 += 1;
        }
    }
    let mut season: Vec<f64> = sums.iter().map(|(sum, n)| sum / real(*n)).collect();
    let centre = mean(&season).filter(|centre| centre.is_finite())?;
    for value in &mut season {
        *value = if is_factor { *value / centre } else { *value - centre };
    }
    season.iter().all(|value| value.is_finite()).then_some(season)
}

/// Returns whether a series repeats itself after `period` points: its autocorrelation there is
/// beyond the bound of a test at 90 %, as in the Theta method.
pub(super) fn is_seasonal(series: &[f64], period: usize) -> bool {
    if period < 2 || series.len() < 3 * period {
        return false;
    }
    let Some(centre) = mean(series) else { return false };
    let off: Vec<f64> = series.iter().map(|value| value - centre).collect();
    let total: f64 = off.iter().map(|value| value * value).sum();
    if total <= 0.0 {
        return false;
    }
    let at_lag = |lag: usize| -> f64 {
        off.iter().zip(off.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>() / total
    };
    let before: f64 = (1..period).map(|lag| at_lag(lag).powi(2)).sum();
    let bound = Z_90 * ((1.0 + 2.0 * before) / real(series.len())).sqrt();
    at_lag(period).abs() > bound
}
