//! mini-swe-agent: trajectories of format 1.1 (22 July 2026), of format 1, and before it, when a
//! file was the list of messages alone.

use serde_json::{Value, json};

use super::frame::Frame;
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::fields::{Object, content, instant, integer, kept, list, object, text};

/// Reader of the messages of a trajectory.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    has_task: bool,
    /// Number of calls so far.
    n_calls: u32,
    /// Ids of calls that have not come back.
    open: Vec<(Box<str>, String)>,
}

impl Transcript {
    /// Reads a message.
    pub(crate) fn message(&mut self, message: &Object, frame: &Frame, events: &mut Vec<Event>) {
        let extra = object(message, "extra");
        let mut frame = frame.clone();
        frame.at = extra.and_then(|extra| instant(extra.get("timestamp"))).or(frame.at);
        let words = message.get("content").map(content).unwrap_or_default();
        match text(message, "role") {
            Some("user") if !self.has_task => {
                self.has_task = true;
                let text = kept(task(&words).to_owned());
                let id = Some(format!("{}/task", frame.session).into());
                events.push(frame.event(EventKind::Prompt(Prompt { id, alias: None, text })));
            }
            Some("assistant") => self.calls(message, extra, &words, &frame, events),
            Some("user" | "tool" | "exit") => self.result(extra, &words, &frame, events),
            _ => {}
        }
    }

    fn calls(
        &mut self,
        message: &Object,
        extra: Option<&Object>,
        words: &str,
        frame: &Frame,
        events: &mut Vec<Event>,
    ) {
        let actions = extra.map_or(&[][..], |extra| list(extra, "actions"));
        let of_action = |action: &Value| {
            action.get("command").or(Some(action)).and_then(Value::as_str).map(str::to_owned)
        };
        let mut commands: Vec<String> = actions.iter().filter_map(of_action).collect();
        let calls = list(message, "tool_calls").iter().filter_map(|call| call.get("function"));
        if commands.is_empty() {
            commands = calls.filter_map(|call| of_call(call.as_object()?)).collect();
        }
        if commands.is_empty() {
            commands = fenced(words).into_iter().collect();
        }
        for command in commands {
            self.n_calls += 1;
            let id: Box<str> = self.n_calls.to_string().into();
            let args = json!({ "command": kept(command) }).to_string();
            let call = Call { id: Some(id.clone()), tool: "bash".into(), args: args.clone() };
            self.open.push((id, args));
            events.push(frame.event(EventKind::CallBegun(call)));
        }
    }

    fn result(
        &mut self,
        extra: Option<&Object>,
        words: &str,
        frame: &Frame,
        events: &mut Vec<Event>,
    ) {
        if self.open.is_empty() {
            return;
        }
        let (id, args) = self.open.remove(0);
        let told = extra.and_then(|extra| extra.get("returncode").and_then(integer));
        let code = told.or_else(|| between(words, "<returncode>", "</returncode>")?.parse().ok());
        let output = between(words, "<output>\n", "</output>");
        let result = kept(output.unwrap_or(words).trim_end().to_owned());
        let status = match code {
            Some(0) => CallStatus::Ok,
            Some(_) => CallStatus::Failed,
            None => CallStatus::Unknown,
        };
        let error = (status == CallStatus::Failed).then(|| result.clone());
        let call = Call { id: Some(id), tool: "bash".into(), args };
        let end = CallEnd { status, result, error, latency_ms: None };
        events.push(frame.event(EventKind::CallEnded { call, end }));
    }
}

/// Returns the command of a native tool call.
fn of_call(function: &Object) -> Option<String> {
    let args: Value = serde_json::from_str(text(function, "arguments")?).ok()?;
    args.get("command")?.as_str().map(str::to_owned)
}

/// Returns the command in the fenced block of a text; of several none is run.
fn fenced(words: &str) -> Option<String> {
    let fences = ["```mswea_bash_command\n", "```bash\n", "```\n"];
    let fence = fences.into_iter().find(|fence| words.contains(fence))?;
    let mut blocks = words.split(fence).skip(1);
    let block = blocks.next().filter(|_| blocks.next().is_none())?;
    block.split_once("\n```").map(|(command, _)| command.to_owned())
}

/// Returns the task within the first message, which also instructs the agent.
fn task(words: &str) -> &str {
    let of_issue = between(words, "<pr_description>", "</pr_description>");
    let issue = of_issue.unwrap_or(words).trim();
    let issue = issue.strip_prefix("Consider the following PR description:").unwrap_or(issue);
    let issue = issue.strip_prefix("Please solve this issue:").unwrap_or(issue);
    issue.split("\n\nYou can execute bash commands").next().unwrap_or(issue).trim()
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    text.split_once(begin)?.1.split_once(end).map(|(inner, _)| inner)
}
