//! Cline and Roo Code: hooks of Cline and the stores of both, as of the repositories on 22 August
//! and 14 April 2026 (not run).

use serde_json::Value;

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
use crate::fields::{Object, content, instant, is_true, json, kept, list, millis, object, text};
use crate::noise::human_words;

/// Reads the payload of a hook of Cline. Calls have no id.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "hookName").unwrap_or_default();
    let root = list(payload, "workspaceRoots").first().and_then(Value::as_str);
    let frame = Frame {
        session: text(payload, "taskId").unwrap_or_default().into(),
        agent: None,
        folder: owned(root),
        at: instant(payload.get("timestamp")),
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
            EventKind::Prompt(Prompt { id: None, text: kept(words) })
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
