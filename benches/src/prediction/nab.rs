//! Anomalies of the Numenta benchmark, beside its windowed Gaussian.
//!
//! Source of the score: A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection algorithms: the
//! Numenta anomaly benchmark", 2015, standard profile. The threshold of each detector is the best
//! one for the whole set, as there.

use std::path::Path;

use memory_core::bench::anomaly_scores;
use serde::Deserialize;

use super::{Part, Target};
use crate::data::{DataError, read_lines};
use crate::table::number;

/// Weight of a false alarm; a hit and a missed window weigh 1.
const FALSE_ALARM: f64 = 0.11;

/// Points that the windowed Gaussian looks back on, and after how many it moves on.
const WINDOW: usize = 6_400;
const STEP: usize = 100;

#[derive(Deserialize)]
struct Line {
    values: Vec<f64>,
    windows: Vec<[usize; 2]>,
}

/// Scores the points of each series of `nab.series.jsonl.gz`.
pub fn nab(dir: &Path) -> Result<Part, DataError> {
    let lines: Vec<Line> = read_lines(&dir.join("nab.series.jsonl.gz"))?;
    let of = |scores: fn(&[f64]) -> Vec<f64>| -> Vec<Vec<f64>> {
        lines.iter().map(|line| scores(&line.values)).collect()
    };
    let (ours, gaussian) =
        (best(&lines, &of(anomaly_scores)), best(&lines, &of(windowed_gaussian)));
    let row = |name: &str, (score, threshold): (f64, f64)| {
        vec![name.to_owned(), lines.len().to_string(), number(score), number(threshold)]
    };
    Ok(Part {
        title: "NAB: anomalies (best threshold of each)",
        headings: vec!["detector", "series", "score", "threshold"],
        rows: vec![row("ours", ours), row("windowed Gaussian", gaussian)],
        figures: vec![Target::at_least("nab/score above Gaussian", ours.0 - gaussian.0, 0.0)],
    })
}

/// Returns the best score over all thresholds, in percent, and that threshold.
fn best(lines: &[Line], scores: &[Vec<f64>]) -> (f64, f64) {
    // What each point adds when it is above the threshold; the best of a window counts once.
    let mut events: Vec<(f64, usize, Option<usize>, f64)> = Vec::new();
    let mut n_windows = 0;
    for (line, scores) in lines.iter().zip(scores) {
        let probation = line.values.len().min(5_000) * 15 / 100;
        for (at, score) in scores.iter().enumerate().skip(probation) {
            let window = line.windows.iter().position(|[from, to]| (*from..=*to).contains(&at));
            if let Some(window) = window {
                let [from, to] = line.windows[window];
                let width = (to - from + 1) as f64;
                let place = -((to - at + 1) as f64) / width;
                events.push((*score, at, Some(n_windows + window), sigmoid(place) / sigmoid(-1.0)));
            } else {
                let before = line.windows.iter().rev().find(|[_, to]| *to < at);
                let cost = before.map_or(-1.0, |[from, to]| {
                    sigmoid((at - to) as f64 / ((to - from).max(1)) as f64)
                });
                events.push((*score, at, None, FALSE_ALARM * cost));
            }
        }
        n_windows += line.windows.len();
    }
    events.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut caught = vec![f64::NEG_INFINITY; n_windows];
    let mut sum = -(n_windows as f64);
    let mut best = (sum, f64::INFINITY);
    for (i, (score, _, window, gain)) in events.iter().enumerate() {
        match window {
            None => sum += gain,
            Some(window) => {
                let was = caught[*window];
                if *gain > was {
                    sum += if was.is_finite() { gain - was } else { gain + 1.0 };
                    caught[*window] = *gain;
                }
            }
        }
        let is_last_of_score = events.get(i + 1).is_none_or(|next| next.0 < *score);
        if is_last_of_score && sum > best.0 {
            best = (sum, *score);
        }
    }
    let worst = -(n_windows as f64);
    (100.0 * (best.0 - worst) / (n_windows as f64 - worst), best.1)
}

fn sigmoid(place: f64) -> f64 {
    if place > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * place).exp()) - 1.0 }
}

/// Distance of each point from the mean of those before it, in standard deviations.
fn windowed_gaussian(series: &[f64]) -> Vec<f64> {
    let (mut from, mut to) = (0, 0);
    let mut scores = Vec::with_capacity(series.len());
    for (at, value) in series.iter().enumerate() {
        if at <= WINDOW {
            to = at;
        } else if at - to >= STEP {
            (from, to) = (from + STEP, to + STEP);
        }
        let window = &series[from..to];
        if window.is_empty() {
            scores.push(0.0);
            continue;
        }
        let n = window.len() as f64;
        let mean = window.iter().sum::<f64>() / n;
        let variance = window.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let deviation = if variance > 0.0 { variance.sqrt() } else { 1e-6 };
        scores.push((value - mean).abs() / deviation);
    }
    scores
}
