//! Success rates that hold, jump, wander and climb, in a simulation.

use fastrand::Rng;
use memory_core::bench::rate;

use super::{Part, Target};
use crate::table::share;

const SHAPES: [&str; 4] = ["level", "step", "walk", "trend"];

/// Number of series of each length, number of episodes and shape.
const ROUNDS: usize = 400;

/// Estimates the mean rate of the seven days after series of 10, 30 and 100 days with .7 or 4
/// episodes a day.
#[must_use]
pub fn simulated_rates() -> Part {
    let mut rng = Rng::with_seed(16);
    let mut sums = [[0.0; 4]; 5];
    for _ in 0..ROUNDS {
        for (days, per_day) in [(10, 0.7), (10, 4.0), (30, 0.7), (30, 4.0), (100, 0.7), (100, 4.0)]
        {
            for shape in 0..SHAPES.len() {
                let truth = truth(shape, days, &mut rng);
                let bins: Vec<(f64, f64)> = truth[..days]
                    .iter()
                    .map(|rate| {
                        let n = poisson(per_day, &mut rng);
                        (n as f64, (0..n).filter(|_| rng.f64() < *rate).count() as f64)
                    })
                    .collect();
                let wanted = truth[days..].iter().sum::<f64>() / 7.0;
                let [mean, lower, upper] = rate(&bins, 0.8);
                let (n, successes) =
                    bins.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
                let pooled = ((successes + 1.0) / (n + 2.0) - wanted).abs();
                let covers = f64::from(u8::from((lower..=upper).contains(&wanted)));
                for row in [shape, SHAPES.len()] {
                    let added = [1.0, (mean - wanted).abs(), covers, pooled];
                    for (sum, value) in sums[row].iter_mut().zip(added) {
                        *sum += value;
                    }
                }
            }
        }
    }
    let names = SHAPES.iter().copied().chain(["all"]);
    let rows = names.zip(&sums).map(|(name, [n, error, covers, pooled])| {
        let means = [error, covers, pooled].map(|sum| share(Some(sum / n)));
        [name.to_owned(), n.to_string()].into_iter().chain(means).collect()
    });
    let [n, error, covers, _] = sums[SHAPES.len()];
    Part {
        title: "Rates, simulated",
        headings: vec!["rate", "series", "MAE", "80 % covers", "pooled: MAE"],
        rows: rows.collect(),
        figures: vec![
            Target::at_most("rates/mae", error / n, 0.086),
            Target::at_least("rates/coverage", covers / n, 0.78),
        ],
    }
}

fn truth(shape: usize, days: usize, rng: &mut Rng) -> Vec<f64> {
    let [start, other] = [(); 2].map(|()| 0.1 + 0.8 * rng.f64());
    let mut walk = start;
    let rate = |day: usize| match shape {
        0 => start,
        1 => {
            if day < days / 2 {
                start
            } else {
                other
            }
        }
        2 => {
            walk = (walk + 0.03 * normal(rng)).clamp(0.05, 0.95);
            walk
        }
        _ => start + (other - start) * day as f64 / (days + 7) as f64,
    };
    (0..days + 7).map(rate).collect()
}

pub(super) fn normal(rng: &mut Rng) -> f64 {
    let (a, b) = (1.0 - rng.f64(), rng.f64());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

fn poisson(mean: f64, rng: &mut Rng) -> usize {
    let (bound, mut product, mut n) = ((-mean).exp(), rng.f64(), 0);
    while product > bound {
        product *= rng.f64();
        n += 1;
    }
    n
}
