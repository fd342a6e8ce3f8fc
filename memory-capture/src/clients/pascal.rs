//! Hook events that several clients took over from Claude Code, with its names and its fields in
//! snake case.
//!
//! Claude Code 2.1.332, Codex CLI 0.171.0, the snake form of Copilot CLI 1.0.102 and VS Code of
//! October 2026 share the names of events and most fields; each adapter adds what is its own.

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, first_text, instant, is_true, json, kept, millis, text};
use crate::noise::human_words;

/// Returns the frame of a payload in snake case.
pub(crate) fn frame(payload: &Object) -> Frame {
    Frame {
        session: text(payload, "session_id").unwrap_or_default().into(),
        agent: owned(text(payload, "agent_id")),
        turn: owned(first_text(payload, &["prompt_id", "turn_id"])),
        folder: owned(text(payload, "cwd")),
        at: instant(payload.get("timestamp")),
    }
}

/// Returns what an event says, by its name; `end` reads the end of a call that came back.
pub(crate) fn kind(
    event: &str,
    payload: &Object,
    end: impl FnOnce(&Object) -> CallEnd,
) -> Option<EventKind> {
    Some(match event {
        "SessionStart" => EventKind::SessionBegun(SessionBegun {
            source: owned(text(payload, "source")),
            model: owned(text(payload, "model")),
            branch: None,
        }),
        "SessionEnd" => EventKind::SessionEnded { reason: owned(text(payload, "reason")) },
        "UserPromptSubmit" => {
            let id = first_text(payload, &["prompt_id", "turn_id"]);
            return prompt(payload, id);
        }
        "PreToolUse" => EventKind::CallBegun(call(payload)),
        "PostToolUse" => EventKind::CallEnded { call: call(payload), end: end(payload) },
        "PostToolUseFailure" => EventKind::CallEnded { call: call(payload), end: failure(payload) },
        "SubagentStart" => EventKind::SubagentBegun,
        "SubagentStop" => EventKind::SubagentEnded,
        "PostCompact" => EventKind::Compacted,
        "Stop" | "StopFailure" | "Interrupt" => EventKind::TurnEnded {
            message: text(payload, "last_assistant_message").map(|text| kept(text.to_owned())),
            is_aborted: event != "Stop",
        },
        _ => return None,
    })
}

/// Returns the prompt of a person; those that an agent gives to a subagent are none.
fn prompt(payload: &Object, id: Option<&str>) -> Option<EventKind> {
    let is_of_client = text(payload, "source").is_some_and(|source| source == "system");
    if is_of_client || text(payload, "agent_id").is_some() {
        return None;
    }
    let words = human_words(text(payload, "prompt")?)?;
    Some(EventKind::Prompt(Prompt { id: owned(id), alias: None, text: kept(words) }))
}

/// Returns the call that a payload is about.
pub(crate) fn call(payload: &Object) -> Call {
    Call {
        id: owned(text(payload, "tool_use_id")),
        tool: text(payload, "tool_name").unwrap_or_default().into(),
        args: payload.get("tool_input").map(json).unwrap_or_default(),
    }
}

fn failure(payload: &Object) -> CallEnd {
    let is_interrupt = is_true(payload, "is_interrupt");
    let error = first_text(payload, &["error", "error_message"]).unwrap_or("failed");
    let error = kept(error.to_owned());
    CallEnd {
        status: if is_interrupt { CallStatus::Unknown } else { CallStatus::Failed },
        result: error.clone(),
        error: (!is_interrupt).then_some(error),
        latency_ms: millis(payload.get("duration_ms").or(payload.get("duration"))),
    }
}
