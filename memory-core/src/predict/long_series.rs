//! Anomalies of a series of thousands of points: each is judged by all before it.
//!
//! Points that lie close together hardly differ from those around them: it is the level of the past
//! that an unusual stretch leaves. A stretch is told once, at the point that begins it or exceeds
//! it, and not at each of its points.

use crate::stats::real;

/// Most points before one that it is judged by.
const MAX_BEFORE: usize = 6_400;

/// Fewest points before one that is judged.
const MIN_BEFORE: usize = 100;

/// Number of points before one of which none is as unusual, for it to be told.
const N_QUIET: usize = 300;

/// Smallest spread, as a share of the size of the values.
const MIN_SPREAD: f64 = 1e-6;

/// A point that does not fit in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Anomaly {
    pub(crate) at: usize,
    pub(crate) value: f64,
    /// Value that the points around it let expect.
    pub(crate) expected: f64,
    /// Distance from it in robust standard deviations; negative below it.
    pub(crate) score: f64,
}

/// Judges the points of a long series, given with their places.
pub(super) fn long_scores(known: &[(usize, f64)]) -> Vec<Anomaly> {
    let shift = known.first().map_or(0.0, |(_, value)| *value);
    let (mut sums, mut squares) = (vec![0.0], vec![0.0]);
    let (mut sum, mut square) = (0.0, 0.0);
    for (_, value) in known {
        sum += value - shift;
        square += (value - shift).powi(2);
        sums.push(sum);
        squares.push(square);
    }
    let between = |sums: &[f64], from: usize, to: usize| {
        let at = |i: usize| sums.get(i).copied().unwrap_or(0.0);
        at(to) - at(from)
    };
    let mut judged: Vec<Anomaly> = Vec::with_capacity(known.len());
    for (i, (at, value)) in known.iter().enumerate() {
        let from = i.saturating_sub(MAX_BEFORE);
        let n = real(i - from);
        let mean = between(&sums, from, i) / n.max(1.0);
        let variance = between(&squares, from, i) / n.max(1.0) - mean * mean;
        let expected = shift + mean;
        let floor = MIN_SPREAD * expected.abs().max(f64::MIN_POSITIVE);
        let score = (value - expected) / variance.max(0.0).sqrt().max(floor);
        let is_known = i >= MIN_BEFORE && score.is_finite();
        let score = if is_known { score } else { 0.0 };
        judged.push(Anomaly { at: *at, value: *value, expected, score });
    }
    // Places of scores that fall, the largest of the last stretch first.
    let mut largest: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    let sizes: Vec<f64> = judged.iter().map(|judged| judged.score.abs()).collect();
    let size = |i: usize| sizes.get(i).copied().unwrap_or(0.0);
    for (i, judged) in judged.iter_mut().enumerate() {
        while largest.front().is_some_and(|first| *first + N_QUIET < i) {
            largest.pop_front();
        }
        if largest.front().is_some_and(|first| size(*first) >= size(i)) {
            judged.score = 0.0;
        }
        while largest.back().is_some_and(|last| size(*last) <= size(i)) {
            largest.pop_back();
        }
        largest.push_back(i);
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::chance::Chance;

    #[test]
    fn a_stretch_that_leaves_the_level_of_the_past_is_told_once_where_it_begins() {
        let mut chance = Chance::new(4);
        let series: Vec<(usize, f64)> = (0..4_000)
            .map(|t| (t, chance.normal() + if (2_500..2_600).contains(&t) { 9.0 } else { 0.0 }))
            .collect();
        let told: Vec<usize> = long_scores(&series)
            .iter()
            .filter(|judged| judged.score.abs() > 6.0)
            .map(|judged| judged.at)
            .collect();
        assert!((1..=6).contains(&told.len()), "{told:?}");
        assert!(told.iter().all(|at| (2_500..2_600).contains(at)) && told[0] == 2_500, "{told:?}");
    }

    #[test]
    fn constant_series_and_the_first_points_are_judged_without_harm() {
        let constant: Vec<(usize, f64)> = (0..2_000).map(|t| (t, 5.0)).collect();
        assert!(long_scores(&constant).iter().all(|judged| judged.score == 0.0));
        assert!(long_scores(&[]).is_empty());
    }
}
