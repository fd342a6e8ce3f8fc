//! Errors that an attempt will probably meet, told before it begins.
//!
//! The chance of an error is the product of two shares: of the runs that use its tool, for agents
//! change their tools, and of the runs with that tool that meet the error. Each is the mean over
//! the levels at which there is something to go by: runs of the task by this agent, of the task, of
//! this agent in the scope, and of this agent anywhere. At each level newer runs count more, one
//! run without the error is added, and a level of few runs counts less. Figures in `plans/0029`.

mod groups;

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::learn::digest::Incident;
use crate::learn::pattern::{KnownError, MetError};
use crate::learn::quote::StepRef;
use crate::learn::table::{AgentKey, Learned, NameId, Run, TaskKey};
use crate::model::Scope;
use groups::{Groups, ToolBases};

/// Most errors that are told.
const MAX_ERRORS: usize = 5;

/// Chance from which an error is told.
const MIN_CHANCE: f64 = 0.09;

/// Most cures of an error that are looked at.
const MAX_CURES: usize = 2;

/// Most runs of a level: older ones weigh nothing any more.
const MAX_RUNS: usize = 256;

/// Number of newer runs after which one counts half, for the errors of a tool and for the use of
/// tools, which changes at once when an agent is set up otherwise.
const HALF_LIFE: f64 = 30.0;
const TOOL_HALF_LIFE: f64 = 8.0;

/// Number of runs without the error that are added at each level.
const DOUBT: f64 = 1.0;

/// Number of runs at which a level counts half of what a certain one does.
const HALF_TRUST: f64 = 0.5;

/// An error that may come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpectedError {
    /// Tool that it comes from, as it was named where it was met.
    pub(crate) tool: NameId,
    /// Chance that the attempt meets it, in [0, 1].
    pub(crate) chance: f64,
    /// Number of runs that met it, among those that are counted.
    pub(crate) n_with: u32,
    /// Number of runs that are counted.
    pub(crate) n_of: u32,
    /// Runs that are counted.
    pub(crate) among: Among,
    /// Failed step of the newest of them that met it.
    pub(crate) met: StepRef,
    /// What is known of it; `None` where only errors like it are known.
    pub(crate) known: Option<KnownError>,
}

/// Runs among which an error is counted: the nearest ones that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Attempts at the task.
    Task,
    /// Runs of the scope.
    Scope,
    /// Runs of the agent in all scopes.
    Agent,
}

/// A run with what it used and met, in numbers of tools and of kinds of errors.
struct Seen<'a> {
    run: &'a Run,
    /// Each once.
    tools: Vec<usize>,
    /// Each once.
    kinds: Vec<usize>,
}

/// Weights of the runs of a level, newer ones counting more.
struct Level {
    /// Of all runs, and of those that used each tool, as the use of tools is weighted.
    all: f64,
    using: Vec<f64>,
    /// Of the runs that used each tool, and of those that met each kind of error.
    with_tool: Vec<f64>,
    with_kind: Vec<f64>,
}

impl Level {
    #[expect(clippy::indexing_slicing, reason = "tools and kinds are numbered without gaps")]
    fn of(runs: &[&Seen<'_>], n_tools: usize, n_kinds: usize) -> Self {
        let mut level = Self {
            all: 0.0,
            using: vec![0.0; n_tools],
            with_tool: vec![0.0; n_tools],
            with_kind: vec![0.0; n_kinds],
        };
        let (mut weight, mut tool_weight) = (1.0, 1.0);
        for seen in runs.iter().take(MAX_RUNS) {
            level.all += tool_weight;
            for tool in &seen.tools {
                level.using[*tool] += tool_weight;
                level.with_tool[*tool] += weight;
            }
            for kind in &seen.kinds {
                level.with_kind[*kind] += weight;
            }
            weight *= 0.5_f64.powf(1.0 / HALF_LIFE);
            tool_weight *= 0.5_f64.powf(1.0 / TOOL_HALF_LIFE);
        }
        level
    }
}

/// Returns the mean of shares, each given as a part and the number that it is of.
fn mean_share(shares: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut trust) = (0.0, 0.0);
    for (part, of) in shares {
        let own = of / (of + HALF_TRUST);
        sum += own * part / (of + DOUBT);
        trust += own;
    }
    if trust > 0.0 { sum / trust } else { 0.0 }
}

/// Returns the chance of a kind of error of a tool.
fn chance(levels: &[Level], tool: usize, kind: usize) -> f64 {
    let at = |sums: &[f64], i: usize| sums.get(i).copied().unwrap_or(0.0);
    let uses = levels.iter().map(|level| (at(&level.using, tool), level.all));
    let meets = levels.iter().map(|level| (at(&level.with_kind, kind), at(&level.with_tool, tool)));
    mean_share(uses) * mean_share(meets)
}

impl Learned {
    /// Returns the errors that an attempt at a task in a scope, or anywhere, will probably meet,
    /// those that come most surely first and without those that were `told` already; none where
    /// the scope has no run.
    ///
    /// Costs time linear in the runs of the table, and in the errors of the newest ones.
    pub(crate) fn expected_errors(
        &self,
        task: &str,
        scope: Option<&Scope>,
        agent: Option<AgentKey>,
        told: &[MetError],
    ) -> Vec<ExpectedError> {
        let (scope, task) = (scope.map(Scope::as_str), TaskKey::of(task));
        let is_own = |run: &Run| agent.is_some() && run.agent == agent;
        let filter = self.scope_filter(scope);
        let mut rows: Vec<(&Run, &[NameId])> = self
            .runs_with_tools(None)
            .filter(|(run, _)| filter.accepts(run) || is_own(run))
            .collect();
        if !rows.iter().any(|(run, _)| filter.accepts(run)) {
            return Vec::new();
        }
        rows.sort_unstable_by_key(|(run, _)| Reverse(run.age_key()));
        let mut bases = ToolBases::default();
        let toolset: FxHashSet<usize> = rows
            .iter()
            .filter(|(run, _)| is_own(run))
            .flat_map(|(_, tools)| tools.iter())
            .map(|tool| bases.of(self, *tool))
            .collect();
        let is_of_task = |run: &Run| run.task == task && filter.accepts(run);
        let rows = kept(rows, &is_of_task, &|run| filter.accepts(run), &is_own);
        let is_possible = |tool: usize| toolset.is_empty() || toolset.contains(&tool);
        let groups = Groups::of(self, &rows, &is_of_task, &mut bases, &is_possible);
        let seen: Vec<Seen<'_>> =
            rows.iter().map(|(run, tools)| self.seen(run, tools, &groups, &mut bases)).collect();
        let select = |accepts: &dyn Fn(&Run) -> bool| -> Vec<&Seen<'_>> {
            seen.iter().filter(|seen| accepts(seen.run)).collect()
        };
        let of_task = select(&is_of_task);
        let of_scope = select(&|run| filter.accepts(run));
        let own = select(&is_own);
        let own_here = select(&|run| is_own(run) && filter.accepts(run));
        let own_task = select(&|run| is_own(run) && is_of_task(run));
        // Where this agent was never here, the others stand for it.
        let here = if own_here.is_empty() { &of_scope } else { &own_here };
        let levels: Vec<Level> = [&own_task, &of_task, here, &own]
            .into_iter()
            .map(|runs| Level::of(runs, bases.len(), groups.len()))
            .collect();
        let mut ranked: Vec<(f64, usize)> = (0..groups.len())
            .map(|kind| (chance(&levels, groups.tool(kind), kind), kind))
            .filter(|(chance, _)| *chance >= MIN_CHANCE)
            .collect();
        // Of equal chance the more frequent kind comes first, as kinds are numbered.
        ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
        let nearest = [(Among::Task, of_task), (Among::Scope, of_scope), (Among::Agent, own)];
        let expected = ranked.into_iter().filter_map(|(chance, kind)| {
            self.expected((chance, kind), &groups, &nearest, scope, told)
        });
        expected.take(MAX_ERRORS).collect()
    }

    /// Returns what a run used and met.
    fn seen<'a>(
        &self,
        run: &'a Run,
        tools: &[NameId],
        groups: &Groups,
        bases: &mut ToolBases,
    ) -> Seen<'a> {
        let mut tools: Vec<usize> = tools.iter().map(|tool| bases.of(self, *tool)).collect();
        let mut kinds: Vec<usize> =
            run.incidents.iter().filter_map(|incident| groups.kind(incident.signature)).collect();
        for numbers in [&mut tools, &mut kinds] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        Seen { run, tools, kinds }
    }

    /// Tells of a kind of error: how often it came in the nearest runs that met it, and its cure;
    /// `None` for one that was told.
    fn expected(
        &self,
        (chance, kind): (f64, usize),
        groups: &Groups,
        nearest: &[(Among, Vec<&Seen<'_>>)],
        scope: Option<&str>,
        told: &[MetError],
    ) -> Option<ExpectedError> {
        let meets = |seen: &&&Seen<'_>| seen.kinds.contains(&kind);
        let (among, runs) = nearest.iter().find(|(_, runs)| runs.iter().any(|s| meets(&s)))?;
        let with: Vec<&Run> = runs.iter().filter(meets).map(|seen| seen.run).collect();
        let is_kind = |incident: &&Incident| groups.kind(incident.signature) == Some(kind);
        let run = *with.first()?;
        let incident = run.incidents.iter().find(is_kind)?;
        let tool = run.tool_at(incident.at);
        let met = self.met_error(incident.signature, self.name(tool));
        if told.iter().any(|told| told.is_same(&met)) {
            return None;
        }
        let known = self.known_error(&met, incident.at, scope, MAX_CURES);
        Some(ExpectedError {
            tool,
            chance,
            n_with: to_u32(with.len()),
            n_of: to_u32(runs.len()),
            among: *among,
            met: StepRef { episode: run.id, idx: incident.at },
            known: known.filter(|known| known.differs.is_none() && !known.from_class),
        })
    }
}

/// Returns the newest runs of the task, of the scope and of the agent, newest first.
fn kept<'a>(
    rows: Vec<(&'a Run, &'a [NameId])>,
    is_of_task: &dyn Fn(&Run) -> bool,
    is_of_scope: &dyn Fn(&Run) -> bool,
    is_own: &dyn Fn(&Run) -> bool,
) -> Vec<(&'a Run, &'a [NameId])> {
    let mut n: FxHashMap<usize, usize> = FxHashMap::default();
    let levels = [is_of_task, is_of_scope, is_own];
    let is_kept = |(run, _): &(&Run, &[NameId])| {
        let mut is_kept = false;
        for (i, accepts) in levels.iter().enumerate() {
            if accepts(run) {
                let n = n.entry(i).or_default();
                *n += 1;
                is_kept |= *n <= MAX_RUNS;
            }
        }
        is_kept
    };
    let mut rows = rows;
    let mut is_kept = is_kept;
    rows.retain(|row| is_kept(row));
    rows
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
