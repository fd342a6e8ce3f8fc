//! The payload of a hook: whose it is, and the events in it.
//!
//! A pure function over the bytes that a client writes to a hook's standard input. The caller is
//! recognised by the payload's shape: clients run each other's hooks (VS Code and Cursor those in
//! Claude's file, Copilot those of a project), so an argument alone would be wrong.

mod untold;

use serde_json::Value;

use crate::client::Client;
use crate::clients::{
    claude_code, cline, codex, copilot, cursor, gemini, open_code, vs_code, windsurf,
};
use crate::event::Event;
use crate::fields::{Object, text};
use crate::json::repair_surrogates;

/// Longest payload that is read; some hundred KB are usual with large files.
const MAX_PAYLOAD_BYTES: usize = 16 << 20;

/// A payload, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The client that called.
    pub client: Client,
    /// Name of the event as the client spells it; of a payload without one, as it would.
    pub event: Box<str>,
    /// The transcript of the session, if the client names it.
    pub transcript: Option<Box<str>>,
    /// The events in it; none for one that is passed by.
    pub events: Vec<Event>,
}

/// Reason why a payload has no events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadHook {
    /// It is no JSON object.
    #[error("the payload is no JSON object: {0}")]
    Json(Box<str>),
    /// It is longer than is read.
    #[error("the payload has {got} bytes; at most {limit} are read")]
    TooLong {
        /// Most bytes of a payload.
        limit: usize,
        /// Bytes of this one.
        got: usize,
    },
    /// It is of none of the known clients.
    #[error("the payload is of none of the known clients; its fields are {fields}")]
    UnknownShape {
        /// Names of its fields.
        fields: Box<str>,
    },
}

/// Reads the payload of a hook.
///
/// `hint` is the client that the hook was installed for; it decides only where the shape leaves
/// several clients possible. Invalid UTF-8 is replaced; unknown fields are passed over; an event
/// that is not known, or that says nothing to the memory, gives a hook without events.
///
/// # Errors
///
/// [`BadHook`] for what is no JSON object, too long, or of no known client.
pub fn read_hook(payload: &[u8], hint: Option<Client>) -> Result<Hook, BadHook> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(BadHook::TooLong { limit: MAX_PAYLOAD_BYTES, got: payload.len() });
    }
    let json = String::from_utf8_lossy(payload);
    let json = json.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(&repair_surrogates(json))
        .map_err(|error| BadHook::Json(error.to_string().into()))?;
    let Value::Object(payload) = value else {
        return Err(BadHook::Json("it is a value of another kind".into()));
    };
    let Some(client) = caller(&payload, hint) else {
        let fields: Vec<&str> = payload.keys().take(12).map(String::as_str).collect();
        return Err(BadHook::UnknownShape { fields: fields.join(", ").into() });
    };
    let (event, events) = match client {
        Client::ClaudeCode => claude_code::hook(&payload),
        Client::Codex => codex::hook(&payload),
        Client::Copilot => copilot::hook(&payload),
        Client::VsCode => vs_code::hook(&payload),
        Client::Cursor => cursor::hook(&payload),
        Client::Gemini => gemini::hook(&payload),
        Client::OpenCode => open_code::hook(&payload),
        Client::Cline => cline::hook(&payload),
        Client::Windsurf => windsurf::hook(&payload),
        _ => ("".into(), Vec::new()),
    };
    let transcript = text(&payload, "transcript_path").or(text(&payload, "transcriptPath"));
    Ok(Hook { client, event, transcript: transcript.map(Into::into), events })
}

/// Returns the client that wrote a payload.
fn caller(payload: &Object, hint: Option<Client>) -> Option<Client> {
    let has = |key: &str| payload.get(key).is_some_and(|value| !value.is_null());
    if has("cursor_version") || has("conversation_id") {
        return Some(Client::Cursor);
    }
    if has("agent_action_name") {
        return Some(Client::Windsurf);
    }
    if has("hookName") && has("taskId") {
        return Some(Client::Cline);
    }
    if has("hook") && has("payload") {
        return Some(Client::OpenCode);
    }
    if has("sessionId") {
        let is_number = payload.get("timestamp").is_some_and(Value::is_number);
        let is_copilot = is_number || !has("hookEventName");
        return Some(if is_copilot { Client::Copilot } else { Client::VsCode });
    }
    let event = text(payload, "hook_event_name")?;
    if !has("session_id") || !event.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    if gemini::EVENTS.contains(&event) {
        return Some(Client::Gemini);
    }
    if payload.get("timestamp").is_some_and(Value::is_string) {
        // Gemini names the transcript in every payload, Copilot at the end of a turn alone.
        let is_gemini = has("transcript_path") && gemini::SHARED_EVENTS.contains(&event);
        return Some(if is_gemini { Client::Gemini } else { Client::Copilot });
    }
    let transcript = text(payload, "transcript_path").unwrap_or_default();
    if has("turn_id") || transcript.contains("rollout-") {
        return Some(Client::Codex);
    }
    if has("prompt_id") || transcript.contains(".claude") || has("tool_use_id") {
        return Some(Client::ClaudeCode);
    }
    let is_possible = |hint: &Client| matches!(hint, Client::ClaudeCode | Client::Codex);
    hint.filter(is_possible).or(Some(Client::ClaudeCode))
}

#[cfg(test)]
mod tests;
