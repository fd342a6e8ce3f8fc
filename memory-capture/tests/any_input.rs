//! Whatever a client writes, an adapter ends, and tells events or a reason; the recorder takes
//! them.
//!
//! Values are made of the words of the formats themselves, so that they reach deep into the
//! adapters. Cases by `PROPTEST_CASES`: some seconds by default, more by hand.

use memory_capture::notes::{Origin, markdown, mcp_memory};
use memory_capture::{Client, Lines, Place, Recorder, SessionState, read_document, read_hook};
use memory_core::{NoteKind, Scope, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names of fields, and values, as clients use them.
const WORDS: &str = "\
    AfterTool ActionEvent Bash BeforeAgent CommandExecution FileChange McpToolCall \
    MessageEvent ObservationEvent PostToolUse PostToolUseFailure PreToolUse SessionEnd \
    SessionStart Stop TaskStart UserMessage UserPromptSubmit action actions agent agentId \
    agent_action_name agent_id aggregated_output apply_patch args arguments assistant bash \
    branch callID call_id cause cmd command compact_boundary completed content \
    conversation_id cursor_version custom_tool_call cwd data directory duration duration_ms \
    error error_message event event_msg exec_command exit exitCode exit_code extra failed \
    file filePath function function_call function_call_output functionResponse gemini git \
    gitBranch hook hookEventName hookName hook_event_name id info input isError isMeta \
    isSidechain is_error is_interrupt item item_completed kind last_assistant_message list \
    llmContent local_shell_call message messages metadata model name nanos observation \
    output parameters parent parentID part parts path payload prompt promptId prompt_id \
    properties reason recall response response_item result results returncode role secs \
    server session_meta session_id sessionId sessionID source source_call_id status stderr \
    stdout step_id steps state subtype success system task taskId task_complete text time \
    timestamp tool toolArgs toolCalls toolName toolResult toolUseResult tool_call_id \
    tool_calls tool_info tool_input tool_name tool_response tool_result tool_use tool_use_id \
    trajectory transcript_path turn_aborted turn_id type user user_message uuid \
    workspace_roots 2026-03-01T10:00:00Z <memory-mcp> Exit\u{a0}Code:3 mcp__memory__recall \
    session.created message.part.updated chat.message tool.execute.before \
    tool.execution_complete user.message";

fn word() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split(' ').collect();
    prop::sample::select(words).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => word().prop_map(Value::String),
        1 => "\\PC{0,40}".prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let pairs = prop::collection::vec((word(), inner.clone()), 0..10);
        prop_oneof![
            3 => pairs.prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
            1 => prop::collection::vec(inner, 0..5).prop_map(Value::Array),
        ]
    })
}

/// An object that some hook may have written.
fn payload() -> impl Strategy<Value = Value> {
    (value(), prop::sample::select(Client::ALL), word()).prop_map(|(value, client, event)| {
        let mut object = value.as_object().cloned().unwrap_or_default();
        let marks = match client {
            Client::Cursor => json!({"conversation_id": "c", "hook_event_name": event}),
            Client::Windsurf => json!({"agent_action_name": event}),
            Client::Cline => json!({"hookName": event, "taskId": "t"}),
            Client::OpenCode => json!({"hook": event, "payload": value}),
            Client::Copilot => json!({"sessionId": "s", "timestamp": 1, "toolName": event}),
            Client::VsCode => json!({"sessionId": "s", "hookEventName": event, "timestamp": "t"}),
            _ => json!({"session_id": "s", "hook_event_name": event}),
        };
        object.extend(marks.as_object().cloned().unwrap_or_default());
        Value::Object(object)
    })
}

fn place() -> Place {
    Place { session: "s".into(), folder: None, at: Timestamp::from_millis(1) }
}

/// Records events; the state of the session survives its own encoding.
fn record(events: Vec<memory_capture::Event>) {
    let mut recorder = Recorder::default();
    for event in events {
        drop(recorder.record(event, Timestamp::from_millis(2)));
        let state = recorder.state();
        assert_eq!(SessionState::decode(&state.encode()).as_ref(), Some(state));
    }
    drop(recorder.close());
}

fn read_lines(client: Client, bytes: &[u8]) {
    let Ok(mut lines) = Lines::new(client, bytes, 0, place(), true) else { return };
    let (mut events, mut end) = (Vec::new(), 0);
    while let Ok(Some(record)) = lines.read() {
        assert!(record.offset == end && record.end > end, "lines follow each other");
        end = record.end;
        events.extend(record.events.unwrap_or_default());
    }
    record(events);
}

proptest! {
    #[test]
    fn any_payload_is_read_or_refused(
        payload in payload(), client in prop::sample::select(Client::ALL),
    ) {
        let mut hook = read_hook(payload.to_string().as_bytes(), Some(client)).ok();
        if let Some(hook) = &mut hook {
            hook.tell(payload.to_string().as_bytes());
        }
        record(hook.map(|hook| hook.events).unwrap_or_default());
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        client in prop::sample::select(Client::ALL),
    ) {
        drop(read_hook(&bytes, Some(client)));
        read_lines(client, &bytes);
        let mut events = Vec::new();
        drop(read_document(client, &place(), || Ok(&bytes[..]), |event| events.push(event)));
        record(events);
    }

    #[test]
    fn any_transcript_is_read_to_its_end(
        values in prop::collection::vec(value(), 0..12),
        client in prop::sample::select(Client::ALL),
        cut in 0_usize..400,
    ) {
        let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
        let text = lines.join("\n");
        // The end of a file that is being written.
        let whole = text.as_bytes();
        read_lines(client, &whole[..whole.len().saturating_sub(cut)]);
        let document = Value::Array(values).to_string();
        let mut events = Vec::new();
        let read = || Ok(document.as_bytes());
        drop(read_document(client, &place(), read, |event| events.push(event)));
        record(events);
    }

    #[test]
    fn any_memory_is_cut_into_notes(
        text in "(# |- |```|\n|---\n|[a-z\u{e9} ]{0,30}|\\PC{0,9}){0,30}",
    ) {
        let origin = Origin {
            importer: "markdown",
            file: "a.md".to_owned(),
            scope: Scope::new("shop").unwrap(),
            at: Timestamp::from_millis(1),
        };
        for grain in [markdown::Grain::Item, markdown::Grain::Section] {
            drop(markdown::read(&text, grain, NoteKind::Fact, &origin));
        }
        drop(mcp_memory::read(&text, &origin));
    }
}
