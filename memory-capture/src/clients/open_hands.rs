//! `OpenHands`: event files of the SDK (22 August 2026) and of version 0.x.

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::fields::{Object, content, instant, integer, is_true, json, kept, object, text};
use crate::noise::human_words;

/// Reads the event of one file.
pub(crate) fn event(event: &Object, frame: &Frame, events: &mut Vec<Event>) {
    let mut frame = frame.clone();
    frame.at = instant(event.get("timestamp")).or(frame.at);
    let kind = match text(event, "kind") {
        Some(kind) => of_sdk(kind, event),
        None => of_zero(event),
    };
    events.extend(kind.map(|kind| frame.event(kind)));
}

fn prompt(id: Option<&Value>, words: &str, frame_id: &str) -> Option<EventKind> {
    let words = human_words(words)?;
    let id = id.map(json).filter(|id| !id.is_empty());
    let id = id.map(|id| format!("{frame_id}{id}").into());
    Some(EventKind::Prompt(Prompt { id, alias: None, text: kept(words) }))
}

fn of_sdk(kind: &str, event: &Object) -> Option<EventKind> {
    let call = || Call {
        id: owned(text(event, "tool_call_id")),
        tool: text(event, "tool_name").unwrap_or_default().into(),
        args: String::new(),
    };
    match kind {
        "MessageEvent" if text(event, "source") == Some("user") => {
            let message = object(event, "llm_message").unwrap_or(event);
            let words = content(message.get("content")?);
            prompt(event.get("id"), &words, "")
        }
        "ActionEvent" => {
            let args = event.get("action").map(json).unwrap_or_default();
            Some(EventKind::CallBegun(Call { args, ..call() }))
        }
        "ObservationEvent" => {
            let seen = object(event, "observation")?;
            let metadata = object(seen, "metadata");
            let code = seen.get("exit_code").or(metadata.and_then(|it| it.get("exit_code")));
            let code = code.and_then(integer).filter(|code| *code != -1);
            let inner = seen.get("content").or(seen.get("output")).or(seen.get("error"));
            let result = inner.map(content).unwrap_or_default();
            let is_failed = is_true(seen, "is_error") || code.is_some_and(|code| code != 0);
            Some(EventKind::CallEnded { call: call(), end: ended(is_failed, result) })
        }
        "AgentErrorEvent" => {
            let error = kept(text(event, "error").unwrap_or("failed").to_owned());
            Some(EventKind::CallEnded { call: call(), end: ended(true, error) })
        }
        "Condensation" | "CondensationEvent" => Some(EventKind::Compacted),
        "PauseEvent" => Some(EventKind::TurnEnded { message: None, is_aborted: true }),
        _ => None,
    }
}

/// Reads an event of version 0.x: the observation names the action that caused it by its number.
fn of_zero(event: &Object) -> Option<EventKind> {
    let args = object(event, "args");
    let number = |key: &str| event.get(key).and_then(integer).map(|id| id.to_string());
    if let Some(observation) = text(event, "observation") {
        let extras = object(event, "extras");
        let metadata = extras.and_then(|extras| object(extras, "metadata"));
        let code = [metadata, extras].into_iter().flatten().find_map(|it| it.get("exit_code"));
        let code = code.and_then(integer).filter(|code| *code != -1);
        let result = event.get("content").map(content).unwrap_or_default();
        let is_failed = observation == "error" || code.is_some_and(|code| code != 0);
        let call = Call { id: number("cause").map(Into::into), ..Call::default() };
        return Some(EventKind::CallEnded { call, end: ended(is_failed, result) });
    }
    match text(event, "action")? {
        "message" if text(event, "source") == Some("user") => {
            let words = args.and_then(|args| text(args, "content")).or(text(event, "message"))?;
            prompt(None, words, "")
        }
        "message" | "system" | "recall" | "change_agent_state" | "think" | "finish" | "null" => {
            None
        }
        tool => {
            let args = event.get("args").map(json).unwrap_or_default();
            Some(EventKind::CallBegun(Call {
                id: number("id").map(Into::into),
                tool: tool.into(),
                args,
            }))
        }
    }
}

fn ended(is_failed: bool, result: String) -> CallEnd {
    CallEnd {
        status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
        error: is_failed.then(|| result.clone()),
        result,
        latency_ms: None,
    }
}
