//! Codex CLI: hooks and rollouts as of version 0.171.0 (29 November 2026); rollouts of earlier
//! versions without completed items are read too.

use std::io::{BufRead, Read};

use serde_json::{Value, json};

use super::frame::{Frame, owned};
use super::pascal;
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, integer, is_true, kept, object, text};
use crate::noise::{human_words, without_blocks};
use crate::unpack::unpacked;

/// Types of lines that are read.
pub(crate) const TYPES: &[&str] =
    &["session_meta", "turn_context", "event_msg", "response_item", "compacted"];

/// Longest head of a rollout, in bytes: it has the instructions of the agent.
const MAX_HEAD_BYTES: u64 = 4 << 20;

/// Returns the thread of a person's session for which the thread of a rollout, a subagent's,
/// works; `None` for a person's own.
#[must_use]
pub fn parent_thread(rollout: impl Read) -> Option<Box<str>> {
    let mut head = Vec::new();
    let file = unpacked(rollout, 64 << 10).ok()?;
    file.take(MAX_HEAD_BYTES).read_until(b'\n', &mut head).ok()?;
    let Value::Object(line) = serde_json::from_slice(&head).ok()? else { return None };
    let meta = object(&line, "payload").filter(|_| text(&line, "type") == Some("session_meta"))?;
    let parent = text(meta, "parent_thread_id")?;
    Some(text(meta, "session_id").unwrap_or(parent).into())
}

/// Reads the payload of a hook.
///
/// A command's exit code is not told: its end is unknown, and stands in the rollout alone. A tool
/// of an MCP server that fails has no end at all.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hook_event_name").unwrap_or_default();
    let kind = pascal::kind(event, payload, |payload| {
        let is_shell = text(payload, "tool_name") == Some("Bash");
        let response = payload.get("tool_response");
        let result = response.map(|response| match response.get("content") {
            Some(inner) => content(inner),
            None => content(response),
        });
        let is_error = response.and_then(|response| response.get("isError"));
        let status = match is_error.and_then(Value::as_bool) {
            Some(true) => CallStatus::Failed,
            _ if is_shell => CallStatus::Unknown,
            _ => CallStatus::Ok,
        };
        let result = result.unwrap_or_default();
        let error = (status == CallStatus::Failed).then(|| result.clone());
        CallEnd { status, result, error, latency_ms: None }
    });
    let frame = pascal::frame(payload);
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

/// Reader of the lines of a rollout.
///
/// Two layers tell the same, what the model saw and what happened: both are read, and the recorder
/// takes each call and each prompt once. The layer of what happened comes first and knows exit
/// codes.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    frame: Frame,
    model: Option<Box<str>>,
}

impl Transcript {
    /// Reads a line of one of [`TYPES`].
    pub(crate) fn line(&mut self, line: &Object, events: &mut Vec<Event>) {
        let Some(payload) = object(line, "payload") else { return };
        self.frame.at = instant(line.get("timestamp")).or(self.frame.at);
        match text(line, "type") {
            Some("session_meta") => self.meta(payload, events),
            Some("turn_context") => {
                self.frame.folder = owned(text(payload, "cwd")).or(self.frame.folder.take());
                self.frame.turn = owned(text(payload, "turn_id")).or(self.frame.turn.take());
                self.model(text(payload, "model"), events);
            }
            Some("event_msg") => self.message(payload, events),
            Some("response_item") => self.item_of_model(payload, events),
            Some("compacted") => events.push(self.frame.event(EventKind::Compacted)),
            _ => {}
        }
    }

    /// Reads the head of a file. A fork and a subagent repeat that of their parent behind their
    /// own: the first one counts.
    fn meta(&mut self, meta: &Object, events: &mut Vec<Event>) {
        if !self.frame.session.is_empty() {
            return;
        }
        let id = text(meta, "id").or(text(meta, "session_id")).unwrap_or_default();
        let parent = text(meta, "parent_thread_id");
        let root = text(meta, "session_id").filter(|_| parent.is_some()).or(parent);
        self.frame.session = root.unwrap_or(id).into();
        self.frame.agent = parent.map(|_| id.into());
        self.frame.folder = owned(text(meta, "cwd"));
        let branch = object(meta, "git").and_then(|git| text(git, "branch"));
        let begun = SessionBegun { source: None, model: None, branch: owned(branch) };
        events.push(self.frame.event(EventKind::SessionBegun(begun)));
    }

    fn model(&mut self, model: Option<&str>, events: &mut Vec<Event>) {
        if model.is_some() && model != self.model.as_deref() {
            self.model = owned(model);
            let model = self.model.clone();
            let begun = SessionBegun { model, ..SessionBegun::default() };
            events.push(self.frame.event(EventKind::SessionBegun(begun)));
        }
    }

    fn message(&mut self, payload: &Object, events: &mut Vec<Event>) {
        match text(payload, "type") {
            Some("task_started") => self.frame.turn = owned(text(payload, "turn_id")),
            Some("item_completed") => {
                if let Some(item) = object(payload, "item") {
                    self.item(item, events);
                }
            }
            Some("user_message") => self.prompt(text(payload, "message"), events),
            Some("exec_command_end") => {
                let call = Call { id: owned(text(payload, "call_id")), ..Call::default() };
                let end = command_end(payload);
                events.push(self.frame.event(EventKind::CallEnded { call, end }));
            }
            Some("task_complete") => {
                let message = text(payload, "last_agent_message");
                let message = message.map(|text| kept(text.to_owned()));
                events.push(self.frame.event(EventKind::TurnEnded { message, is_aborted: false }));
            }
            Some("turn_aborted") => {
                let kind = EventKind::TurnEnded { message: None, is_aborted: true };
                events.push(self.frame.event(kind));
            }
            _ => {}
        }
    }

    fn prompt(&self, words: Option<&str>, events: &mut Vec<Event>) {
        if let Some(words) = words.and_then(human_words)
            && self.frame.agent.is_none()
        {
            let prompt = Prompt { id: self.frame.turn.clone(), alias: None, text: kept(words) };
            events.push(self.frame.event(EventKind::Prompt(prompt)));
        }
    }

    /// Reads an item of the layer of what happened.
    fn item(&self, item: &Object, events: &mut Vec<Event>) {
        let id = owned(text(item, "id"));
        let (call, end) = match text(item, "type") {
            Some("UserMessage") => {
                let words = item.get("content").map(content);
                return self.prompt(words.as_deref(), events);
            }
            Some("CommandExecution") => (
                Call { id, tool: "Bash".into(), args: command(item.get("command")) },
                command_end(item),
            ),
            Some("McpToolCall") => {
                let server = text(item, "server").unwrap_or_default();
                let tool = format!("mcp__{server}__{}", text(item, "tool").unwrap_or_default());
                let args = item.get("arguments").map(crate::fields::json).unwrap_or_default();
                (Call { id, tool: tool.into(), args }, mcp_end(item))
            }
            Some("FileChange") => {
                let is_failed = text(item, "status").is_some_and(|status| status != "completed");
                let result = item.get("changes").map(crate::fields::json).unwrap_or_default();
                let end = ended(is_failed, &result, latency(item));
                (Call { id, tool: "apply_patch".into(), args: String::new() }, end)
            }
            _ => return,
        };
        events.push(self.frame.event(EventKind::CallEnded { call, end }));
    }

    /// Reads an item of the layer of what the model saw.
    fn item_of_model(&self, item: &Object, events: &mut Vec<Event>) {
        let id = owned(text(item, "call_id"));
        let kind = text(item, "type").unwrap_or("message");
        let begun = |tool: &str, args: String| {
            EventKind::CallBegun(Call { id: id.clone(), tool: tool.into(), args })
        };
        let event = match kind {
            "message" if text(item, "role") == Some("user") => {
                // Instructions and surroundings stand here as well.
                let words = item.get("content").map(content);
                return self.prompt(words.as_deref(), events);
            }
            "function_call" => {
                let name = text(item, "name").unwrap_or_default();
                let args = text(item, "arguments").unwrap_or_default();
                let parsed = serde_json::from_str::<Value>(args).ok();
                let line = parsed.as_ref().and_then(|args| args.get("cmd").or(args.get("command")));
                match (name, line) {
                    ("exec_command" | "shell" | "container.exec", Some(line)) => {
                        begun("Bash", command(Some(line)))
                    }
                    _ => begun(name, kept(args.to_owned())),
                }
            }
            "local_shell_call" => {
                let action = object(item, "action");
                begun("Bash", command(action.and_then(|action| action.get("command"))))
            }
            "custom_tool_call" => {
                let input = text(item, "input").unwrap_or_default();
                begun(text(item, "name").unwrap_or_default(), kept(input.to_owned()))
            }
            "function_call_output" | "custom_tool_call_output" => EventKind::CallEnded {
                call: Call { id, ..Call::default() },
                end: output_end(item.get("output").unwrap_or(&Value::Null)),
            },
            _ => return,
        };
        events.push(self.frame.event(event));
    }
}

/// Returns a command line as arguments, without the shell that runs it.
fn command(command: Option<&Value>) -> String {
    let line = match command {
        Some(Value::Array(words)) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            match words.as_slice() {
                [shell, flag, line] if shell.ends_with("sh") && flag.starts_with('-') => {
                    (*line).to_owned()
                }
                words => words.join(" "),
            }
        }
        Some(Value::String(line)) => line.clone(),
        _ => return String::new(),
    };
    crate::fields::json(&json!({ "command": kept(line) }))
}

fn command_end(item: &Object) -> CallEnd {
    let code = item.get("exit_code").and_then(integer);
    let is_failed = code.map_or_else(|| text(item, "status") == Some("failed"), |code| code != 0);
    let output = text(item, "aggregated_output").unwrap_or_default();
    ended(is_failed, &kept(output.to_owned()), latency(item))
}

fn mcp_end(item: &Object) -> CallEnd {
    let result = object(item, "result");
    let is_error = result.is_some_and(|result| is_true(result, "isError"));
    let inner = result.and_then(|result| result.get("content")).or(item.get("error"));
    let is_failed = is_error || text(item, "status") == Some("failed");
    ended(is_failed, &inner.map(content).unwrap_or_default(), latency(item))
}

/// Returns the end that an output tells, with the exit code in its text.
fn output_end(output: &Value) -> CallEnd {
    let printed = content(output);
    let parsed = serde_json::from_str::<Value>(&printed).ok();
    let told = parsed.as_ref().and_then(|parsed| {
        let code = parsed.get("metadata")?.get("exit_code").and_then(integer)?;
        Some((code, parsed.get("output").map(content).unwrap_or_default()))
    });
    if let Some((code, inner)) = told {
        return ended(code != 0, &inner, None);
    }
    let code = printed.lines().take(8).find_map(|line| {
        line.strip_prefix("Process exited with code ")?.trim().parse::<i64>().ok()
    });
    let is_refused = ["unsupported ", "failed ", "apply_patch verification failed", "aborted"]
        .iter()
        .any(|begin| printed.starts_with(begin));
    let inner = printed.split_once("\nOutput:\n").filter(|_| code.is_some());
    let inner = inner.map_or(printed.as_str(), |(_, inner)| inner);
    ended(code.map_or(is_refused, |code| code != 0), inner, None)
}

fn ended(is_failed: bool, result: &str, latency_ms: Option<u64>) -> CallEnd {
    let result = without_blocks(result);
    CallEnd {
        status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
        error: is_failed.then(|| result.clone()),
        result,
        latency_ms,
    }
}

fn latency(item: &Object) -> Option<u64> {
    let duration = object(item, "duration")?;
    let part = |key: &str| u64::try_from(integer(duration.get(key)?)?).ok();
    part("secs")?.checked_mul(1_000)?.checked_add(part("nanos").unwrap_or(0) / 1_000_000)
}
