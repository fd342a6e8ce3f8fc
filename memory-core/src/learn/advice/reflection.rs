//! What an ended run teaches, held against what was known before it.

use super::align::{Stretch, first_parting, similarity, stretches};
use super::text::{Page, Words, percent};
use crate::learn::evidence::reward::{credit_of, share_above, succeeded};
use crate::learn::evidence::{Effect, History, Measure, Posterior, Reward, reward};
use crate::learn::{Ending, NameNo, Run, Signature};
use crate::model::{EpisodeId, Outcome};

/// Difference between outcome and expectation that is worth a line.
const MIN_SURPRISE: f64 = 0.4;

/// Attempts in the scope before its rate alone can make a first attempt surprising.
const MIN_SCOPE: f64 = 8.0;

/// Runs of the other outcome that are looked at for the nearest.
const MAX_CONTRASTS: usize = 16;

/// Cost against the median of successes that is worth a line, and successes needed for it.
const COST_RATIO: f64 = 1.6;
const MIN_COSTS: usize = 3;

/// Rate of false discoveries up to which a pattern is told.
const MAX_Q: f64 = 0.1;

const MAX_ERRORS: usize = 3;
const MAX_PATTERNS: usize = 2;

/// What is known of an error from earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ErrorRecord {
    /// How often it came.
    pub(crate) n_seen: u32,
    /// Of these how often its tool succeeded soon after.
    pub(crate) n_resolved: u32,
    /// Of these how often it came again first.
    pub(crate) n_dead_ends: u32,
    /// The newest episode that resolved it: the failed step and the one that succeeded.
    pub(crate) resolved_by: Option<(EpisodeId, u32, u32)>,
}

impl ErrorRecord {
    /// Counts an error over runs, newest first.
    pub(crate) fn of<'a>(signature: Signature, runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut record = Self::default();
        for run in runs {
            for incident in run.incidents.iter().filter(|i| i.signature == signature) {
                record.n_seen += 1;
                match &incident.ending {
                    Ending::Resolved { at, .. } => {
                        record.n_resolved += 1;
                        record.resolved_by.get_or_insert((run.id, incident.at, *at));
                    }
                    Ending::DeadEnd { .. } => record.n_dead_ends += 1,
                    Ending::OtherError { .. } | Ending::Open => {}
                }
            }
        }
        record
    }
}

/// A pattern that occurs in the run, with what it goes with elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PatternMet {
    /// Its tools in order.
    pub(crate) tools: Vec<NameNo>,
    /// What goes with it, adjusted for the task.
    pub(crate) effect: Effect,
    /// Rate of false discoveries among the patterns that were tested.
    pub(crate) q: f64,
}

/// A thing that the run teaches. Each holds a count, an episode or what was done instead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Evidence {
    /// It ended otherwise than was to be expected.
    Surprise {
        /// How it ended.
        outcome: Option<Outcome>,
        /// What was expected of it.
        expected: Posterior,
        /// Earlier attempts at the task; with 0 the expectation is the scope's.
        n_task: u32,
        /// Of these the successes.
        n_succeeded: u32,
    },
    /// It parted from the nearest run of the same task that ended otherwise.
    Divergence(Divergence),
    /// An error that it met.
    Error {
        /// The kind of error.
        signature: Signature,
        /// The tool that failed.
        tool: NameNo,
        /// The first failed step.
        at: u32,
        /// How often it came.
        n_here: u32,
        /// The step that made it go away, and the arguments that were changed for it.
        resolved: Option<(u32, Vec<Box<str>>)>,
        /// What earlier runs knew of it.
        before: ErrorRecord,
    },
    /// It cost much more or much less than the successes of its task.
    Cost {
        /// What is counted.
        measure: Measure,
        /// The run's own.
        value: u64,
        /// Median of the successes.
        median: u64,
        /// Share of the successes that cost more.
        share_above: f64,
        /// Number of these successes.
        n: u32,
    },
    /// A pattern that goes with success or failure, adjusted for the task.
    Pattern(PatternMet),
}

/// Where a run parted from the nearest one of the same task that ended otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Divergence {
    /// The other run.
    pub(crate) other: EpisodeId,
    /// How that one ended.
    pub(crate) other_succeeded: bool,
    /// Steps of this run before they parted.
    pub(crate) n_shared: u32,
    /// What this run did then, until they met again.
    pub(crate) here: Vec<Stretch>,
    /// What the other did.
    pub(crate) there: Vec<Stretch>,
    /// The tool of `there` that tells most, in how many of the runs that ended like the other one it occurs.
    pub(crate) telling: Option<Telling>,
}

/// How often a tool occurs on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    /// The tool.
    pub(crate) tool: NameNo,
    /// Runs that ended like the other one and use it.
    pub(crate) n_there_with: u32,
    /// Runs that ended like the other one.
    pub(crate) n_there: u32,
    /// Runs that ended like this one and use it; this one is among them.
    pub(crate) n_here_with: u32,
    /// Runs that ended like this one.
    pub(crate) n_here: u32,
}

/// What an ended run teaches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reflection {
    /// How good it was.
    pub(crate) reward: Reward,
    /// What it teaches, most telling first; empty when it teaches nothing.
    pub(crate) evidence: Vec<Evidence>,
}

/// Holds an ended run against what was known before it.
///
/// In this order: surprise, the first divergence from the nearest run of the same task with the other outcome,
/// errors and what resolved them, costs far from those of successes, patterns with an adjusted effect (q up to
/// 0.1). What is usual gives no line. `errors` tells what earlier runs knew of an error, `patterns` are those
/// that the run holds.
pub(crate) fn reflect(
    run: &Run,
    history: &History<'_>,
    errors: &dyn Fn(Signature) -> ErrorRecord,
    patterns: &[PatternMet],
) -> Reflection {
    let reward = reward(run, history);
    let mut evidence = Vec::new();
    evidence.extend(surprise(run, history, &reward));
    evidence.extend(divergence(run, history).map(Evidence::Divergence));
    evidence.extend(errors_of(run, errors).into_iter().take(MAX_ERRORS));
    evidence.extend(Measure::ALL.iter().filter_map(|measure| cost(*measure, run, history)));
    let mut told: Vec<&PatternMet> = patterns.iter().filter(|pattern| pattern.q <= MAX_Q).collect();
    told.sort_by(|a, b| b.effect.difference.abs().total_cmp(&a.effect.difference.abs()));
    evidence.extend(told.into_iter().take(MAX_PATTERNS).cloned().map(Evidence::Pattern));
    Reflection { reward, evidence }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn surprise(run: &Run, history: &History<'_>, reward: &Reward) -> Option<Evidence> {
    let known = history.task.iter().filter(|other| credit_of(other).is_some());
    let n_task = count(known.count());
    let surprise = reward.surprise?;
    if surprise.abs() < MIN_SURPRISE || (n_task == 0 && history.scope.n < MIN_SCOPE) {
        return None;
    }
    let n_succeeded = count(history.task.iter().filter(|other| succeeded(other)).count());
    Some(Evidence::Surprise {
        outcome: run.outcome,
        expected: reward.expected,
        n_task,
        n_succeeded,
    })
}

/// Finds the nearest run of the same task that ended otherwise, and where this one parted from it.
pub(crate) fn divergence(run: &Run, history: &History<'_>) -> Option<Divergence> {
    credit_of(run)?;
    let own_success = succeeded(run);
    let known = history.task.iter().copied().filter(|o| o.id != run.id && credit_of(o).is_some());
    let (alike, other_side): (Vec<&Run>, Vec<&Run>) =
        known.partition(|other| succeeded(other) == own_success);
    let own = stretches(&run.moves);
    let mut nearest: Option<(f64, &Run)> = None;
    for other in other_side.iter().take(MAX_CONTRASTS) {
        let near = similarity(&own, &stretches(&other.moves));
        if nearest.is_none_or(|(best, _)| near > best) {
            nearest = Some((near, other));
        }
    }
    let (_, other) = nearest?;
    let parting = first_parting(&own, &stretches(&other.moves))?;
    let with = |runs: &[&Run], tool| {
        count(
            runs.iter().filter(|r| r.moves.iter().any(|step| step.ok && step.tool == tool)).count(),
        )
    };
    let telling = |tool| Telling {
        tool,
        n_there_with: with(&other_side, tool),
        n_there: count(other_side.len()),
        n_here_with: with(&alike, tool) + with(&[run], tool),
        n_here: count(alike.len()) + 1,
    };
    let contrast = |t: &Telling| {
        f64::from(t.n_there_with) / f64::from(t.n_there.max(1))
            - f64::from(t.n_here_with) / f64::from(t.n_here)
    };
    let telling =
        parting.there.iter().filter(|stretch| stretch.ok).map(|stretch| telling(stretch.tool));
    Some(Divergence {
        other: other.id,
        other_succeeded: succeeded(other),
        n_shared: parting.n_shared,
        telling: telling
            .max_by(|a, b| contrast(a).total_cmp(&contrast(b)))
            .filter(|telling| contrast(telling) > 0.0),
        here: parting.here,
        there: parting.there,
    })
}

/// The errors of a run: those that were resolved, that came again, or that are known; most frequent first.
fn errors_of(run: &Run, errors: &dyn Fn(Signature) -> ErrorRecord) -> Vec<Evidence> {
    let mut seen: Vec<Signature> = Vec::new();
    let mut found: Vec<(u32, Evidence)> = Vec::new();
    for incident in &run.incidents {
        let signature = incident.signature;
        if seen.contains(&signature) {
            continue;
        }
        seen.push(signature);
        let same = || run.incidents.iter().filter(|other| other.signature == signature);
        let n_here = count(same().count());
        let resolved = same().find_map(|other| match &other.ending {
            Ending::Resolved { at, changed } => Some((*at, changed.clone())),
            _ => None,
        });
        let before = errors(signature);
        // A single error that nobody resolved and nobody met before says nothing yet.
        if resolved.is_none() && n_here < 2 && before.n_seen == 0 {
            continue;
        }
        let tool = run.moves.get(incident.at as usize).map_or(0, |step| step.tool);
        let error = Evidence::Error { signature, tool, at: incident.at, n_here, resolved, before };
        found.push((n_here, error));
    }
    found.sort_by_key(|(n_here, _)| std::cmp::Reverse(*n_here));
    found.into_iter().map(|(_, error)| error).collect()
}

fn cost(measure: Measure, run: &Run, history: &History<'_>) -> Option<Evidence> {
    let value = measure.of(run)?;
    let successes = || history.task.iter().copied().filter(|o| o.id != run.id && succeeded(o));
    let mut costs: Vec<u64> = successes().filter_map(|other| measure.of(other)).collect();
    if costs.len() < MIN_COSTS {
        return None;
    }
    costs.sort_unstable();
    let median = costs.get(costs.len() / 2).copied()?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = value as f64 / median.max(1) as f64;
    // A cheap failure is no achievement.
    let notable = ratio >= COST_RATIO || (ratio * COST_RATIO <= 1.0 && succeeded(run));
    let share_above = share_above(measure, run, successes())?;
    notable.then(|| Evidence::Cost { measure, value, median, share_above, n: count(costs.len()) })
}

impl Reflection {
    /// The evidence in words, of at most `max_tokens`; empty when the run teaches nothing.
    ///
    /// `id` is the run's own episode, whose steps are quoted.
    pub(crate) fn text(&self, id: EpisodeId, words: &Words<'_>, max_tokens: usize) -> String {
        let mut page = Page::default();
        for (rank, evidence) in self.evidence.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            page.line(-(rank as f64), format!("- {}", evidence.text(id, words)));
        }
        page.render(max_tokens)
    }
}

impl Evidence {
    /// One line in words.
    pub(crate) fn text(&self, id: EpisodeId, words: &Words<'_>) -> String {
        match self {
            Self::Surprise { outcome, expected, n_task, n_succeeded } => {
                surprise_text(*outcome, expected, *n_task, *n_succeeded)
            }
            Self::Divergence(divergence) => divergence.text(id, words),
            Self::Error { signature, tool, at, n_here, resolved, before } => {
                let text = words.error_or(Some((id, *at)), *signature);
                let times = if *n_here > 1 { format!(", {n_here} times") } else { String::new() };
                let now = resolved_text(id, resolved.as_ref(), words);
                let before = before_text(before, words);
                format!(
                    "Error of {} at step {}{times}: {text}. {now}{before}",
                    words.tool(*tool),
                    at + 1
                )
            }
            Self::Cost { measure, value, median, share_above, n } => {
                let [value, median] = [*value, *median].map(|cost| cost_text(*measure, cost));
                let share = percent(1.0 - share_above);
                format!(
                    "Took {value}; the median of {n} successes is {median}, {share} of them took less."
                )
            }
            Self::Pattern(PatternMet { tools, effect, q }) => format!(
                "{} goes with {} success: {:+.0} points (95% interval {:+.0} to {:+.0}), adjusted for {}, over \
                 {:.0} runs, q = {q:.2}.",
                words.tools(tools),
                if effect.difference > 0.0 { "more" } else { "less" },
                100.0 * effect.difference,
                100.0 * effect.lower,
                100.0 * effect.upper,
                effect.stratum.name(),
                effect.n
            ),
        }
    }
}

fn surprise_text(
    outcome: Option<Outcome>,
    expected: &Posterior,
    n_task: u32,
    n_succeeded: u32,
) -> String {
    let ended = match outcome {
        Some(Outcome::Success) => "Succeeded",
        Some(Outcome::Partial) => "Succeeded in part",
        Some(Outcome::Failure) => "Failed",
        Some(Outcome::Abstained) => "Abstained",
        None => "Abandoned",
    };
    let [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map(percent);
    let interval = format!("{mean} expected, 80% interval {lower} to {upper}");
    match n_task {
        0 => format!(
            "{ended} against the run of this project ({interval}); the first attempt at this task."
        ),
        n => {
            format!("{ended}, though {n_succeeded} of {n} earlier attempts succeeded ({interval}).")
        }
    }
}

fn resolved_text(
    id: EpisodeId,
    resolved: Option<&(u32, Vec<Box<str>>)>,
    words: &Words<'_>,
) -> String {
    let Some((at, changed)) = resolved else { return "It was not resolved.".to_owned() };
    let how = if changed.is_empty() {
        "without other arguments".to_owned()
    } else {
        format!("with another `{}`", changed.join("`, `"))
    };
    let call = words.call(id, *at).map_or_else(String::new, |call| format!(": {call}"));
    format!("Step {} succeeded {how}{call}.", at + 1)
}

fn before_text(before: &ErrorRecord, words: &Words<'_>) -> String {
    let ErrorRecord { n_seen, n_resolved, .. } = before;
    if *n_seen == 0 {
        return " Not seen before.".to_owned();
    }
    let how = before.resolved_by.and_then(|(id, _, at)| {
        words.call(id, at).map(|call| format!(", last by {call} (episode {id})"))
    });
    format!(" Before: resolved {n_resolved} of {n_seen} times{}.", how.unwrap_or_default())
}

fn cost_text(measure: Measure, cost: u64) -> String {
    match measure {
        Measure::Steps => format!("{cost} steps"),
        Measure::Tokens => format!("{cost} tokens"),
        Measure::Time if cost < 10_000 => format!("{cost} ms"),
        Measure::Time => format!("{} s", cost / 1_000),
    }
}

impl Divergence {
    fn text(&self, id: EpisodeId, words: &Words<'_>) -> String {
        let other = if self.other_succeeded { "success" } else { "failed attempt" };
        let side = |id, way: &[Stretch]| {
            let first = way.first()?;
            let tools: Vec<NameNo> = way.iter().map(|stretch| stretch.tool).collect();
            let failed = if first.ok { "" } else { " (failed)" };
            let call =
                words.call(id, first.at).map_or_else(String::new, |call| format!(" [{call}]"));
            Some(format!("{}{failed}{call}", words.tools(&tools)))
        };
        let shared = match self.n_shared {
            0 => "From the first step".to_owned(),
            1 => "After the first step".to_owned(),
            n => format!("After {n} steps alike"),
        };
        let nearest = format!("the nearest {other} {}", self.other);
        let mut text = match (side(id, &self.here), side(self.other, &self.there)) {
            (Some(here), Some(there)) => {
                format!("{shared} this run did {here}, {nearest} did {there}.")
            }
            (Some(here), None) => format!("{shared} this run did {here}, {nearest} did not."),
            (None, there) => {
                let there = there.unwrap_or_default();
                format!("{shared} {nearest} did {there}, this run did not.")
            }
        };
        if let Some(Telling { tool, n_there_with, n_there, n_here_with, n_here }) = self.telling {
            let (those, these) = if self.other_succeeded {
                ("successes", "others")
            } else {
                ("others", "successes")
            };
            text.push_str(&format!(
                " {} is in {n_there_with} of {n_there} {those}, {n_here_with} of {n_here} {these}.",
                words.tool(tool)
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests;
