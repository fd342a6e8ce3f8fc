//! Missing points of a series.

use crate::stats::real;

/// Returns the series with straight lines across its missing points (NaN), level before the first
/// and after the last; all 0 where every point is missing.
pub(crate) fn filled(series: &[f64]) -> Vec<f64> {
    let mut whole = series.to_vec();
    let known = series.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let mut last: Option<(usize, f64)> = None;
    for (at, value) in known {
        let gap_start = last.map_or(0, |(at, _)| at + 1);
        for (i, missing) in whole.iter_mut().enumerate().take(at).skip(gap_start) {
            *missing = last.map_or(*value, |(from, low)| {
                low + (value - low) * real(i - from) / real(at - from)
            });
        }
        last = Some((at, *value));
    }
    let (from, value) = last.map_or((0, 0.0), |(at, value)| (at + 1, value));
    whole.iter_mut().skip(from).for_each(|missing| *missing = value);
    whole
}
