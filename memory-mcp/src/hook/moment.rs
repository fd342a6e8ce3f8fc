//! What is said at an event, within the settings.

use memory_capture::{Call, CallEnd, CallStatus, Event, EventKind, Hook, is_own_tool};
use memory_core::{Error, Memory, NewStep, Scope, Session};

use super::answer::shows;
use crate::config::Settings;

/// Returns whether an event needs the search index: only a prompt is looked up in it.
pub(super) fn searches(hook: &Hook, settings: &Settings) -> bool {
    let is_prompt = |event: &Event| matches!(event.kind, EventKind::Prompt(_));
    settings.hooks.briefings && hook.events.iter().any(is_prompt) && shows(hook.client, &hook.event)
}

/// Returns whether an agent rests after an event, so that there is time to bring up to date what
/// the next prompt is looked up in.
pub(super) fn rests(hook: &Hook, settings: &Settings) -> bool {
    let is_end = |event: &Event| {
        matches!(event.kind, EventKind::TurnEnded { .. } | EventKind::SessionEnded { .. })
    };
    settings.hooks.briefings && hook.events.iter().any(is_end)
}

/// Returns what is to be said at an event; mostly nothing.
pub(super) fn speak(
    memory: &Memory,
    hook: &Hook,
    event: &Event,
    scope: &Scope,
    settings: &Settings,
) -> Result<Option<String>, Error> {
    let session = Session { id: &event.session, scope };
    let is_shown = shows(hook.client, &hook.event);
    match &event.kind {
        EventKind::SessionBegun(_) if is_shown && settings.hooks.briefings => memory.brief(session),
        EventKind::Prompt(prompt) if is_shown && settings.hooks.briefings => {
            memory.brief_prompt(session, &prompt.text)
        }
        EventKind::CallBegun(call) if is_shown && settings.hooks.moments && is_known(call) => {
            memory.brief_call(session, step(call, None))
        }
        EventKind::CallEnded { call, end } if !call.tool.is_empty() => {
            memory.follow_injections(session, step(call, Some(end)))?;
            let is_failed = end.status == CallStatus::Failed;
            if is_failed && is_shown && settings.hooks.moments && is_known(call) {
                memory.brief_failure(session, step(call, Some(end)))
            } else {
                Ok(None)
            }
        }
        _ => Ok(None),
    }
}

fn is_known(call: &Call) -> bool {
    !call.tool.is_empty() && !is_own_tool(&call.tool)
}

fn step(call: &Call, end: Option<&CallEnd>) -> NewStep {
    let step =
        NewStep { tool: call.tool.to_string(), args: call.args.clone(), ..NewStep::default() };
    let Some(end) = end else { return step };
    NewStep {
        observation: end.result.clone(),
        ok: match end.status {
            CallStatus::Ok => Some(true),
            CallStatus::Failed => Some(false),
            CallStatus::Unknown => None,
        },
        error: end.error.clone(),
        latency_ms: end.latency_ms,
        ..step
    }
}
