//! `demo`: plays two sessions of an agent through the real server, in a temporary store.
//!
//! The program starts itself as a server, once for each session, and shows each call with the
//! beginning of its answer, as a model reads it. Nothing is kept and no network is used.

mod session;

use serde_json::{Value, json};

use super::output::{Failure, Output, one_line};
use session::Session;

/// Lines that are shown of an answer.
const N_LINES: usize = 10;

/// Width of a line that is shown, in characters.
const WIDTH: usize = 92;

/// The error that both sessions meet.
const ERROR: &str = "error[E0433]: failed to resolve: use of undeclared crate or module \
    `rust_decimal`";

/// A call that was made, for `--json`.
struct Call {
    session: u32,
    tool: &'static str,
    arguments: Value,
    answer: String,
}

/// The demonstration while it plays.
struct Demo<'o, 'a> {
    output: &'o mut Output<'a>,
    session: Session,
    n_sessions: u32,
    calls: Vec<Call>,
}

/// Runs the command.
pub(crate) fn run(output: &mut Output<'_>) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("cannot find this program's file: {error}")))?;
    let folder = tempfile::Builder::new()
        .prefix("memory-mcp-demo-")
        .tempdir()
        .map_err(|error| Failure::Failed(format!("cannot make a temporary folder: {error}")))?;
    say(output, "Two sessions of an agent with the real server, in a temporary store.\n")?;

    say(output, "SESSION 1: an agent meets an error, cures it and says what it learned.\n")?;
    let session = Session::start(&program, folder.path())?;
    let mut demo = Demo { output: &mut *output, session, n_sessions: 1, calls: Vec::new() };
    first_session(&mut demo)?;
    let Demo { session, mut calls, .. } = demo;
    session.end()?;

    say(output, "SESSION 2: a new process. Another task, and the same error.\n")?;
    let session = Session::start(&program, folder.path())?;
    let mut demo =
        Demo { output: &mut *output, session, n_sessions: 2, calls: std::mem::take(&mut calls) };
    second_session(&mut demo)?;
    let Demo { session, calls, .. } = demo;
    session.end()?;

    if output.is_json() {
        let calls = calls.iter().map(|call| {
            json!({
                "session": call.session,
                "tool": call.tool,
                "arguments": call.arguments,
                "answer": call.answer,
            })
        });
        return output.value(&json!({ "calls": calls.collect::<Vec<Value>>() }));
    }
    output.line(
        "That is all: what one session records, the next one gets back when it matters.\n\
         The store of this demonstration is removed. To add the server to a client:\n  \
         claude mcp add -s user memory -- memory-mcp",
    )
}

fn first_session(demo: &mut Demo<'_, '_>) -> Result<(), Failure> {
    let task = "The checkout tests do not compile after the currency change";
    let started = demo.call("start_episode", json!({ "task": task, "language": "rust" }))?;
    let id = episode_id(&started)?;
    let steps = json!([
        {"tool": "bash", "args": {"command": "cargo test -p checkout"}, "ok": false,
         "error": ERROR},
        {"tool": "edit", "args": {"path": "checkout/Cargo.toml"},
         "observation": "added rust_decimal.workspace = true"},
        {"tool": "bash", "args": {"command": "cargo test -p checkout"},
         "observation": "test result: ok. 41 passed"},
    ]);
    demo.call("log_steps", json!({ "episode_id": id, "steps": steps }))?;
    let lesson = "New crates of this workspace must list rust_decimal themselves; the crate money \
        does not re-export it.";
    let ended = json!({
        "episode_id": id,
        "outcome": "success",
        "summary": "checkout did not list rust_decimal; added it from the workspace table.",
        "lessons": [lesson],
    });
    demo.call("complete_episode", ended)?;
    demo.call("status", json!({})).map(drop)
}

fn second_session(demo: &mut Demo<'_, '_>) -> Result<(), Failure> {
    let task = "Move the refunds into a crate of their own";
    let started = demo.call("start_episode", json!({ "task": task, "language": "rust" }))?;
    let id = episode_id(&started)?;
    demo.call("recall", json!({ "query": "undeclared crate rust_decimal" }))?;
    let failed = json!([
        {"tool": "bash", "args": {"command": "cargo test -p refunds"}, "ok": false,
         "error": ERROR},
    ]);
    demo.call("log_steps", json!({ "episode_id": id, "steps": failed })).map(drop)
}

impl Demo<'_, '_> {
    /// Calls a tool, shows the call and the beginning of its answer, and returns the answer.
    fn call(&mut self, tool: &'static str, arguments: Value) -> Result<String, Failure> {
        let answer = self.session.call(tool, &arguments)?;
        if !self.output.is_json() {
            self.output.line(tool)?;
            for (name, value) in arguments.as_object().into_iter().flatten() {
                show_argument(self.output, name, value)?;
            }
            let lines: Vec<String> = answer.lines().flat_map(wrapped).collect();
            for line in lines.iter().take(N_LINES) {
                self.output.line(&format!("    | {line}"))?;
            }
            if lines.len() > N_LINES {
                self.output.line("    | …")?;
            }
            self.output.line("")?;
        }
        self.calls.push(Call { session: self.n_sessions, tool, arguments, answer: answer.clone() });
        Ok(answer)
    }
}

/// Prints lines for people alone.
fn say(output: &mut Output<'_>, text: &str) -> Result<(), Failure> {
    if output.is_json() { Ok(()) } else { output.line(text) }
}

/// Prints an argument of a call: a line for each item of a list, none for ids.
fn show_argument(output: &mut Output<'_>, name: &str, value: &Value) -> Result<(), Failure> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| show_argument(output, name, item)),
        Value::String(_) if name == "episode_id" => Ok(()),
        Value::String(text) => output.line(&one_line(&format!("  {name}: {text}"), WIDTH)),
        other => output.line(&one_line(&format!("  {name}: {other}"), WIDTH)),
    }
}

/// Breaks a line of an answer into lines of bounded width, each with its indentation.
fn wrapped(line: &str) -> Vec<String> {
    let text = line.trim_start();
    let indent = " ".repeat(line.len() - text.len());
    let mut lines = vec![indent.clone()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.trim().is_empty() => last.push_str(word),
            Some(last) if last.chars().count() + 1 + word.chars().count() <= WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

/// Reads the id of the episode that was started, as a model does: from the text.
fn episode_id(answer: &str) -> Result<String, Failure> {
    let mut words = answer.split_whitespace().skip_while(|word| *word != "Episode").skip(1);
    let id = words.next().filter(|id| id.starts_with(|c: char| c.is_ascii_hexdigit()));
    let missing = || Failure::Failed(format!("no episode was started: {answer}"));
    id.map(str::to_owned).ok_or_else(missing)
}
