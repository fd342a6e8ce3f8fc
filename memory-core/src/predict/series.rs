//! Series: episodes in regular bins of time.

use super::question::{AnalysisQuery, Metric};
use super::rate::Counts;
use crate::learn::{Learned, NameId, Run, Signature, ToolCost};
use crate::model::{EpisodeId, Scope, Timestamp};
use crate::stats::{mean, median, real};

/// Most bins of a series; with more, longer bins are taken.
const MAX_BINS: i64 = 200;

/// Fewest bins of time that make a series; with fewer, each episode is a bin.
const MIN_BINS: i64 = 8;

const HOUR_MS: i64 = 3_600_000;

/// Length of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinUnit {
    /// One episode after the other: there is too little time between them.
    Episode,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// Four weeks.
    Month,
}

impl BinUnit {
    /// Returns its name: `episode`, `hour`, `day`, `week` or `four weeks`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "four weeks",
        }
    }

    const fn length_ms(self) -> i64 {
        match self {
            Self::Episode => 1,
            Self::Hour => HOUR_MS,
            Self::Day => 24 * HOUR_MS,
            Self::Week => 7 * 24 * HOUR_MS,
            Self::Month => 28 * 24 * HOUR_MS,
        }
    }

    /// Returns the number of bins after which a season may repeat itself.
    pub(crate) const fn period(self) -> usize {
        match self {
            Self::Hour => 24,
            Self::Day => 7,
            Self::Episode | Self::Week | Self::Month => 1,
        }
    }
}

/// What one episode adds to a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation {
    pub(crate) at: Timestamp,
    pub(crate) id: EpisodeId,
    /// Attempts that it counts for: 1, ½ with an inferred outcome.
    pub(crate) n: f64,
    /// Successes among them, or its value.
    pub(crate) value: f64,
}

/// A bin.
#[derive(Debug, Clone)]
pub(crate) struct Bin {
    pub(crate) start: Timestamp,
    pub(crate) counts: Counts,
    /// Value of the bin; NaN where it has no episode.
    pub(crate) value: f64,
    /// Episodes of the bin, newest last.
    pub(crate) episodes: Vec<EpisodeId>,
}

/// Episodes in bins.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) metric: Metric,
    pub(crate) unit: BinUnit,
    pub(crate) bins: Vec<Bin>,
    /// Number of episodes in the bins.
    pub(crate) n_episodes: usize,
    /// Number of episodes whose time lies far from that of the others, or before the last bins.
    pub(crate) n_left_out: usize,
}

impl Series {
    /// Puts observations into bins.
    ///
    /// The length of a bin is the shortest that keeps their number low. It is found from the middle
    /// of the times, so that a clock that ran wrong once does not stretch the series; order does
    /// not matter, so that one that ran backwards does no harm.
    pub(crate) fn of(mut all: Vec<Observation>, metric: Metric) -> Self {
        all.sort_by_key(|one| (one.at, one.id));
        let at = |share: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
            let place = (real(all.len().saturating_sub(1)) * share).round() as usize;
            all.get(place).map_or(0, |one| one.at.as_millis())
        };
        let (low, high) = (at(0.02), at(0.98));
        let room = high.saturating_sub(low) / 4;
        let span = high.saturating_sub(low);
        let units = [BinUnit::Hour, BinUnit::Day, BinUnit::Week, BinUnit::Month];
        let fits = |unit: &&BinUnit| span / unit.length_ms() < MAX_BINS;
        let mut unit = units.iter().skip(usize::from(span > 72 * HOUR_MS)).find(fits).copied();
        if unit.is_some_and(|unit| span / unit.length_ms() < MIN_BINS) {
            unit = Some(BinUnit::Hour).filter(|hour| span / hour.length_ms() >= MIN_BINS);
            unit = unit.filter(|hour| span / hour.length_ms() < MAX_BINS);
        }
        let n_all = all.len();
        let bins = match unit {
            None => by_episode(&all, metric),
            Some(unit) => {
                let slack = room.saturating_add(unit.length_ms());
                let range = low.saturating_sub(slack)..=high.saturating_add(slack);
                all.retain(|one| range.contains(&one.at.as_millis()));
                by_time(&all, metric, unit)
            }
        };
        let n_episodes = bins.iter().map(|bin| bin.episodes.len()).sum();
        let unit = unit.unwrap_or(BinUnit::Episode);
        Self { metric, unit, bins, n_episodes, n_left_out: n_all - n_episodes }
    }

    /// Returns the values; NaN for a bin without episodes.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.bins.iter().map(|bin| bin.value).collect()
    }

    /// Returns the counts.
    pub(crate) fn counts(&self) -> Vec<Counts> {
        self.bins.iter().map(|bin| bin.counts).collect()
    }

    /// Returns the number of bins with a value.
    pub(crate) fn n_known(&self) -> usize {
        self.bins.iter().filter(|bin| !bin.value.is_nan()).count()
    }

    /// Returns the start of the bin `ahead` bins after the last one.
    pub(crate) fn time_after(&self, ahead: usize) -> Timestamp {
        let last = self.bins.last().map_or(0, |bin| bin.start.as_millis());
        let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
        let step = if self.unit == BinUnit::Episode { 0 } else { self.unit.length_ms() };
        Timestamp::from_millis(last.saturating_add(ahead.saturating_mul(step)))
    }
}

fn bin(start: i64, some: &[Observation], metric: Metric) -> Bin {
    let sum = |f: fn(&Observation) -> f64| some.iter().map(f).sum::<f64>();
    let counts = Counts { n: sum(|one| one.n), successes: sum(|one| one.value) };
    let mut values: Vec<f64> = some.iter().map(|one| one.value).collect();
    let value = match metric {
        Metric::Success => (counts.n > 0.0).then(|| counts.successes / counts.n),
        Metric::Reward => (counts.n > 0.0).then(|| sum(|one| one.n * one.value) / counts.n),
        Metric::Errors => mean(&values),
        Metric::LatencyMs | Metric::Tokens | Metric::Steps => median(&mut values),
    };
    Bin {
        start: Timestamp::from_millis(start),
        counts,
        value: value.unwrap_or(f64::NAN),
        episodes: some.iter().map(|one| one.id).collect(),
    }
}

fn by_episode(all: &[Observation], metric: Metric) -> Vec<Bin> {
    let first = all.len().saturating_sub(usize::try_from(MAX_BINS).unwrap_or(usize::MAX));
    let newest = all.iter().skip(first);
    newest.map(|one| bin(one.at.as_millis(), std::slice::from_ref(one), metric)).collect()
}

fn by_time(all: &[Observation], metric: Metric, unit: BinUnit) -> Vec<Bin> {
    let number = |one: &Observation| one.at.as_millis().div_euclid(unit.length_ms());
    let (Some(first), Some(last)) = (all.first().map(number), all.last().map(number)) else {
        return Vec::new();
    };
    let mut rest = all;
    let mut bins = Vec::new();
    for no in first..=last {
        let n = rest.iter().take_while(|one| number(one) <= no).count();
        let (some, after) = rest.split_at(n);
        bins.push(bin(no.saturating_mul(unit.length_ms()), some, metric));
        rest = after;
    }
    bins
}

impl Learned {
    /// Returns what each run that a question is about adds to its series.
    pub(crate) fn observations(&self, query: &AnalysisQuery) -> Vec<Observation> {
        let asked = self.asked_runs(query);
        asked.filter_map(|run| self.observation(run, query)).collect()
    }

    /// Returns the runs that a question is about, in no particular order.
    pub(crate) fn asked_runs<'a>(
        &'a self,
        query: &'a AnalysisQuery,
    ) -> impl Iterator<Item = &'a Run> {
        let counts_errors = query.meant_metric() == Metric::Errors;
        let error = query.error.as_deref().filter(|_| !counts_errors);
        self.runs_with_error_text(query, error)
    }

    /// Returns those of them that met an error with this text.
    pub(crate) fn runs_with_error_text<'a>(
        &'a self,
        query: &'a AnalysisQuery,
        error: Option<&str>,
    ) -> impl Iterator<Item = &'a Run> + use<'a> {
        let error = error.map(error_key);
        let runs = self.runs_with_tools(query.scope.as_ref().map(Scope::as_str));
        let runs = runs.filter(move |(run, tools)| {
            let is_type = |name: &String| self.name(run.task_type) == name.as_str();
            let uses = |name: &String| tools.iter().any(|tool| is_tool(self.name(*tool), name));
            query.task_type.as_ref().is_none_or(is_type)
                && query.tool.as_ref().is_none_or(uses)
                && error.is_none_or(|error| n_met(run, error) > 0)
        });
        runs.map(|(run, _)| run)
    }

    fn observation(&self, run: &Run, query: &AnalysisQuery) -> Option<Observation> {
        let tool = query.tool.as_deref();
        let is_asked = |name: NameId| tool.is_none_or(|tool| is_tool(self.name(name), tool));
        let calls = || run.moves.iter().filter(|step| is_asked(step.tool));
        let n_failed = || calls().filter(|step| !step.ok).count();
        #[expect(clippy::cast_precision_loss, reason = "a duration or a number of tokens")]
        let number = |value: Option<u64>| value.map(|value| (1.0, value as f64));
        let cost = |of: fn(&ToolCost) -> Option<u32>| {
            let known = run.costs.iter().filter(|(name, _)| is_asked(*name));
            let known = known.filter_map(|(name, cost)| Some((*name, f64::from(of(cost)?))));
            // Actions of one tool, each by how often it was called.
            let (mut n, mut sum) = (0.0, 0.0);
            for (name, mean) in known {
                let n_calls = real(run.moves.iter().filter(|step| step.tool == name).count());
                n += n_calls;
                sum += n_calls * mean;
            }
            (n > 0.0).then(|| (1.0, sum / n))
        };
        let (n, value) = match (query.meant_metric(), tool) {
            (Metric::Success, None) => (run.weight(), run.weight() * run.credit()?),
            // Calls of one episode hang together: they count as one.
            (Metric::Success, Some(_)) => {
                let n = calls().count();
                (n > 0).then(|| (1.0, real(n - n_failed()) / real(n)))?
            }
            (Metric::Reward, _) => {
                let credit = run.credit()?;
                (run.weight(), run.reward.unwrap_or(credit))
            }
            (Metric::LatencyMs, None) => number(run.latency_ms)?,
            (Metric::LatencyMs, Some(_)) => cost(|cost| cost.latency_ms)?,
            (Metric::Tokens, None) => number(run.n_tokens)?,
            (Metric::Tokens, Some(_)) => cost(|cost| cost.n_tokens)?,
            (Metric::Steps, _) => (1.0, real(calls().count())),
            (Metric::Errors, _) => {
                let error = query.error.as_deref().map(error_key);
                (1.0, real(error.map_or_else(n_failed, |error| n_met(run, error))))
            }
        };
        value.is_finite().then_some(Observation { at: run.ended_at, id: run.id, n, value })
    }
}

/// Returns the part of signatures that errors of this text have.
fn error_key(text: &str) -> u64 {
    Signature::of_error("", text).detail()
}

/// Returns how often a run met an error.
fn n_met(run: &Run, error: u64) -> usize {
    run.incidents.iter().filter(|incident| incident.signature.detail() == error).count()
}

/// Returns whether a step's name is that of a tool, or of one of its actions.
fn is_tool(name: &str, tool: &str) -> bool {
    name.strip_prefix(tool).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(n: u8, ms: i64, value: f64) -> Observation {
        let id = EpisodeId::from_bytes([n; 16]);
        Observation { at: Timestamp::from_millis(ms), id, n: 1.0, value }
    }

    const DAY: i64 = 24 * HOUR_MS;

    #[test]
    fn days_without_episodes_are_missing_and_not_zero() {
        let all = (0..20).map(|n| observation(n, i64::from(n) * 2 * DAY, 1.0)).collect();
        let series = Series::of(all, Metric::Steps);
        assert_eq!((series.unit, series.bins.len(), series.n_known()), (BinUnit::Day, 39, 20));
        assert!(series.bins[1].value.is_nan() && series.bins[1].counts.n == 0.0);
    }

    #[test]
    fn a_clock_that_ran_backwards_or_far_ahead_does_not_stretch_the_series() {
        let mut all: Vec<Observation> =
            (0..100).map(|n| observation(n, 500 * DAY + i64::from(n) * DAY / 2, 1.0)).collect();
        all.reverse();
        all.push(observation(200, -9_000 * DAY, 1.0));
        all.push(observation(201, i64::MAX, 1.0));
        all.push(observation(202, i64::MIN, 1.0));
        let series = Series::of(all, Metric::Steps);
        assert_eq!((series.unit, series.bins.len(), series.n_left_out), (BinUnit::Day, 50, 3));
    }

    #[test]
    fn episodes_within_one_hour_follow_each_other() {
        let all = (0..12).map(|n| observation(n, i64::from(n), f64::from(n))).collect();
        let series = Series::of(all, Metric::Tokens);
        assert_eq!((series.unit, series.bins.len()), (BinUnit::Episode, 12));
        assert!(Series::of(Vec::new(), Metric::Tokens).bins.is_empty());
    }

    #[test]
    fn years_of_episodes_are_put_into_weeks() {
        let all = (0..250).map(|n| observation(n, i64::from(n) * 4 * DAY, 1.0)).collect();
        let series = Series::of(all, Metric::Steps);
        assert_eq!(series.unit, BinUnit::Week);
        assert!(series.bins.len() <= 200);
    }
}
