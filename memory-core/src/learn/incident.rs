//! What became of the errors of an episode.
//!
//! An error followed by any success is not a recovery: the agent may have gone on to something else. It
//! is one when the tool that failed succeeds soon after, or when another tool does to the same target
//! what it could not.

use std::borrow::Cow;

use super::action::head;
use super::members::{members, unquoted};
use super::{Ending, Incident, Signature};
use crate::model::Step;

/// How many steps after an error are looked at for its end.
pub(super) const WINDOW: usize = 5;

/// Bytes of arguments that are compared.
const MAX_ARGS_BYTES: usize = 8_000;

/// Most names of changed arguments that are kept.
const MAX_CHANGED: usize = 8;

/// Arguments that say what a tool is applied to.
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

/// The incidents of `steps`, whose tools and marks are `moves`.
pub(super) fn of(steps: &[Step], moves: &[(u32, bool)]) -> Vec<Incident> {
    let signatures: Vec<Option<Signature>> = steps.iter().map(Signature::of_step).collect();
    let mut incidents = Vec::new();
    for (at, signature) in signatures.iter().enumerate() {
        let Some(signature) = *signature else { continue };
        let ending = ending(steps, moves, &signatures, at);
        incidents.push(Incident { at: index(at), signature, ending });
    }
    incidents
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What became of the error at step `failed_at`.
fn ending(
    steps: &[Step],
    moves: &[(u32, bool)],
    signatures: &[Option<Signature>],
    failed_at: usize,
) -> Ending {
    let (Some(failed), Some((tool, _)), Some(signature)) =
        (steps.get(failed_at), moves.get(failed_at), signatures.get(failed_at))
    else {
        return Ending::Open;
    };
    let mut other_error = None;
    let later = steps.iter().zip(moves).zip(signatures).enumerate();
    for (at, ((step, (again, ok)), error)) in later.skip(failed_at + 1).take(WINDOW) {
        let changed = || changed(failed, step);
        if error == signature {
            return Ending::DeadEnd { at: index(at), changed: changed() };
        }
        if again == tool && *ok {
            return Ending::Resolved { at: index(at), changed: changed() };
        }
        if again == tool && other_error.is_none() {
            other_error = Some(Ending::OtherError { at: index(at), changed: changed() });
        }
    }
    other_error.or_else(|| switch(steps, moves, failed_at)).unwrap_or(Ending::Open)
}

/// The step by which another tool did to the target what the failed one could not.
///
/// It is the last in the window that names the target: what looks at it before is not yet the remedy. A
/// tool that had succeeded there before the error did not need one.
fn switch(steps: &[Step], moves: &[(u32, bool)], failed_at: usize) -> Option<Ending> {
    let failed = steps.get(failed_at)?;
    let wanted = target(failed)?;
    let is_same = |step: &Step| target(step).is_some_and(|target| target == wanted);
    let mut later = steps.iter().zip(moves).enumerate().skip(failed_at + 1).take(WINDOW);
    let (at, (step, (tool, ok))) = later.rfind(|(_, (step, _))| is_same(step))?;
    let mut earlier = steps.iter().zip(moves).take(failed_at).rev().take(4 * WINDOW);
    let was_ok_before = earlier.any(|(step, (before, ok))| *ok && before == tool && is_same(step));
    (*ok && !was_ok_before)
        .then(|| Ending::Resolved { at: index(at), changed: changed(failed, step) })
}

/// The file or other resource that a step is applied to.
fn target(step: &Step) -> Option<Cow<'_, str>> {
    let args = head(step.args.as_str(), MAX_ARGS_BYTES);
    let raw = members(args).find(|(name, _)| TARGETS.contains(name))?.1;
    unquoted(raw).filter(|target| !target.is_empty())
}

/// Names of arguments that are not the same in two steps, sorted.
fn changed(before: &Step, after: &Step) -> Vec<Box<str>> {
    let (before, after) = (before.args.as_str(), after.args.as_str());
    if before == after {
        return Vec::new();
    }
    let (before, after) = (head(before, MAX_ARGS_BYTES), head(after, MAX_ARGS_BYTES));
    let differs = |other: &str, name: &str, raw: &str| {
        !members(other).any(|(other_name, other_raw)| other_name == name && other_raw == raw)
    };
    let new = members(after).filter(|(name, raw)| differs(before, name, raw));
    let gone = members(before).filter(|(name, raw)| differs(after, name, raw));
    let mut names: Vec<Box<str>> = new.chain(gone).map(|(name, _)| name.into()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_CHANGED);
    if names.is_empty() {
        // Not an object, or the difference lies beyond what is compared.
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

    /// The first incident's ending.
    fn end(steps: &[Step]) -> Ending {
        Digest::of(steps).incidents[0].ending.clone()
    }

    fn resolved(at: u32, changed: &[&str]) -> Ending {
        Ending::Resolved { at, changed: changed.iter().map(|name| (*name).into()).collect() }
    }

    #[test]
    fn success_of_the_same_tool_resolves_and_tells_what_was_changed() {
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
