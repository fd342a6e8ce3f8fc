//! Codex CLI: hooks and rollouts as of version 0.171.0 (29 November 2026); rollouts of earlier
//! versions without completed items are read too.

use serde_json::Value;

use super::pascal;
use crate::event::{CallEnd, CallStatus, Event};
use crate::fields::{Object, content, text};

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
