//! Cline and Roo Code: hooks of Cline and the stores of both, as of the repositories on 22 August
//! and 14 April 2026 (not run).

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, is_true, json, kept, list, millis, object, text};
use crate::noise::{human_words, without_blocks};

/// Reads the payload of a hook of Cline. Calls have no id.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hookName").unwrap_or_default();
    let root = list(payload, "workspaceRoots").first().and_then(Value::as_str);
    let frame = Frame {
        session: text(payload, "taskId").unwrap_or_default().into(),
        agent: None,
        folder: owned(root),
        at: instant(payload.get("timestamp")),
        turn: None,
    };
    let kind = kind(event, payload);
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

fn kind(event: &str, payload: &Object) -> Option<EventKind> {
    // The fields of an event lie in an object that is named like it.
    let own = |key: &str| object(payload, key);
    let model = object(payload, "model").and_then(|model| text(model, "slug"));
    Some(match event {
        "TaskStart" | "TaskResume" => EventKind::SessionBegun(SessionBegun {
            source: Some(if event == "TaskStart" { "startup" } else { "resume" }.into()),
            model: owned(model),
            branch: None,
        }),
        "UserPromptSubmit" => {
            let words = human_words(text(own("userPromptSubmit")?, "prompt")?)?;
            EventKind::Prompt(Prompt { id: None, alias: None, text: kept(words) })
        }
        "PreToolUse" => EventKind::CallBegun(call(own("preToolUse")?)),
        "PostToolUse" => {
            let own = own("postToolUse")?;
            let result = own.get("result").map(content).unwrap_or_default();
            let is_failed = !is_true(own, "success");
            let end = CallEnd {
                status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
                error: is_failed.then(|| result.clone()),
                result,
                latency_ms: millis(own.get("executionTimeMs")),
            };
            EventKind::CallEnded { call: call(own), end }
        }
        "PreCompact" => EventKind::Compacted,
        "TaskComplete" => EventKind::TurnEnded { message: None, is_aborted: false },
        "TaskCancel" | "TaskError" => EventKind::TurnEnded { message: None, is_aborted: true },
        "SessionShutdown" => EventKind::SessionEnded { reason: None },
        _ => return None,
    })
}

fn call(own: &Object) -> Call {
    Call {
        id: None,
        tool: text(own, "toolName").unwrap_or_default().into(),
        args: own.get("parameters").map(json).unwrap_or_default(),
    }
}

/// Tags around a person's words in the messages of a task.
const WORDS: &[&str] = &["task", "user_message", "feedback", "answer"];

/// Tools that are called by tags within the text of older versions.
const TAGGED: &[&str] = &[
    "execute_command",
    "read_file",
    "write_to_file",
    "replace_in_file",
    "apply_diff",
    "insert_content",
    "search_and_replace",
    "search_files",
    "list_files",
    "list_code_definition_names",
    "use_mcp_tool",
    "browser_action",
];

/// Reader of the messages of a task, of Cline and of Roo.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    n_calls: u32,
    /// The call by tags that has not come back.
    tagged: Option<Box<str>>,
}

impl Transcript {
    /// Reads a message.
    pub(crate) fn message(&mut self, message: &Object, frame: &Frame, events: &mut Vec<Event>) {
        let mut frame = frame.clone();
        frame.at = instant(message.get("ts")).or(frame.at);
        let is_user = text(message, "role") == Some("user");
        match message.get("content") {
            Some(Value::String(words)) if is_user => self.words(words, &frame, events),
            Some(Value::String(words)) => self.answer(words, &frame, events),
            Some(Value::Array(blocks)) => {
                for block in blocks.iter().filter_map(Value::as_object) {
                    self.block(block, is_user, &frame, events);
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, block: &Object, is_user: bool, frame: &Frame, events: &mut Vec<Event>) {
        let event = match text(block, "type") {
            Some("text") if is_user => {
                return self.words(text(block, "text").unwrap_or_default(), frame, events);
            }
            Some("text") => {
                return self.answer(text(block, "text").unwrap_or_default(), frame, events);
            }
            Some("tool_use") => EventKind::CallBegun(Call {
                id: owned(text(block, "id")),
                tool: text(block, "name").unwrap_or_default().into(),
                args: block.get("input").map(json).unwrap_or_default(),
            }),
            Some("tool_result") => {
                let result = without_blocks(&block.get("content").map(content).unwrap_or_default());
                if let Some(words) = tagged_words(&result).filter(|_| !result.contains("Result:")) {
                    events.push(frame.event(words));
                }
                let call = Call { id: owned(text(block, "tool_use_id")), ..Call::default() };
                EventKind::CallEnded { call, end: end(is_true(block, "is_error"), result) }
            }
            _ => return,
        };
        events.push(frame.event(event));
    }

    /// Reads words in a message of the user: those of a person, or the result of a tagged call.
    fn words(&mut self, words: &str, frame: &Frame, events: &mut Vec<Event>) {
        let is_result = words.starts_with('[') && words.contains("] Result:");
        if let Some(id) = self.tagged.take_if(|_| is_result) {
            let result = words.split_once("Result:").map_or(words, |(_, result)| result).trim();
            let call = Call { id: Some(id), ..Call::default() };
            let end = end(false, kept(without_blocks(result)));
            events.push(frame.event(EventKind::CallEnded { call, end }));
        } else if let Some(prompt) = tagged_words(words) {
            events.push(frame.event(prompt));
        } else if !is_result
            && !words.starts_with("[ERROR]")
            && let Some(words) = human_words(words)
        {
            let prompt = Prompt { id: None, alias: None, text: kept(words) };
            events.push(frame.event(EventKind::Prompt(prompt)));
        }
    }

    /// Reads words of the agent, which call tools by tags in older versions.
    fn answer(&mut self, words: &str, frame: &Frame, events: &mut Vec<Event>) {
        let called = TAGGED.iter().find_map(|tool| {
            let inner = between(words, &format!("<{tool}>"), &format!("</{tool}>"))?;
            Some((*tool, inner.trim()))
        });
        let Some((tool, inner)) = called else {
            let message = Some(kept(words.to_owned()));
            events.push(frame.event(EventKind::TurnEnded { message, is_aborted: false }));
            return;
        };
        self.n_calls += 1;
        let id: Box<str> = format!("tag-{}", self.n_calls).into();
        self.tagged = Some(id.clone());
        let command = between(inner, "<command>", "</command>");
        let args = match command {
            Some(command) => serde_json::json!({ "command": command }).to_string(),
            None => kept(inner.to_owned()),
        };
        let call = Call { id: Some(id), tool: tool.into(), args };
        events.push(frame.event(EventKind::CallBegun(call)));
    }
}

/// Returns the words of a person that stand between tags.
fn tagged_words(words: &str) -> Option<EventKind> {
    let inner =
        WORDS.iter().find_map(|tag| between(words, &format!("<{tag}>"), &format!("</{tag}>")))?;
    let words = human_words(inner)?;
    Some(EventKind::Prompt(Prompt { id: None, alias: None, text: kept(words) }))
}

/// Returns the end of a call; a command tells its failure within its text.
fn end(is_error: bool, result: String) -> CallEnd {
    let says_so = ["Command failed", "The tool execution failed", "Error:"]
        .iter()
        .any(|begin| result.starts_with(begin));
    let code = result.split_once("xit code: ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    let is_failed = is_error || says_so || code.is_some_and(|code| code != 0);
    CallEnd {
        status: if is_failed { CallStatus::Failed } else { CallStatus::Ok },
        error: is_failed.then(|| result.clone()),
        result,
        latency_ms: None,
    }
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    text.split_once(begin)?.1.split_once(end).map(|(inner, _)| inner)
}

/// Returns the folder of a task in an index of tasks: the list of Cline, or the item of Roo.
#[must_use]
pub fn task_folder(index: &[u8], task: &str) -> Option<Box<str>> {
    let index: Value = serde_json::from_slice(index).ok()?;
    let items = match &index {
        Value::Array(items) => items.as_slice(),
        item => std::slice::from_ref(item),
    };
    let mut items = items.iter().filter_map(Value::as_object);
    let item = items.find(|item| text(item, "id") == Some(task))?;
    owned(["cwdOnTaskInitialization", "workspace", "cwd"].iter().find_map(|key| text(item, key)))
}
