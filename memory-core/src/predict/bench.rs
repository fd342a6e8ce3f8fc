//! Prediction without a storage, for the harness that measures it on public series.

use super::anomaly::scores;
use super::attempt::Attempt;
use super::changepoint::{breaks, standardized};
use super::cluster;
use super::forecast::{Range, forecast as make_forecast};
use super::predictor::Predictor;
use super::rate::{Counts, rate as make_rate};
use crate::learn::{Digest, Learned, Run};
use crate::model::{Episode, EpisodeId, Step};

/// Forecast of the points after a series.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchForecast {
    /// Expected values.
    pub points: Vec<f64>,
    /// Lower bounds of the intervals.
    pub lower: Vec<f64>,
    /// Upper bounds of the intervals.
    pub upper: Vec<f64>,
}

/// Forecasts the `horizon` points after a series as `analyze` does, for numbers of any size;
/// `None` for a series that is too short.
#[must_use]
pub fn forecast(
    series: &[f64],
    period: usize,
    horizon: usize,
    level: f64,
) -> Option<BenchForecast> {
    let range = Range { low: f64::MIN, high: f64::MAX };
    let found = make_forecast(series, period, horizon, level, range)?;
    Some(BenchForecast { points: found.points, lower: found.lower, upper: found.upper })
}

/// Returns the first point of each segment of a series but the first.
#[must_use]
pub fn change_points(series: &[f64]) -> Vec<usize> {
    breaks(&standardized(series))
}

/// Returns the distance of each point from what is expected, in robust standard deviations.
#[must_use]
pub fn anomaly_scores(series: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; series.len()];
    for judged in scores(series) {
        if let Some(score) = all.get_mut(judged.at) {
            *score = judged.score.abs();
        }
    }
    all
}

/// Returns for each point the number of its cluster; `None` for one in none.
#[must_use]
pub fn clusters(points: &[[f64; 4]], radius: f64, min_points: usize) -> Vec<Option<usize>> {
    cluster::clusters(points, radius, min_points)
}

/// Returns the success rate after bins of attempts and successes among them, with the bounds of its
/// interval.
#[must_use]
pub fn rate(bins: &[(f64, f64)], level: f64) -> [f64; 3] {
    let counts = bins.iter().map(|(n, successes)| Counts { n: *n, successes: *successes });
    let found = make_rate(&counts.collect::<Vec<_>>(), level);
    [found.mean, found.lower, found.upper]
}

/// Models of episodes over those that were learned, without a storage.
#[derive(Debug, Default)]
pub struct PredictBench {
    learned: Learned,
    predictor: Predictor,
}

/// Odds as the harness rates them.
#[derive(Debug, Clone, Copy)]
pub struct BenchOdds {
    /// Chance that is told.
    pub chance: f64,
    /// Success rate of the scope.
    pub base: f64,
}

impl PredictBench {
    /// Adds an ended episode.
    pub fn put(&mut self, episode: &Episode, steps: &[Step]) {
        self.learned.put(episode, &Digest::of(steps));
    }

    /// Learns the episodes that were added, in the order of time; those that are added afterwards
    /// are only asked about.
    pub fn learn(&mut self) {
        self.predictor.follow(&self.learned);
    }

    /// Returns the names of the steps of an episode that was added.
    #[must_use]
    pub fn steps(&self, id: EpisodeId) -> Vec<&str> {
        let run = self.learned.run(id);
        let moves = run.into_iter().flat_map(|run| run.moves.iter());
        moves.map(|step| self.learned.name(step.tool)).collect()
    }

    /// Returns the likeliest next tools of an episode after its first `n` steps.
    #[must_use]
    pub fn next_tools(&self, asked: &Asked<'_>, n: usize, limit: usize) -> Vec<(&str, f64)> {
        let attempt = Attempt::of(asked.run).after(n);
        let found = self.predictor.next_tools(attempt, &asked.same_task, limit);
        found.into_iter().map(|(tool, share)| (self.learned.name(tool), share)).collect()
    }

    /// Returns an episode to ask about, with the learned attempts at its task that `is_known` lets
    /// pass; `None` for one that was not added.
    #[must_use]
    pub fn asked(&self, id: EpisodeId, is_known: impl Fn(EpisodeId) -> bool) -> Option<Asked<'_>> {
        let run = self.learned.run(id)?;
        let mut same_task: Vec<&Run> = self.learned.attempts(run.scope, run.task).collect();
        same_task.sort_unstable_by_key(|run| std::cmp::Reverse(run.age_key()));
        same_task.retain(|run| run.id != id && is_known(run.id));
        Some(Asked { run, same_task })
    }

    /// Returns the odds of an episode after its first `n` steps.
    #[must_use]
    pub fn odds(&self, asked: &Asked<'_>, n: usize) -> BenchOdds {
        let odds = self.predictor.odds(Attempt::of(asked.run).after(n));
        BenchOdds { chance: odds.chance.mean, base: odds.base }
    }
}

/// An episode that is asked about.
#[derive(Debug)]
pub struct Asked<'a> {
    run: &'a Run,
    same_task: Vec<&'a Run>,
}
