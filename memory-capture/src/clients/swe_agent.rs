//! SWE-agent: trajectories as of 16 July 2026 and of version 0.x.
//!
//! A trajectory has no exit codes and no times: only observations that tell of an error are
//! failures, all others unknown.

use serde_json::{Value, json};

use super::frame::Frame;
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::fields::{Object, content, is_true, kept, text};

/// Commands that are tools of the agent, and no programs of its shell.
const TOOLS: &[&str] = &[
    "create",
    "edit",
    "edit_anthropic",
    "find_file",
    "goto",
    "insert",
    "open",
    "scroll_down",
    "scroll_up",
    "search_dir",
    "search_file",
    "set_cursors",
    "str_replace_editor",
    "submit",
    "undo_edit",
    "view_image",
];

/// Beginnings of observations that tell of an error.
const ERRORS: &[&str] = &[
    "bash: ",
    "/bin/bash: ",
    "Traceback (most recent call last)",
    "Usage: ",
    "Error: ",
    "ERROR: ",
    "File ",
    "Your proposed edit has introduced new syntax error",
    "EXECUTION TIMED OUT",
    "COMMAND FAILED",
    "Your command was blocked",
    "No replacement was performed",
    "Invalid `",
    "usage: ",
];

/// Reader of the history and the steps of a trajectory; the history is read first, for the task.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    has_task: bool,
    n_calls: u32,
}

impl Transcript {
    /// Reads an item of the history: the first words of the user are the task, unless they are
    /// those of a worked example.
    pub(crate) fn history(&mut self, item: &Object, frame: &Frame, events: &mut Vec<Event>) {
        let is_task = text(item, "role") == Some("user") && !is_true(item, "is_demo");
        if self.has_task || !is_task {
            return;
        }
        let words = item.get("content").map(content).unwrap_or_default();
        if words.trim_start().starts_with("Here is a demonstration") {
            return;
        }
        self.has_task = true;
        let id = Some(format!("{}/task", frame.session).into());
        let prompt = Prompt { id, alias: None, text: kept(task(&words).to_owned()) };
        events.push(frame.event(EventKind::Prompt(prompt)));
    }

    /// Reads a step.
    pub(crate) fn step(&mut self, step: &Object, frame: &Frame, events: &mut Vec<Event>) {
        let action = text(step, "action").unwrap_or_default().trim();
        if action.is_empty() {
            return;
        }
        self.n_calls += 1;
        let call = Call {
            id: Some(self.n_calls.to_string().into()),
            tool: tool(action).into(),
            args: json!({ "command": kept(action.to_owned()) }).to_string(),
        };
        let result = step.get("observation").map(content).unwrap_or_default();
        let head = result.trim_start();
        let is_missing = |line: &str| line.contains("not found") || line.contains("does not exist");
        let is_error = ERRORS.iter().any(|begin| match *begin {
            "File " => head.starts_with("File ") && head.lines().next().is_some_and(is_missing),
            begin => head.starts_with(begin),
        });
        let seconds = step.get("execution_time").and_then(Value::as_f64);
        let end = CallEnd {
            status: if is_error { CallStatus::Failed } else { CallStatus::Unknown },
            error: is_error.then(|| result.clone()),
            result,
            latency_ms: seconds.and_then(millis),
        };
        events.push(frame.event(EventKind::CallEnded { call, end }));
    }
}

/// Returns the tool of an action: one of the agent's own, or its shell.
fn tool(action: &str) -> &str {
    let first = action.split_whitespace().next().unwrap_or_default();
    if TOOLS.contains(&first) { first } else { "bash" }
}

fn millis(seconds: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the filter bounds it"
    )]
    let whole = |ms: f64| ms.round() as u64;
    Some(seconds * 1_000.0).filter(|ms| (0.0..1e12).contains(ms)).map(whole)
}

/// Returns the issue within the first message.
fn task(words: &str) -> &str {
    let inner = words
        .split_once("<pr_description>")
        .and_then(|(_, rest)| rest.split_once("</pr_description>"))
        .or_else(|| {
            words.split_once("ISSUE:\n").and_then(|(_, rest)| rest.split_once("\nINSTRUCTIONS:"))
        });
    inner.map_or(words, |(inner, _)| inner).trim()
}

#[cfg(test)]
mod tests {
    use super::tool;

    #[test]
    fn the_agents_own_commands_are_tools_and_all_others_its_shell() {
        let tools = ["edit 4:4\nx\nend_of_edit", "open a.py 3", "submit"].map(tool);
        assert_eq!(tools, ["edit", "open", "submit"]);
        assert_eq!(["python open.py", "editor x", ""].map(tool), ["bash"; 3]);
    }
}
