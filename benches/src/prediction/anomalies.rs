//! Points that were moved in series of three shapes, in a simulation.

use fastrand::Rng;
use memory_core::bench::anomaly_scores;

use super::rates::normal;
use super::{Part, Target};
use crate::table::share;

/// Number of series of each shape.
const ROUNDS: usize = 1_000;

/// Distance from which `analyze` tells an anomaly.
const THRESHOLD: f64 = 4.0;

/// Looks for three moved points in each of many series of 60.
#[must_use]
pub fn planted_anomalies() -> Part {
    let mut rng = Rng::with_seed(14);
    let mut part = Part {
        title: "Anomalies, simulated",
        headings: vec!["shape", "precision", "recall", "F1"],
        ..Part::default()
    };
    let names = ["anomalies/f1 normal", "anomalies/f1 log-normal", "anomalies/f1 drift"];
    for (shape, name) in names.into_iter().enumerate() {
        let (mut n_hits, mut n_found, mut n_wanted) = (0, 0, 0);
        for _ in 0..ROUNDS {
            let spots: Vec<usize> = (0..3).map(|k| k * 20 + 2 + rng.usize(..16)).collect();
            let series: Vec<f64> = (0..60).map(|t| value(shape, t, &spots, &mut rng)).collect();
            let scores = anomaly_scores(&series);
            let found = (0..60).filter(|at| scores[*at] > THRESHOLD);
            for at in found {
                n_found += 1;
                n_hits += usize::from(spots.contains(&at));
            }
            n_wanted += spots.len();
        }
        let hits = n_hits as f64;
        let f1 = 2.0 * hits / (n_found + n_wanted) as f64;
        let shares = [hits / n_found as f64, hits / n_wanted as f64, f1];
        let head = std::iter::once(name.trim_start_matches("anomalies/f1 ").to_owned());
        part.rows.push(head.chain(shares.map(|s| share(Some(s)))).collect());
        part.figures.push(Target::at_least(name, f1, 0.94));
    }
    part
}

fn value(shape: usize, t: usize, spots: &[usize], rng: &mut Rng) -> f64 {
    let spike = if spots.contains(&t) { 6.0 + 3.0 * rng.f64() } else { 0.0 };
    let off = normal(rng) + spike;
    match shape {
        0 => 100.0 + 10.0 * off,
        1 => (4.0 + 0.5 * off).exp(),
        _ => (100.0 + 4.0 * t as f64) * (0.05 * off).exp(),
    }
}
