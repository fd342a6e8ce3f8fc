//! Success rate over time, from counts.
//!
//! A rate may hold, wander, jump or drift. Each of these motions is followed by a filter over a
//! grid of log-odds, which is exact but for the grid, and is weighted by how well it foretold the
//! counts so far: a rate that holds is averaged over everything, one that moves over the last
//! bins, one that drifts is carried on. A bin without episodes is no evidence, but time passes in
//! it.

use crate::stats::{ln_gamma, real};

/// Number of points of the grid of log-odds, and its end on both sides: rates of .03 and .97.
const N_POINTS: usize = 41;
const END: f64 = 3.5;
const STEP: f64 = 2.0 * END / 40.0;

/// Number of bins ahead that the estimate is the mean of.
const N_AHEAD: usize = 7;

/// Number of bins over which a slope is told.
const N_RECENT: usize = 8;

/// Reach of a kernel in standard deviations.
const REACH: f64 = 3.5;

/// Probabilities of the points.
type Grid = [f64; N_POINTS];

/// Motion of a rate from one bin to the next, and its prior weight.
#[derive(Debug, Clone, Copy)]
struct Motion {
    /// Standard deviation of a step at random, in log-odds.
    walk: f64,
    /// Probability of a jump to anywhere.
    jump: f64,
    /// Step in one direction, in log-odds.
    drift: f64,
    weight: f64,
}

const fn motion(walk: f64, jump: f64, drift: f64, weight: f64) -> Motion {
    Motion { walk, jump, drift, weight }
}

/// Motions that are weighed against each other. Drifts come in pairs and weigh less.
const MOTIONS: [Motion; 13] = [
    motion(0.0, 0.0, 0.0, 1.0),
    motion(0.05, 0.0, 0.0, 1.0),
    motion(0.1, 0.0, 0.0, 1.0),
    motion(0.2, 0.0, 0.0, 1.0),
    motion(0.4, 0.0, 0.0, 1.0),
    motion(0.0, 0.005, 0.0, 1.0),
    motion(0.0, 0.02, 0.0, 1.0),
    motion(0.0, 0.0, 0.02, 0.4),
    motion(0.0, 0.0, -0.02, 0.4),
    motion(0.0, 0.0, 0.06, 0.4),
    motion(0.0, 0.0, -0.06, 0.4),
    motion(0.0, 0.0, 0.2, 0.4),
    motion(0.0, 0.0, -0.2, 0.4),
];

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

/// Computes the logarithm of the beta function.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Filter of one motion.
struct Filter {
    motion: Motion,
    /// Half of a symmetric kernel, from its centre on.
    kernel: Vec<f64>,
    /// Of a motion that drifts the state is kept as it was at the start, with the distance drifted
    /// since in log-odds: moved bin by bin over the grid it would spread.
    state: Grid,
    offset: f64,
    ln_weight: f64,
}

impl Filter {
    fn new(motion: Motion, prior: &Grid) -> Self {
        let Motion { walk, weight, .. } = motion;
        let mut kernel = vec![1.0];
        if walk > 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
            let reach = (REACH * walk / STEP).ceil() as usize;
            kernel = (0..=reach).map(|i| (-0.5 * (real(i) * STEP / walk).powi(2)).exp()).collect();
            if walk < STEP {
                // Samples of so narrow a distribution have not its variance.
                let part = 0.5 * (walk / STEP).powi(2);
                kernel = vec![1.0, part / (1.0 - 2.0 * part)];
            }
            let sum = 2.0 * kernel.iter().sum::<f64>() - 1.0;
            for share in &mut kernel {
                *share /= sum;
            }
        }
        Self { motion, kernel, state: *prior, offset: 0.0, ln_weight: weight.ln() }
    }

    /// Learns a bin, by whose probability the motion is weighted.
    fn learn(&mut self, likelihood: &Grid) {
        let mut sum = 0.0;
        let drifted = (self.offset != 0.0).then(|| drawn_from(likelihood, self.offset));
        for (share, likelihood) in self.state.iter_mut().zip(drifted.as_ref().unwrap_or(likelihood))
        {
            *share *= likelihood;
            sum += *share;
        }
        if sum > 0.0 {
            for share in &mut self.state {
                *share /= sum;
            }
            self.ln_weight += sum.ln();
        }
    }

    /// Passes a bin.
    fn pass(&mut self, prior: &Grid) {
        self.state = self.moved(&self.state, prior);
        self.offset += self.motion.drift;
    }

    /// Returns the probabilities of rates now.
    fn now(&self) -> Grid {
        if self.offset == 0.0 { self.state } else { shifted(&self.state, self.offset) }
    }

    /// Returns their mean over the next bins.
    fn ahead(&self, prior: &Grid) -> Grid {
        let mut ahead = Self { kernel: self.kernel.clone(), ..*self };
        let mut sum = self.now();
        for _ in 1..N_AHEAD {
            ahead.pass(prior);
            sum.iter_mut().zip(ahead.now()).for_each(|(sum, share)| *sum += share);
        }
        sum.map(|sum| sum / real(N_AHEAD))
    }

    /// Returns a state after one bin, but for its drift.
    #[expect(clippy::indexing_slicing, reason = "places are bounded by the grid")]
    fn moved(&self, state: &Grid, prior: &Grid) -> Grid {
        let Motion { walk, jump, .. } = self.motion;
        let mut next = *state;
        if walk > 0.0 {
            next = [0.0; N_POINTS];
            for (i, share) in state.iter().enumerate() {
                for (far, part) in self.kernel.iter().enumerate() {
                    next[(i + far).min(N_POINTS - 1)] += share * part;
                    if far > 0 {
                        next[i.saturating_sub(far)] += share * part;
                    }
                }
            }
        }
        if jump > 0.0 {
            for (share, prior) in next.iter_mut().zip(prior) {
                *share = (1.0 - jump) * *share + jump * prior;
            }
        }
        next
    }
}

/// Returns the place of a point that was moved, and how far it lies towards the next.
fn place(i: usize, offset: f64) -> (usize, f64) {
    let place = (real(i) + offset / STEP).clamp(0.0, real(N_POINTS - 1));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let below = (place as usize).min(N_POINTS - 2);
    (below, place - real(below))
}

/// Returns the values of a grid at the points moved by an offset.
#[expect(clippy::indexing_slicing, reason = "places are bounded by the grid")]
fn drawn_from(grid: &Grid, offset: f64) -> Grid {
    std::array::from_fn(|i| {
        let (below, part) = place(i, offset);
        (1.0 - part) * grid[below] + part * grid[below + 1]
    })
}

/// Returns probabilities whose points were moved by an offset.
#[expect(clippy::indexing_slicing, reason = "places are bounded by the grid")]
fn shifted(state: &Grid, offset: f64) -> Grid {
    let mut next = [0.0; N_POINTS];
    for (i, share) in state.iter().enumerate() {
        let (below, part) = place(i, offset);
        next[below] += share * (1.0 - part);
        next[below + 1] += share * part;
    }
    next
}

/// Points of the grid as rates, with a Beta(2, 2) distribution as the prior: rates of whole scopes
/// are seldom extreme.
struct Scale {
    rates: Grid,
    logs: [(f64, f64); N_POINTS],
    prior: Grid,
}

impl Scale {
    fn new() -> Self {
        let rates: Grid = std::array::from_fn(|i| 1.0 / (1.0 + (END - STEP * real(i)).exp()));
        let mut prior = rates.map(|rate| (rate * (1.0 - rate)).powi(2));
        let sum: f64 = prior.iter().sum();
        for share in &mut prior {
            *share /= sum;
        }
        Self { rates, logs: rates.map(|rate| (rate.ln(), (1.0 - rate).ln())), prior }
    }

    /// Returns the probability of counts at each point, up to a factor that bounds them by 1.
    fn likelihood(&self, counts: Counts) -> Grid {
        let Counts { n, successes } = counts;
        let mut logs = self.logs.map(|(yes, no)| successes * yes + (n - successes) * no);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for log in &mut logs {
            *log = (*log - most).exp();
        }
        logs
    }

    fn mean(&self, state: &Grid) -> f64 {
        state.iter().zip(&self.rates).map(|(share, rate)| share * rate).sum()
    }
}

/// Estimates the rate of the bins after a list of bins, with the central interval at `level`.
///
/// Costs some 5 µs a bin.
pub(crate) fn rate(bins: &[Counts], level: f64) -> Rate {
    let scale = Scale::new();
    let mut filters = MOTIONS.map(|motion| Filter::new(motion, &scale.prior));
    let mut past = Vec::with_capacity(bins.len());
    for (i, bin) in bins.iter().enumerate() {
        if bin.n > 0.0 {
            let likelihood = scale.likelihood(*bin);
            for filter in &mut filters {
                filter.learn(&likelihood);
            }
        }
        if i + N_RECENT >= bins.len() {
            past.push(scale.mean(&mixed(&filters, Filter::now)));
        }
        for filter in &mut filters {
            filter.pass(&scale.prior);
        }
    }
    let ahead = mixed(&filters, |filter| filter.ahead(&scale.prior));
    let slope = match past.as_slice() {
        [first, .., last] => (last - first) / real(past.len() - 1),
        _ => 0.0,
    };
    let mean = scale.mean(&ahead);
    let squares = ahead.iter().zip(&scale.rates).map(|(share, x)| share * (x - mean).powi(2));
    let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
    Rate {
        mean,
        // The mean of a skewed distribution may lie outside of a narrow central interval.
        lower: quantile(&ahead, tail).min(mean),
        upper: quantile(&ahead, 1.0 - tail).max(mean),
        n_worth: (n_worth(mean, squares.sum()) - n_worth_of_nothing(&scale)).max(0.0),
        slope,
    }
}

/// Returns the attempts of a Beta distribution with this mean and variance.
fn n_worth(mean: f64, variance: f64) -> f64 {
    mean * (1.0 - mean) / variance.max(f64::MIN_POSITIVE)
}

fn n_worth_of_nothing(scale: &Scale) -> f64 {
    let squares = scale.prior.iter().zip(&scale.rates).map(|(share, x)| share * (x - 0.5).powi(2));
    n_worth(0.5, squares.sum())
}

/// Mixes states of the filters by their weights.
fn mixed(filters: &[Filter], state: impl Fn(&Filter) -> Grid) -> Grid {
    let best = filters.iter().map(|filter| filter.ln_weight).fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut all) = ([0.0; N_POINTS], 0.0);
    for filter in filters {
        let weight = (filter.ln_weight - best).exp();
        all += weight;
        sum.iter_mut().zip(state(filter)).for_each(|(sum, share)| *sum += weight * share);
    }
    sum.map(|sum| sum / all)
}

/// Finds a quantile, each point spread over the step around it.
fn quantile(state: &Grid, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p.clamp(0.0, 1.0);
    }
    let mut before = 0.0;
    for (i, share) in state.iter().enumerate() {
        if before + share >= p && *share > 0.0 {
            let place = real(i) - 0.5 + (p - before) / share;
            return 1.0 / (1.0 + (END - STEP * place).exp());
        }
        before += share;
    }
    1.0
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
                _ => start + (other - start) * real(day) / real(n + 7),
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
                            Counts { n: f64::from(n), successes: real(successes) }
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
        assert!(error <= 0.088 && error < 0.8 * pooled, "{error} against {pooled}");
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
