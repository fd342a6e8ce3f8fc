//! Success rate of attempts one after the other, which may change on some day.
//!
//! Two counts are kept: of all attempts alike, and one that forgets. Each is weighted by how well
//! it foretold the outcomes so far, so that a rate that holds is averaged over everything, and one
//! that broke follows the last few attempts.
//!
//! Source: M. Herbster, M. Warmuth, "Tracking the best expert", 1998 (the share).

use crate::learn::OutcomeCounts;

/// Share of a count that is left at the next attempt.
const KEPT: [f64; 2] = [1.0, 0.7];

/// Weights before the first attempt, and the share of them that is mixed in at each: what served
/// badly for long can serve again.
const PRIOR: [f64; 2] = [0.9, 0.1];
const SHARE: f64 = 0.02;

/// Counts of attempts with their weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fading {
    counts: [OutcomeCounts; 2],
    weights: [f64; 2],
}

impl Default for Fading {
    fn default() -> Self {
        Self { counts: Default::default(), weights: PRIOR }
    }
}

/// Rate that attempts are drawn towards, and the attempts that it is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wider {
    pub(super) rate: f64,
    pub(super) worth: f64,
}

impl Wider {
    /// Returns the rate of counts, drawn towards this one.
    pub(super) fn drawn(self, counts: &OutcomeCounts) -> f64 {
        (counts.successes + self.worth * self.rate) / (counts.n + self.worth)
    }
}

impl Fading {
    /// Returns the counts of all attempts alike.
    pub(super) const fn all(&self) -> OutcomeCounts {
        let [all, _] = self.counts;
        all
    }

    /// Returns the chance of the next attempt, and the number of attempts that it rests on.
    pub(super) fn next(&self, wider: Wider) -> (f64, f64) {
        let counts = self.counts.iter().zip(self.weights);
        counts.fold((0.0, 0.0), |(chance, n), (counts, weight)| {
            (chance + weight * wider.drawn(counts), n + weight * counts.n)
        })
    }

    /// Counts an attempt by its weight.
    pub(super) fn add(&mut self, weight: f64, success: f64, wider: Wider) {
        let mut sum = 0.0;
        for (own, counts) in self.weights.iter_mut().zip(&self.counts) {
            let chance = wider.drawn(counts);
            let came = if success >= 1.0 { chance } else { 1.0 - chance };
            *own *= came.max(f64::EPSILON).powf(weight);
            sum += *own;
        }
        for ((own, prior), (counts, kept)) in
            self.weights.iter_mut().zip(PRIOR).zip(self.counts.iter_mut().zip(KEPT))
        {
            *own = (1.0 - SHARE) * *own / sum + SHARE * prior;
            counts.fade(kept);
            counts.add(weight, success);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: Wider = Wider { rate: 0.5, worth: 1.0 };

    fn after(outcomes: &[(usize, f64)]) -> (f64, f64) {
        let mut fading = Fading::default();
        for (n, success) in outcomes {
            (0..*n).for_each(|_| fading.add(1.0, *success, EVEN));
        }
        fading.next(EVEN)
    }

    #[test]
    fn a_rate_that_holds_is_averaged_over_all_attempts() {
        let mut fading = Fading::default();
        (0..200_u16).for_each(|i| fading.add(1.0, f64::from(u16::from(i % 5 != 0)), EVEN));
        let (chance, n) = fading.next(EVEN);
        assert!((chance - 0.8).abs() < 0.03 && n > 150.0, "{chance} of {n}");
    }

    #[test]
    fn a_rate_that_broke_follows_the_last_attempts_within_four() {
        let (chance, n) = after(&[(20, 1.0), (4, 0.0)]);
        assert!(chance < 0.35 && n < 10.0, "{chance} of {n}");
        let (chance, _) = after(&[(500, 1.0), (5, 0.0)]);
        assert!(chance < 0.35, "{chance}");
        let (mended, _) = after(&[(20, 1.0), (5, 0.0), (6, 1.0)]);
        assert!(mended > 0.7, "{mended}");
    }

    #[test]
    fn one_failure_among_many_successes_does_not_end_the_trust() {
        let (chance, _) = after(&[(20, 1.0), (1, 0.0)]);
        assert!(chance > 0.75, "{chance}");
    }
}
