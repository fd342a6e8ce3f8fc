//! Synopsis: what was done in an episode, in one line.
//!
//! Computed from the steps alone: the targets that were changed and read, what was run with its
//! last result, the errors with what ended them. How the episode ended is its outcome, which stands
//! beside it wherever it is shown.

use std::fmt::Write;

use super::action::step_name;
use super::call_key::CallKey;
use super::incident::{Ending, Incident};
use super::looking::looks;
use super::signature::Signature;
use super::target::{self, CallResult, Target, TargetKind};
use crate::learn::text::{error_line, one_line};
use crate::model::Step;

/// Longest synopsis in words, in bytes: 60 tokens.
const MAX_BYTES: usize = 240;

/// Longest texts in it, in bytes.
const CALL_BYTES: usize = 60;
const ERROR_BYTES: usize = 70;

/// Most errors that are kept.
const MAX_ERRORS: usize = 2;

/// Number of last steps in which an error that nothing resolved says how it ended.
const N_LAST_STEPS: usize = 10;

/// Longest text of an error that is kept, in bytes.
const MAX_ERROR_BYTES: usize = 120;

/// What was done in an episode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Synopsis {
    /// What was changed, in the order in which it was met, then what was only read.
    pub(crate) targets: Vec<Target>,
    /// The last things that were run.
    pub(crate) calls: Vec<CallResult>,
    /// Errors: those that were open at the end first, then those that something ended, the most
    /// frequent first.
    pub(crate) errors: Vec<ErrorEnd>,
}

/// Errors of one signature, and what ended the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorEnd {
    /// The line that says what went wrong.
    pub(crate) text: Box<str>,
    /// Number of its steps.
    pub(crate) n: u32,
    /// What was changed before the call worked, or else that call; `None` where nothing did.
    pub(crate) ended_by: Option<Box<str>>,
}

impl Synopsis {
    /// Computes the synopsis of steps, of which `incidents` are the errors.
    pub(super) fn of(steps: &[Step], incidents: &[Incident]) -> Self {
        let (targets, calls) = target::look(steps);
        Self { targets, calls, errors: errors(steps, incidents) }
    }

    /// Words the synopsis in at most 240 bytes; empty where nothing is known.
    pub(crate) fn text(&self) -> String {
        self.text_within(MAX_BYTES)
    }

    /// Words as much of the synopsis as fits into `max_bytes`, of each kind its first items.
    pub(crate) fn text_within(&self, max_bytes: usize) -> String {
        let mut line = Line { max_bytes: max_bytes.min(MAX_BYTES), ..Line::default() };
        let (changed, read): (Vec<&Target>, Vec<&Target>) =
            self.targets.iter().partition(|target| target.is_changed);
        // Of the calls the last ones say how it stood in the end.
        let calls: Vec<String> = self.calls.iter().rev().map(call_text).collect();
        let errors: Vec<String> = self.errors.iter().map(error_text).collect();
        let names = |targets: Vec<&Target>| -> Vec<String> {
            targets.into_iter().map(|target| target.name.to_string()).collect()
        };
        let sections = [names(changed), calls, errors, names(read)];
        // One of each kind, then the second of each, and so on, as long as there is room.
        let n_rounds = sections.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..n_rounds {
            for (section, items) in sections.iter().enumerate() {
                if let Some(item) = items.get(round) {
                    line.add(section, item);
                }
            }
        }
        line.text()
    }
}

/// Words before the items of each section of the line.
const HEADINGS: [&str; 4] = ["changed ", "ran ", "met ", "read "];

/// A line within its bytes, made of sections.
#[derive(Debug, Default)]
struct Line {
    sections: [Vec<String>; HEADINGS.len()],
    n_bytes: usize,
    max_bytes: usize,
}

impl Line {
    /// Adds an item if there is room for it.
    fn add(&mut self, section: usize, item: &str) {
        let (Some(items), Some(heading)) = (self.sections.get_mut(section), HEADINGS.get(section))
        else {
            return;
        };
        let n_bytes = item.len() + if items.is_empty() { heading.len() + 2 } else { 2 };
        if !items.iter().any(|known| known == item) && self.n_bytes + n_bytes <= self.max_bytes {
            items.push(item.to_owned());
            self.n_bytes += n_bytes;
        }
    }

    fn text(&self) -> String {
        let sections = self.sections.iter().zip(HEADINGS).filter(|(items, _)| !items.is_empty());
        let sections = sections.map(|(items, heading)| format!("{heading}{}", items.join(", ")));
        sections.collect::<Vec<_>>().join("; ")
    }
}

fn call_text(call: &CallResult) -> String {
    let mut text = one_line(&call.text, CALL_BYTES).unwrap_or_default();
    if call.n > 1 {
        let written = write!(text, " ×{}", call.n);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text.push_str(if call.is_ok { " ok" } else { " failed" });
    text
}

fn error_text(error: &ErrorEnd) -> String {
    let text = error_line(&error.text, ERROR_BYTES).unwrap_or_default();
    let times = if error.n > 1 { format!(" ×{}", error.n) } else { String::new() };
    let end = match &error.ended_by {
        Some(call) => {
            format!("ended by {}", one_line(call, CALL_BYTES).unwrap_or_default())
        }
        None => "left open".to_owned(),
    };
    format!("“{text}”{times} {end}")
}

/// Collects the errors by signature.
fn errors(steps: &[Step], incidents: &[Incident]) -> Vec<ErrorEnd> {
    let mut groups: Vec<(Signature, u32, &Incident)> = Vec::new();
    for incident in incidents {
        match groups.iter_mut().find(|(known, ..)| *known == incident.signature) {
            Some((_, n, last)) => (*n, *last) = (*n + 1, incident),
            None => groups.push((incident.signature, 1, incident)),
        }
    }
    // What was left behind on the way says less than what something ended.
    let rank = |incident: &Incident| match incident.ending {
        Ending::Resolved { .. } => 1,
        _ if incident.at as usize + N_LAST_STEPS >= steps.len() => 0,
        _ => 2,
    };
    groups.sort_by_key(|(_, n, last)| (rank(last), std::cmp::Reverse(*n)));
    let step = |at: u32| steps.get(at as usize);
    let error = |(_, n, last): (Signature, u32, &Incident)| {
        let text = Signature::message_of(step(last.at)?)?;
        let ended_by = match &last.ending {
            Ending::Resolved { at, .. } => ended_by(steps, last.at, *at),
            _ => None,
        };
        Some(ErrorEnd { text: one_line(&text, MAX_ERROR_BYTES)?.into(), n, ended_by })
    };
    groups.into_iter().filter_map(error).take(MAX_ERRORS).collect()
}

/// Words what ended the error of step `failed`: what was changed until the call of step `passed`
/// worked, or where nothing was, that call; if it differs in nothing from the one that failed, with
/// the last other call before it that did not only look.
fn ended_by(steps: &[Step], failed: u32, passed: u32) -> Option<Box<str>> {
    let between = steps.get(failed as usize + 1..passed as usize)?;
    let (targets, _) = target::look(between);
    if let Some(target) = targets.first().filter(|target| target.is_changed) {
        return Some(format!("a change of {}", target.name).into());
    }
    let (before, after) = (steps.get(failed as usize)?, steps.get(passed as usize)?);
    let line = target::call_line(after);
    // What differs may be a variable that the call sets, which is no part of its short form.
    let is_same = target::call_line(before) == line;
    if !is_same {
        return Some(line.into());
    }
    let whole = target::whole_line(after);
    // An argument that the line leaves out may be what mended the call.
    if CallKey::of(before) != CallKey::of(after) {
        return Some(whole.into());
    }
    let is_act = |step: &&Step| {
        let is_other = step.ok && step_name(step) != step_name(before) && !looks(step);
        // A bare name says nothing.
        is_other && target::whole_line(step) != step_name(step)
    };
    Some(match between.iter().rfind(is_act) {
        Some(act) => format!("{}, then {whole}", target::whole_line(act)).into(),
        None => whole.into(),
    })
}

/// Numbers of the kinds of targets in stored digests; a number never changes its meaning.
pub(super) const KINDS: [TargetKind; 5] =
    [TargetKind::File, TargetKind::Table, TargetKind::Address, TargetKind::Id, TargetKind::Term];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::step;

    fn text(steps: &[Step]) -> String {
        Digest::of(steps).synopsis.text()
    }

    #[test]
    fn an_error_is_ended_by_the_variable_that_alone_was_new() {
        let failed = step("sh", r#"{"command":"pytest -q"}"#, false, "KeyError: 'total'");
        let passed = step("sh", r#"{"command":"PYTHONPATH=src pytest -q"}"#, true, "ok");
        let said = text(&[failed, passed]);
        assert!(said.contains("ended by PYTHONPATH=src pytest -q"), "{said}");
    }

    #[test]
    fn an_error_that_the_same_call_ended_is_ended_by_what_was_done_before_it() {
        let check = |ok, said: &str| step("sh", r#"{"command":"./check"}"#, ok, said);
        let error = "error: no settings were made";
        let prepare = step("sh", r#"{"command":"./prepare"}"#, true, "made");
        let look = step("sh", r#"{"command":"ls -l"}"#, true, "prepare check");
        let said = text(&[check(false, error), prepare, look.clone(), check(true, "ok")]);
        assert!(said.contains("ended by ./prepare, then ./check"), "{said}");
        let said = text(&[check(false, error), look, check(true, "ok")]);
        assert!(said.contains("ended by ./check"), "{said}");
    }

    #[test]
    fn what_came_before_a_call_with_other_arguments_did_not_end_its_error() {
        let book = |paid: u32, ok| {
            let args = format!(r#"{{"user":"heron_7","paid":{paid}}}"#);
            step("book_trip", &args, ok, if ok { "booked" } else { "Error: paid too little" })
        };
        let other = step("calculate", r#"{"sum":"375 - 76"}"#, true, "299");
        let said = text(&[book(299, false), other.clone(), book(375, true)]);
        assert!(said.contains("ended by book_trip heron_7"), "{said}");
        let said = text(&[book(375, false), other, book(375, true)]);
        assert!(said.contains("ended by calculate 375 - 76, then book_trip heron_7"), "{said}");
        let bare = step("wake", "{}", true, "");
        let said = text(&[book(375, false), bare, book(375, true)]);
        assert!(said.contains("ended by book_trip heron_7"), "{said}");
    }

    #[test]
    fn a_synopsis_says_what_was_changed_run_met_and_read() {
        let steps = [
            step("sh", r#"{"command":"cat shop/cart.py"}"#, true, "x"),
            step("sh", r#"{"command":"make test"}"#, false, "KeyError: 'total'"),
            step("sh", r#"{"command":"sed -i s/a/b/ shop/total.py"}"#, true, ""),
            step("sh", r#"{"command":"make test"}"#, true, "ok"),
        ];
        assert_eq!(
            text(&steps),
            "changed shop/total.py; ran make test ×2 ok; met “KeyError: 'total'” ended by a \
             change of shop/total.py; read shop/cart.py"
        );
    }

    #[test]
    fn an_error_that_nothing_ended_stands_first() {
        let steps = [
            step("sh", r#"{"command":"make a"}"#, false, "ImportError: yaml"),
            step("sh", r#"{"command":"make a"}"#, true, ""),
            step("db", r#"{"query":"SELECT x FROM t"}"#, false, "no such column: x"),
        ];
        let synopsis = Digest::of(&steps).synopsis;
        let errors: Vec<(&str, bool)> =
            synopsis.errors.iter().map(|error| (&*error.text, error.ended_by.is_some())).collect();
        assert_eq!(errors, [("no such column: x", false), ("ImportError: yaml", true)]);
    }

    #[test]
    fn nothing_is_said_of_no_steps() {
        assert_eq!(text(&[]), "");
    }

    proptest::proptest! {
        #[test]
        fn a_synopsis_keeps_its_length(
            lines in proptest::collection::vec(("[ -~]{0,60}", proptest::bool::ANY), 0..20),
        ) {
            let steps: Vec<Step> =
                lines.iter().map(|(line, ok)| step("sh", line, *ok, line)).collect();
            proptest::prop_assert!(text(&steps).len() <= MAX_BYTES);
            let short = Digest::of(&steps).synopsis.text_within(80);
            proptest::prop_assert!(short.len() <= 80);
            proptest::prop_assert_eq!(text(&steps), text(&steps));
        }
    }
}
