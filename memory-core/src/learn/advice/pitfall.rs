//! Pitfalls: what failed runs of a task did and successful ones did not, or the other way round.

use super::precedent::{Precedent, median_steps};
use crate::learn::quote::StepRef;
use crate::learn::table::{NameId, Run};

/// Difference of smoothed rates from which a pitfall is worth a line: 2 of 2 against 0 of 2 has
/// .67, 2 of 3 against 0 of 2 has .46, 2 of 3 against 1 of 3 only .25.
const MIN_CONTRAST: f64 = 0.4;

/// Number of failed steps in a row with one tool from which a run counts as stuck.
const STUCK: u32 = 3;

/// Ratio of median lengths from which runs count as stopped early. That they ran long says
/// nothing: who does not succeed goes on.
const LENGTH_RATIO: f64 = 1.6;

/// Property of runs that distinguishes failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// They used a tool.
    Used(NameId),
    /// They did not use a tool.
    LeftOut(NameId),
    /// A tool failed three times in a row.
    Stuck(NameId),
    /// They took many fewer steps, by the medians.
    StoppedEarly {
        /// Median number of steps of the failed runs.
        failed: u32,
        /// Median number of steps of the successes.
        succeeded: u32,
    },
}

impl Mistake {
    /// Returns the first step of a run where it shows, 0 where it is no single step; `None` for a
    /// run without it.
    fn found_in(self, run: &Run) -> Option<u32> {
        let first_use = |tool| run.steps().find(|(_, step)| step.tool == tool).map(|(at, _)| at);
        let n_steps = u32::try_from(run.moves.len()).unwrap_or(u32::MAX);
        match self {
            Self::Used(tool) => first_use(tool),
            Self::LeftOut(tool) => first_use(tool).is_none().then_some(0),
            Self::Stuck(tool) => {
                let mut n_failed = 0;
                let uses = run.steps().filter(|(_, step)| step.tool == tool);
                uses.map(|(at, step)| {
                    n_failed = if step.ok { 0 } else { n_failed + 1 };
                    (at, n_failed)
                })
                .find(|(_, n_failed)| *n_failed >= STUCK)
                .map(|(at, _)| at)
            }
            // The midpoint between the medians divides the sides.
            Self::StoppedEarly { failed, succeeded } => {
                (n_steps < u32::midpoint(failed, succeeded)).then_some(0)
            }
        }
    }
}

/// A mistake, with how often it was seen on either side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pitfall {
    /// The mistake.
    pub(crate) mistake: Mistake,
    /// Number of failed runs with it.
    pub(crate) n_failed_with: u32,
    /// Number of failed runs.
    pub(crate) n_failed: u32,
    /// Number of successes with it.
    pub(crate) n_succeeded_with: u32,
    /// Number of successes.
    pub(crate) n_succeeded: u32,
    /// Step of a failed run that shows it; for a tool that was left out, of a success that uses it.
    pub(crate) example: Option<StepRef>,
}

impl Pitfall {
    /// Returns the tool that it is about, if it is about one.
    pub(crate) fn tool(&self) -> Option<NameId> {
        match self.mistake {
            Mistake::Used(tool) | Mistake::LeftOut(tool) | Mistake::Stuck(tool) => Some(tool),
            Mistake::StoppedEarly { .. } => None,
        }
    }

    /// Returns the difference of the rates, each drawn to ½ by one run.
    pub(crate) fn contrast(&self) -> f64 {
        let rate = |with: u32, of: u32| (f64::from(with) + 0.5) / (f64::from(of) + 1.0);
        rate(self.n_failed_with, self.n_failed) - rate(self.n_succeeded_with, self.n_succeeded)
    }
}

/// Finds the mistakes that distinguish the failed runs of a task from its successes, clearest
/// first.
///
/// Needs two failed runs and one success: with fewer every difference would count. Between
/// different tasks (`same_task` false) tools and lengths depend on the task, and only getting stuck
/// counts.
pub(crate) fn pitfalls(precedents: &[Precedent<'_>], same_task: bool) -> Vec<Pitfall> {
    let (succeeded, failed): (Vec<_>, Vec<_>) = precedents
        .iter()
        .filter(|precedent| precedent.run.credit().is_some())
        .partition(|precedent| precedent.run.succeeded());
    if failed.len() < 2 || succeeded.is_empty() {
        return Vec::new();
    }
    let sides = Sides { succeeded, failed };
    let mut found: Vec<Pitfall> = sides
        .tools()
        .into_iter()
        .flat_map(|tool| [Mistake::Used(tool), Mistake::LeftOut(tool), Mistake::Stuck(tool)])
        .chain(sides.length_mistake())
        .filter(|mistake| same_task || matches!(mistake, Mistake::Stuck(_)))
        .map(|mistake| sides.count(mistake))
        .filter(|pitfall| pitfall.n_failed_with >= 2 && pitfall.contrast() >= MIN_CONTRAST)
        .collect();
    found.sort_by(|a, b| b.contrast().total_cmp(&a.contrast()));
    // A tool that got stuck need not be named again as used.
    let is_stuck = |tool| found.iter().any(|pitfall| pitfall.mistake == Mistake::Stuck(tool));
    let is_repeated = |mistake| matches!(mistake, Mistake::Used(tool) if is_stuck(tool));
    found.iter().filter(|pitfall| !is_repeated(pitfall.mistake)).cloned().collect()
}

/// Precedents by their outcome.
struct Sides<'a> {
    succeeded: Vec<&'a Precedent<'a>>,
    failed: Vec<&'a Precedent<'a>>,
}

impl Sides<'_> {
    /// Returns all tools, in the order of first use.
    fn tools(&self) -> Vec<NameId> {
        let mut tools = Vec::new();
        for precedent in self.succeeded.iter().chain(&self.failed) {
            for step in &precedent.run.moves {
                if !tools.contains(&step.tool) {
                    tools.push(step.tool);
                }
            }
        }
        tools
    }

    /// Returns the mistake in the length of the failed runs, if they are much shorter.
    fn length_mistake(&self) -> Option<Mistake> {
        let (failed, succeeded) = (median_steps(&self.failed), median_steps(&self.succeeded));
        let is_short = f64::from(failed) * LENGTH_RATIO <= f64::from(succeeded.max(1));
        is_short.then_some(Mistake::StoppedEarly { failed, succeeded })
    }

    /// Counts a mistake on both sides.
    fn count(&self, mistake: Mistake) -> Pitfall {
        let example = match mistake {
            Mistake::LeftOut(tool) => first_example(Mistake::Used(tool), &self.succeeded),
            Mistake::Used(_) | Mistake::Stuck(_) => first_example(mistake, &self.failed),
            Mistake::StoppedEarly { .. } => None,
        };
        Pitfall {
            mistake,
            n_failed_with: n_with(mistake, &self.failed),
            n_failed: to_u32(self.failed.len()),
            n_succeeded_with: n_with(mistake, &self.succeeded),
            n_succeeded: to_u32(self.succeeded.len()),
            example,
        }
    }
}

fn n_with(mistake: Mistake, side: &[&Precedent<'_>]) -> u32 {
    to_u32(side.iter().filter(|precedent| mistake.found_in(precedent.run).is_some()).count())
}

fn first_example(mistake: Mistake, side: &[&Precedent<'_>]) -> Option<StepRef> {
    side.iter().find_map(|precedent| {
        let idx = mistake.found_in(precedent.run)?;
        Some(StepRef { episode: precedent.run.id, idx })
    })
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::run;
    use crate::model::{EpisodeId, Outcome};

    fn step_of(id: u8) -> StepRef {
        StepRef { episode: EpisodeId::from_bytes([id; 16]), idx: 1 }
    }

    fn found(won: &[&[i32]], lost: &[&[i32]]) -> Vec<Pitfall> {
        found_within(won, lost, true)
    }

    fn found_within(won: &[&[i32]], lost: &[&[i32]], same_task: bool) -> Vec<Pitfall> {
        let with = |outcome| move |(tools, id): (&&[i32], u8)| run(id, 1, Some(outcome), tools);
        let won = won.iter().zip(1..).map(with(Outcome::Success));
        let runs: Vec<Run> =
            won.chain(lost.iter().zip(100..).map(with(Outcome::Failure))).collect();
        let precedents: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        pitfalls(&precedents, same_task)
    }

    #[test]
    fn what_only_failed_runs_did_or_left_out_is_named_with_its_counts() {
        let found = found(&[&[1, 2, 3], &[1, 2, 3]], &[&[1, 9, 3], &[1, 9, 3]]);
        let mistakes: Vec<Mistake> = found.iter().map(|pitfall| pitfall.mistake).collect();
        assert_eq!(mistakes, [Mistake::LeftOut(2), Mistake::Used(9)]);
        let used = &found[1];
        assert_eq!((used.n_failed_with, used.n_failed), (2, 2));
        assert_eq!((used.n_succeeded_with, used.n_succeeded), (0, 2));
        assert_eq!(used.example, Some(step_of(100)));
        assert_eq!(found[0].example, Some(step_of(1)));
    }

    #[test]
    fn a_single_failed_run_or_none_that_succeeded_teaches_no_contrast() {
        assert_eq!(found(&[&[1, 2]], &[&[1, 9]]), []);
        assert_eq!(found(&[], &[&[1, 9], &[1, 9]]), []);
        assert_eq!(found(&[&[1]], &[]), []);
    }

    #[test]
    fn what_both_sides_did_is_no_pitfall() {
        assert_eq!(found(&[&[1, 2], &[2, 1]], &[&[1, 2], &[2, 1]]), []);
    }

    #[test]
    fn being_stuck_is_named_once() {
        let found = found(&[&[1, 2], &[1, 2]], &[&[1, -9, -9, -9, 2], &[1, -9, -9, -9, 2]]);
        assert!(found.iter().any(|pitfall| pitfall.mistake == Mistake::Stuck(9)), "{found:?}");
        assert!(found.iter().all(|pitfall| pitfall.mistake != Mistake::Used(9)), "{found:?}");
    }

    #[test]
    fn between_different_tasks_only_getting_stuck_counts() {
        let (won, lost): (&[&[i32]], &[&[i32]]) =
            (&[&[1, 2], &[1, 2]], &[&[1, 8, -9, -9, -9], &[1, 8, -9, -9, -9]]);
        let mistakes: Vec<Mistake> =
            found_within(won, lost, false).iter().map(|p| p.mistake).collect();
        assert_eq!(mistakes, [Mistake::Stuck(9)]);
    }

    #[test]
    fn runs_much_shorter_than_successes_are_noticed() {
        let short = found(&[&[1; 14], &[1; 20]], &[&[1; 4], &[1; 5]]);
        assert_eq!(short[0].mistake, Mistake::StoppedEarly { failed: 5, succeeded: 20 });
        assert_eq!(found(&[&[1; 4], &[1; 5]], &[&[1; 14], &[1; 20]]), []);
    }
}
