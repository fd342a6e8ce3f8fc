//! Control of the false discovery rate among many tests.

/// Replaces each p-value by its q-value: the smallest false discovery rate at which it is rejected.
///
/// The result is in the order of `p`; a p-value that is NaN counts as 1. O(n log n).
/// Source: Benjamini and Hochberg, "Controlling the false discovery rate", 1995.
#[expect(clippy::indexing_slicing, reason = "`order` is a permutation of the places of `p`")]
pub(crate) fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let p: Vec<f64> = p.iter().map(|p| if p.is_nan() { 1.0 } else { *p }).collect();
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut q = vec![1.0; p.len()];
    let mut smallest = 1.0_f64;
    // From the largest p-value down, so that the running minimum makes q monotone in p.
    for (n_above, i) in order.into_iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a list of patterns is short")]
        let (n, rank) = (p.len() as f64, (p.len() - n_above) as f64);
        smallest = smallest.min(p[i] * n / rank);
        q[i] = smallest;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::benjamini_hochberg;

    #[test]
    fn q_values_equal_statsmodels() {
        // statsmodels.stats.multitest.multipletests(p, method="fdr_bh")
        let q = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005, 0.5, 0.2, 0.04]);
        for (got, wanted) in q.iter().zip([0.035, 0.056, 0.056, 0.035, 0.5, 7.0 / 30.0, 0.056]) {
            assert!((got - wanted).abs() <= 1e-9, "{got} is not {wanted}");
        }
        assert_eq!(benjamini_hochberg(&[]), Vec::<f64>::new());
        assert_eq!(benjamini_hochberg(&[f64::NAN, 0.5]), [1.0, 1.0]);
    }
}
