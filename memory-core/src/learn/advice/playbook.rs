//! Advice for a task, from how attempts at it and at tasks like it went.

use super::hurdle::{Hurdle, hurdles};
use super::pitfall::{Pitfall, median_steps, pitfalls};
use super::route::{RouteStep, route};
use crate::learn::evidence::reward::{credit_of, succeeded};
use crate::learn::evidence::{Posterior, Record};
use crate::learn::{NameNo, Run, Signature};
use crate::model::{EpisodeId, NoteId, Outcome};

/// Similarity from which a run counts as one of the very same task.
const SAME: f64 = 0.999;

/// A run to go by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Precedent<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// How like its task is to the one in question, in (0, 1]; 1 for the same.
    pub(crate) similarity: f64,
}

/// An error that may come, and what helped against it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownError {
    /// The kind of error.
    pub(crate) signature: Signature,
    /// The tool that it comes from.
    pub(crate) tool: NameNo,
    /// What was done against it, in words: "changed `path`".
    pub(crate) cure: String,
    /// How often that was tried.
    pub(crate) n_tried: u32,
    /// How often it helped.
    pub(crate) n_resolved: u32,
    /// A failed step that shows the error.
    pub(crate) met: (EpisodeId, u32),
    /// A step that shows the cure, where one of the same scope does: what another project called says
    /// little.
    pub(crate) example: Option<(EpisodeId, u32)>,
}

/// A note that may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// The note.
    pub(crate) id: NoteId,
    /// Its text.
    pub(crate) text: String,
}

/// The last steps of an attempt that did not succeed, the last one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadEnd {
    /// The episode.
    pub(crate) id: EpisodeId,
    /// Tools and places of its last steps.
    pub(crate) steps: Vec<(NameNo, u32)>,
}

impl DeadEnd {
    /// Steps from the end among which one should say what was tried: handing in says nothing.
    const N_STEPS: usize = 3;

    fn of(run: &Run) -> Self {
        let numbered = run.moves.iter().enumerate().rev().take(Self::N_STEPS);
        let steps =
            numbered.map(|(at, step)| (step.tool, u32::try_from(at).unwrap_or(u32::MAX))).collect();
        Self { id: run.id, steps }
    }
}

/// What a playbook is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sources<'a> {
    /// Runs of the task and of tasks like it, nearest first, newest first among equals.
    pub(crate) precedents: &'a [Precedent<'a>],
    /// What came of all runs of the scope.
    pub(crate) scope: Record,
    /// Cures of errors that runs like these met, best first.
    pub(crate) errors: &'a [KnownError],
    /// Notes about the task, best first.
    pub(crate) lessons: &'a [Lesson],
}

/// Advice for a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Playbook {
    /// Chance that an attempt succeeds wholly, over attempts weighted by likeness; 80 % interval. `None` when
    /// there is no experience with this.
    pub(crate) expected: Option<Posterior>,
    /// Runs behind it whose result is known, and of these the successes and the partial ones.
    pub(crate) n_runs: u32,
    /// Of these the successes.
    pub(crate) n_succeeded: u32,
    /// Of these the partial successes.
    pub(crate) n_partial: u32,
    /// Of these the runs of the very same task.
    pub(crate) n_same_task: u32,
    /// Median number of steps of the successes that the way was taken from; 0 without one.
    pub(crate) median_steps: u32,
    /// The way that worked; where nothing did, that of the best attempt that succeeded in part.
    pub(crate) steps: Vec<RouteStep>,
    /// What the attempt behind `steps` was worth, in (0, 1]: 1 for a success, 0 without steps.
    pub(crate) steps_credit: f64,
    /// Where no attempt at this very task succeeded: how each ended but that of `steps`, newest first.
    pub(crate) dead_ends: Vec<DeadEnd>,
    /// Errors that the nearest attempts met, by how many of them did.
    pub(crate) hurdles: Vec<Hurdle>,
    /// What to beware of, clearest first.
    pub(crate) pitfalls: Vec<Pitfall>,
    /// Errors that may come and their cures.
    pub(crate) errors: Vec<KnownError>,
    /// Notes about the task.
    pub(crate) lessons: Vec<Lesson>,
    /// Episodes that it rests on, nearest first.
    pub(crate) evidence: Vec<EpisodeId>,
    /// What came of all runs of the scope.
    pub(crate) scope: Record,
}

/// Makes a playbook.
///
/// Where the very task was tried before, the way and the pitfalls come from those attempts alone; attempts at
/// tasks like it only inform the expectation, by their likeness. Without any run there is no expectation: the
/// errors and lessons that the caller found are given all the same.
pub(crate) fn playbook(sources: &Sources<'_>) -> Playbook {
    let known: Vec<&Precedent<'_>> = sources
        .precedents
        .iter()
        .filter(|p| p.similarity > 0.0 && credit_of(p.run).is_some())
        .collect();
    let mut record = Record::default();
    for precedent in &known {
        record.add(precedent.similarity.min(1.0), credit_of(precedent.run).unwrap_or(0.0));
    }
    let same: Vec<Precedent<'_>> =
        known.iter().filter(|p| p.similarity >= SAME).map(|p| **p).collect();
    let is_same_task = !same.is_empty();
    let nearest = if is_same_task { same } else { known.iter().map(|p| **p).collect() };
    let (models, steps_credit) = models(&nearest, &known);
    let steps = route(&models);
    let none_succeeded = !nearest.iter().any(|p| succeeded(p.run));
    let is_model = |p: &Precedent<'_>| models.iter().any(|model| model.run.id == p.run.id);
    let ended = nearest.iter().filter(|p| !is_model(p)).map(|p| DeadEnd::of(p.run));
    let count = |holds: &dyn Fn(&Precedent<'_>) -> bool| {
        u32::try_from(known.iter().filter(|p| holds(p)).count()).unwrap_or(u32::MAX)
    };
    Playbook {
        expected: (!known.is_empty()).then(|| record.chance(&sources.scope)),
        n_runs: count(&|_| true),
        n_succeeded: count(&|p| succeeded(p.run)),
        n_partial: count(&|p| p.run.outcome == Some(Outcome::Partial)),
        n_same_task: count(&|p| p.similarity >= SAME),
        median_steps: median_steps(&models),
        steps_credit: if steps.is_empty() { 0.0 } else { steps_credit },
        steps,
        dead_ends: if is_same_task && none_succeeded { ended.collect() } else { Vec::new() },
        hurdles: hurdles(&nearest, sources.errors),
        pitfalls: pitfalls(&nearest, is_same_task),
        errors: sources.errors.to_vec(),
        lessons: sources.lessons.to_vec(),
        evidence: known.iter().map(|p| p.run.id).collect(),
        scope: sources.scope,
    }
}

/// The runs to take the way from, and what they were worth: the successes of the nearest runs, else of all, else
/// the best that succeeded in part.
fn models<'a>(
    nearest: &'a [Precedent<'a>],
    known: &[&'a Precedent<'a>],
) -> (Vec<&'a Precedent<'a>>, f64) {
    let successes: Vec<&Precedent<'_>> = nearest.iter().filter(|p| succeeded(p.run)).collect();
    if !successes.is_empty() {
        return (successes, 1.0);
    }
    let of_others: Vec<&Precedent<'_>> =
        known.iter().copied().filter(|p| succeeded(p.run)).collect();
    if !of_others.is_empty() {
        return (of_others, 1.0);
    }
    let credit = |p: &&Precedent<'_>| credit_of(p.run).unwrap_or(0.0);
    let best = nearest.iter().map(|p| credit(&p)).fold(0.0, f64::max);
    let partial = nearest.iter().filter(|p| best > 0.0 && credit(p) >= best);
    (partial.take(1).collect(), best)
}

impl Playbook {
    /// Whether there is anything to go by.
    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_none() && self.errors.is_empty() && self.lessons.is_empty()
    }
}

#[cfg(test)]
mod tests;
mod wording;
