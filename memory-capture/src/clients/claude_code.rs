//! Claude Code: hooks and transcripts as of version 2.1.332 (29 November 2026); transcripts of 1.0
//! and 2.0 are read too.

use std::collections::HashSet;

use serde_json::Value;

use super::frame::{Frame, owned};
use super::pascal;
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, is_true, json, kept, list, millis, object, text};
use crate::hash::fnv;
use crate::noise::{human_words, without_blocks};

/// Types of lines that are read; all others are passed by without a look at their content.
pub(crate) const TYPES: &[&str] = &["user", "assistant", "system"];

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
fn response(response: &Value) -> String {
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

/// Reader of the lines of a transcript.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// Hashes of the ids of lines: a history may be repeated within a file.
    seen: HashSet<u64>,
    /// Turn, model and branch that were told last.
    turn: Option<Box<str>>,
    model: Option<Box<str>>,
    branch: Option<Box<str>>,
}

impl Transcript {
    /// Reads a line of one of [`TYPES`].
    pub(crate) fn line(&mut self, line: &Object, events: &mut Vec<Event>) {
        let uuid = text(line, "uuid").map(|uuid| fnv(&[uuid.as_bytes()]));
        if uuid.is_some_and(|uuid| self.seen.contains(&uuid)) {
            return;
        }
        let n_before = events.len();
        let is_side = is_true(line, "isSidechain");
        let agent = text(line, "agentId").or(is_side.then_some("sidechain"));
        if !is_side {
            self.turn = owned(text(line, "promptId")).or(self.turn.take());
        }
        let frame = Frame {
            session: text(line, "sessionId").unwrap_or_default().into(),
            agent: owned(agent.filter(|_| is_side)),
            turn: self.turn.clone(),
            folder: owned(text(line, "cwd")),
            at: instant(line.get("timestamp")),
        };
        self.setting(line, &frame, events);
        match text(line, "type") {
            Some("user") => user(line, &frame, events),
            Some("assistant") => assistant(line, &frame, events),
            Some("system") if text(line, "subtype") == Some("compact_boundary") => {
                events.push(frame.event(EventKind::Compacted));
            }
            _ => {}
        }
        // A line that told nothing, a broken one, does not stand for a later one with its id.
        if events.len() > n_before {
            self.seen.extend(uuid);
        }
    }

    /// Tells model and branch when they are others than before.
    fn setting(&mut self, line: &Object, frame: &Frame, events: &mut Vec<Event>) {
        let model = object(line, "message").and_then(|message| text(message, "model"));
        let model = model.filter(|model| *model != "<synthetic>");
        let branch = text(line, "gitBranch").filter(|branch| *branch != "HEAD");
        let is_new = model.is_some() && model != self.model.as_deref()
            || branch.is_some() && branch != self.branch.as_deref();
        if !is_new || frame.agent.is_some() {
            return;
        }
        self.model = owned(model).or(self.model.take());
        self.branch = owned(branch).or(self.branch.take());
        events.push(frame.event(EventKind::SessionBegun(SessionBegun {
            source: None,
            model: self.model.clone(),
            branch: self.branch.clone(),
        })));
    }
}

fn assistant(line: &Object, frame: &Frame, events: &mut Vec<Event>) {
    let Some(message) = object(line, "message") else { return };
    for block in list(message, "content").iter().filter_map(Value::as_object) {
        match text(block, "type") {
            Some("tool_use") => events.push(frame.event(EventKind::CallBegun(Call {
                id: owned(text(block, "id")),
                tool: text(block, "name").unwrap_or_default().into(),
                args: block.get("input").map(json).unwrap_or_default(),
            }))),
            Some("text") if !is_true(line, "isApiErrorMessage") => {
                let message = text(block, "text").map(|text| kept(text.to_owned()));
                let kind = EventKind::TurnEnded { message, is_aborted: false };
                events.push(frame.event(kind));
            }
            _ => {}
        }
    }
}

fn user(line: &Object, frame: &Frame, events: &mut Vec<Event>) {
    let Some(content_of) = object(line, "message").and_then(|message| message.get("content"))
    else {
        return;
    };
    let blocks = content_of.as_array().map_or(&[][..], Vec::as_slice);
    let results = blocks.iter().filter_map(Value::as_object);
    let mut n_results = 0;
    for block in results.filter(|block| text(block, "type") == Some("tool_result")) {
        n_results += 1;
        let call = Call { id: owned(text(block, "tool_use_id")), ..Call::default() };
        let end = tool_result(block, line.get("toolUseResult"));
        events.push(frame.event(EventKind::CallEnded { call, end }));
    }
    if n_results == 0
        && frame.agent.is_none()
        && is_of_person(line)
        && let Some(words) = human_words(&content(content_of))
    {
        // A fork keeps the ids of its parent's lines but gives all of them its own id of the
        // prompt, which is what a hook tells.
        let (id, alias) = (owned(text(line, "uuid")), owned(text(line, "promptId")));
        events.push(frame.event(EventKind::Prompt(Prompt { id, alias, text: kept(words) })));
    }
}

/// Returns whether a line that stands where prompts stand may be a person's.
fn is_of_person(line: &Object) -> bool {
    let is_marked = ["isMeta", "isCompactSummary", "isVisibleInTranscriptOnly"]
        .iter()
        .any(|mark| is_true(line, mark));
    let is = |key: &str, values: &[&str]| text(line, key).is_some_and(|it| values.contains(&it));
    !is_marked
        && !is("promptSource", &["system"])
        && !is("turnOrigin", &["task_notification"])
        && !is("rowSource", &["hook", "harness"])
}

fn tool_result(block: &Object, response: Option<&Value>) -> CallEnd {
    let result = without_blocks(&block.get("content").map(content).unwrap_or_default());
    let is_rejected = response.and_then(Value::as_str).is_some_and(|response| {
        response.starts_with("User rejected") || response.contains("[Request interrupted")
    }) || result.starts_with("The user doesn't want to proceed")
        || result.starts_with("[Request interrupted");
    let is_interrupted =
        response.and_then(Value::as_object).is_some_and(|it| is_true(it, "interrupted"));
    let is_error = is_true(block, "is_error");
    let status = match (is_rejected || is_interrupted, is_error) {
        (true, _) => CallStatus::Unknown,
        (_, true) => CallStatus::Failed,
        _ => CallStatus::Ok,
    };
    let error = (status == CallStatus::Failed).then(|| result.clone());
    CallEnd { status, result, error, latency_ms: None }
}
