//! Cursor: hooks as documented in mid-2026 (not run), transcripts of its command line as others
//! read them in September 2026.

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, first_text, is_true, json, kept, list, millis, text};
use crate::noise::human_words;

/// Reads the payload of a hook.
///
/// Commands and MCP tools are reported twice, by an event of their own and as a tool: only the
/// latter is read.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hook_event_name").unwrap_or_default();
    let root = list(payload, "workspace_roots").first().and_then(Value::as_str);
    let frame = Frame {
        session: first_text(payload, &["conversation_id", "session_id"]).unwrap_or_default().into(),
        agent: None,
        folder: owned(root.or(text(payload, "cwd"))),
        at: None,
        turn: None,
    };
    let kind = kind(event, payload);
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

fn kind(event: &str, payload: &Object) -> Option<EventKind> {
    let call = || Call {
        id: owned(text(payload, "tool_use_id")),
        tool: text(payload, "tool_name").unwrap_or_default().into(),
        args: payload.get("tool_input").map(json).unwrap_or_default(),
    };
    let latency_ms = millis(payload.get("duration"));
    Some(match event {
        "sessionStart" => EventKind::SessionBegun(SessionBegun {
            model: owned(text(payload, "model")),
            ..SessionBegun::default()
        }),
        "sessionEnd" => EventKind::SessionEnded { reason: owned(text(payload, "reason")) },
        "beforeSubmitPrompt" => {
            let words = human_words(text(payload, "prompt")?)?;
            let id = owned(text(payload, "generation_id"));
            EventKind::Prompt(Prompt { id, alias: None, text: kept(words) })
        }
        "preToolUse" => EventKind::CallBegun(call()),
        "postToolUse" => {
            let output = payload.get("tool_output").unwrap_or(&Value::Null);
            EventKind::CallEnded { call: call(), end: end(output, latency_ms) }
        }
        "postToolUseFailure" => {
            let is_called_off = is_true(payload, "is_interrupt")
                || text(payload, "failure_type") == Some("permission_denied");
            let error = kept(text(payload, "error_message").unwrap_or("failed").to_owned());
            let status = if is_called_off { CallStatus::Unknown } else { CallStatus::Failed };
            let error_told = (!is_called_off).then(|| error.clone());
            let end = CallEnd { status, result: error, error: error_told, latency_ms };
            EventKind::CallEnded { call: call(), end }
        }
        "subagentStart" => EventKind::SubagentBegun,
        "subagentStop" => EventKind::SubagentEnded,
        "preCompact" => EventKind::Compacted,
        "stop" => EventKind::TurnEnded {
            message: None,
            is_aborted: text(payload, "status").is_some_and(|status| status != "completed"),
        },
        _ => return None,
    })
}

/// Returns the end of a call: its output is JSON within a text, of a command with its exit code.
fn end(output: &Value, latency_ms: Option<u64>) -> CallEnd {
    let parsed = output.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let output = parsed.as_ref().unwrap_or(output);
    let code = ["exitCode", "exit_code"].iter().find_map(|key| output.get(*key)?.as_i64());
    let inner = ["output", "stdout", "result"].iter().find_map(|key| output.get(*key));
    let result = content(inner.unwrap_or(output));
    let is_failed = code.is_some_and(|code| code != 0);
    CallEnd {
        status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
        error: is_failed.then(|| result.clone()),
        result,
        latency_ms,
    }
}

/// Reads a line of a transcript of the command line, which has no times, no ids, and mostly no
/// results.
pub(crate) fn line(line: &Object, session: &str, folder: Option<&str>, events: &mut Vec<Event>) {
    let frame = Frame { session: session.into(), folder: owned(folder), ..Frame::default() };
    if text(line, "type") == Some("turn_ended") {
        let is_aborted = text(line, "status").is_some_and(|status| status != "success");
        events.push(frame.event(EventKind::TurnEnded { message: None, is_aborted }));
        return;
    }
    let Some(message) = line.get("message").and_then(|message| message.get("content")) else {
        return;
    };
    if text(line, "role") == Some("user") {
        let words = content(message);
        let query =
            words.split_once("<user_query>").and_then(|(_, rest)| rest.split_once("</user_query>"));
        if let Some(words) = human_words(query.map_or(words.as_str(), |(query, _)| query)) {
            events.push(frame.event(EventKind::Prompt(Prompt {
                id: None,
                alias: None,
                text: kept(words),
            })));
        }
        return;
    }
    for block in message.as_array().into_iter().flatten().filter_map(Value::as_object) {
        match text(block, "type") {
            Some("tool_use") => {
                let call = Call {
                    id: owned(text(block, "id")),
                    tool: text(block, "name").unwrap_or_default().into(),
                    args: block.get("input").map(json).unwrap_or_default(),
                };
                let end = CallEnd::default();
                events.push(frame.event(EventKind::CallEnded { call, end }));
            }
            Some("text") => {
                let message = text(block, "text").map(|text| kept(text.to_owned()));
                events.push(frame.event(EventKind::TurnEnded { message, is_aborted: false }));
            }
            _ => {}
        }
    }
}
