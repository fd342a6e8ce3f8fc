//! ATIF, the trajectory format of Harbor: versions 1.0 to 1.7, as independent readers and writers
//! of 2026 agree on it.

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::fields::{Object, content, instant, is_true, json, kept, list, object, text};
use crate::noise::human_words;

/// Reads a step: calls and their results stand in the same one.
pub(crate) fn step(step: &Object, frame: &Frame, events: &mut Vec<Event>) {
    if is_true(step, "is_copied_context") {
        return;
    }
    let mut frame = frame.clone();
    frame.at = instant(step.get("timestamp")).or(frame.at);
    let words = step.get("message").map(content).unwrap_or_default();
    match text(step, "source") {
        Some("user") => {
            let n = step.get("step_id").map(json).unwrap_or_default();
            let id = Some(format!("{}/{n}", frame.session).into());
            if let Some(words) = human_words(&words) {
                events.push(frame.event(EventKind::Prompt(Prompt {
                    id,
                    alias: None,
                    text: kept(words),
                })));
            }
        }
        Some("agent") => {
            for call in list(step, "tool_calls").iter().filter_map(Value::as_object) {
                let id = text(call, "tool_call_id");
                let results = object(step, "observation").map_or(&[][..], |it| list(it, "results"));
                let result = results
                    .iter()
                    .find(|result| result.get("source_call_id").and_then(Value::as_str) == id);
                let result = result.and_then(|result| result.get("content"));
                let call = Call {
                    id: owned(id),
                    tool: text(call, "function_name").unwrap_or_default().into(),
                    args: call.get("arguments").map(json).unwrap_or_default(),
                };
                let end = CallEnd {
                    status: CallStatus::Unknown,
                    result: result.map(content).unwrap_or_default(),
                    ..CallEnd::default()
                };
                events.push(frame.event(EventKind::CallEnded { call, end }));
            }
            let message = Some(words).filter(|words| !words.is_empty());
            events.push(frame.event(EventKind::TurnEnded { message, is_aborted: false }));
        }
        _ => {}
    }
}
