//! What failed runs did that successful ones did not, and the other way round.

use super::playbook::Precedent;
use crate::learn::NameNo;
use crate::learn::evidence::reward::{credit_of, succeeded};
use crate::model::EpisodeId;

/// Difference of smoothed rates from which something is worth saying: 2 of 2 against 0 of 2 has .67, 2 of 3
/// against 0 of 2 has .46, 2 of 3 against 1 of 3 only .25.
const MIN_CONTRAST: f64 = 0.4;

/// Failed steps in a row with one tool that count as being stuck.
const STUCK: u32 = 3;

/// Ratio of median lengths from which a run counts as long, or as given up early.
const LENGTH_RATIO: f64 = 1.6;

/// What sets failed runs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// They used a tool.
    Used(NameNo),
    /// They did not use a tool.
    LeftOut(NameNo),
    /// A tool failed three times in a row.
    Stuck(NameNo),
    /// They took many more steps, by the medians.
    RanLong {
        /// Median steps of the failed runs.
        failed: u32,
        /// Median steps of the successes.
        succeeded: u32,
    },
    /// They took many fewer steps, by the medians.
    StoppedEarly {
        /// Median steps of the failed runs.
        failed: u32,
        /// Median steps of the successes.
        succeeded: u32,
    },
}

/// Something to beware of, with how often it was seen on either side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pitfall {
    /// What it is.
    pub(crate) mistake: Mistake,
    /// Failed runs with it.
    pub(crate) n_failed_with: u32,
    /// Failed runs.
    pub(crate) n_failed: u32,
    /// Successes with it.
    pub(crate) n_succeeded_with: u32,
    /// Successes.
    pub(crate) n_succeeded: u32,
    /// A failed run that shows it, and the step; for what was left out, a success that has it.
    pub(crate) example: Option<(EpisodeId, u32)>,
}

impl Pitfall {
    /// Difference of the rates, each drawn to ½ by one run.
    pub(crate) fn contrast(&self) -> f64 {
        let rate = |with: u32, of: u32| (f64::from(with) + 0.5) / (f64::from(of) + 1.0);
        rate(self.n_failed_with, self.n_failed) - rate(self.n_succeeded_with, self.n_succeeded)
    }
}

/// What sets the failed runs of a task apart from its successes, clearest first.
///
/// Needs two failed runs and one success: with fewer every difference would count. Of runs that are not of the
/// very same task the caller should leave out those that are far.
pub(crate) fn pitfalls(precedents: &[Precedent<'_>]) -> Vec<Pitfall> {
    let (won, lost): (Vec<_>, Vec<_>) = precedents
        .iter()
        .filter(|precedent| credit_of(precedent.run).is_some())
        .partition(|precedent| succeeded(precedent.run));
    if lost.len() < 2 || won.is_empty() {
        return Vec::new();
    }
    let sides = Sides { won, lost };
    let mut found: Vec<Pitfall> = sides
        .tools()
        .into_iter()
        .flat_map(|tool| [Mistake::Used(tool), Mistake::LeftOut(tool), Mistake::Stuck(tool)])
        .chain(sides.length())
        .map(|mistake| sides.judge(mistake))
        .filter(|pitfall| pitfall.n_failed_with >= 2 && pitfall.contrast() >= MIN_CONTRAST)
        .collect();
    found.sort_by(|a, b| b.contrast().total_cmp(&a.contrast()));
    // A tool that got stuck need not be named again as used.
    let stuck: Vec<NameNo> = found
        .iter()
        .filter_map(|pitfall| match pitfall.mistake {
            Mistake::Stuck(tool) => Some(tool),
            _ => None,
        })
        .collect();
    found
        .retain(|pitfall| !matches!(pitfall.mistake, Mistake::Used(tool) if stuck.contains(&tool)));
    found
}

struct Sides<'a> {
    won: Vec<&'a Precedent<'a>>,
    lost: Vec<&'a Precedent<'a>>,
}

impl Sides<'_> {
    /// All tools, in the order of first use.
    fn tools(&self) -> Vec<NameNo> {
        let mut tools = Vec::new();
        for precedent in self.won.iter().chain(&self.lost) {
            for step in &precedent.run.moves {
                if !tools.contains(&step.tool) {
                    tools.push(step.tool);
                }
            }
        }
        tools
    }

    /// Whether the lengths of either side differ by much.
    fn length(&self) -> Option<Mistake> {
        let (failed, succeeded) = (median_steps(&self.lost), median_steps(&self.won));
        let ratio = f64::from(failed) / f64::from(succeeded.max(1));
        if ratio >= LENGTH_RATIO {
            Some(Mistake::RanLong { failed, succeeded })
        } else if ratio * LENGTH_RATIO <= 1.0 {
            Some(Mistake::StoppedEarly { failed, succeeded })
        } else {
            None
        }
    }

    fn judge(&self, mistake: Mistake) -> Pitfall {
        let count = |side: &[&Precedent<'_>]| {
            let with =
                side.iter().filter(|precedent| found_in(mistake, precedent).is_some()).count();
            (u32::try_from(with).unwrap_or(u32::MAX), u32::try_from(side.len()).unwrap_or(u32::MAX))
        };
        let (n_failed_with, n_failed) = count(&self.lost);
        let (n_succeeded_with, n_succeeded) = count(&self.won);
        let shown_by = match mistake {
            Mistake::LeftOut(tool) => self
                .won
                .iter()
                .find_map(|p| found_in(Mistake::Used(tool), p).map(|step| (p.run.id, step))),
            Mistake::Used(_) | Mistake::Stuck(_) => {
                self.lost.iter().find_map(|p| found_in(mistake, p).map(|step| (p.run.id, step)))
            }
            Mistake::RanLong { .. } | Mistake::StoppedEarly { .. } => None,
        };
        Pitfall {
            mistake,
            n_failed_with,
            n_failed,
            n_succeeded_with,
            n_succeeded,
            example: shown_by,
        }
    }
}

/// The first step of a run where a mistake shows; 0 where it is no single step.
fn found_in(mistake: Mistake, precedent: &Precedent<'_>) -> Option<u32> {
    let moves = &precedent.run.moves;
    let first = |tool: NameNo| moves.iter().position(|step| step.tool == tool);
    let as_step = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let n_steps = as_step(moves.len());
    match mistake {
        Mistake::Used(tool) => first(tool).map(as_step),
        Mistake::LeftOut(tool) => first(tool).is_none().then_some(0),
        Mistake::Stuck(tool) => {
            let mut n_failed = 0;
            moves.iter().position(|step| {
                if step.tool == tool {
                    n_failed = if step.ok { 0 } else { n_failed + 1 };
                }
                n_failed >= STUCK
            })
        }
        .map(as_step),
        // Halfway between the medians divides the sides.
        Mistake::RanLong { failed, succeeded } => {
            (n_steps > u32::midpoint(failed, succeeded)).then_some(0)
        }
        Mistake::StoppedEarly { failed, succeeded } => {
            (n_steps < u32::midpoint(failed, succeeded)).then_some(0)
        }
    }
}

/// Median number of steps; 0 for none.
pub(crate) fn median_steps(runs: &[&Precedent<'_>]) -> u32 {
    let mut lengths: Vec<usize> = runs.iter().map(|precedent| precedent.run.moves.len()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Run;
    use crate::learn::evidence::sample::run;
    use crate::model::Outcome;

    fn found(won: &[&[i32]], lost: &[&[i32]]) -> Vec<Pitfall> {
        let with = |outcome| move |(tools, id): (&&[i32], u8)| run(id, 1, Some(outcome), tools);
        let won = won.iter().zip(1..).map(with(Outcome::Success));
        let runs: Vec<Run> =
            won.chain(lost.iter().zip(100..).map(with(Outcome::Failure))).collect();
        let precedents: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        pitfalls(&precedents)
    }

    #[test]
    fn what_only_failed_runs_did_or_left_out_is_named_with_its_counts() {
        let found = found(&[&[1, 2, 3], &[1, 2, 3]], &[&[1, 9, 3], &[1, 9, 3]]);
        let mistakes: Vec<Mistake> = found.iter().map(|pitfall| pitfall.mistake).collect();
        assert_eq!(mistakes, [Mistake::LeftOut(2), Mistake::Used(9)]);
        let used = &found[1];
        assert_eq!((used.n_failed_with, used.n_failed), (2, 2));
        assert_eq!((used.n_succeeded_with, used.n_succeeded), (0, 2));
        assert_eq!(used.example, Some((EpisodeId::from_bytes([100; 16]), 1)));
        assert_eq!(found[0].example, Some((EpisodeId::from_bytes([1; 16]), 1)));
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
    fn being_stuck_is_said_once() {
        let found = found(&[&[1, 2], &[1, 2]], &[&[1, -9, -9, -9, 2], &[1, -9, -9, -9, 2]]);
        assert!(found.iter().any(|pitfall| pitfall.mistake == Mistake::Stuck(9)), "{found:?}");
        assert!(found.iter().all(|pitfall| pitfall.mistake != Mistake::Used(9)), "{found:?}");
    }

    #[test]
    fn runs_much_longer_or_shorter_than_successes_are_noticed() {
        let long = found(&[&[1; 4], &[1; 5]], &[&[1; 14], &[1; 20]]);
        assert_eq!(long[0].mistake, Mistake::RanLong { failed: 20, succeeded: 5 });
        let short = found(&[&[1; 14], &[1; 20]], &[&[1; 4], &[1; 5]]);
        assert_eq!(short[0].mistake, Mistake::StoppedEarly { failed: 5, succeeded: 20 });
    }
}
