//! Agent mode of VS Code: hooks as documented on 14 October 2026 (not run).

use super::frame::{Frame, owned};
use super::pascal;
use crate::event::{CallEnd, CallStatus, Event, EventKind};
use crate::fields::{Object, content, instant, text};

/// Reads the payload of a hook: Claude's events and fields of tools, but the session in camel
/// case.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hookEventName").unwrap_or_default();
    let kind = pascal::kind(event, payload, |payload| CallEnd {
        status: CallStatus::Unknown,
        result: payload.get("tool_response").map(content).unwrap_or_default(),
        error: None,
        latency_ms: None,
    });
    // It has no event after a compaction, only this one before.
    let kind = kind.or_else(|| (event == "PreCompact").then_some(EventKind::Compacted));
    let frame = Frame {
        session: text(payload, "sessionId").unwrap_or_default().into(),
        agent: owned(text(payload, "agent_id")),
        folder: owned(text(payload, "cwd")),
        at: instant(payload.get("timestamp")),
        turn: None,
    };
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}
