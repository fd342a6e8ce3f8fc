//! Demonstration of a cure: what was changed between an error and the attempt that passed.
//!
//! An agent that is told a cure must be able to do it: the command, the path and what was replaced
//! by what, or the argument that was changed, and the attempt that then passed. Steps that only
//! looked at something, tests and further attempts are no part of it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::digest::{CallKey, commands_of, looks, members, step_name, unquoted, written};
use super::quote::call_of;
use super::text::one_line;
use super::word_diff::word_diff;
use crate::model::Step;
use crate::secret::mask;

/// Maximum number of calls between error and attempt that are shown: the last ones.
const MAX_ACTS: usize = 2;

/// Maximum bytes of one of them where there are two, and where there is one.
const ACT_BYTES: usize = 80;
const ONLY_ACT_BYTES: usize = 150;

/// Bytes of an error by which of several differences one is chosen.
const MAX_ERROR_BYTES: usize = 2_000;

/// Maximum bytes of the attempt that passed.
const PASSED_BYTES: usize = 70;

/// Arguments that name what an edit applies to.
const PATHS: [&str; 8] = [
    "path",
    "file_path",
    "filePath",
    "filename",
    "file",
    "target_file",
    "notebook_path",
    "TargetFile",
];

/// Arguments that hold what an edit replaces, and what it puts there.
const OLD: [&str; 6] = ["old_string", "old_str", "old_text", "oldText", "oldString", "search"];
const NEW: [&str; 6] = ["new_string", "new_str", "new_text", "newText", "newString", "replace"];

/// What was done about an error in one place, shortened and masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demonstration {
    /// Calls between the error and the attempt that passed which may have cured it, in their order.
    pub acts: Vec<String>,
    /// Difference of the attempt that passed from the call that failed, as `before → after`.
    pub change: Option<String>,
    /// The attempt that passed; `None` where its call says no more than its tool's name.
    pub passed: Option<String>,
}

impl Demonstration {
    /// Reads what was done from the steps of an episode, from the one that failed to the one that
    /// passed; `None` where they show nothing that another agent could do. The steps `before` them
    /// say what a file held that was written anew.
    ///
    /// An attempt again that differs in nothing shows something only where something was done
    /// before it.
    pub(crate) fn of(before: &[Step], steps: &[Step]) -> Option<Self> {
        let ([failed, between @ ..], Some(passed)) = (steps, steps.last()) else { return None };
        let between = between.split_last().map_or(between, |(_, between)| between);
        let is_other_tool = step_name(failed) != step_name(passed);
        let is_same_call = CallKey::of(failed) == CallKey::of(passed);
        let name = step_name(failed);
        let mut acts: Vec<&Step> = between
            .iter()
            .filter(|step| step.ok && step_name(step) != name && !looks(step))
            .collect();
        if is_same_call && acts.is_empty() || !(is_other_tool || is_alike(failed, passed)) {
            return None;
        }
        let about = failed.error.as_ref().unwrap_or(&failed.observation).as_str();
        let about = about.get(..about.floor_char_boundary(MAX_ERROR_BYTES)).unwrap_or_default();
        let is_changed = !is_same_call && !is_other_tool;
        let change = if is_changed { change(failed, passed, about) } else { None };
        if !is_same_call && !is_other_tool && change.is_none() && acts.is_empty() {
            return None;
        }
        let n_skipped = acts.len().saturating_sub(MAX_ACTS);
        acts.drain(..n_skipped);
        let limit = if acts.len() > 1 || change.is_some() { ACT_BYTES } else { ONLY_ACT_BYTES };
        let masked = |text: String| mask(text).0;
        let shown = |step: &Step| {
            let earlier =
                before.iter().chain(steps).take_while(|other| !std::ptr::eq(*other, step));
            rewritten(step, earlier, about, limit).or_else(|| act(step, limit))
        };
        let acts: Vec<String> = acts.into_iter().filter_map(shown).map(masked).collect();
        let change = change.map(masked);
        let is_told = |passed: &String| {
            let whole = passed.strip_suffix('…').unwrap_or(passed);
            change.iter().chain(&acts).any(|told| told.contains(whole))
        };
        let passed = act(passed, PASSED_BYTES).map(masked).filter(|passed| !is_told(passed));
        Some(Self { acts, change, passed })
    }

    /// Returns what was done in one line of at most `limit` bytes; `None` where that is only to try
    /// again.
    pub(crate) fn in_short(&self, limit: usize) -> Option<String> {
        let done = match (self.acts.as_slice(), &self.change) {
            ([], Some(change)) => within(change, limit),
            ([], None) => self.passed.clone()?,
            ([act], _) => within(act, limit),
            (acts, _) => acts.join("; "),
        };
        one_line(&done, limit)
    }
}

/// Returns a difference in at most `limit` bytes: both sides are cut, so that what was put in is
/// seen.
fn within(change: &str, limit: usize) -> String {
    let Some((before, after)) = change.split_once(ARROW).filter(|_| change.len() > limit) else {
        return change.to_owned();
    };
    let room = limit.saturating_sub(ARROW.len() + 1) / 2;
    let after = after.strip_suffix('`').unwrap_or(after);
    let room_before = room + room.saturating_sub(after.len());
    let room_after = room + room.saturating_sub(before.len());
    let cut = |text: &str, room: usize| one_line(text, room).unwrap_or_default();
    format!("{}{ARROW}{}`", cut(before, room_before), cut(after, room_after))
}

/// Words between the sides of a difference.
const ARROW: &str = "` → `";

/// Returns whether two calls are attempts at one thing: half of what the shorter one says the other
/// says too. What was done before a call of something else passed cured nothing.
fn is_alike(failed: &Step, passed: &Step) -> bool {
    let (before, after) = (said(failed), said(passed));
    let n_common = before.iter().filter(|word| after.contains(*word)).count();
    let n_least = before.len().min(after.len());
    n_least == 0 || 2 * n_common >= n_least
}

/// Returns the words of a call, each once: those of the values of its arguments, without endings of
/// files, and without the program of a command, which both have.
fn said(step: &Step) -> BTreeSet<String> {
    let args = step.args.as_str();
    let values: Vec<Cow<'_, str>> =
        members(args).map(|(_, raw)| unquoted(raw).unwrap_or(Cow::Borrowed(raw))).collect();
    let text = if values.is_empty() { args.to_owned() } else { values.join(" ") };
    let n_skipped = usize::from(!commands_of(step).is_empty());
    let without_ending = |word: &str| match word.rsplit_once('.') {
        Some((name, ending)) if ending.len() <= 4 => name.to_owned(),
        _ => word.to_owned(),
    };
    let words = text.split_whitespace().skip(n_skipped).map(without_ending);
    let parts = words.flat_map(|word| {
        let parts = word.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        parts.filter(|part| part.len() > 1).map(str::to_owned).collect::<Vec<_>>()
    });
    parts.collect()
}

/// Returns the difference that writing a file anew made, in one line of at most `limit` bytes;
/// `None` for a file that no earlier step wrote.
fn rewritten<'a>(
    step: &Step,
    earlier: impl Iterator<Item = &'a Step>,
    about: &str,
    limit: usize,
) -> Option<String> {
    let (file, new) = written(step)?;
    let old = earlier.filter_map(written).filter(|(other, _)| *other == file).last();
    let diff = word_diff(&without_comments(&old?.1), &without_comments(&new), about)?;
    one_line(&within(&format!("{file}: {diff}"), limit), limit)
}

/// Returns what a step did in one line of at most `limit` bytes: of an edit the file and what was
/// replaced by what, else its call.
fn act(step: &Step, limit: usize) -> Option<String> {
    let args = step.args.as_str();
    let text_of = |names: &[&str]| {
        members(args).find(|(name, _)| names.contains(name)).and_then(|(_, raw)| unquoted(raw))
    };
    let path = text_of(&PATHS);
    if let (Some(old), Some(new)) = (text_of(&OLD), text_of(&NEW))
        && let Some(diff) = word_diff(&old, &new, "")
    {
        let text = format!("{} {}: {diff}", step.tool, path.unwrap_or_default());
        return one_line(&within(&text, limit), limit);
    }
    let lines = text_of(&["patch", "input", "diff"]).unwrap_or(Cow::Borrowed(args));
    if let Some(text) = patched(&lines) {
        return one_line(&text, limit);
    }
    if let Some(path) = path {
        return one_line(&format!("{} {path}", step.tool), limit);
    }
    let call = call_of(step, limit)?;
    let has_command = !commands_of(step).is_empty();
    one_line(&if has_command { call } else { format!("{} {call}", step_name(step)) }, limit)
}

/// Returns the file of a patch and its first lines that were taken out and put in.
fn patched(patch: &str) -> Option<String> {
    let file = patch.lines().find_map(|line| {
        let marks = ["*** Update File: ", "*** Add File: ", "+++ b/", "+++ "];
        marks.iter().find_map(|mark| line.strip_prefix(mark))
    })?;
    let begins = |line: &&str, sign: char| {
        let rest = line.strip_prefix(sign);
        rest.is_some_and(|rest| !rest.starts_with([sign, ' ']) || rest.starts_with("  "))
    };
    let first = |sign| patch.lines().find(|line| begins(line, sign)).and_then(|l| l.get(1..));
    let lines = [first('-'), first('+')].map(|line| line.unwrap_or_default().trim());
    Some(match lines {
        [old, new] if !old.is_empty() || !new.is_empty() => {
            format!("patch {file}: {}", word_diff(old, new, "").unwrap_or_default())
        }
        _ => format!("patch {file}"),
    })
}

/// Returns the difference of two calls of a tool: of the argument that says most.
fn change(failed: &Step, passed: &Step, about: &str) -> Option<String> {
    let (before, after) = (failed.args.as_str(), passed.args.as_str());
    if !after.trim_start().starts_with('{') {
        return word_diff(before, after, about);
    }
    let value = |args: &str, wanted: &str| {
        let found = members(args).find(|(name, _)| *name == wanted).map(|(_, raw)| raw);
        found.map(|raw| unquoted(raw).unwrap_or(Cow::Borrowed(raw)).into_owned())
    };
    let mut names: Vec<&str> = members(after).chain(members(before)).map(|(n, _)| n).collect();
    names.dedup();
    let differs: Vec<&str> =
        names.into_iter().filter(|name| value(before, name) != value(after, name)).collect();
    // An id says nothing to another attempt.
    let is_id = |name: &str| name == "id" || name.ends_with("_id") || name.ends_with("Id");
    let name = *differs.iter().find(|name| !is_id(name))?;
    let is_remark = matches!(name, "description" | "explanation" | "timeout");
    let name = if is_remark { *differs.iter().find(|n| **n != name && !is_id(n))? } else { name };
    match (value(before, name), value(after, name)) {
        (Some(before), Some(after)) => {
            let (before, after) = (without_comments(&before), without_comments(&after));
            let diff = word_diff(&before, &after, about)?;
            let is_main = matches!(name, "command" | "cmd" | "query" | "sql" | "code" | "script");
            Some(if is_main { diff } else { format!("{name}: {diff}") })
        }
        (None, Some(after)) => Some(format!("with {name}={}", one_line(&after, 80)?)),
        (Some(_), None) => Some(format!("without {name}")),
        (None, None) => None,
    }
}

/// Returns a statement without its comment lines.
fn without_comments(text: &str) -> String {
    let is_comment = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("--") || line.starts_with('#')
    };
    text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    fn run(command: &str, ok: bool) -> Step {
        step("bash", &serde_json::json!({ "command": command }).to_string(), ok, "error: x failed")
    }

    fn shown(steps: &[Step]) -> (Vec<String>, Option<String>, Option<String>) {
        let Demonstration { acts, change, passed } = Demonstration::of(&[], steps).unwrap();
        (acts, change, passed)
    }

    #[test]
    fn an_edit_is_shown_with_its_file_and_what_changed_and_the_attempt_that_passed() {
        let edit =
            r#"{"file_path":"src/app.rs","old_string":"let a = 1;","new_string":"let a = 2;"}"#;
        let steps = [
            run("cargo test", false),
            run("cat src/app.rs", true),
            step("Edit", edit, true, "done"),
            run("cargo test", true),
        ];
        let (acts, change, passed) = shown(&steps);
        assert_eq!(acts, ["Edit src/app.rs: `let a = 1;` → `let a = 2;`"]);
        assert_eq!((change, passed.as_deref()), (None, Some("cargo test")));
    }

    #[test]
    fn a_command_and_a_changed_argument_are_shown() {
        let steps = [run("make", false), run("docker start db", true), run("make", true)];
        assert_eq!(shown(&steps).0, ["docker start db"]);
        let steps = [run("tool --old in.txt", false), run("tool --new in.txt", true)];
        let (acts, change, passed) = shown(&steps);
        assert_eq!(acts, Vec::<String>::new());
        assert_eq!(change.as_deref(), Some("`tool --old in.txt` → `tool --new in.txt`"));
        assert_eq!(passed, None, "the change says it");
    }

    #[test]
    fn looking_testing_and_trying_again_show_nothing() {
        for between in ["ls -l", "git status", "cargo check", "pytest -x", "sed -n 1,9p a", "make"]
        {
            let steps = [run("make", false), run(between, true), run("make", true)];
            assert_eq!(Demonstration::of(&[], &steps), None, "{between}");
        }
        assert_eq!(Demonstration::of(&[], &[run("make", false), run("make 2>&1", true)]), None);
        for between in ["echo a > b", "sed -i s/a/b/ c", "git checkout c", "pip install d"] {
            let steps = [run("make", false), run(between, true), run("make", true)];
            assert_eq!(shown(&steps).0, [between], "{between}");
        }
    }

    #[test]
    fn a_call_of_something_else_that_passed_shows_nothing() {
        for (failed, between, passed) in [
            ("python tests/all.py cart", "sed -i s/a/b/ c", "python show.py"),
            ("grep total_of a.py", "sed -i s/a/b/ c", "grep tax_rate b.py"),
            ("python show.py", "make", "python tests/all.py cart"),
        ] {
            let steps = [run(failed, false), run(between, true), run(passed, true)];
            assert_eq!(Demonstration::of(&[], &steps), None, "{failed}");
        }
        let steps = [run("python show.py", false), run("sed -i s/a/b/ c", true)];
        let passed = run("python3 show.py 2>&1", true);
        assert!(Demonstration::of(&[], &[&steps[..], &[passed]].concat()).is_some());
    }

    #[test]
    fn of_a_file_that_was_written_anew_the_difference_is_shown() {
        let script = |call: &str| {
            let head = "import os\nimport sys\n".repeat(20);
            run(&format!("cat > try.py <<'E'\n{head}# {call}\n{call}\nprint(1)\nE"), true)
        };
        let steps = [run("python try.py", false), script("x.setup()"), run("python try.py", true)];
        let shown = Demonstration::of(&[script("y.start()")], &steps).unwrap();
        assert_eq!(shown.acts.len(), 1);
        let act = &shown.acts[0];
        assert!(act.starts_with("try.py: `") && act.len() <= ONLY_ACT_BYTES, "{act}");
        assert!(act.contains("y.start()") && act.contains("x.setup()"), "{act}");
    }

    #[test]
    fn in_short_both_sides_of_a_difference_are_seen() {
        let change = Some(format!("`{}` → `{}`", "old ".repeat(30), "new ".repeat(30)));
        let shown = Demonstration { change, ..Demonstration::default() };
        let short = shown.in_short(60).unwrap();
        assert!(short.len() <= 60 && short.contains("old") && short.ends_with('`'), "{short}");
        assert!(short.split_once(ARROW).unwrap().1.starts_with("new new"), "{short}");
        let change = Some("`a` → `b`".to_owned());
        let shown = Demonstration { acts: vec!["make".into()], change, passed: None };
        assert_eq!(shown.in_short(60).unwrap(), "make");
    }

    #[test]
    fn a_patch_names_its_file_and_its_first_lines() {
        let patch = "*** Begin Patch\n*** Update File: a/b.py\n@@\n-x = 1\n+x = 2\n*** End Patch";
        let args = serde_json::json!({ "input": patch }).to_string();
        let steps =
            [run("pytest", false), step("apply_patch", &args, true, ""), run("pytest", true)];
        assert_eq!(shown(&steps).0, ["patch a/b.py: `x = 1` → `x = 2`"]);
    }
}
