//! Summaries of numbers: mean, quantiles, median absolute deviation.
//!
//! Numbers that are not finite are for the caller to leave out; none of these functions panics on
//! them.

/// Factor from a median absolute deviation to the standard deviation of a normal distribution.
const MAD_TO_DEVIATION: f64 = 1.482_602_218_505_602;

/// Returns a count as a number of statistics; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of episodes and points are small")]
pub(crate) const fn real(n: usize) -> f64 {
    n as f64
}

/// Returns the mean; `None` of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / real(values.len()))
}

/// Returns the `p`-quantile of numbers, interpolated between the two nearest ranks; `None` of
/// nothing. Sorts the numbers.
pub(crate) fn quantile(values: &mut [f64], p: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let place = p.clamp(0.0, 1.0) * real(values.len().checked_sub(1)?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    let below = place as usize;
    let low = *values.get(below)?;
    let high = values.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * (place - real(below)))
}

/// Returns the median; `None` of nothing. Sorts the numbers.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns the median absolute deviation from a centre, scaled to the standard deviation of a
/// normal distribution; `None` of nothing.
pub(crate) fn deviation(values: &[f64], centre: f64) -> Option<f64> {
    let mut off: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    median(&mut off).map(|mad| mad * MAD_TO_DEVIATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_nearest_ranks() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&mut values, 0.5), Some(2.5));
        assert_eq!(quantile(&mut values, 0.0), Some(1.0));
        assert_eq!(quantile(&mut values, 1.0), Some(4.0));
        assert_eq!(
            (quantile(&mut [], 0.5), mean(&[]), median(&mut [7.0])),
            (None, None, Some(7.0))
        );
    }

    #[test]
    fn one_outlier_does_not_move_the_deviation() {
        let calm = [1.0, 2.0, 3.0, 4.0, 5.0];
        let wild = [1.0, 2.0, 3.0, 4.0, 5e9];
        assert_eq!(deviation(&calm, 3.0), deviation(&wild, 3.0));
        assert_eq!(deviation(&[], 0.0), None);
    }
}
