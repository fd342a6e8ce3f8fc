//! Attempts at one task, in short: how many there were, the best one, and what set the failed ones
//! apart.

use super::pitfall::pitfalls;
use super::playbook::pitfall_line;
use super::precedent::Precedent;
use super::vocabulary::{Mentions, Vocabulary};
use crate::learn::digest::TargetKind;
use crate::learn::quote::Quotes;
use crate::learn::table::{AttemptRank, Learned, Run, TargetKey, TaskKey};
use crate::model::{EpisodeId, display_name};

/// Attempts at a task from which they are told together.
const MIN_ATTEMPTS: usize = 2;

/// Attempts that are compared: the newest.
const MAX_COMPARED: usize = 50;

/// Difference of smoothed rates from which a target says what was done otherwise.
const MIN_CONTRAST: f64 = 0.4;

/// Ended attempts at one task in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    /// Number of attempts.
    pub n: u32,
    /// Number of successes among them.
    pub n_succeeded: u32,
    /// The best of them: a success in the fewest steps, or else the one that came nearest; `None`
    /// where all failed.
    pub best: Option<EpisodeId>,
    /// What most failed ones did otherwise than the successes, with counts; `None` where nothing
    /// sets them apart.
    pub contrast: Option<String>,
}

/// Key that is equal for the attempts at one task in one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TaskGroupKey {
    /// Number or hash of the scope: keys of one source can be compared.
    pub(crate) scope: u64,
    pub(crate) task: TaskKey,
}

/// A task with several attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskGroup {
    pub(crate) key: TaskGroupKey,
    pub(crate) best: Option<EpisodeId>,
}

impl TaskGroup {
    /// Returns the group of some attempts at one task, if they are several.
    pub(crate) fn of(
        key: TaskGroupKey,
        attempts: impl Iterator<Item = AttemptRank>,
    ) -> Option<Self> {
        let mut n = 0;
        let best = best(attempts.inspect(|_| n += 1));
        (n >= MIN_ATTEMPTS).then_some(Self { key, best })
    }
}

impl Learned {
    /// Returns the task of an ended episode and its best attempt, if there are several.
    pub(crate) fn task_group(&self, id: EpisodeId) -> Option<TaskGroup> {
        let run = self.run(id)?;
        let key = TaskGroupKey { scope: run.scope.into(), task: run.task };
        TaskGroup::of(key, self.attempts(run.scope, run.task).map(Run::rank))
    }

    /// Returns the attempts at the task of an ended episode in short, if there are several.
    pub(crate) fn attempts_in_short(&self, id: EpisodeId) -> Option<Attempts> {
        let run = self.run(id)?;
        let scope = self.name(run.scope).to_owned();
        let runs = self.runs_of_task(&scope, run.task);
        if runs.len() < MIN_ATTEMPTS {
            return None;
        }
        let n_of = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Attempts {
            n: n_of(runs.len()),
            n_succeeded: n_of(runs.iter().filter(|run| run.succeeded()).count()),
            best: best(runs.iter().map(|run| run.rank())),
            contrast: self.contrast(runs.get(..MAX_COMPARED).unwrap_or(&runs)),
        })
    }

    /// Words what sets the failed ones of some runs of a task apart.
    fn contrast(&self, runs: &[&Run]) -> Option<String> {
        let precedents: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        let (mut mistake, target) =
            (pitfalls(&precedents, true).into_iter().next(), self.other_target(runs));
        let Some(pitfall) = &mut mistake else { return target };
        // The example would have to be read from the storage; the best attempt shows it.
        pitfall.example = None;
        let mut mentions = Mentions::default();
        mentions.tools(pitfall.tool());
        let tools = self.tool_names(&mentions);
        let vocabulary = Vocabulary { tools, quotes: Quotes::default() };
        let tool = pitfall.tool().map(|tool| vocabulary.tool(tool)).unwrap_or_default();
        let line = pitfall_line(pitfall, &tool, &vocabulary);
        let line = line.trim_start_matches("- ").to_owned();
        Some(target.map_or(line.clone(), |target| format!("{line}; {target}")))
    }

    /// Words the target that the successes changed and the failed ones did not, or the other way
    /// round, if there is one.
    fn other_target(&self, runs: &[&Run]) -> Option<String> {
        let known = runs.iter().filter(|run| run.credit().is_some());
        let (succeeded, failed): (Vec<&Run>, Vec<&Run>) =
            known.copied().partition(|run| run.succeeded());
        if failed.len() < MIN_ATTEMPTS || succeeded.is_empty() {
            return None;
        }
        let changes = |run: &Run, target: TargetKey| run.targets.contains(&(target, true));
        let n_with = |side: &[&Run], target| side.iter().filter(|run| changes(run, target)).count();
        #[expect(clippy::cast_precision_loss, reason = "a few attempts")]
        let rate = |n: usize, of: usize| (n as f64 + 0.5) / (of as f64 + 1.0);
        // An id is that of one attempt's thing: another attempt has another.
        let is_told = |(target, is_changed): &&(TargetKey, bool)| {
            *is_changed && target.kind != TargetKind::Id
        };
        let all = runs.iter().flat_map(|run| &run.targets).filter(is_told);
        let mut best: Option<(f64, &str, usize, usize)> = None;
        for (target, _) in all {
            let (n_failed, n_succeeded) = (n_with(&failed, *target), n_with(&succeeded, *target));
            let difference = rate(n_succeeded, succeeded.len()) - rate(n_failed, failed.len());
            let name = self.name(target.name);
            let is_better = best.is_none_or(|(most, known, ..)| {
                let size = difference.abs();
                size > most || (size >= most && name < known)
            });
            if difference.abs() >= MIN_CONTRAST && is_better {
                best = Some((difference.abs(), name, n_failed, n_succeeded));
            }
        }
        best.map(|(_, name, n_failed, n_succeeded)| {
            format!(
                "{} was changed in {n_failed} of {} unsuccessful attempts and {n_succeeded} of {} \
                 successes",
                display_name(name),
                failed.len(),
                succeeded.len()
            )
        })
    }
}

/// Returns the best of some attempts; `None` where all failed.
fn best(attempts: impl Iterator<Item = AttemptRank>) -> Option<EpisodeId> {
    attempts.max_by(AttemptRank::cmp).filter(AttemptRank::has_credit).map(AttemptRank::episode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::{episode, step};
    use crate::model::{Outcome, Step};

    /// Returns a table of attempts at one task, each with the commands that it ran.
    fn learned(runs: &[(Outcome, &[&str])]) -> Learned {
        let mut learned = Learned::default();
        for ((outcome, lines), n) in runs.iter().zip(1..) {
            let args = |line: &&str| format!(r#"{{"command":"{line}"}}"#);
            let steps: Vec<Step> =
                lines.iter().map(|line| step("sh", &args(line), true, "")).collect();
            learned.put(&episode(n, "p", "the task", Some(*outcome)), &Digest::of(&steps));
        }
        learned
    }

    fn id(n: u8) -> EpisodeId {
        EpisodeId::from_bytes([n; 16])
    }

    #[test]
    fn attempts_are_counted_and_the_shortest_success_is_the_best() {
        let table = learned(&[
            (Outcome::Failure, &["make"]),
            (Outcome::Success, &["make", "ls", "make"]),
            (Outcome::Success, &["make", "ls"]),
        ]);
        let short = table.attempts_in_short(id(1)).unwrap();
        assert_eq!((short.n, short.n_succeeded, short.best), (3, 2, Some(id(3))));
        assert_eq!(table.task_group(id(1)).unwrap(), table.task_group(id(2)).unwrap());
    }

    #[test]
    fn what_the_failed_ones_did_otherwise_is_told_with_counts() {
        let right: &[&str] = &["sed -i s/a/b/ app/right.py", "make test"];
        let wrong: &[&str] = &["sed -i s/a/b/ app/wrong.py"];
        let table = learned(&[
            (Outcome::Success, right),
            (Outcome::Success, right),
            (Outcome::Failure, wrong),
            (Outcome::Failure, wrong),
        ]);
        let contrast = table.attempts_in_short(id(1)).unwrap().contrast.unwrap();
        assert!(contrast.contains("2 of 2 unsuccessful attempts left out `sh:make`"), "{contrast}");
        assert!(contrast.contains("app/"), "{contrast}");
    }

    #[test]
    fn an_id_of_one_attempt_sets_nothing_apart() {
        let args = r#"{"page_id":"2b1c-77aa-19","text":"x"}"#;
        let mut learned = Learned::default();
        for (n, tool) in [(1, "update_page"), (2, "update_page"), (3, "read"), (4, "read")] {
            let outcome = if n < 3 { Outcome::Success } else { Outcome::Failure };
            let steps = [step(tool, args, true, "")];
            learned.put(&episode(n, "p", "the task", Some(outcome)), &Digest::of(&steps));
        }
        let contrast = learned.attempts_in_short(id(1)).unwrap().contrast.unwrap();
        assert!(!contrast.contains("2b1c"), "{contrast}");
    }

    #[test]
    fn one_attempt_is_no_group_and_all_failed_ones_have_no_best() {
        let one = learned(&[(Outcome::Success, &["make"])]);
        assert_eq!((one.task_group(id(1)), one.attempts_in_short(id(1))), (None, None));
        let failed = learned(&[(Outcome::Failure, &["make"]), (Outcome::Failure, &["make"])]);
        let short = failed.attempts_in_short(id(1)).unwrap();
        assert_eq!((short.n_succeeded, short.best, short.contrast), (0, None, None));
    }
}
