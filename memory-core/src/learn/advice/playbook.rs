//! Playbook: advice for a task, from attempts at it and at similar tasks.

use rustc_hash::FxHashSet;

use super::effort::Effort;
use super::expected_error::{Among, ExpectedError};
use super::pitfall::{Pitfall, pitfalls};
use super::precedent::{Precedent, median_steps};
use super::route::{RouteStep, route};
use super::workplace::Workplace;
use crate::learn::digest::CallKey;
use crate::learn::quote::StepRef;
use crate::learn::table::{NameId, OutcomeCounts, Run};
use crate::model::{EpisodeId, NoteId, Outcome};
use crate::stats::Posterior;

/// A note that may help with a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// The note.
    pub(crate) id: NoteId,
    /// Text of the note.
    pub(crate) text: String,
}

/// Last steps of an attempt that did not succeed, the last one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedEnd {
    /// Tools and steps.
    pub(crate) steps: Vec<(NameId, StepRef)>,
}

impl FailedEnd {
    /// Number of steps from the end among which one should say what was tried: the last ones often
    /// only hand in.
    const N_STEPS: usize = 3;

    /// Takes the last steps of a run, without the calls that end successes too: these hand in.
    fn of(run: &Run, handed_in: &FxHashSet<CallKey>) -> Self {
        let is_try = |(idx, _): &(u32, _)| !handed_in.contains(&run.call_at(*idx));
        let last = run.steps().rev().take(Self::N_STEPS).filter(is_try);
        let steps = last.map(|(idx, step)| (step.tool, StepRef { episode: run.id, idx }));
        Self { steps: steps.collect() }
    }
}

/// Inputs of a playbook.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlaybookInput<'a> {
    /// Runs of the task and of similar tasks, most similar first, newest first among equals.
    pub(crate) precedents: &'a [Precedent<'a>],
    /// Counts of all runs of the scope.
    pub(crate) scope: OutcomeCounts,
    /// Errors that the next attempt will probably meet, the most probable first.
    pub(crate) expected_errors: Vec<ExpectedError>,
    /// Notes about the task, best first.
    pub(crate) lessons: Vec<Lesson>,
    /// Targets where such work was done, best first.
    pub(crate) workplaces: Vec<Workplace>,
    /// Calls with which successes of the scope ended.
    pub(crate) handed_in: FxHashSet<CallKey>,
    /// Chance that the attempt succeeds, where the task was tried before.
    pub(crate) odds: Option<Posterior>,
}

/// Advice for a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Playbook {
    /// Chance that an attempt succeeds wholly, over attempts weighted by similarity; 80 % interval.
    /// `None` without experience.
    pub(crate) expected: Option<Posterior>,
    /// Number of runs behind it with a known outcome.
    pub(crate) n_runs: u32,
    /// Number of successes among them.
    pub(crate) n_succeeded: u32,
    /// Number of partial successes among them.
    pub(crate) n_partial: u32,
    /// Number of attempts at the same task among them.
    pub(crate) n_same_task: u32,
    /// Number of those that came after the newest success; 0 where none succeeded.
    pub(crate) n_since_success: u32,
    /// Steps and time that such attempts took.
    pub(crate) effort: Option<Effort>,
    /// Median number of steps of the runs that the route was taken from; 0 without a route.
    pub(crate) median_steps: u32,
    /// Route that worked; where none did, that of the best attempt that succeeded in part.
    pub(crate) route: Vec<RouteStep>,
    /// True where the route is that of attempts at the task itself.
    pub(crate) is_own_route: bool,
    /// Credit of the runs behind `route`, in (0, 1]: 1 for successes, 0 without a route.
    pub(crate) route_credit: f64,
    /// Ends of the attempts at the same task where none of them succeeded, without that of `route`;
    /// newest first.
    pub(crate) failed_ends: Vec<FailedEnd>,
    /// Mistakes of failed attempts, clearest first.
    pub(crate) pitfalls: Vec<Pitfall>,
    /// Errors that the next attempt will probably meet, the most probable first.
    pub(crate) expected_errors: Vec<ExpectedError>,
    /// Notes about the task.
    pub(crate) lessons: Vec<Lesson>,
    /// Targets where such work was done, best first.
    pub(crate) workplaces: Vec<Workplace>,
    /// Episodes that it is based on, most similar first.
    pub(crate) evidence: Vec<EpisodeId>,
    /// Counts of all runs of the scope.
    pub(crate) scope: OutcomeCounts,
}

/// Makes a playbook.
///
/// If the same task was tried before, route and pitfalls come from those attempts alone; attempts
/// at similar tasks only inform the expectation, by their similarity. Without any run there is no
/// expectation, but the errors and lessons are given all the same.
pub(crate) fn playbook(input: PlaybookInput<'_>) -> Playbook {
    let known: Vec<&Precedent<'_>> = input
        .precedents
        .iter()
        .filter(|precedent| precedent.similarity > 0.0 && precedent.run.credit().is_some())
        .collect();
    let same: Vec<Precedent<'_>> =
        known.iter().filter(|precedent| precedent.is_same_task()).map(|p| **p).collect();
    let n_same_task = same.len();
    let nearest = if n_same_task > 0 { same } else { known.iter().map(|p| **p).collect() };
    let (models, credit) = models(&nearest, &known);
    let route = route(&models);
    let none_succeeded = !nearest.iter().any(|precedent| precedent.run.succeeded());
    let failed_ends = if n_same_task > 0 && none_succeeded {
        let is_model = |run: &Run| models.iter().any(|model| model.run.id == run.id);
        let others = nearest.iter().map(|precedent| precedent.run).filter(|run| !is_model(run));
        others.map(|run| FailedEnd::of(run, &input.handed_in)).collect()
    } else {
        Vec::new()
    };
    Playbook {
        expected: (!known.is_empty()).then(|| {
            let by_counts = || counts(&known).expected_success(&input.scope);
            input.odds.filter(|_| n_same_task > 0).unwrap_or_else(by_counts)
        }),
        effort: Effort::of(&nearest),
        n_runs: to_u32(known.len()),
        n_succeeded: count(&known, Outcome::Success),
        n_partial: count(&known, Outcome::Partial),
        n_same_task: to_u32(n_same_task),
        n_since_success: if n_same_task > 0 { n_since_success(&nearest) } else { 0 },
        median_steps: median_steps(&models),
        is_own_route: models.iter().all(|model| model.is_same_task()),
        route_credit: if route.is_empty() { 0.0 } else { credit },
        route,
        failed_ends,
        pitfalls: pitfalls(&nearest, n_same_task > 0),
        expected_errors: input.expected_errors,
        lessons: input.lessons,
        workplaces: input.workplaces,
        evidence: known.iter().map(|precedent| precedent.run.id).collect(),
        scope: input.scope,
    }
}

/// Counts the attempts after the newest success.
fn n_since_success(attempts: &[Precedent<'_>]) -> u32 {
    let age = |precedent: &Precedent<'_>| precedent.run.age_key();
    let newest = attempts.iter().filter(|precedent| precedent.run.succeeded()).map(age).max();
    let n_later = |newest| attempts.iter().filter(|precedent| age(precedent) > newest).count();
    newest.map_or(0, |newest| to_u32(n_later(newest)))
}

/// Returns the calls with which the successes among runs ended.
pub(crate) fn handed_in<'a>(runs: impl Iterator<Item = &'a Run>) -> FxHashSet<CallKey> {
    let last = |run: &Run| run.steps().next_back().map(|(idx, _)| run.call_at(idx));
    let calls = runs.filter(|run| run.succeeded()).filter_map(last);
    calls.filter(|call| *call != CallKey::NONE).collect()
}

/// Counts precedents by their similarity, those with an inferred outcome by half of it.
fn counts(known: &[&Precedent<'_>]) -> OutcomeCounts {
    let mut counts = OutcomeCounts::default();
    for precedent in known {
        if let Some(credit) = precedent.run.credit() {
            counts.add(precedent.similarity.min(1.0) * precedent.run.weight(), credit);
        }
    }
    counts
}

fn count(known: &[&Precedent<'_>], outcome: Outcome) -> u32 {
    to_u32(known.iter().filter(|precedent| precedent.run.outcome == Some(outcome)).count())
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Returns the runs to take the route from, and their credit: the successes among the most similar
/// runs, else among all, else the best run that succeeded in part.
fn models<'a>(
    nearest: &'a [Precedent<'a>],
    known: &[&'a Precedent<'a>],
) -> (Vec<&'a Precedent<'a>>, f64) {
    let successes: Vec<&Precedent<'_>> =
        nearest.iter().filter(|precedent| precedent.run.succeeded()).collect();
    if !successes.is_empty() {
        return (successes, 1.0);
    }
    let of_others: Vec<&Precedent<'_>> =
        known.iter().copied().filter(|precedent| precedent.run.succeeded()).collect();
    if !of_others.is_empty() {
        return (of_others, 1.0);
    }
    let credit = |precedent: &Precedent<'_>| precedent.run.credit().unwrap_or(0.0);
    let best = nearest.iter().map(credit).fold(0.0, f64::max);
    let partial = nearest.iter().find(|precedent| best > 0.0 && credit(precedent) >= best);
    (partial.into_iter().collect(), best)
}

impl Playbook {
    /// Returns whether there is nothing to go by.
    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_none()
            && self.expected_errors.is_empty()
            && self.lessons.is_empty()
            && self.workplaces.is_empty()
    }
}

#[cfg(test)]
mod tests;
mod wording;

pub(super) use wording::pitfall_line;
