//! Assessment of an ended run against the runs before it.

use super::align::{Segment, first_difference, segments, similarity};
use super::reward::{EarlierRuns, Measure, Reward, reward, share_above};
use crate::learn::digest::{Ending, Signature};
use crate::learn::quote::StepRef;
use crate::learn::table::{Learned, NameId, OutcomeCounts, Run};
use crate::model::{EpisodeId, Outcome};
use crate::stats::Posterior;

/// Difference between credit and expectation that is worth a line.
const MIN_SURPRISE: f64 = 0.6;

/// Number of attempts in the scope from which its rate alone can make a first attempt surprising.
const MIN_SCOPE: f64 = 8.0;

/// Maximum number of runs with the other outcome among which the nearest is searched.
const MAX_CONTRASTS: usize = 16;

/// Ratio of a cost to the median of successes that is worth a line.
const COST_RATIO: f64 = 1.6;

/// Number of successes from which their median cost is known.
const MIN_COSTS: usize = 3;

/// Maximum number of errors.
const MAX_ERRORS: usize = 3;

/// Counts of an error over earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ErrorCounts {
    /// Number of times that it came.
    pub(crate) n_seen: u32,
    /// Number of times that its tool succeeded soon after.
    pub(crate) n_resolved: u32,
}

impl ErrorCounts {
    /// Counts an error over the runs before `run`.
    fn before(signature: Signature, earlier: &[&Run]) -> Self {
        let incidents = earlier.iter().flat_map(|run| &run.incidents);
        let mut counts = Self::default();
        for incident in incidents.filter(|incident| incident.signature == signature) {
            counts.n_seen += 1;
            counts.n_resolved += u32::from(matches!(incident.ending, Ending::Resolved { .. }));
        }
        counts
    }
}

/// A thing that a run teaches. Each has a count, an episode or an alternative.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    /// It ended otherwise than expected.
    Surprise {
        /// Its outcome.
        outcome: Option<Outcome>,
        /// Credit that was expected.
        expected: Posterior,
        /// Number of earlier attempts at the task; with 0 the expectation is the scope's.
        n_task: u32,
        /// Number of successes among them.
        n_succeeded: u32,
    },
    /// It diverged from the nearest run of the same task that ended otherwise.
    Divergence(Divergence),
    /// It met an error.
    Error(ErrorFinding),
    /// It cost much more or much less than the successes of its task.
    Cost {
        /// Measure of the cost.
        measure: Measure,
        /// Cost of the run.
        value: u64,
        /// Median cost of the successes.
        median: u64,
        /// Share of the successes that cost more.
        share_above: f64,
        /// Number of these successes.
        n: u32,
    },
}

/// An error of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorFinding {
    /// Tool that failed.
    pub(crate) tool: NameId,
    /// First failed step.
    pub(crate) step: StepRef,
    /// Number of times that it came.
    pub(crate) n_here: u32,
    /// Its resolution in this run.
    pub(crate) resolved: Option<Resolution>,
    /// Its counts over earlier runs.
    pub(crate) before: ErrorCounts,
}

/// Resolution of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// Step that succeeded.
    pub(crate) step: StepRef,
    /// Names of the arguments that were changed.
    pub(crate) changed: Vec<Box<str>>,
    /// Tools that were ok between error and success, each once.
    pub(crate) between: Vec<NameId>,
}

/// Divergence of a run from the nearest one of the same task that ended otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Divergence {
    /// The run.
    pub(crate) own: EpisodeId,
    /// The other run.
    pub(crate) other: EpisodeId,
    /// Outcome of the other run.
    pub(crate) other_outcome: Option<Outcome>,
    /// Number of steps of this run before the divergence.
    pub(crate) n_shared: u32,
    /// Last segment that both have, in this run and in the other.
    pub(crate) last_shared: Option<(Segment, Segment)>,
    /// Segments of this run until both are alike again.
    pub(crate) here: Vec<Segment>,
    /// Segments of the other run until both are alike again.
    pub(crate) there: Vec<Segment>,
    /// Tool of `there` that distinguishes the two sides most.
    pub(crate) distinctive: Option<DistinctiveTool>,
}

/// Number of runs on either side of a divergence that use a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DistinctiveTool {
    /// The tool.
    pub(crate) tool: NameId,
    /// Number of runs that ended like the other one and use it.
    pub(crate) n_there_with: u32,
    /// Number of runs that ended like the other one.
    pub(crate) n_there: u32,
    /// Number of runs that ended like this one, itself included, and use it.
    pub(crate) n_here_with: u32,
    /// Number of runs that ended like this one, itself included.
    pub(crate) n_here: u32,
}

impl DistinctiveTool {
    fn contrast(&self) -> f64 {
        f64::from(self.n_there_with) / f64::from(self.n_there.max(1))
            - f64::from(self.n_here_with) / f64::from(self.n_here)
    }
}

/// Result of comparing an ended run with the runs before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assessment {
    /// Its reward.
    pub(crate) reward: Reward,
    /// Its findings, most telling first; empty when it teaches nothing.
    pub(crate) findings: Vec<Finding>,
}

impl Learned {
    /// Compares an ended episode with the runs of its scope that ended before it; `None` where the
    /// episode has not ended.
    ///
    /// Costs a look at every run of the scope.
    pub(crate) fn assess(&self, id: EpisodeId) -> Option<Assessment> {
        let run = self.run(id)?;
        let all = self.runs_unordered(Some(self.name(run.scope)));
        let earlier: Vec<&Run> = all.filter(|other| other.age_key() < run.age_key()).collect();
        let mut task: Vec<&Run> =
            earlier.iter().copied().filter(|other| other.task == run.task).collect();
        // Newest first: of equally near runs the newest is the contrast.
        task.sort_unstable_by_key(|other| std::cmp::Reverse(other.age_key()));
        let is_of_type = |other: &&Run| run.task_type != 0 && other.task_type == run.task_type;
        let task_type: Vec<&Run> = earlier.iter().copied().filter(is_of_type).collect();
        let scope = OutcomeCounts::of(earlier.iter().copied());
        let history = EarlierRuns { task: &task, task_type: &task_type, scope };
        Some(assess(run, &history, &earlier))
    }
}

/// Compares an ended run with earlier ones.
///
/// In this order: surprise, the first divergence from the nearest run of the same task with the
/// other outcome, errors and their resolutions, costs far from those of successes. What is usual
/// gives no finding. `earlier` are all earlier runs of the scope, over which errors are counted.
fn assess(run: &Run, history: &EarlierRuns<'_>, earlier: &[&Run]) -> Assessment {
    let reward = reward(run, history);
    let mut findings = Vec::new();
    findings.extend(surprise(run, history, &reward));
    findings.extend(divergence(run, history).map(Finding::Divergence));
    let errors = errors(run, earlier).into_iter().take(MAX_ERRORS);
    findings.extend(errors.map(Finding::Error));
    findings.extend(Measure::ALL.iter().filter_map(|measure| cost(*measure, run, history)));
    Assessment { reward, findings }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn surprise(run: &Run, history: &EarlierRuns<'_>, reward: &Reward) -> Option<Finding> {
    let surprise = reward.surprise?;
    let n_task = to_u32(history.task.iter().filter(|other| other.credit().is_some()).count());
    if surprise.abs() < MIN_SURPRISE || (n_task == 0 && history.scope.n < MIN_SCOPE) {
        return None;
    }
    let n_succeeded = to_u32(history.task.iter().filter(|other| other.succeeded()).count());
    Some(Finding::Surprise { outcome: run.outcome, expected: reward.expected, n_task, n_succeeded })
}

/// Finds the nearest run of the same task that ended otherwise, and the divergence of this one.
fn divergence(run: &Run, history: &EarlierRuns<'_>) -> Option<Divergence> {
    run.credit()?;
    let known = history.task.iter().copied();
    let known = known.filter(|other| other.id != run.id && other.credit().is_some());
    let (same_side, other_side): (Vec<&Run>, Vec<&Run>) =
        known.partition(|other| other.succeeded() == run.succeeded());
    let own = segments(run.steps());
    let mut nearest: Option<(f64, &Run, Vec<Segment>)> = None;
    for other in other_side.iter().take(MAX_CONTRASTS) {
        let path = segments(other.steps());
        let similarity = similarity(&own, &path);
        if nearest.as_ref().is_none_or(|(best, ..)| similarity > *best) {
            nearest = Some((similarity, other, path));
        }
    }
    let (_, other, path) = nearest?;
    let difference = first_difference(&own, &path)?;
    let ok_tools = difference.there.iter().filter(|segment| segment.ok);
    let counted = ok_tools.map(|segment| DistinctiveTool {
        tool: segment.tool,
        n_there_with: n_with(&other_side, segment.tool),
        n_there: to_u32(other_side.len()),
        n_here_with: n_with(&same_side, segment.tool) + n_with(&[run], segment.tool),
        n_here: to_u32(same_side.len()) + 1,
    });
    let distinctive = counted.max_by(|a, b| a.contrast().total_cmp(&b.contrast()));
    Some(Divergence {
        own: run.id,
        other: other.id,
        other_outcome: other.outcome,
        n_shared: difference.n_shared,
        last_shared: difference.last_shared,
        distinctive: distinctive.filter(|tool| tool.contrast() > 0.0),
        here: difference.here,
        there: difference.there,
    })
}

/// Counts the runs in which a tool was ok.
fn n_with(runs: &[&Run], tool: NameId) -> u32 {
    let uses = |run: &&&Run| run.moves.iter().any(|step| step.ok && step.tool == tool);
    to_u32(runs.iter().filter(uses).count())
}

/// Finds the errors of a run that were resolved, that came again, or that earlier runs resolved;
/// most frequent first.
fn errors(run: &Run, earlier: &[&Run]) -> Vec<ErrorFinding> {
    let mut seen: Vec<Signature> = Vec::new();
    let mut found: Vec<ErrorFinding> = Vec::new();
    for incident in &run.incidents {
        let signature = incident.signature;
        if seen.contains(&signature) {
            continue;
        }
        seen.push(signature);
        let same = run.incidents.iter().filter(|other| other.signature == signature);
        let n_here = to_u32(same.clone().count());
        let resolved = same.clone().find_map(|other| match &other.ending {
            Ending::Resolved { at, changed } => Some(resolution(run, other.at, *at, changed)),
            _ => None,
        });
        let before = ErrorCounts::before(signature, earlier);
        // A single error that was never resolved says nothing.
        if resolved.is_none() && n_here < 2 && before.n_resolved == 0 {
            continue;
        }
        let step = StepRef { episode: run.id, idx: incident.at };
        found.push(ErrorFinding { tool: run.tool_at(incident.at), step, n_here, resolved, before });
    }
    found.sort_by_key(|error| std::cmp::Reverse(error.n_here));
    found
}

fn resolution(run: &Run, failed_at: u32, at: u32, changed: &[Box<str>]) -> Resolution {
    let mut between: Vec<NameId> = Vec::new();
    let steps = run.steps().skip(failed_at as usize + 1).take_while(|(idx, _)| *idx < at);
    for (_, step) in steps.filter(|(_, step)| step.ok) {
        if !between.contains(&step.tool) {
            between.push(step.tool);
        }
    }
    let step = StepRef { episode: run.id, idx: at };
    Resolution { step, changed: changed.to_vec(), between }
}

fn cost(measure: Measure, run: &Run, history: &EarlierRuns<'_>) -> Option<Finding> {
    let value = measure.of(run)?;
    let successes = history.task.iter().copied();
    let successes = successes.filter(|other| other.id != run.id && other.succeeded());
    let mut costs: Vec<u64> = successes.clone().filter_map(|other| measure.of(other)).collect();
    if costs.len() < MIN_COSTS {
        return None;
    }
    costs.sort_unstable();
    let median = costs.get(costs.len() / 2).copied()?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = value as f64 / median.max(1) as f64;
    // A cheap failure is no achievement.
    let is_notable = ratio >= COST_RATIO || (ratio * COST_RATIO <= 1.0 && run.succeeded());
    let share_above = share_above(measure, run, successes)?;
    let n = to_u32(costs.len());
    is_notable.then_some(Finding::Cost { measure, value, median, share_above, n })
}

#[cfg(test)]
mod tests;
mod wording;
