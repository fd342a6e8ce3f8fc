//! Forecasts of the M3 competition, beside the methods that were published with it.

use std::collections::BTreeMap;
use std::path::Path;

use memory_core::bench::forecast;
use serde::Deserialize;

use super::{Part, Target};
use crate::cpu_clock::CpuClock;
use crate::data::{DataError, read_lines};
use crate::table::{number, share};

#[derive(Deserialize)]
struct Line {
    period: String,
    train: Vec<f64>,
    test: Vec<f64>,
    forecasts: BTreeMap<String, Vec<f64>>,
}

/// Sums of the errors of a method.
#[derive(Default)]
struct Errors {
    n: f64,
    smape: f64,
    mase: f64,
}

impl Errors {
    fn add(&mut self, line: &Line, points: &[f64]) {
        let period = period(&line.period);
        let steps = line.train.iter().zip(line.train.iter().skip(period));
        let steps: Vec<f64> = steps.map(|(a, b)| (a - b).abs()).collect();
        let scale = steps.iter().sum::<f64>() / steps.len() as f64;
        let pairs = || line.test.iter().zip(points);
        let n = line.test.len() as f64;
        let share = |(y, f): (&f64, &f64)| 200.0 * (y - f).abs() / (y.abs() + f.abs());
        self.smape += pairs().map(share).sum::<f64>() / n;
        self.mase += pairs().map(|(y, f)| (y - f).abs()).sum::<f64>() / n / scale;
        self.n += 1.0;
    }

    fn row(&self, name: &str, covers: String, ms: String) -> Vec<String> {
        let mean = |sum: f64| format!("{sum:.3}", sum = sum / self.n);
        vec![name.to_owned(), self.n.to_string(), mean(self.smape), mean(self.mase), covers, ms]
    }
}

fn period(name: &str) -> usize {
    match name {
        "QUARTERLY" => 4,
        "MONTHLY" => 12,
        _ => 1,
    }
}

/// Forecasts every series of `m3.series.jsonl.gz` with an 80 % interval.
pub fn m3(dir: &Path) -> Result<Part, DataError> {
    let lines: Vec<Line> = read_lines(&dir.join("m3.series.jsonl.gz"))?;
    let mut published: BTreeMap<&str, Errors> = BTreeMap::new();
    let mut by_period: BTreeMap<&str, (Errors, f64, f64, f64)> = BTreeMap::new();
    for line in &lines {
        for (name, points) in &line.forecasts {
            published.entry(name).or_default().add(line, points);
        }
        let start = CpuClock::start();
        let found = forecast(&line.train, period(&line.period), line.test.len(), 0.8);
        let ms = start.elapsed_us() / 1e3;
        let Some(found) = found else { continue };
        let bounds = found.lower.iter().zip(&found.upper).zip(&line.test);
        let n_inside = bounds.filter(|((low, high), y)| (*low..=*high).contains(y)).count() as f64;
        for name in [line.period.as_str(), "all"] {
            let (errors, inside, n_points, time) = by_period.entry(name).or_default();
            errors.add(line, &found.points);
            *inside += n_inside;
            *n_points += line.test.len() as f64;
            *time += ms;
        }
    }
    let mut part = Part {
        title: "M3: forecasts",
        headings: vec!["method", "series", "sMAPE", "MASE", "80 % covers", "CPU ms a series"],
        ..Part::default()
    };
    for (name, (errors, inside, n_points, ms)) in &by_period {
        let (covers, ms) = (inside / n_points, ms / errors.n);
        part.rows.push(errors.row(&format!("ours, {name}"), share(Some(covers)), number(ms)));
        if *name == "all" {
            part.figures = vec![
                Target::at_most("m3/smape", errors.smape / errors.n, 12.8),
                Target::at_most("m3/mase", errors.mase / errors.n, 1.39),
                Target { name: "m3/coverage", value: covers, least: 0.77, most: 0.83 },
                Target::at_most("m3/ms", ms, 10.0),
            ];
        }
    }
    let mut published: Vec<_> = published.into_iter().collect();
    published.sort_by(|a, b| (a.1.smape / a.1.n).total_cmp(&(b.1.smape / b.1.n)));
    let none = || "-".to_owned();
    part.rows.extend(published.iter().map(|(name, errors)| errors.row(name, none(), none())));
    Ok(part)
}
