//! Gemini CLI: hooks and chats as of version 0.61.0 (29 November 2026).

use std::collections::HashSet;

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, json, kept, list, object, text};
use crate::hash::fnv;
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
        turn: None,
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
            EventKind::Prompt(Prompt { id: None, alias: None, text: kept(words) })
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

/// Reader of the records of a chat, which patch each other.
///
/// A record with the id of an earlier one replaces it; a call is told once it has come back. What
/// was rewound was done all the same.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    session: Box<str>,
    agent: Option<Box<str>>,
    model: Option<Box<str>>,
    seen: HashSet<u64>,
}

impl Transcript {
    /// Reads a record: the head, a message, or a patch.
    pub(crate) fn record(
        &mut self,
        record: &Object,
        folder: Option<&str>,
        events: &mut Vec<Event>,
    ) {
        if let Some(session) = text(record, "sessionId") {
            self.session = session.into();
            let is_subagent = text(record, "kind") == Some("subagent");
            self.agent = is_subagent.then(|| session.into());
        }
        let set = object(record, "$set").unwrap_or(record);
        for message in list(set, "messages").iter().filter_map(Value::as_object) {
            self.message(message, folder, events);
        }
        if record.contains_key("id") && record.contains_key("type") {
            self.message(record, folder, events);
        }
    }

    /// Reads a message.
    fn message(&mut self, message: &Object, folder: Option<&str>, events: &mut Vec<Event>) {
        let id = text(message, "id").unwrap_or_default();
        let mut frame = Frame {
            session: self.session.clone(),
            agent: self.agent.clone(),
            folder: owned(folder),
            at: instant(message.get("timestamp")),
            turn: None,
        };
        match text(message, "type") {
            Some("user") if self.agent.is_none() => {
                let is_echo = list(message, "content")
                    .iter()
                    .any(|part| part.get("functionResponse").is_some());
                let words = message.get("content").filter(|_| !is_echo).map(content);
                if let Some(words) = words.as_deref().and_then(human_words)
                    && self.seen.insert(fnv(&[id.as_bytes()]))
                {
                    let prompt = Prompt { id: None, alias: None, text: kept(words) };
                    events.push(frame.event(EventKind::Prompt(prompt)));
                }
            }
            Some("gemini") => {
                let model = text(message, "model");
                if model.is_some() && model != self.model.as_deref() {
                    self.model = owned(model);
                    let model = self.model.clone();
                    let begun = SessionBegun { model, ..SessionBegun::default() };
                    events.push(frame.event(EventKind::SessionBegun(begun)));
                }
                let calls = list(message, "toolCalls");
                for call in calls.iter().filter_map(Value::as_object) {
                    self.call(call, &mut frame, events);
                }
                let words = message.get("content").map(content).filter(|text| !text.is_empty());
                if calls.is_empty() && words.is_some() {
                    let kind = EventKind::TurnEnded { message: words, is_aborted: false };
                    events.push(frame.event(kind));
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, told: &Object, frame: &mut Frame, events: &mut Vec<Event>) {
        let status = text(told, "status").unwrap_or_default();
        let Some(id) = text(told, "id") else { return };
        let is_over = ["success", "error", "cancelled"].contains(&status);
        if !is_over || !self.seen.insert(fnv(&[b"call", id.as_bytes()])) {
            return;
        }
        let call = Call {
            id: Some(id.into()),
            tool: text(told, "name").unwrap_or_default().into(),
            args: told.get("args").map(json).unwrap_or_default(),
        };
        let response = list(told, "result").first().and_then(|result| {
            result.get("functionResponse")?.get("response").and_then(Value::as_object)
        });
        let output = response.and_then(|response| response.get("output")).map(content);
        let error = response.and_then(|response| response.get("error")).map(content);
        let error = error.filter(|_| status == "error");
        let mut end = end(&output.or(error.clone()).unwrap_or_default(), error.as_deref());
        if status == "cancelled" {
            end = CallEnd { status: CallStatus::Unknown, error: None, ..end };
        }
        events.push(frame.event(EventKind::CallBegun(call.clone())));
        let began = frame.at;
        frame.at = instant(told.get("timestamp")).or(began);
        events.push(frame.event(EventKind::CallEnded { call, end }));
        frame.at = began;
    }
}
