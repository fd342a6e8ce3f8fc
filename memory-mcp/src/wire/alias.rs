//! Names of arguments that callers use in place of ours, and fields that clients add to every call.
//!
//! Used where arguments are read. Models guess names that other tools have (`output` for
//! `observation`), and write `episodeId` for `episode_id`: both are taken. Clients put fields of
//! their own beside the arguments (`toolCallId`, `sessionId`): these are passed over. All else is a
//! mistake, and refused, since an argument that is silently dropped could widen a search or a
//! removal.

/// Other names of fields, the field first. A name counts only where the field is declared and the
/// name itself is not.
const ALIASES: [(&str, &[&str]); 26] = [
    ("query", &["q", "text", "search", "search_query", "question"]),
    ("task", &["goal", "description", "prompt", "query"]),
    ("episode_id", &["episode", "id"]),
    ("ids", &["id", "record_ids", "note_ids", "episode_ids"]),
    ("text", &["content", "note", "memory", "fact", "statement"]),
    ("note", &["text", "content", "message"]),
    ("kind", &["type"]),
    ("kinds", &["kind", "type", "types"]),
    ("scope", &["project", "repo", "repository", "workspace"]),
    ("tags", &["tag", "labels"]),
    ("since", &["after", "from", "start_date"]),
    ("until", &["before", "to", "end_date"]),
    ("limit", &["top_k", "k", "max_results", "n_results", "num_results", "count"]),
    ("from_step", &["offset"]),
    ("steps", &["step", "calls", "tool_calls"]),
    ("tool", &["tool_name", "name"]),
    ("args", &["arguments", "input", "params", "parameters", "tool_input", "command"]),
    (
        "observation",
        &["result", "output", "response", "content", "tool_output", "tool_response", "stdout"],
    ),
    ("ok", &["success", "succeeded"]),
    ("error", &["error_message"]),
    ("latency_ms", &["duration_ms", "elapsed_ms"]),
    ("tokens", &["n_tokens", "token_count"]),
    ("occurred_at", &["timestamp", "time", "ts"]),
    ("outcome", &["status", "result"]),
    ("lessons", &["lesson", "lessons_learned", "learnings"]),
    ("helpful", &["useful", "is_helpful", "was_helpful"]),
];

/// Words of which clients make the names of fields that they add: `toolCallId`,
/// `waitForPreviousTools`, `task_progress`, `security_risk`.
const CLIENT_WORDS: [&str; 46] = [
    "agent",
    "approval",
    "call",
    "chat",
    "client",
    "context",
    "conversation",
    "correlation",
    "explanation",
    "for",
    "host",
    "id",
    "input",
    "invocation",
    "message",
    "metadata",
    "of",
    "parent",
    "previous",
    "progress",
    "random",
    "reason",
    "reasoning",
    "request",
    "required",
    "requires",
    "risk",
    "run",
    "security",
    "session",
    "span",
    "state",
    "string",
    "summary",
    "task",
    "thought",
    "thread",
    "tool",
    "tools",
    "trace",
    "turn",
    "use",
    "user",
    "uuid",
    "wait",
    "action",
];

/// Fields of one word that clients add.
const CLIENT_FIELDS: [&str; 12] = [
    "action",
    "chatinput",
    "dummy",
    "explanation",
    "meta",
    "metadata",
    "reasoning",
    "sessionid",
    "signal",
    "thought",
    "thoughts",
    "toolcallid",
];

/// Returns the field among `fields` that a name means.
pub(super) fn meant(
    name: &str,
    mut fields: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let is_alias = |field: &str| {
        let aliases = ALIASES.iter().find(|(of, _)| *of == field);
        aliases.is_some_and(|(_, names)| names.contains(&name))
    };
    fields.find(|field| is_alias(field) || camel_case(field).as_deref() == Some(name))
}

/// Returns whether a field is one that clients add of themselves.
pub(super) fn is_clients(name: &str) -> bool {
    if name.starts_with('_') || CLIENT_FIELDS.contains(&name.to_ascii_lowercase().as_str()) {
        return true;
    }
    let words = words(name);
    words.len() > 1 && words.iter().all(|word| CLIENT_WORDS.contains(&word.as_str()))
}

/// Returns `episodeId` for `episode_id`; `None` for a name of one word.
fn camel_case(name: &str) -> Option<String> {
    let (first, rest) = name.split_once('_')?;
    let mut camel = first.to_owned();
    for word in rest.split('_') {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    Some(camel)
}

/// Returns the words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let is_break = matches!(c, '_' | '-' | '.');
        if is_break || (was_lower && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (is_break, words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_clients_are_told_from_arguments() {
        for added in [
            "toolCallId",
            "tool_call_id",
            "sessionId",
            "_sessionID",
            "_meta",
            "chatInput",
            "action",
            "task_progress",
            "waitForPreviousTools",
            "security_risk",
            "random_string",
            "requestId",
            "conversationId",
            "tool_use_id",
            "requires_approval",
            "__requestId",
        ] {
            assert!(is_clients(added), "{added}");
        }
        for ours in [
            "query",
            "Query",
            "limit",
            "older_than",
            "olderThan",
            "project",
            "episodeId",
            "tasks",
            "scope_id",
            "colour",
            "session",
            "max_tokens",
            "",
        ] {
            assert!(!is_clients(ours), "{ours}");
        }
    }

    #[test]
    fn a_name_means_a_field_only_where_that_is_declared() {
        let meant = |name, fields: &[&'static str]| meant(name, fields.iter().copied());
        assert_eq!(meant("output", &["tool", "observation"]), Some("observation"));
        assert_eq!(meant("result", &["episode_id", "outcome"]), Some("outcome"));
        assert_eq!(meant("episodeId", &["episode_id"]), Some("episode_id"));
        assert_eq!(meant("output", &["query"]), None);
        assert_eq!(meant("Query", &["query"]), None, "that is misspelt");
    }

    #[test]
    fn no_name_stands_for_itself() {
        for (field, names) in ALIASES {
            assert!(!names.contains(&field), "{field}");
        }
    }
}
