//! Changes of late in a scope, in one sentence: a tool that fails, a rate that fell, episodes
//! that take longer. Mostly nothing.

use rustc_hash::FxHashMap;

use super::analysis::number_changes;
use super::anomaly::anomalies;
use super::answer::Finding;
use super::changepoint::{OutcomeBreak, evidence, outcome_breaks};
use super::question::Metric;
use super::rate::Counts;
use super::series::{BinUnit, Observation, Series};
use super::wording;
use crate::learn::{Learned, NameId, Run};
use crate::model::Timestamp;
use crate::stats::real;

/// Number of episodes that are looked at: the newest.
pub(crate) const MAX_NEWS_RUNS: usize = 400;

/// Fewest episodes, and fewest since a change, that make news.
const MIN_RUNS: usize = 16;
const MIN_SINCE: f64 = 4.0;

const DAY_MS: i64 = 86_400_000;

/// Age from which a change is no news, and the same of an unusual day.
const FRESH_MS: i64 = 14 * DAY_MS;
const FRESH_DAY_MS: i64 = 3 * DAY_MS;

/// Least change of a rate, and least factor of a number.
const MIN_CHANGE: f64 = 0.2;
const MIN_FACTOR: f64 = 1.5;

/// Robust standard deviations of an unusual day that is told without being asked for, by how much
/// it has to differ, and fewest days and episodes of it.
const MIN_SCORE: f64 = 6.0;
const MIN_DAY_FACTOR: f64 = 2.0;
const MIN_DAYS: usize = 14;
const MIN_DAY_EPISODES: f64 = 3.0;

/// Prior odds against a change, for each bin and each series that is looked at.
const ODDS_AGAINST: f64 = 12.0;

/// Returns what changed lately in a scope; `None` where nothing stands out.
///
/// Costs some hundred microseconds for 400 episodes, and a look at every run.
pub(crate) fn news(learned: &Learned, scope: &str, now: Timestamp) -> Option<String> {
    let mut runs: Vec<&Run> = learned
        .runs_unordered(Some(scope))
        .filter(|run| run.ended_at.millis_since(now) < DAY_MS)
        .collect();
    if runs.len() < MIN_RUNS {
        return None;
    }
    if runs.len() > MAX_NEWS_RUNS {
        runs.select_nth_unstable_by_key(MAX_NEWS_RUNS, |run| std::cmp::Reverse(run.age_key()));
        runs.truncate(MAX_NEWS_RUNS);
    }
    let fresh = now.millis_since(Timestamp::from_millis(FRESH_MS));
    let outcomes = runs.iter().filter_map(|run| {
        let (n, credit) = (run.weight(), run.credit()?);
        Some(Observation { at: run.ended_at, id: run.id, n, value: n * credit })
    });
    let outcomes = Series::of(outcomes.collect(), Metric::Success);
    let found = fresh_break(&outcomes, fresh, 1);
    // A tool that fails says more than that episodes do; where they do, less is needed to say so.
    tool_news(learned, &runs, fresh, found.is_some())
        .or_else(|| found.map(|found| rate_words("success here", &outcomes, &found)))
        .or_else(|| number_news(&runs, fresh))
        .or_else(|| day_news(&runs, now))
}

/// Finds the tool whose success changed most clearly.
fn tool_news(learned: &Learned, runs: &[&Run], fresh: i64, is_sought: bool) -> Option<String> {
    let mut tools: FxHashMap<NameId, Vec<Observation>> = FxHashMap::default();
    let mut counts: FxHashMap<NameId, (f64, f64)> = FxHashMap::default();
    for run in runs {
        counts.clear();
        for step in &run.moves {
            let (n, n_ok) = counts.entry(step.tool).or_default();
            *n += 1.0;
            *n_ok += if step.ok { 1.0 } else { 0.0 };
        }
        for (tool, (n, n_ok)) in counts.drain() {
            // Calls of one episode hang together: they count as one.
            let one = Observation { at: run.ended_at, id: run.id, n: 1.0, value: n_ok / n };
            tools.entry(tool).or_default().push(one);
        }
    }
    tools.retain(|_, all| all.len() >= MIN_RUNS);
    let n_series = if is_sought { 1 } else { tools.len() };
    let found = tools.into_iter().filter_map(|(tool, all)| {
        let series = Series::of(all, Metric::Success);
        let found = fresh_break(&series, fresh, n_series)?;
        Some((tool, series, found))
    });
    let clearest = |a: &(NameId, Series, OutcomeBreak), b: &(NameId, Series, OutcomeBreak)| {
        let by_name = || learned.name(b.0).cmp(learned.name(a.0));
        a.2.ln_factor.total_cmp(&b.2.ln_factor).then_with(by_name)
    };
    let (tool, series, found) = found.max_by(clearest)?;
    Some(rate_words(&format!("success of `{}`", learned.name(tool)), &series, &found))
}

/// Finds the last change of a rate, if it is fresh, clear and not small.
fn fresh_break(series: &Series, fresh: i64, n_series: usize) -> Option<OutcomeBreak> {
    let counts = series.counts();
    let is_fresh =
        |at: usize| series.bins.get(at).is_some_and(|bin| bin.start.as_millis() >= fresh);
    // One split is cheap to look for, and there is none without a clear one: a stretch between two
    // changes is as far from the rest as from what came before it.
    let price = (ODDS_AGAINST * real(counts.len().max(1)) * real(n_series.max(1))).ln();
    let sum = |some: &[Counts]| {
        let n = some.iter().map(|bin| bin.n).sum();
        Counts { n, successes: some.iter().map(|bin| bin.successes).sum() }
    };
    let whole = evidence(sum(&counts));
    let gain = |at: usize| {
        let (before, after) = counts.split_at(at);
        evidence(sum(before)) + evidence(sum(after)) - whole
    };
    let is_clear = (1..counts.len()).filter(|at| is_fresh(*at)).any(|at| gain(at) >= price);
    if !is_clear {
        return None;
    }
    let last = outcome_breaks(&counts).into_iter().next_back()?;
    let rate = |counts: Counts| counts.successes / counts.n.max(f64::MIN_POSITIVE);
    let is_large = (rate(last.after) - rate(last.before)).abs() >= MIN_CHANGE;
    (is_fresh(last.at) && is_large && last.after.n >= MIN_SINCE).then_some(last)
}

fn rate_words(what: &str, series: &Series, found: &OutcomeBreak) -> String {
    let rate = |counts: Counts| counts.successes / counts.n.max(f64::MIN_POSITIVE);
    let (before, after) = (rate(found.before), rate(found.after));
    let verb = if after < before { "fell" } else { "rose" };
    let bins = series.bins.get(found.at..).unwrap_or_default();
    let n: usize = bins.iter().map(|bin| bin.episodes.len()).sum();
    let since = bins.first().map_or_else(String::new, |bin| wording::day(bin.start, series.unit));
    format!("{what} {verb} from {before:.2} to {after:.2} since {since} ({n} episodes)")
}

/// Returns a number of the runs as a series.
fn series_of(runs: &[&Run], metric: Metric) -> Series {
    #[expect(clippy::cast_precision_loss, reason = "a duration or a number of tokens")]
    let value = |run: &Run| match metric {
        Metric::LatencyMs => run.latency_ms.map(|ms| ms as f64),
        Metric::Tokens => run.n_tokens.map(|n| n as f64),
        _ => Some(real(run.moves.iter().filter(|step| !step.ok).count())),
    };
    let observations = runs.iter().filter_map(|run| {
        Some(Observation { at: run.ended_at, id: run.id, n: 1.0, value: value(run)? })
    });
    Series::of(observations.collect(), metric)
}

fn number_news(runs: &[&Run], fresh: i64) -> Option<String> {
    [Metric::LatencyMs, Metric::Tokens].into_iter().find_map(|metric| {
        let series = series_of(runs, metric);
        if series.n_known() < MIN_RUNS / 2 {
            return None;
        }
        let last: Finding = number_changes(&series).into_iter().next_back()?;
        let factor = (last.after / last.before).max(last.before / last.after);
        let is_news = last.at.as_millis() >= fresh
            && last.before > 0.0
            && last.after > 0.0
            && factor >= MIN_FACTOR
            && last.n >= MIN_SINCE;
        is_news.then(|| wording::change(metric, series.unit, wording::of_episodes(metric), &last))
    })
}

/// Finds an unusual day that has just passed; one that is not over says nothing yet.
fn day_news(runs: &[&Run], now: Timestamp) -> Option<String> {
    let fresh = now.millis_since(Timestamp::from_millis(FRESH_DAY_MS));
    let today = now.millis_since(Timestamp::from_millis(0)).div_euclid(DAY_MS) * DAY_MS;
    [Metric::Errors, Metric::LatencyMs, Metric::Tokens].into_iter().find_map(|metric| {
        let series = series_of(runs, metric);
        if series.unit != BinUnit::Day || series.n_known() < MIN_DAYS {
            return None;
        }
        let is_over =
            |at: usize| series.bins.get(at).is_some_and(|bin| bin.start.as_millis() < today);
        let found = anomalies(&series.values()).into_iter().rfind(|found| is_over(found.at))?;
        let bin = series.bins.get(found.at)?;
        // One is added so that one error more, or a millisecond, is no factor.
        let factor = ((found.value + 1.0) / (found.expected.max(0.0) + 1.0)).ln().abs();
        let is_news = bin.start.as_millis() >= fresh
            && found.score.abs() >= MIN_SCORE
            && factor >= MIN_DAY_FACTOR.ln()
            && bin.counts.n >= MIN_DAY_EPISODES;
        is_news.then(|| {
            let finding = Finding {
                at: bin.start,
                before: found.expected,
                after: found.value,
                score: found.score,
                n: bin.counts.n,
                episodes: Vec::new(),
                text: String::new(),
            };
            wording::anomaly(metric, series.unit, wording::of_episodes(metric), &finding)
        })
    })
}
