//! Gemini CLI: hooks and chats as of version 0.61.0 (29 November 2026).

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, json, kept, object, text};
use crate::noise::{human_words, without_blocks};

/// Events that no other client has.
pub(crate) const EVENTS: &[&str] = &[
    "BeforeAgent",
    "AfterAgent",
    "BeforeTool",
    "AfterTool",
    "BeforeModel",
    "AfterModel",
    "BeforeToolSelection",
    "PreCompress",
];

/// Events that Copilot has too.
pub(crate) const SHARED_EVENTS: &[&str] = &["SessionStart", "SessionEnd", "Notification"];

/// Reads the payload of a hook. Calls have no id, and subagents no mark.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hook_event_name").unwrap_or_default();
    let frame = Frame {
        session: text(payload, "session_id").unwrap_or_default().into(),
        agent: None,
        folder: owned(text(payload, "cwd")),
        at: instant(payload.get("timestamp")),
    };
    let kind = kind(event, payload);
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

fn kind(event: &str, payload: &Object) -> Option<EventKind> {
    let call = || Call {
        id: None,
        tool: text(payload, "tool_name").unwrap_or_default().into(),
        args: payload.get("tool_input").map(json).unwrap_or_default(),
    };
    Some(match event {
        "SessionStart" => EventKind::SessionBegun(SessionBegun {
            source: owned(text(payload, "source")),
            ..SessionBegun::default()
        }),
        "SessionEnd" => EventKind::SessionEnded { reason: owned(text(payload, "reason")) },
        "BeforeAgent" => {
            let words = human_words(text(payload, "prompt")?)?;
            EventKind::Prompt(Prompt { id: None, text: kept(words) })
        }
        "AfterAgent" => EventKind::TurnEnded {
            message: text(payload, "prompt_response").map(|text| kept(text.to_owned())),
            is_aborted: false,
        },
        "BeforeTool" => EventKind::CallBegun(call()),
        "AfterTool" => {
            let response = object(payload, "tool_response");
            let result = response.and_then(|response| response.get("llmContent"));
            let error = response.and_then(|response| object(response, "error"));
            let error = error.and_then(|error| text(error, "message"));
            let end = end(&result.map(content).unwrap_or_default(), error);
            EventKind::CallEnded { call: call(), end }
        }
        // `PreCompress` comes before every request and says nothing.
        _ => return None,
    })
}

/// Returns the end of a call; a command that failed says so within its output alone.
fn end(result: &str, error: Option<&str>) -> CallEnd {
    let result = without_blocks(result);
    let result = result.replace("<untrusted_context>\n", "").replace("\n</untrusted_context>", "");
    let is_failed = error.is_some() || exit_code(&result).is_some_and(|code| code != 0);
    CallEnd {
        status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
        error: is_failed.then(|| error.map_or_else(|| result.clone(), |e| kept(e.to_owned()))),
        result,
        latency_ms: None,
    }
}

/// Returns the code in the line `Exit Code: 3`.
fn exit_code(result: &str) -> Option<i64> {
    let code = |line: &str| line.strip_prefix("Exit Code: ")?.trim().parse().ok();
    result.lines().rev().take(6).find_map(code)
}
