//! Changes of a success rate: the most probable segmentation of counts.
//!
//! Each segment has a rate of its own with a uniform prior, so that its probability is a ratio of
//! beta functions; a change costs as much as its prior probability says. All segmentations are
//! compared.

use crate::predict::rate::{Counts, ln_beta};
use crate::stats::real;

/// Prior odds against a change at a bin, for each bin of the series.
const ODDS_AGAINST: f64 = 12.0;

/// Smallest Bayes factor of a change that is told.
const MIN_FACTOR_LN: f64 = 3.0;

/// A change of the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OutcomeBreak {
    /// First bin with the new rate.
    pub(crate) at: usize,
    pub(crate) before: Counts,
    pub(crate) after: Counts,
    /// Logarithm of the Bayes factor: by how much two rates explain the bins on both sides better
    /// than one.
    pub(crate) ln_factor: f64,
}

/// Returns ln of the probability of counts under a rate with a uniform prior.
pub(crate) fn evidence(counts: Counts) -> f64 {
    ln_beta(1.0 + counts.successes, 1.0 + counts.n - counts.successes)
}

fn between(sums: &[Counts], from: usize, to: usize) -> Counts {
    let at = |i: usize| sums.get(i).copied().unwrap_or_default();
    Counts { n: at(to).n - at(from).n, successes: at(to).successes - at(from).successes }
}

/// Finds the changes of the rate in a list of bins; those without episodes count nowhere.
///
/// Costs time with the square of the bins.
#[expect(clippy::indexing_slicing, reason = "tables have an entry before each bin and at the end")]
pub(crate) fn outcome_breaks(bins: &[Counts]) -> Vec<OutcomeBreak> {
    // Changes at empty bins could not be told apart.
    let full: Vec<usize> = (0..bins.len()).filter(|i| bins[*i].n > 0.0).collect();
    let n = full.len();
    let mut sums = vec![Counts::default(); n + 1];
    for (i, bin) in full.iter().enumerate() {
        sums[i + 1] = Counts {
            n: sums[i].n + bins[*bin].n,
            successes: sums[i].successes + bins[*bin].successes,
        };
    }
    let price = (ODDS_AGAINST * real(n.max(1))).ln();
    let mut best = vec![(f64::NEG_INFINITY, 0); n + 1];
    best[0] = (price, 0);
    for end in 1..=n {
        for start in 0..end {
            let value = best[start].0 - price + evidence(between(&sums, start, end));
            if value > best[end].0 {
                best[end] = (value, start);
            }
        }
    }
    let mut edges = vec![n];
    while let Some(end) = edges.last().filter(|end| **end > 0) {
        edges.push(best[*end].1);
    }
    edges.reverse();
    let breaks = edges.windows(3).filter_map(|edges| {
        let &[from, at, to] = edges else { return None };
        let (before, after) = (between(&sums, from, at), between(&sums, at, to));
        let ln_factor = evidence(before) + evidence(after) - evidence(between(&sums, from, to));
        let found = OutcomeBreak { at: *full.get(at)?, before, after, ln_factor };
        (ln_factor >= MIN_FACTOR_LN).then_some(found)
    });
    breaks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::chance::Chance;

    fn stream(chance: &mut Chance, per_day: f64, rate: impl Fn(usize) -> f64) -> Vec<Counts> {
        let day = |day| {
            let n = chance.poisson(per_day).max(u32::from(per_day >= 1.0));
            let successes = (0..n).filter(|_| chance.next() < rate(day)).count();
            Counts { n: f64::from(n), successes: real(successes) }
        };
        (0..120).map(day).collect()
    }

    #[test]
    fn a_rate_that_holds_raises_no_alarm_and_one_that_falls_is_found() {
        let mut chance = Chance::new(3);
        let (mut alarms, mut found, mut false_beside) = (0, 0, 0);
        let rounds = 300;
        for round in 0..rounds {
            let level = [0.2, 0.5, 0.8][round % 3];
            alarms += outcome_breaks(&stream(&mut chance, 1.0, |_| level)).len();
            let fall = |day| if day < 60 { 0.8 } else { 0.3 };
            let breaks = outcome_breaks(&stream(&mut chance, 1.0, fall));
            let is_near = |found: &&OutcomeBreak| found.at.abs_diff(60) <= 8;
            found += usize::from(breaks.iter().any(|b| is_near(&b)));
            false_beside += breaks.iter().filter(|b| !is_near(b)).count();
        }
        let share = |n: usize| real(n) / real(rounds);
        println!("alarms {} found {} beside {}", share(alarms), share(found), share(false_beside));
        assert!(share(alarms) <= 0.05, "{}", share(alarms));
        assert!(share(found) >= 0.9, "{}", share(found));
    }

    #[test]
    fn a_break_tells_the_counts_on_both_sides() {
        let bins: Vec<Counts> = (0..40)
            .map(|day| Counts { n: 3.0, successes: if day < 25 { 3.0 } else { 0.0 } })
            .collect();
        let [found] = outcome_breaks(&bins)[..] else { panic!("one break") };
        assert_eq!((found.at, found.before.n, found.after.n), (25, 75.0, 45.0));
        assert!(outcome_breaks(&[]).is_empty() && outcome_breaks(&bins[..1]).is_empty());
    }
}
