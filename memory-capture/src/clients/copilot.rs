//! GitHub Copilot CLI: hooks and session events as of version 1.0.102 (29 November 2026).

use super::frame::{Frame, owned};
use super::pascal;
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{
    Object, content, first_text, instant, integer, is_true, json, kept, list, object, text,
};
use crate::noise::human_words;

/// Types of lines that are read.
pub(crate) const TYPES: &[&str] = &[
    "session.start",
    "session.resume",
    "session.model_change",
    "session.shutdown",
    "session.compaction_complete",
    "user.message",
    "assistant.message",
    "tool.execution_start",
    "tool.execution_complete",
    "subagent.started",
    "subagent.completed",
    "abort",
];

/// Reads the payload of a hook, in either spelling.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    if let Some(event) = text(payload, "hook_event_name") {
        let kind = pascal::kind(event, payload, |payload| {
            let result = object(payload, "tool_result");
            end(result.and_then(|result| text(result, "text_result_for_llm")))
        });
        return (event.into(), kind.map(|kind| frame(payload).event(kind)).into_iter().collect());
    }
    let event = camel_event(payload);
    let kind = camel_kind(event, payload);
    (event.into(), kind.map(|kind| frame(payload).event(kind)).into_iter().collect())
}

/// Returns the frame: within a subagent the session is the parent's, where it is told.
fn frame(payload: &Object) -> Frame {
    let agent = first_text(payload, &["agentId", "agent_id"]);
    let parent = first_text(payload, &["parentAgentId", "parent_agent_id"]);
    let session = first_text(payload, &["sessionId", "session_id"]);
    Frame {
        session: parent.or(session).unwrap_or_default().into(),
        agent: owned(agent),
        folder: owned(text(payload, "cwd")),
        at: instant(payload.get("timestamp")),
        turn: None,
    }
}

/// Returns the name of the event of a payload in camel case, which does not name it.
fn camel_event(payload: &Object) -> &str {
    let has = |key: &str| payload.contains_key(key);
    if let Some(name) = text(payload, "hookName") {
        return name;
    }
    if has("toolName") {
        return match (has("error"), has("toolResult")) {
            (true, _) => "postToolUseFailure",
            (_, true) => "postToolUse",
            _ => "preToolUse",
        };
    }
    if has("agentName") || has("agent_name") {
        return if has("response") || has("stopReason") { "subagentStop" } else { "subagentStart" };
    }
    if has("stopReason") {
        return "agentStop";
    }
    if has("prompt") {
        return "userPromptSubmitted";
    }
    match (has("source"), has("reason")) {
        (true, _) => "sessionStart",
        (_, true) => "sessionEnd",
        _ => "",
    }
}

fn camel_kind(event: &str, payload: &Object) -> Option<EventKind> {
    let call = || Call {
        id: None,
        tool: text(payload, "toolName").unwrap_or_default().into(),
        args: payload.get("toolArgs").map(json).unwrap_or_default(),
    };
    Some(match event {
        "sessionStart" => EventKind::SessionBegun(SessionBegun {
            source: owned(text(payload, "source")),
            ..SessionBegun::default()
        }),
        "sessionEnd" => EventKind::SessionEnded { reason: owned(text(payload, "reason")) },
        "userPromptSubmitted" if text(payload, "agentId").is_none() => {
            let words = human_words(text(payload, "prompt")?)?;
            EventKind::Prompt(Prompt { id: None, alias: None, text: kept(words) })
        }
        "preToolUse" => EventKind::CallBegun(call()),
        "postToolUse" => {
            let result = object(payload, "toolResult");
            let end = end(result.and_then(|result| text(result, "textResultForLlm")));
            EventKind::CallEnded { call: call(), end }
        }
        "postToolUseFailure" => {
            let error = kept(payload.get("error").map(json).unwrap_or_default());
            EventKind::CallEnded { call: call(), end: failed(error) }
        }
        "subagentStart" => EventKind::SubagentBegun,
        "subagentStop" => EventKind::SubagentEnded,
        "agentStop" => EventKind::TurnEnded { message: None, is_aborted: false },
        _ => return None,
    })
}

/// Returns the end of a call that the client takes for a success: a command that failed tells it
/// in the last line of its output.
fn end(result: Option<&str>) -> CallEnd {
    let result = result.unwrap_or_default();
    match exit_code(result) {
        Some(code) if code != 0 => failed(kept(result.to_owned())),
        _ => CallEnd {
            status: CallStatus::Ok,
            result: kept(result.to_owned()),
            error: None,
            latency_ms: None,
        },
    }
}

fn failed(error: String) -> CallEnd {
    CallEnd {
        status: CallStatus::Failed,
        result: error.clone(),
        error: Some(error),
        latency_ms: None,
    }
}

/// Returns the code in `<shellId: 0 completed with exit code 3>` at the end of a text.
fn exit_code(result: &str) -> Option<i64> {
    let (before, code) = result.trim_end().strip_suffix('>')?.rsplit_once(" exit code ")?;
    before.contains("<shellId:").then(|| code.parse().ok()).flatten()
}

/// Reader of the events of a session.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    session: Box<str>,
    folder: Option<Box<str>>,
}

impl Transcript {
    /// Reads a line of one of [`TYPES`].
    pub(crate) fn line(&mut self, line: &Object, events: &mut Vec<Event>) {
        let (Some(kind), Some(data)) = (text(line, "type"), object(line, "data")) else { return };
        if kind == "session.start" {
            self.session = text(data, "sessionId").unwrap_or_default().into();
        }
        let context = object(data, "context");
        let context_text = |key| context.and_then(|context| text(context, key));
        self.folder = owned(context_text("cwd")).or(self.folder.take());
        let agent = text(line, "agentId");
        let frame = Frame {
            session: self.session.clone(),
            agent: owned(agent),
            folder: self.folder.clone(),
            at: instant(line.get("timestamp")),
            turn: None,
        };
        let id = || owned(text(data, "toolCallId"));
        let event = match kind {
            "session.start" | "session.resume" | "session.model_change" => {
                EventKind::SessionBegun(SessionBegun {
                    source: None,
                    model: owned(first_text(data, &["newModel", "selectedModel"])),
                    branch: owned(context_text("branch")),
                })
            }
            "session.shutdown" => EventKind::SessionEnded { reason: None },
            "session.compaction_complete" => EventKind::Compacted,
            "user.message" => {
                // The words of the agent to a subagent have a source.
                let is_of_person = agent.is_none() && text(data, "source").is_none();
                let words = text(data, "content").filter(|_| is_of_person).and_then(human_words);
                let Some(words) = words else { return };
                EventKind::Prompt(Prompt { id: None, alias: None, text: kept(words) })
            }
            "assistant.message" if list(data, "toolRequests").is_empty() => {
                let message = text(data, "content").map(|text| kept(text.to_owned()));
                EventKind::TurnEnded { message, is_aborted: false }
            }
            "tool.execution_start" => EventKind::CallBegun(Call {
                id: id(),
                tool: text(data, "toolName").unwrap_or_default().into(),
                args: data.get("arguments").map(json).unwrap_or_default(),
            }),
            "tool.execution_complete" => EventKind::CallEnded {
                call: Call { id: id(), ..Call::default() },
                end: complete(data),
            },
            "subagent.started" => EventKind::SubagentBegun,
            "subagent.completed" => EventKind::SubagentEnded,
            "abort" => EventKind::TurnEnded { message: None, is_aborted: true },
            _ => return,
        };
        events.push(frame.event(event));
    }
}

/// Returns the end of a call: exit codes stand beside a success.
fn complete(data: &Object) -> CallEnd {
    let result = object(data, "result").and_then(|result| result.get("content")).map(content);
    let result = result.unwrap_or_default();
    if !is_true(data, "success") {
        let error = object(data, "error").and_then(|error| text(error, "message"));
        return failed(kept(error.map_or(result, str::to_owned)));
    }
    let shell = object(data, "shellExecution");
    match shell.and_then(|shell| integer(shell.get("exitCode")?)) {
        Some(code) if code != 0 => failed(result),
        Some(_) => CallEnd { status: CallStatus::Ok, result, error: None, latency_ms: None },
        None => end(Some(&result)),
    }
}
