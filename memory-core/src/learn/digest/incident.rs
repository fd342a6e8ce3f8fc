//! Errors of an episode and how each ended.
//!
//! A success after an error is not by itself a recovery: the agent may have moved on to something
//! else. It counts as one when the tool that failed succeeds soon after, or when another tool does
//! to the same target what the failed one could not.

use std::borrow::Cow;

use super::action::head;
use super::members::{members, unquoted};
use super::red::is_red;
use super::signature::Signature;
use crate::model::Step;

/// Number of steps after an error that are searched for its end.
pub(crate) const MAX_STEPS_TO_END: usize = 5;

/// Number of steps before an error in which a tool's success shows that it needed no remedy.
const MAX_STEPS_BEFORE: usize = 4 * MAX_STEPS_TO_END;

/// Bytes of arguments that are compared.
const MAX_ARGS_BYTES: usize = 8_000;

/// Maximum number of names of changed arguments that are kept.
const MAX_CHANGED: usize = 8;

/// Arguments that name the target of a tool.
const TARGETS: [&str; 10] = [
    "path",
    "file",
    "file_path",
    "filename",
    "filepath",
    "target",
    "uri",
    "url",
    "resource",
    "notebook_path",
];

/// An error of a step and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// Index of the failed step.
    pub(crate) at: u32,
    /// Signature of the error.
    pub(crate) signature: Signature,
    /// Its end within the next steps.
    pub(crate) ending: Ending,
}

/// End of an error. `changed` are the names of the arguments that differ between the failed step
/// and the one that ended it, sorted; none for a plain retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The same tool succeeded, or another one on the same target.
    Resolved {
        /// Index of the step that succeeded.
        at: u32,
        /// Names of the changed arguments.
        changed: Vec<Box<str>>,
    },
    /// The same error came again first.
    DeadEnd {
        /// Index of the step with the same error.
        at: u32,
        /// Names of the changed arguments.
        changed: Vec<Box<str>>,
    },
    /// The same tool was used again, failed in another way, and did not succeed after that.
    OtherError {
        /// Index of the first step that failed in another way.
        at: u32,
        /// Names of the changed arguments.
        changed: Vec<Box<str>>,
    },
    /// The tool was not used again within the steps that are searched.
    Open,
}

impl Ending {
    /// Returns the step that ended the error and the arguments that were changed for it; `None` for
    /// an open one.
    pub(crate) fn step(&self) -> Option<(u32, &[Box<str>])> {
        match self {
            Self::Resolved { at, changed }
            | Self::DeadEnd { at, changed }
            | Self::OtherError { at, changed } => Some((*at, changed)),
            Self::Open => None,
        }
    }
}

/// Finds the incidents of `steps`, whose tools and results are `moves`.
pub(super) fn find(steps: &[Step], moves: &[(u32, bool)]) -> Vec<Incident> {
    debug_assert_eq!(steps.len(), moves.len(), "one move for each step");
    let signatures: Vec<Option<Signature>> = steps.iter().map(Signature::of_step).collect();
    let episode = Steps { all: steps, moves, signatures: &signatures };
    let errors = signatures.iter().enumerate().filter_map(|(at, error)| Some((at, (*error)?)));
    errors
        .map(|(at, signature)| Incident {
            at: to_u32(at),
            signature,
            ending: episode.ending(at, signature),
        })
        .collect()
}

fn to_u32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Steps of an episode with their moves and the signatures of their errors: three lists of one
/// length.
struct Steps<'a> {
    all: &'a [Step],
    moves: &'a [(u32, bool)],
    signatures: &'a [Option<Signature>],
}

#[expect(
    clippy::indexing_slicing,
    reason = "three lists of one length, and `failed_at` is in them"
)]
impl Steps<'_> {
    /// Determines the end of the error at step `failed_at`.
    fn ending(&self, failed_at: usize, signature: Signature) -> Ending {
        let failed = &self.all[failed_at];
        let (failed_tool, _) = self.moves[failed_at];
        let mut other_error = None;
        for at in self.next_steps(failed_at) {
            let (tool, ok) = self.moves[at];
            let again = tool == failed_tool;
            if self.signatures[at] == Some(signature) {
                let changed = changed(failed, &self.all[at]);
                return Ending::DeadEnd { at: to_u32(at), changed };
            }
            if again && ok && !is_red(&self.all[at]) {
                let changed = changed(failed, &self.all[at]);
                return Ending::Resolved { at: to_u32(at), changed };
            }
            // The first error of another kind counts only where nothing better follows. A red test
            // whose mark says that it passed is one.
            if again && other_error.is_none() {
                let changed = changed(failed, &self.all[at]);
                other_error = Some(Ending::OtherError { at: to_u32(at), changed });
            }
        }
        other_error.or_else(|| self.replacement(failed_at)).unwrap_or(Ending::Open)
    }

    /// Finds the step by which another tool did to the target what the failed one could not.
    ///
    /// It is the last step in reach that names the target: a step that only looks at the target
    /// before that is not yet the remedy. A tool that had succeeded on the target before the error
    /// is no replacement either.
    fn replacement(&self, failed_at: usize) -> Option<Ending> {
        let failed = &self.all[failed_at];
        let wanted = target(failed)?;
        let has_target = |at: &usize| target(&self.all[*at]).is_some_and(|own| own == wanted);
        let at = self.next_steps(failed_at).rev().find(has_target)?;
        let (tool, ok) = self.moves[at];
        let before = failed_at.saturating_sub(MAX_STEPS_BEFORE)..failed_at;
        let was_ok_before =
            before.rev().any(|at| self.moves[at] == (tool, true) && has_target(&at));
        let changed = || changed(failed, &self.all[at]);
        (ok && !was_ok_before).then(|| Ending::Resolved { at: to_u32(at), changed: changed() })
    }

    /// Returns the steps after an error that are searched for its end.
    fn next_steps(&self, failed_at: usize) -> std::ops::Range<usize> {
        failed_at + 1..self.all.len().min(failed_at + 1 + MAX_STEPS_TO_END)
    }
}

/// Returns the file or other resource that a step is applied to.
fn target(step: &Step) -> Option<Cow<'_, str>> {
    let args = head(step.args.as_str(), MAX_ARGS_BYTES);
    let raw = members(args).find(|(name, _)| TARGETS.contains(name))?.1;
    unquoted(raw).filter(|target| !target.is_empty())
}

/// Returns the names of arguments that differ between two steps, sorted.
fn changed(before: &Step, after: &Step) -> Vec<Box<str>> {
    let (before, after) = (before.args.as_str(), after.args.as_str());
    if before == after {
        return Vec::new();
    }
    let (before, after) = (head(before, MAX_ARGS_BYTES), head(after, MAX_ARGS_BYTES));
    let is_missing = |other: &str, name: &str, raw: &str| {
        !members(other).any(|(other_name, other_raw)| other_name == name && other_raw == raw)
    };
    let added = members(after).filter(|(name, raw)| is_missing(before, name, raw));
    let removed = members(before).filter(|(name, raw)| is_missing(after, name, raw));
    let mut names: Vec<Box<str>> = added.chain(removed).map(|(name, _)| name.into()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_CHANGED);
    if names.is_empty() {
        // Not an object, or the difference lies beyond the bytes that are compared.
        names.push("arguments".into());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Digest;
    use crate::learn::sample::step;

    const A: &str = r#"{"path":"a","old":"x"}"#;
    const B: &str = r#"{"path":"a","old":"y"}"#;

    fn fails(tool: &str, args: &str, error: &str) -> Step {
        step(tool, args, false, &format!("error: {error}"))
    }

    fn works(tool: &str, args: &str) -> Step {
        step(tool, args, true, "")
    }

    /// Returns the ending of the first incident.
    fn end(steps: &[Step]) -> Ending {
        Digest::of(steps).incidents[0].ending.clone()
    }

    fn resolved(at: u32, changed: &[&str]) -> Ending {
        Ending::Resolved { at, changed: changed.iter().map(|name| (*name).into()).collect() }
    }

    #[test]
    fn success_of_the_same_tool_resolves_and_names_the_changed_arguments() {
        assert_eq!(end(&[fails("edit", A, "x"), works("edit", A)]), resolved(1, &[]));
        let steps = [fails("edit", A, "x"), works("read", "{}"), works("edit", B)];
        assert_eq!(end(&steps), resolved(2, &["old"]));
        let more = r#"{"path":"b","old":"x","count":1}"#;
        let steps = [fails("edit", A, "x"), works("edit", more)];
        assert_eq!(end(&steps), resolved(1, &["count", "path"]));
        let steps = [fails("edit", "a", "x"), works("edit", "b")];
        assert_eq!(end(&steps), resolved(1, &["arguments"]));
    }

    #[test]
    fn success_of_another_tool_elsewhere_or_too_late_resolves_nothing() {
        let mut steps = vec![fails("edit", A, "x")];
        steps.extend((0..5).map(|_| works("list", r#"{"path":"elsewhere"}"#)));
        steps.push(works("edit", A));
        assert_eq!(end(&steps), Ending::Open);
        assert_eq!(
            end(&steps[5..]
                .iter()
                .rev()
                .cloned()
                .chain([fails("edit", A, "x")])
                .collect::<Vec<_>>()),
            Ending::Open
        );
        steps.remove(1);
        assert_eq!(end(&steps), resolved(5, &[]), "the fifth step counts");
    }

    #[test]
    fn the_same_error_first_is_a_dead_end_and_another_is_not() {
        let steps = [fails("edit", A, "x"), fails("edit", B, "x"), works("edit", A)];
        assert_eq!(end(&steps), Ending::DeadEnd { at: 1, changed: vec!["old".into()] });
        let steps = [fails("edit", A, "x"), fails("edit", A, "other"), works("edit", A)];
        assert_eq!(end(&steps), resolved(2, &[]));
        let steps = [fails("edit", A, "x"), fails("edit", A, "other"), works("list", "{}")];
        assert_eq!(end(&steps), Ending::OtherError { at: 1, changed: Vec::new() });
    }

    #[test]
    fn a_red_test_that_is_marked_as_ok_resolves_nothing() {
        let test = |ok, output: &str| step("sh", r#"{"command":"make test"}"#, ok, output);
        let red = test(true, "test result: FAILED. 2 passed; 1 failed");
        let steps = [test(false, "error: x"), red.clone(), test(true, "2 passed")];
        assert_eq!(end(&steps), resolved(2, &[]));
        assert_eq!(
            end(&[test(false, "error: x"), red]),
            Ending::OtherError { at: 1, changed: Vec::new() }
        );
    }

    #[test]
    fn another_tool_may_do_it_to_the_same_target_but_looking_at_it_does_not() {
        let write = r#"{"path":"a","text":"z"}"#;
        let steps = [
            works("read", r#"{"path":"a"}"#),
            fails("edit", A, "x"),
            works("read", r#"{"path":"a"}"#),
            works("write", write),
        ];
        assert_eq!(end(&steps), resolved(3, &["old", "text"]));
        assert_eq!(end(&steps[..3]), Ending::Open, "read worked before the error");
        let elsewhere = [fails("edit", A, "x"), works("write", r#"{"path":"b"}"#)];
        assert_eq!(end(&elsewhere), Ending::Open);
    }
}
