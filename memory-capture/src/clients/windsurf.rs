//! Windsurf: hooks as documented in 2026 (not run). Commands come without output and exit code; its
//! transcripts are not readable.

use super::frame::{Frame, owned};
use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::fields::{Object, instant, json, kept, object, text};
use crate::noise::human_words;

/// Reads the payload of a hook.
pub(crate) fn hook(payload: &Object) -> (Box<str>, Vec<Event>) {
    let event = text(payload, "agent_action_name").unwrap_or_default();
    let info = object(payload, "tool_info");
    let frame = Frame {
        session: text(payload, "trajectory_id").unwrap_or_default().into(),
        agent: None,
        folder: owned(info.and_then(|info| text(info, "cwd"))),
        at: instant(payload.get("timestamp")),
        turn: None,
    };
    let kind = info.and_then(|info| kind(event, info, text(payload, "execution_id")));
    (event.into(), kind.map(|kind| frame.event(kind)).into_iter().collect())
}

fn kind(event: &str, info: &Object, execution: Option<&str>) -> Option<EventKind> {
    if event == "pre_user_prompt" {
        let words = human_words(text(info, "user_prompt")?)?;
        return Some(EventKind::Prompt(Prompt {
            id: owned(execution),
            alias: None,
            text: kept(words),
        }));
    }
    if event == "post_cascade_response" {
        let message = text(info, "response").map(|text| kept(text.to_owned()));
        return Some(EventKind::TurnEnded { message, is_aborted: false });
    }
    let (phase, tool) = event.split_once('_')?;
    let tool = match tool {
        "mcp_tool_use" => format!(
            "mcp__{}__{}",
            text(info, "mcp_server_name").unwrap_or_default(),
            text(info, "mcp_tool_name").unwrap_or_default()
        ),
        "read_code" | "write_code" | "run_command" => tool.to_owned(),
        _ => return None,
    };
    let mut args = info.clone();
    let result = args.remove("mcp_result");
    let call = Call { id: None, tool: tool.into(), args: json(&args.into()) };
    match phase {
        "pre" => Some(EventKind::CallBegun(call)),
        "post" => {
            let result = result.as_ref().map(json).unwrap_or_default();
            let end = CallEnd { status: CallStatus::Unknown, result, ..CallEnd::default() };
            Some(EventKind::CallEnded { call, end })
        }
        _ => None,
    }
}
