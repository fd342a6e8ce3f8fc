//! Outcome of an episode from what happened in it.
//!
//! Counts little and keeps less: a few words that every step updates, so that it fits into the
//! state between two hooks. The rules claim a success or a failure only where, on episodes with a
//! known outcome, they were right at least four times out of five; all else is unjudged
//! (`plans/0024`).

use memory_core::Outcome;
use serde::{Deserialize, Serialize};

use super::command::{Work, command_line, work};
use super::words::Turn;
use crate::event::CallStatus;

/// Most checks of one episode whose results are kept.
const MAX_CHECKS: usize = 32;

/// Outcome of an episode, and why it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The outcome; `None` where nothing supports one.
    pub outcome: Option<Outcome>,
    /// The evidence, in a short sentence.
    pub reason: Box<str>,
}

/// What happened in an episode, as far as it says how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Evidence {
    /// Number of steps.
    n_steps: u32,
    /// Whether a file was changed.
    has_changed: bool,
    /// Result of the last check, and whether nothing was changed after it.
    last_check: Option<LastCheck>,
    /// Hashes of checks that were red, newest last.
    red: Vec<u64>,
    /// Whether a check that was red became green.
    has_turned: bool,
    /// Whether work was committed after the last change.
    is_committed: bool,
    /// Tool of the last call, where it failed.
    open_error: Option<Box<str>>,
    /// Verdict that the last call printed.
    verdict: Option<bool>,
    /// The last judgement of a person.
    said: Option<Said>,
    /// Whether a file was changed since then.
    has_changed_since: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LastCheck {
    /// The program, for the reason.
    name: Box<str>,
    is_green: bool,
    is_after_change: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Said {
    Works,
    Fails,
    Undo,
}

/// A step, as evidence.
pub(super) struct Observed<'a> {
    pub(super) tool: &'a str,
    pub(super) args: &'a str,
    pub(super) status: CallStatus,
    pub(super) result: &'a str,
}

impl Evidence {
    /// Takes a step into account.
    pub(super) fn observe(&mut self, step: &Observed<'_>) {
        self.n_steps = self.n_steps.saturating_add(1);
        self.verdict = verdict(step.result);
        let kind = work(step.tool, step.args);
        let is_failed = step.status == CallStatus::Failed;
        match kind {
            Work::Check => self.check(step, is_failed),
            Work::Change if !is_failed => self.change(),
            Work::Commit if !is_failed => self.is_committed = true,
            _ => {}
        }
        // Searches that find nothing fail by their exit code.
        let is_error = is_failed && kind != Work::Search && kind != Work::Check;
        self.open_error = is_error.then(|| step.tool.into());
    }

    /// Takes a person's words into account.
    pub(super) fn hear(&mut self, turn: Turn) {
        self.has_changed_since = false;
        match turn {
            Turn::Praise | Turn::PraiseAndNewTask => self.said = Some(Said::Works),
            Turn::Complaint => self.said = Some(Said::Fails),
            Turn::Undo => self.said = Some(Said::Undo),
            Turn::NewTask | Turn::Continue => {}
        }
    }

    fn change(&mut self) {
        self.has_changed = true;
        self.has_changed_since = true;
        self.is_committed = false;
        if let Some(check) = &mut self.last_check {
            check.is_after_change = false;
        }
    }

    fn check(&mut self, step: &Observed<'_>, is_failed: bool) {
        let is_green = !is_failed && !reports_failures(step.result);
        let hash = crate::hash::fnv(&[step.tool.as_bytes(), step.args.as_bytes()]);
        let was_red = self.red.iter().position(|red| *red == hash);
        match (is_green, was_red) {
            (true, Some(at)) => {
                self.has_turned = true;
                self.red.remove(at);
            }
            (false, None) => {
                if self.red.len() == MAX_CHECKS {
                    self.red.remove(0);
                }
                self.red.push(hash);
            }
            _ => {}
        }
        if is_green && self.said == Some(Said::Fails) && self.has_changed_since {
            // What the user saw is no more.
            self.said = None;
            self.has_turned = true;
        }
        self.last_check = Some(LastCheck {
            name: check_name(step).into(),
            is_green,
            is_after_change: self.has_changed,
        });
    }

    /// Returns the outcome that the evidence supports.
    pub(super) fn judge(&self) -> Judgement {
        let judged = |outcome, reason: String| Judgement { outcome, reason: reason.into() };
        match self.said {
            Some(Said::Works) => {
                return judged(Some(Outcome::Success), "the user said that it works".to_owned());
            }
            Some(Said::Fails) => {
                return judged(Some(Outcome::Failure), "the user said that it fails".to_owned());
            }
            Some(Said::Undo) => {
                return judged(Some(Outcome::Failure), "the user wanted it undone".to_owned());
            }
            None => {}
        }
        match self.verdict {
            Some(true) => {
                return judged(Some(Outcome::Success), "the last call said: correct".to_owned());
            }
            Some(false) => {
                return judged(Some(Outcome::Failure), "the last call said: incorrect".to_owned());
            }
            None => {}
        }
        if let Some(tool) = &self.open_error {
            let reason = format!("ended with an error of {tool}");
            return judged(Some(Outcome::Failure), reason);
        }
        self.judge_checks()
    }

    fn judge_checks(&self) -> Judgement {
        let (outcome, reason) = match &self.last_check {
            Some(check) if check.is_green && check.is_after_change => {
                let name = &check.name;
                match (self.has_turned, self.is_committed) {
                    (false, false) => {
                        (Some(Outcome::Success), format!("{name} passed after the last change"))
                    }
                    (_, true) => (
                        Some(Outcome::Success),
                        format!("{name} passed after the last change, which was committed"),
                    ),
                    // A test that had to be repaired says less: on known episodes such a run was
                    // right seven times out of ten.
                    (true, false) => (None, format!("{name} failed first and passed at the end")),
                }
            }
            Some(check) if !check.is_green && check.is_after_change => {
                (None, format!("{} failed after the last change", check.name))
            }
            Some(check) if check.is_green => {
                (None, format!("{} passed before the last change", check.name))
            }
            Some(check) => (None, format!("{} failed", check.name)),
            None if self.has_changed && self.is_committed => {
                (None, "changes were committed unchecked".to_owned())
            }
            None if self.has_changed => (None, "changes were not checked".to_owned()),
            None if self.n_steps == 0 => (None, "no tool was called".to_owned()),
            None => (None, "nothing was changed or checked".to_owned()),
        };
        Judgement { outcome, reason: reason.into() }
    }
}

/// Returns a short name of a check: the first words of the part that checks.
fn check_name(step: &Observed<'_>) -> String {
    let tool = step.tool.rsplit("__").next().unwrap_or(step.tool);
    let line = command_line(&tool.to_ascii_lowercase(), step.args);
    let Some(line) = line else { return tool.to_owned() };
    let parts = line.split(['\n', ';', '|', '&']).map(str::trim);
    let mut checks = parts.filter(|part| work("bash", part) == Work::Check);
    let part = checks.next().unwrap_or(tool);
    let words: Vec<&str> = part.split_whitespace().take(3).collect();
    let name = words.join(" ");
    name.get(..name.floor_char_boundary(40)).unwrap_or_default().to_owned()
}

/// Beginnings of lines with which programs tell of failures.
const MARKS: &[&str] = &[
    "FAILED",
    "Traceback (most recent call last)",
    "AssertionError",
    "ERROR:",
    "error[E",
    "error: could not compile",
    "test result: FAILED",
    "npm ERR!",
    "FAIL\t",
    "--- FAIL",
    "BUILD FAILED",
    "fatal error:",
    "*** [",
];

/// Returns whether the output of a check tells of failures, whatever its exit code: it may have
/// been piped into another program.
fn reports_failures(result: &str) -> bool {
    let tail = result.get(result.ceil_char_boundary(result.len().saturating_sub(6_000))..);
    let tail = tail.unwrap_or_default();
    let counts_failures = |line: &str| {
        let words: Vec<&str> = line.split([' ', ',', '=', '(', ')', ';', ':']).collect();
        words.windows(2).any(|pair| {
            let [number, what] = pair else { return false };
            let is_failure = ["failed", "failure", "failures", "errors", "error"].contains(what);
            is_failure && number.parse::<u64>().is_ok_and(|n| n > 0)
        })
    };
    tail.lines().any(|line| {
        MARKS.iter().any(|mark| line.trim_start().starts_with(mark)) || counts_failures(line)
    })
}

/// Returns the verdict that a short answer of a tool gives on the work as a whole.
fn verdict(result: &str) -> Option<bool> {
    const MAX_BYTES: usize = 80;
    if result.len() > MAX_BYTES {
        return None;
    }
    let words = result.trim().to_lowercase();
    let words = words.trim_end_matches(['.', '!']);
    let is_about_it = ["answer", "solution", "result", "submission"]
        .iter()
        .any(|subject| words.contains(subject));
    if !is_about_it {
        return None;
    }
    if words.ends_with(" is incorrect") || words.ends_with(" is wrong") {
        return Some(false);
    }
    words.ends_with(" is correct").then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(evidence: &mut Evidence, command: &str, status: CallStatus, result: &str) {
        let args = serde_json::json!({ "command": command }).to_string();
        evidence.observe(&Observed { tool: "Bash", args: &args, status, result });
    }

    fn after(steps: &[(&str, CallStatus, &str)]) -> Judgement {
        let mut evidence = Evidence::default();
        for (command, status, result) in steps {
            step(&mut evidence, command, *status, result);
        }
        evidence.judge()
    }

    use CallStatus::{Failed, Ok};

    const CHANGE: (&str, CallStatus, &str) = ("sed -i s/a/b/ x.rs", Ok, "");
    const GREEN: (&str, CallStatus, &str) = ("cargo test -q", Ok, "test result: ok. 4 passed");
    const RED: (&str, CallStatus, &str) = ("cargo test -q", Failed, "test result: FAILED");

    #[test]
    fn a_check_counts_only_after_the_last_change() {
        let judged = after(&[CHANGE, GREEN]);
        assert_eq!(judged.outcome, Some(Outcome::Success));
        assert_eq!(&*judged.reason, "cargo test -q passed after the last change");
        assert_eq!(after(&[GREEN]).outcome, None);
        assert_eq!(after(&[CHANGE, GREEN, CHANGE]).outcome, None);
        assert_eq!(after(&[CHANGE, RED]).outcome, None);
        assert_eq!(after(&[]).outcome, None);
    }

    #[test]
    fn a_repaired_test_speaks_only_with_a_commit() {
        assert_eq!(after(&[CHANGE, RED, CHANGE, GREEN]).outcome, None);
        let commit = ("git commit -am done", Ok, "");
        let judged = after(&[CHANGE, RED, CHANGE, GREEN, commit]);
        assert_eq!(judged.outcome, Some(Outcome::Success));
    }

    #[test]
    fn failures_behind_a_pipe_are_seen() {
        let piped = ("pytest | tail -3", Ok, "==== 2 failed, 7 passed in 0.1s ====");
        assert_eq!(after(&[CHANGE, piped]).outcome, None);
        let none = ("pytest | tail -3", Ok, "0 failed, 9 passed, 0 errors");
        assert_eq!(after(&[CHANGE, none]).outcome, Some(Outcome::Success));
    }

    #[test]
    fn an_error_left_open_is_a_failure_and_a_search_without_hits_is_none() {
        let error = ("python deploy.py", Failed, "boom");
        let judged = after(&[CHANGE, error]);
        assert_eq!(judged.outcome, Some(Outcome::Failure));
        assert_eq!(&*judged.reason, "ended with an error of Bash");
        assert_eq!(after(&[error, ("ls", Ok, "a")]).outcome, None);
        assert_eq!(after(&[CHANGE, ("grep -rn x .", Failed, "")]).outcome, None);
    }

    #[test]
    fn the_user_s_words_count_more_than_any_test() {
        let mut evidence = Evidence::default();
        for (command, status, result) in [CHANGE, GREEN] {
            step(&mut evidence, command, status, result);
        }
        evidence.hear(Turn::Complaint);
        assert_eq!(evidence.judge().outcome, Some(Outcome::Failure));
        evidence.hear(Turn::Continue);
        assert_eq!(evidence.judge().outcome, Some(Outcome::Failure));
        step(&mut evidence, GREEN.0, GREEN.1, GREEN.2);
        assert_eq!(evidence.judge().outcome, Some(Outcome::Failure), "nothing was changed");
        for (command, status, result) in [CHANGE, GREEN] {
            step(&mut evidence, command, status, result);
        }
        assert_eq!(evidence.judge().outcome, None, "what the user saw is no more");
        evidence.hear(Turn::Praise);
        assert_eq!(evidence.judge().outcome, Some(Outcome::Success));
        evidence.hear(Turn::Undo);
        assert_eq!(&*evidence.judge().reason, "the user wanted it undone");
    }

    #[test]
    fn a_verdict_of_the_last_call_is_taken() {
        assert_eq!(verdict("Answer is CORRECT"), Some(true));
        assert_eq!(verdict("The answer is incorrect."), Some(false));
        assert_eq!(verdict("the path is correct"), None);
    }
}
