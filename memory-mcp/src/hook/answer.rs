//! The answer of a hook in the form that each client reads.

use memory_capture::Client;
use serde_json::json;

/// Longest context that every client shows whole, in bytes.
const MAX_BYTES: usize = 8_000;

/// Events of a client at which it shows a context to the model, and its form.
struct Form {
    client: Client,
    events: &'static [&'static str],
    shape: Shape,
}

/// Forms of a context.
#[derive(Clone, Copy)]
enum Shape {
    /// `hookSpecificOutput` with the event's name.
    Specific,
    /// `additionalContext` at the top.
    Camel,
    /// `additional_context` at the top.
    Snake,
    /// `contextModification`, beside the permission to go on.
    Cline,
}

const CLAUDE_EVENTS: &[&str] = &[
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "SubagentStart",
];

/// Forms by client; state of November 2026.
const FORMS: &[Form] = &[
    Form { client: Client::ClaudeCode, events: CLAUDE_EVENTS, shape: Shape::Specific },
    Form {
        client: Client::Codex,
        events: &["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart"],
        shape: Shape::Specific,
    },
    Form {
        client: Client::Gemini,
        events: &["SessionStart", "BeforeAgent", "AfterTool"],
        shape: Shape::Specific,
    },
    Form {
        client: Client::VsCode,
        events: &["SessionStart", "PreToolUse", "PostToolUse", "SubagentStart"],
        shape: Shape::Specific,
    },
    // Named in either spelling; the payload says nothing about which was installed.
    Form { client: Client::Copilot, events: &[], shape: Shape::Camel },
    Form {
        client: Client::Cursor,
        events: &["sessionStart", "preToolUse", "postToolUse", "postToolUseFailure"],
        shape: Shape::Snake,
    },
    Form { client: Client::OpenCode, events: &[], shape: Shape::Camel },
    Form { client: Client::Cline, events: &[], shape: Shape::Cline },
];

/// Returns whether a client shows a context at an event; what it would not show is not said.
pub(super) fn shows(client: Client, event: &str) -> bool {
    let ends = ["Stop", "SessionEnd", "sessionEnd", "agentStop", "subagentStop", "PreCompact"];
    FORMS.iter().find(|form| form.client == client).is_some_and(|form| {
        if form.events.is_empty() { !ends.contains(&event) } else { form.events.contains(&event) }
    })
}

/// Returns a context as a client reads it; `None` for one that it would not show.
pub(super) fn answer(client: Client, event: &str, text: &str) -> Option<String> {
    let form = FORMS.iter().find(|form| form.client == client)?;
    let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or(text);
    let value = match form.shape {
        Shape::Specific => {
            json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
        }
        Shape::Camel => json!({"additionalContext": text}),
        Shape::Snake => json!({"additional_context": text}),
        Shape::Cline => json!({"cancel": false, "contextModification": text}),
    };
    shows(client, event).then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_gets_its_form_and_only_where_it_shows_it() {
        for (client, event, answered) in [
            (
                Client::ClaudeCode,
                "PostToolUseFailure",
                r#"{"hookSpecificOutput":
                    {"additionalContext":"x","hookEventName":"PostToolUseFailure"}}"#,
            ),
            (Client::Copilot, "PostToolUse", r#"{"additionalContext":"x"}"#),
            (Client::Cursor, "postToolUse", r#"{"additional_context":"x"}"#),
            (Client::Cline, "PostToolUse", r#"{"cancel":false,"contextModification":"x"}"#),
        ] {
            let given: serde_json::Value =
                serde_json::from_str(&answer(client, event, "x").unwrap()).unwrap();
            assert_eq!(given, serde_json::from_str::<serde_json::Value>(answered).unwrap());
        }
        for (client, event) in [
            (Client::ClaudeCode, "Stop"),
            (Client::Codex, "SessionEnd"),
            (Client::Gemini, "BeforeTool"),
            (Client::Copilot, "SessionEnd"),
            (Client::Windsurf, "post_run_command"),
        ] {
            assert_eq!(answer(client, event, "x"), None, "{event}");
        }
        let long = "é".repeat(MAX_BYTES);
        assert!(answer(Client::Codex, "PostToolUse", &long).unwrap().len() < MAX_BYTES + 200);
    }
}
