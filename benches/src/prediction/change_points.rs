//! Change points of the Turing data set, beside five annotators.
//!
//! Source of the measures: G. van den Burg, C. Williams, "An evaluation of change point detection
//! algorithms", 2020: margin of five points, the first point of a series counts as a change.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use memory_core::bench::change_points;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Part, Target};
use crate::data::{DataError, read_lines};
use crate::table::{number, share};

const MARGIN: usize = 5;

#[derive(Deserialize)]
struct Line {
    id: String,
    values: Values,
    annotators: BTreeMap<String, Vec<usize>>,
}

/// Values of a series; one with several numbers a point is left out.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(Vec<f64>),
    Several(IgnoredAny),
}

impl Line {
    fn values(&self) -> Option<&[f64]> {
        match &self.values {
            Values::One(values) => Some(values),
            Values::Several(_) => None,
        }
    }
}

/// Finds the change points of each series of `tcpd.series.jsonl.gz`.
pub fn tcpd(dir: &Path) -> Result<Part, DataError> {
    let lines: Vec<Line> = read_lines(&dir.join("tcpd.series.jsonl.gz"))?;
    let lines: Vec<(&Line, &[f64])> =
        lines.iter().filter_map(|line| Some((line, line.values()?))).collect();
    let mut part = Part {
        title: "TCPD: change points",
        headings: vec!["series", "points", "found", "F1", "covering", "none: F1", "none: covering"],
        ..Part::default()
    };
    let mut sums = [0.0; 4];
    let mut ms = 0.0;
    for (line, values) in &lines {
        let start = Instant::now();
        let found = change_points(values);
        ms += start.elapsed().as_secs_f64() * 1e3;
        let n = values.len();
        let scores =
            [f1(line, &found), covering(line, n, &found), f1(line, &[]), covering(line, n, &[])];
        for (sum, score) in sums.iter_mut().zip(scores) {
            *sum += score / lines.len() as f64;
        }
        let head = [line.id.clone(), n.to_string(), found.len().to_string()];
        part.rows.push(head.into_iter().chain(scores.map(|s| share(Some(s)))).collect());
    }
    let head = ["mean".to_owned(), number(ms / lines.len() as f64) + " ms", String::new()];
    part.rows.push(head.into_iter().chain(sums.map(|s| share(Some(s)))).collect());
    part.figures = vec![Target::at_least("tcpd/f1", sums[0], 0.71)];
    Ok(part)
}

/// Harmonic mean of precision against all annotators together and of the mean recall of each.
fn f1(line: &Line, found: &[usize]) -> f64 {
    let with_start = |points: &[usize]| {
        let mut all: Vec<usize> = std::iter::once(0).chain(points.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let found = with_start(found);
    let sets: Vec<Vec<usize>> = line.annotators.values().map(|points| with_start(points)).collect();
    let all = with_start(&sets.concat());
    let precision = matched(&all, &found) as f64 / found.len() as f64;
    let recalls = sets.iter().map(|set| matched(set, &found) as f64 / set.len() as f64);
    let recall = recalls.sum::<f64>() / sets.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

/// Counts the true points with a found one near them, each found one used once.
fn matched(wanted: &[usize], found: &[usize]) -> usize {
    let mut left = found.to_vec();
    let mut take = |point: usize| {
        let near = left.iter().enumerate().filter(|(_, x)| x.abs_diff(point) <= MARGIN);
        let nearest = near.min_by_key(|(_, x)| x.abs_diff(point)).map(|(i, _)| i);
        nearest.map(|i| left.remove(i))
    };
    wanted.iter().filter_map(|point| take(*point)).count()
}

/// Mean over annotators of how well the best found segment covers each of theirs.
fn covering(line: &Line, n: usize, found: &[usize]) -> f64 {
    let segments = |points: &[usize]| -> Vec<(usize, usize)> {
        let mut edges: Vec<usize> = points.iter().copied().chain([0, n]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges.windows(2).map(|edge| (edge[0], edge[1])).collect()
    };
    let ours = segments(found);
    let of_one = |points: &Vec<usize>| {
        let covered = segments(points).into_iter().map(|(from, to)| {
            let overlap = |&(a, b): &(usize, usize)| {
                let both = b.min(to).saturating_sub(a.max(from)) as f64;
                both / (b.max(to) - a.min(from)) as f64
            };
            (to - from) as f64 * ours.iter().map(overlap).fold(0.0, f64::max)
        });
        covered.sum::<f64>() / n as f64
    };
    line.annotators.values().map(of_one).sum::<f64>() / line.annotators.len() as f64
}
