//! Success rate over time, from counts.
//!
//! A mixture of Beta posteriors, each of which forgets at its own pace. Every pace is weighted by
//! how well it foretold the counts so far: a rate that holds is averaged over everything, one that
//! moves over the last few. A bin without episodes is no evidence, but time passes in it.

use crate::stats::{beta_cdf, ln_gamma};

/// Share of the evidence that is kept from one bin to the next.
const PACES: [f64; 7] = [1.0, 0.985, 0.96, 0.92, 0.85, 0.75, 0.6];

/// Share of the weights of paces that is kept from one bin to the next.
const MEMORY: f64 = 1.0;

/// Attempts that the uniform prior of each posterior is worth, on each side.
const PRIOR: f64 = 1.0;

/// Number of halvings of a search for a quantile.
const N_HALVINGS: u32 = 40;

/// Attempts and successes of one bin of time; weights need not be whole.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Counts {
    pub(crate) n: f64,
    pub(crate) successes: f64,
}

/// Estimate of the rate after the last bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub(crate) mean: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Number of attempts that the estimate is worth.
    pub(crate) n_worth: f64,
    /// Change of the estimate in a bin, over the last bins.
    pub(crate) slope: f64,
}

/// Posterior that forgets at one pace.
#[derive(Debug, Clone, Copy)]
struct Forgetful {
    pace: f64,
    successes: f64,
    failures: f64,
    ln_weight: f64,
}

impl Forgetful {
    fn parameters(&self) -> (f64, f64) {
        (PRIOR + self.successes, PRIOR + self.failures)
    }

    fn mean(&self) -> f64 {
        let (a, b) = self.parameters();
        a / (a + b)
    }

    /// Learns a bin, by whose probability the pace is weighted.
    fn learn(&mut self, counts: Counts) {
        let Counts { n, successes } = counts;
        self.ln_weight *= MEMORY;
        if n > 0.0 {
            let (a, b) = self.parameters();
            self.ln_weight += ln_beta(a + successes, b + n - successes) - ln_beta(a, b);
        }
        self.successes = self.pace * self.successes + successes;
        self.failures = self.pace * self.failures + n - successes;
    }
}

/// Computes the logarithm of the beta function.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Estimates the rate after a list of bins, with the central interval at `level`.
pub(crate) fn rate(bins: &[Counts], level: f64) -> Rate {
    let mut paces =
        PACES.map(|pace| Forgetful { pace, successes: 0.0, failures: 0.0, ln_weight: 0.0 });
    let mut past = Vec::with_capacity(bins.len());
    for bin in bins {
        for pace in &mut paces {
            pace.learn(*bin);
        }
        past.push(mean_of(&paces));
    }
    let weights = weights(&paces);
    let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
    let worth = |pace: &Forgetful| pace.successes + pace.failures;
    let recent = past.len().saturating_sub(N_RECENT);
    let slope = match past.get(recent..) {
        Some([first, .., last]) => (last - first) / crate::stats::real(past.len() - recent - 1),
        _ => 0.0,
    };
    let mean = mean_of(&paces);
    Rate {
        mean,
        // The mean of a skewed mixture may lie outside of a narrow central interval.
        lower: quantile(&paces, &weights, tail).min(mean),
        upper: quantile(&paces, &weights, 1.0 - tail).max(mean),
        n_worth: paces.iter().zip(&weights).map(|(pace, weight)| weight * worth(pace)).sum(),
        slope,
    }
}

/// Number of bins over which a slope is told.
const N_RECENT: usize = 8;

fn weights(paces: &[Forgetful]) -> Vec<f64> {
    let best = paces.iter().map(|pace| pace.ln_weight).fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = paces.iter().map(|pace| (pace.ln_weight - best).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

fn mean_of(paces: &[Forgetful]) -> f64 {
    paces.iter().zip(weights(paces)).map(|(pace, weight)| weight * pace.mean()).sum()
}

/// Finds a quantile of the mixture by halving.
fn quantile(paces: &[Forgetful], weights: &[f64], p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p.clamp(0.0, 1.0);
    }
    let below = |x: f64| -> f64 {
        let share = |(pace, weight): (&Forgetful, &f64)| {
            let (a, b) = pace.parameters();
            weight * beta_cdf(a, b, x)
        };
        paces.iter().zip(weights).map(share).sum()
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..N_HALVINGS {
        let middle = f64::midpoint(low, high);
        if below(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::chance::Chance;

    /// True rates of `n` days and the seven after them.
    fn truth(shape: usize, n: usize, chance: &mut Chance) -> Vec<f64> {
        let [start, other] = [(); 2].map(|()| 0.1 + 0.8 * chance.next());
        let at = n / 2;
        let mut walk = start;
        (0..n + 7)
            .map(|day| match shape {
                0 => start,
                1 if day < at => start,
                1 => other,
                2 => {
                    walk = (walk + 0.03 * chance.normal()).clamp(0.05, 0.95);
                    walk
                }
                _ => start + (other - start) * crate::stats::real(day) / crate::stats::real(n + 7),
            })
            .collect()
    }

    #[test]
    fn rates_that_hold_jump_wander_and_climb_are_followed_with_honest_intervals() {
        let mut chance = Chance::new(7);
        let (mut errors, mut covered, mut pooled, mut n_all) = (0.0, 0.0, 0.0, 0.0);
        for round in 0..40 {
            for (n, per_day) in [(10, 0.7), (10, 4.0), (30, 0.7), (30, 4.0), (100, 0.7), (100, 4.0)]
            {
                for shape in 0..4 {
                    let rates = truth(shape, n, &mut chance);
                    let bins: Vec<Counts> = rates[..n]
                        .iter()
                        .map(|rate| {
                            let n = chance.poisson(per_day);
                            let successes = (0..n).filter(|_| chance.next() < *rate).count();
                            Counts { n: f64::from(n), successes: crate::stats::real(successes) }
                        })
                        .collect();
                    let wanted = rates[n..].iter().sum::<f64>() / 7.0;
                    let found = rate(&bins, 0.8);
                    errors += (found.mean - wanted).abs();
                    let sum = |f: fn(&Counts) -> f64| bins.iter().map(f).sum::<f64>();
                    let all = (sum(|c| c.successes) + 1.0) / (sum(|c| c.n) + 2.0);
                    pooled += (all - wanted).abs();
                    covered += f64::from(u8::from(found.lower <= wanted && wanted <= found.upper));
                    n_all += 1.0;
                }
            }
            assert!(round < 40);
        }
        let (error, pooled, coverage) = (errors / n_all, pooled / n_all, covered / n_all);
        println!("error {error:.4}, pooled {pooled:.4}, coverage {coverage:.3}");
        assert!(error <= 0.095 && error < 0.85 * pooled, "{error} against {pooled}");
        assert!(coverage >= 0.78, "{coverage}");
    }

    #[test]
    fn days_without_episodes_widen_the_interval_and_are_no_failures() {
        let busy = [Counts { n: 10.0, successes: 9.0 }; 10];
        let mut gap = busy.to_vec();
        gap.extend([Counts::default(); 10]);
        let (before, after) = (rate(&busy, 0.8), rate(&gap, 0.8));
        assert!(after.mean > 0.8, "{after:?}");
        assert!(after.upper - after.lower >= before.upper - before.lower);
    }

    #[test]
    fn nothing_known_is_the_whole_range_and_levels_at_the_ends_are_defined() {
        let nothing = rate(&[], 0.8);
        assert!((nothing.mean - 0.5).abs() < 1e-9 && nothing.n_worth == 0.0);
        let bins = [Counts { n: 4.0, successes: 4.0 }];
        assert_eq!((rate(&bins, 1.0).lower, rate(&bins, 1.0).upper), (0.0, 1.0));
        let point = rate(&bins, 0.0);
        assert!(point.lower <= point.upper && point.lower.is_finite());
    }
}
