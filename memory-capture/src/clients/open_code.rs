//! OpenCode: plugin calls and the rows of its store as of version 1.18.34 (29 November 2026).
//!
//! OpenCode has no commands as hooks. Our plugin writes each call as `{"hook", "payload",
//! "directory", "parent"}`: of `event` the payload is the event, of the other hooks `{"i": input,
//! "o": output}`; `parent` is the outermost parent of the session, which the plugin alone can know
//! from the events that create sessions, and is missing outside of subagents.

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, is_true, json, kept, list, object, text};
use crate::noise::{human_words, without_blocks};

/// Reads a call of our plugin.
///
/// The end of a call is the update of its part: it comes for calls that fail too, unlike
/// `tool.execute.after`.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let hook = text(payload, "hook").unwrap_or_default();
    let folder = owned(text(payload, "directory"));
    let Some(inner) = object(payload, "payload") else { return (hook.into(), Vec::new()) };
    let parent = text(payload, "parent");
    let frame = |session: &str| Frame {
        session: parent.unwrap_or(session).into(),
        agent: parent.map(|_| session.into()),
        folder: folder.clone(),
        at: None,
        turn: None,
    };
    if hook == "event" {
        let event = text(inner, "type").unwrap_or_default();
        let events = object(inner, "properties").and_then(|properties| {
            let part = object(properties, "part");
            let session = text(properties, "sessionID")
                .or_else(|| part.and_then(|part| text(part, "sessionID")))
                .unwrap_or_default();
            bus_event(event, properties, frame(session))
        });
        return (event.into(), events.into_iter().collect());
    }
    let (input, output) = (object(inner, "i"), object(inner, "o"));
    let session = input.and_then(|input| text(input, "sessionID")).unwrap_or_default();
    let kind = match (hook, input, output) {
        ("chat.message", _, Some(output)) if parent.is_none() => prompt(output),
        ("tool.execute.before", Some(input), Some(output)) => Some(EventKind::CallBegun(Call {
            id: owned(text(input, "callID")),
            tool: text(input, "tool").unwrap_or_default().into(),
            args: output.get("args").map(json).unwrap_or_default(),
        })),
        _ => None,
    };
    (hook.into(), kind.map(|kind| frame(session).event(kind)).into_iter().collect())
}

fn bus_event(event: &str, properties: &Object, mut frame: Frame) -> Option<Event> {
    let kind = match event {
        "session.created" => {
            let info = object(properties, "info")?;
            frame.folder = owned(text(info, "directory")).or(frame.folder);
            if let Some(parent) = text(info, "parentID") {
                if frame.agent.is_none() {
                    frame.agent = Some(std::mem::replace(&mut frame.session, parent.into()));
                }
                return Some(frame.event(EventKind::SubagentBegun));
            }
            EventKind::SessionBegun(SessionBegun::default())
        }
        "session.idle" if frame.agent.is_some() => EventKind::SubagentEnded,
        "session.idle" => EventKind::TurnEnded { message: None, is_aborted: false },
        "session.deleted" => EventKind::SessionEnded { reason: Some("deleted".into()) },
        // Of our plugin, when the client ends.
        "session.ended" => EventKind::SessionEnded { reason: Some("ended".into()) },
        "session.compacted" => EventKind::Compacted,
        "message.part.updated" => {
            let (call, end, at) = call_end(object(properties, "part")?)?;
            frame.at = at;
            EventKind::CallEnded { call, end }
        }
        _ => return None,
    };
    Some(frame.event(kind))
}

/// Returns the words of a person in a message and its parts.
fn prompt(output: &Object) -> Option<EventKind> {
    let message = object(output, "message")?;
    let parts = list(output, "parts").iter().filter_map(Value::as_object);
    let words = parts.filter(|part| is_words(part)).filter_map(|part| text(part, "text"));
    let words = human_words(&words.collect::<Vec<_>>().join("\n"))?;
    Some(EventKind::Prompt(Prompt {
        id: owned(text(message, "id")),
        alias: None,
        text: kept(words),
    }))
}

/// Returns whether a part is words and was not put there by a plugin.
fn is_words(part: &Object) -> bool {
    text(part, "type") == Some("text") && !is_true(part, "synthetic") && !is_true(part, "ignored")
}

/// Reads a part that is a call which came back.
pub(super) fn call_end(part: &Object) -> Option<(Call, CallEnd, Option<memory_core::Timestamp>)> {
    if text(part, "type") != Some("tool") {
        return None;
    }
    let state = object(part, "state")?;
    let status = text(state, "status")?;
    if !["completed", "error"].contains(&status) {
        return None;
    }
    let call = Call {
        id: owned(text(part, "callID")),
        tool: text(part, "tool").unwrap_or_default().into(),
        args: state.get("input").map(json).unwrap_or_default(),
    };
    let metadata = object(state, "metadata");
    let exit = metadata.and_then(|metadata| metadata.get("exit")?.as_i64());
    let error = state.get("error").map(content).filter(|_| status == "error");
    let result = without_blocks(&state.get("output").map(content).unwrap_or_default());
    let is_called_off = metadata.is_some_and(|metadata| is_true(metadata, "interrupted"));
    let is_failed = error.is_some() || exit.is_some_and(|code| code != 0);
    let time = object(state, "time");
    let at = |key: &str| time.and_then(|time| instant(time.get(key)));
    let (start, end) = (at("start"), at("end"));
    let latency = start.zip(end).map(|(start, end)| end.millis_since(start));
    let end = CallEnd {
        status: match (is_called_off, is_failed) {
            (true, _) => CallStatus::Unknown,
            (_, true) => CallStatus::Failed,
            _ => CallStatus::Ok,
        },
        error: is_failed.then(|| error.clone().unwrap_or_else(|| result.clone())),
        result: error.unwrap_or(result),
        latency_ms: latency.and_then(|latency| u64::try_from(latency).ok()),
    };
    Some((call, end, start))
}

/// Reads a message with its parts, as `opencode export` prints them and as the rows of the store
/// hold them.
pub(crate) fn message(
    message: &Object,
    session: &str,
    folder: Option<&str>,
    events: &mut Vec<Event>,
) {
    let Some(info) = object(message, "info") else { return };
    let time = object(info, "time").and_then(|time| instant(time.get("created")));
    let path = object(info, "path").and_then(|path| text(path, "cwd"));
    let mut frame = Frame {
        session: session.into(),
        folder: owned(folder.or(path)),
        at: time,
        ..Frame::default()
    };
    if text(info, "role") == Some("user") {
        let parts = list(message, "parts").iter().filter_map(Value::as_object);
        let words: Vec<&str> =
            parts.filter(|part| is_words(part)).filter_map(|part| text(part, "text")).collect();
        if let Some(words) = human_words(&words.join("\n")) {
            let prompt = Prompt { id: owned(text(info, "id")), alias: None, text: kept(words) };
            events.push(frame.event(EventKind::Prompt(prompt)));
        }
        return;
    }
    if let Some(model) = text(info, "modelID") {
        let begun = SessionBegun { model: Some(model.into()), ..SessionBegun::default() };
        events.push(frame.event(EventKind::SessionBegun(begun)));
    }
    for part in list(message, "parts").iter().filter_map(Value::as_object) {
        if let Some((call, end, at)) = call_end(part) {
            frame.at = at.or(time);
            events.push(frame.event(EventKind::CallEnded { call, end }));
        } else if is_words(part) {
            let message = text(part, "text").map(|text| kept(text.to_owned()));
            events.push(frame.event(EventKind::TurnEnded { message, is_aborted: false }));
        }
    }
}
