//! Changes of the mean of numbers: the segmentation with the least squared errors and a penalty for
//! each segment, found exactly.
//!
//! Source: R. Killick, P. Fearnhead, I. Eckley, "Optimal detection of changepoints with a linear
//! computational cost", 2012 (PELT).

use crate::stats::{mean, real};

/// Fewest points of a segment.
const MIN_POINTS: usize = 2;

/// Penalty of a segment for each unit of ln n, in squared standard deviations.
const PENALTY: f64 = 3.0;

/// Returns the series with mean 0 and variance 1; one that is constant as it is, with mean 0.
pub(crate) fn standardized(series: &[f64]) -> Vec<f64> {
    let centre = mean(series).unwrap_or(0.0);
    let squares: Vec<f64> = series.iter().map(|value| (value - centre).powi(2)).collect();
    let deviation = mean(&squares).unwrap_or(0.0).sqrt();
    let scale = if deviation > 0.0 { deviation } else { 1.0 };
    series.iter().map(|value| (value - centre) / scale).collect()
}

/// Returns the first point of each segment but the first, of a standardised series without missing
/// points.
#[expect(clippy::indexing_slicing, reason = "sums have an entry before each point and at the end")]
pub(crate) fn breaks(series: &[f64]) -> Vec<usize> {
    let n = series.len();
    if n < 2 * MIN_POINTS {
        return Vec::new();
    }
    let penalty = PENALTY * real(n).ln();
    let (mut sums, mut squares) = (vec![0.0; n + 1], vec![0.0; n + 1]);
    for (i, value) in series.iter().enumerate() {
        sums[i + 1] = sums[i] + value;
        squares[i + 1] = squares[i] + value * value;
    }
    let cost = |from: usize, to: usize| {
        let sum: f64 = sums[to] - sums[from];
        squares[to] - squares[from] - sum * sum / real(to - from)
    };
    // Least cost of the points before each, and where its last segment begins.
    let mut best = vec![(f64::INFINITY, 0); n + 1];
    best[0] = (0.0, 0);
    let mut starts: Vec<usize> = Vec::new();
    for end in MIN_POINTS..=n {
        starts.push(end - MIN_POINTS);
        let cost_from = |start: usize| best[start].0 + cost(start, end) + penalty;
        let mut least = (f64::INFINITY, 0);
        for start in &starts {
            let cost = cost_from(*start);
            if cost < least.0 {
                least = (cost, *start);
            }
        }
        // A start that is worse by more than a penalty can never become the best one again.
        starts.retain(|start| {
            let cost = cost_from(*start);
            cost <= least.0 + penalty || cost.is_infinite()
        });
        best[end] = least;
    }
    let mut found = Vec::new();
    let mut end = n;
    while best[end].1 > 0 {
        end = best[end].1;
        found.push(end);
    }
    found.reverse();
    found
}
