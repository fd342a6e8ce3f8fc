//! Risks: calls that failed most of the times that they were made.

use crate::learn::digest::{CallKey, Ending};
use crate::learn::quote::StepRef;
use crate::learn::table::{Learned, NameId, Run};
use crate::stats::Posterior;

/// Minimum number of failures behind a warning.
pub(crate) const MIN_FAILED: u32 = 3;

/// Share of failures that the lower bound of the interval must reach.
const MIN_SHARE: f64 = 0.5;

/// Level of the interval.
const LEVEL: f64 = 0.8;

/// A call that mostly failed, with the steps that show it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Risk {
    /// Number of times that the call was made.
    pub(crate) n_made: u32,
    /// Number of times that it failed.
    pub(crate) n_failed: u32,
    /// Number of episodes in which it failed.
    pub(crate) n_episodes: u32,
    /// Share of failures, with an 80 % interval.
    pub(crate) failure: Posterior,
    /// Newest failure.
    pub(crate) failed: StepRef,
    /// Newest step with another call that ended a failure, if any did.
    pub(crate) instead: Option<StepRef>,
}

/// Counts of a call in runs.
#[derive(Debug, Default)]
struct CallRecord {
    n_made: u32,
    n_failed: u32,
    n_episodes: u32,
    /// Newest occurrence, with whether it was ok.
    newest: Option<(StepRef, bool)>,
    instead: Option<StepRef>,
}

impl CallRecord {
    /// Counts the occurrences in a run that is newer than those before.
    fn add(&mut self, run: &Run, tool: NameId, call: CallKey) {
        let n_before = self.n_failed;
        for ((idx, step), _) in run
            .steps()
            .zip(&run.calls)
            .filter(|((_, step), key)| **key == call && step.tool == tool)
        {
            self.n_made += 1;
            self.n_failed += u32::from(!step.ok);
            self.newest = Some((StepRef { episode: run.id, idx }, step.ok));
        }
        if self.n_failed == n_before {
            return;
        }
        self.n_episodes += 1;
        let is_call = |at: u32| run.call_at(at) == call;
        for incident in run.incidents.iter().filter(|incident| is_call(incident.at)) {
            if let Ending::Resolved { at, .. } = incident.ending
                && !is_call(at)
            {
                self.instead = Some(StepRef { episode: run.id, idx: at });
            }
        }
    }
}

impl Learned {
    /// Returns the risk of a call of `tool` in a scope, or in all; `None` where it is not known to
    /// fail.
    ///
    /// It failed at least three times, the last time as well, and the lower bound of the 80 %
    /// interval of its share of failures (from a uniform prior) is one half or more. Costs time for
    /// the runs in which it failed; where it failed often, for all steps of the scope.
    pub(crate) fn risk(&self, scope: Option<&str>, tool: &str, call: CallKey) -> Option<Risk> {
        let tool = self.name_id(tool)?;
        let filter = self.scope_filter(scope);
        let n_failing = self.runs_with_failed_call(call).filter(|run| filter.accepts(run));
        if n_failing.map(|run| n_failures(run, call)).sum::<usize>() < MIN_FAILED as usize {
            return None;
        }
        let mut runs: Vec<&Run> =
            self.runs_unordered(scope).filter(|run| run.calls.contains(&call)).collect();
        runs.sort_unstable_by_key(|run| run.age_key());
        let mut record = CallRecord::default();
        for run in runs {
            record.add(run, tool, call);
        }
        let (failed, was_ok) = record.newest?;
        let (n_made, n_failed) = (record.n_made, record.n_failed);
        let failure = Posterior::new(n_made.into(), n_failed.into(), LEVEL);
        let is_risk = !was_ok && n_failed >= MIN_FAILED && failure.lower >= MIN_SHARE;
        is_risk.then_some(Risk {
            n_made,
            n_failed,
            n_episodes: record.n_episodes,
            failure,
            failed,
            instead: record.instead,
        })
    }
}

/// Returns the number of failures of a call in a run.
fn n_failures(run: &Run, call: CallKey) -> usize {
    let steps = run.moves.iter().zip(&run.calls);
    steps.filter(|(step, key)| **key == call && !step.ok).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::{episode, step};

    /// Learns one run for each entry, its steps as commands, `!` behind those that failed.
    fn learned(runs: &[&[&str]]) -> Learned {
        let mut learned = Learned::default();
        for (n, commands) in (1..).zip(runs) {
            let steps: Vec<_> = commands
                .iter()
                .map(|text| {
                    let command = text.trim_end_matches('!');
                    let args = serde_json::json!({ "command": command }).to_string();
                    step("bash", &args, command == *text, "error: no such target")
                })
                .collect();
            learned.put(&episode(n, "a", "b", None), &Digest::of(&steps));
        }
        learned
    }

    fn risk(runs: &[&[&str]], scope: Option<&str>, command: &str) -> Option<Risk> {
        let args = serde_json::json!({ "command": command }).to_string();
        let call = CallKey::of(&step("bash", &args, true, ""));
        learned(runs).risk(scope, "bash:make", call)
    }

    #[test]
    fn a_call_that_mostly_failed_is_a_risk_with_what_worked_instead() {
        let runs: [&[&str]; 3] =
            [&["make all!"], &["make all!", "make  all!", "make -C app all"], &["ls"]];
        let risk = risk(&runs, Some("a"), "make all 2>&1 | tail -n 5").unwrap();
        assert_eq!((risk.n_made, risk.n_failed, risk.n_episodes), (3, 3, 2));
        let at = |risk: StepRef| (risk.episode.to_bytes()[0], risk.idx);
        assert_eq!((at(risk.failed), risk.instead.map(at)), ((2, 1), Some((2, 2))));
        assert!(risk.failure.lower >= 0.5, "{risk:?}");
    }

    #[test]
    fn silence_is_normal() {
        let failed: &[&str] = &["make all!"];
        let thrice = [failed, failed, failed];
        for (runs, scope, command) in [
            (&[failed, failed][..], Some("a"), "make all"),
            (&thrice, Some("b"), "make all"),
            (&thrice, Some("a"), "make app"),
            (&[failed, failed, failed, &["make all"]], Some("a"), "make all"),
            (&[&["make all", "make all", "make all!"], failed, failed], Some("a"), "make all"),
            (&[], None, "make all"),
        ] {
            assert_eq!(risk(runs, scope, command), None, "{runs:?} {scope:?} {command}");
        }
        assert!(risk(&thrice, None, "make all").is_some());
    }
}
