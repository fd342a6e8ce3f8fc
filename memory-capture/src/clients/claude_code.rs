//! Claude Code: hooks and transcripts as of version 2.1.332 (29 November 2026); transcripts of 1.0
//! and 2.0 are read too.

use serde_json::Value;

use super::pascal;
use crate::event::{CallEnd, CallStatus, Event};
use crate::fields::{Object, content, is_true, kept, millis, object, text};

/// Reads the payload of a hook.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hook_event_name").unwrap_or_default();
    let kind = pascal::kind(event, payload, |payload| CallEnd {
        status: match object(payload, "tool_response") {
            Some(response) if is_true(response, "interrupted") => CallStatus::Unknown,
            _ => CallStatus::Ok,
        },
        result: payload.get("tool_response").map(response).unwrap_or_default(),
        error: None,
        latency_ms: millis(payload.get("duration_ms")),
    });
    let frame = pascal::frame(payload);
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

/// Returns the text of a tool's answer; whole files in it are left out.
pub(super) fn response(response: &Value) -> String {
    let Value::Object(fields) = response else { return content(response) };
    if let Some(stdout) = fields.get("stdout").and_then(Value::as_str) {
        let stderr = text(fields, "stderr").unwrap_or_default();
        let between = if stdout.is_empty() || stderr.is_empty() { "" } else { "\n" };
        return kept(format!("{stdout}{between}{stderr}"));
    }
    if let Some(path) = text(fields, "filePath") {
        let what = text(fields, "type").unwrap_or("update");
        return format!("{what}: {path}");
    }
    if let Some(file) = object(fields, "file") {
        let is_image = text(fields, "type") == Some("image");
        let inner = text(file, "content").filter(|_| !is_image);
        return inner.map_or_else(|| "[image]".to_owned(), |text| kept(text.to_owned()));
    }
    match fields.get("content") {
        Some(inner) => content(inner),
        None => content(response),
    }
}
