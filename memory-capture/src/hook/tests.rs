//! Claims about payloads of every client; the lines are made up after the clients' formats.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::event::{CallStatus, EventKind};

fn read(payload: &Value) -> Hook {
    read_hook(payload.to_string().as_bytes(), None).unwrap()
}

/// The one event of a payload.
fn event(payload: &Value) -> Event {
    let events = read(payload).events;
    assert_eq!(events.len(), 1, "{payload}");
    events.into_iter().next().unwrap()
}

/// Tool, status, error and latency of the call whose end the payload is.
fn end(payload: &Value) -> (String, CallStatus, Option<String>, Option<u64>) {
    match event(payload).kind {
        EventKind::CallEnded { call, end } => {
            (call.tool.into(), end.status, end.error, end.latency_ms)
        }
        kind => panic!("{kind:?}"),
    }
}

fn claude(event: &str, more: &Value) -> Value {
    let mut payload = json!({
        "session_id": "s1", "transcript_path": "/home/x/.claude/projects/-app/s1.jsonl",
        "cwd": "/app", "prompt_id": "p1", "hook_event_name": event,
    });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    payload
}

#[test]
fn the_caller_is_known_by_the_shape_of_its_payload() {
    let time = "2026-11-29T10:00:00Z";
    for (client, payload) in [
        (Client::ClaudeCode, claude("Stop", &json!({}))),
        (
            Client::Codex,
            json!({"session_id": "s", "turn_id": "t", "model": "m", "cwd": "/app",
                "transcript_path": null, "hook_event_name": "PreToolUse"}),
        ),
        (
            Client::Codex,
            json!({"session_id": "s", "cwd": "/app", "hook_event_name": "SessionEnd",
                "transcript_path": "/home/x/.codex/sessions/2026/11/29/rollout-1-s.jsonl"}),
        ),
        (Client::Copilot, json!({"sessionId": "s", "timestamp": 1_795_000_000_000_u64})),
        (
            Client::Copilot,
            json!({"hook_event_name": "PostToolUse", "session_id": "s", "timestamp": time,
                "tool_name": "Bash", "tool_result": {}}),
        ),
        (
            Client::VsCode,
            json!({"hookEventName": "PostToolUse", "sessionId": "s", "timestamp": time}),
        ),
        (
            Client::Cursor,
            json!({"hook_event_name": "stop", "conversation_id": "c", "cursor_version": "3"}),
        ),
        (
            Client::Gemini,
            json!({"hook_event_name": "SessionStart", "session_id": "s", "timestamp": time,
                "transcript_path": "/home/x/.gemini/tmp/app/chats/session-1.jsonl"}),
        ),
        (
            Client::Gemini,
            json!({"hook_event_name": "BeforeTool", "session_id": "s", "timestamp": time}),
        ),
        (Client::OpenCode, json!({"hook": "event", "payload": {}, "directory": "/app"})),
        (Client::Cline, json!({"hookName": "TaskStart", "taskId": "t", "timestamp": "1"})),
        (Client::Windsurf, json!({"agent_action_name": "pre_run_command"})),
    ] {
        // The argument of the hook that happened to be run says another client.
        let hint = Some(Client::Atif);
        let hook = read_hook(payload.to_string().as_bytes(), hint).unwrap();
        assert_eq!(hook.client, client, "{payload}");
    }
}

#[test]
fn a_start_of_which_the_shape_tells_too_little_is_the_hinted_client_s() {
    let payload = json!({"session_id": "s", "hook_event_name": "SessionStart", "cwd": "/app"});
    let of = |hint| read_hook(payload.to_string().as_bytes(), hint).unwrap().client;
    assert_eq!(of(Some(Client::Codex)), Client::Codex);
    assert_eq!(of(Some(Client::Gemini)), Client::ClaudeCode);
    assert_eq!(of(None), Client::ClaudeCode);
}

#[test]
fn what_is_no_payload_is_refused_by_name() {
    for (payload, reason) in [
        (&b""[..], "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"{\"session_id\":", "no JSON object"),
        (b"{\"event\":\"Stop\",\"matcher_context\":{}}", "event, matcher_context"),
        (b"{\"hook_event_name\":\"agentSpawn\",\"cwd\":\"/\"}", "none of the known clients"),
    ] {
        let error = read_hook(payload, None).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let long = vec![b' '; MAX_PAYLOAD_BYTES + 1];
    assert!(matches!(read_hook(&long, None), Err(BadHook::TooLong { .. })));
}

#[test]
fn invalid_utf_8_and_half_pairs_are_replaced() {
    let mut payload = claude("UserPromptSubmit", &json!({"prompt": "caf"})).to_string();
    payload = payload.replace("caf", "caf\\ud83d!");
    let mut bytes = payload.into_bytes();
    let at = bytes.windows(3).position(|part| part == b"caf").unwrap();
    bytes[at] = 0xff;
    let hook = read_hook(&bytes, None).unwrap();
    let EventKind::Prompt(prompt) = &hook.events[0].kind else { panic!("{hook:?}") };
    assert_eq!(prompt.text, "\u{fffd}af\u{fffd}!");
    assert_eq!(prompt.id.as_deref(), Some("p1"));
}

#[test]
fn failing_and_called_off_calls_of_claude_are_told_apart() {
    let failed = claude(
        "PostToolUseFailure",
        &json!({"tool_name": "Bash", "tool_input": {"command": "make"}, "tool_use_id": "t1",
            "error": "Exit code 2\nno rule", "is_interrupt": false, "duration_ms": 41}),
    );
    let error = Some("Exit code 2\nno rule".to_owned());
    assert_eq!(end(&failed), ("Bash".to_owned(), CallStatus::Failed, error, Some(41)));
    let mut off = failed;
    off["is_interrupt"] = true.into();
    assert_eq!(end(&off).1, CallStatus::Unknown);
    let passed = claude(
        "PostToolUse",
        &json!({"tool_name": "Edit", "tool_input": {"file_path": "/app/a"}, "tool_use_id": "t2",
            "tool_response": {"filePath": "/app/a", "originalFile": "secret".repeat(9)}}),
    );
    let EventKind::CallEnded { end, .. } = event(&passed).kind else { panic!() };
    assert_eq!((end.status, end.result.as_str()), (CallStatus::Ok, "update: /app/a"));
}

#[test]
fn a_prompt_of_an_agent_to_a_subagent_is_none() {
    for payload in [
        claude("UserPromptSubmit", &json!({"prompt": "look", "agent_id": "a1"})),
        claude("UserPromptSubmit", &json!({"prompt": "<task-notification>done"})),
        json!({"sessionId": "a1", "timestamp": 1, "prompt": "look", "agentId": "a1",
            "parentAgentId": "s"}),
        json!({"hook": "chat.message", "directory": "/app", "parent": "s", "payload": {
            "i": {"sessionID": "a1"}, "o": {"message": {"id": "m"},
            "parts": [{"type": "text", "text": "look"}]}}}),
    ] {
        assert_eq!(read(&payload).events, [], "{payload}");
    }
}

#[test]
fn a_subagent_s_call_belongs_to_the_session_of_its_parent() {
    let copilot = json!({"sessionId": "a1", "timestamp": 1_795_000_000_000_u64, "agentId": "a1",
        "parentAgentId": "s", "toolName": "bash", "toolArgs": {"command": "ls"}});
    let event = event(&copilot);
    assert_eq!((&*event.session, event.agent.as_deref()), ("s", Some("a1")));
    assert_eq!(event.at.unwrap().as_millis(), 1_795_000_000_000);
}

#[test]
fn commands_that_fail_within_a_success_are_failures() {
    let copilot = json!({"sessionId": "s", "timestamp": 1, "toolName": "bash", "toolArgs": {},
        "toolResult": {"resultType": "success",
            "textResultForLlm": "oops\n<shellId: 1 completed with exit code 3>"}});
    assert_eq!(end(&copilot).1, CallStatus::Failed);
    let gemini = json!({"hook_event_name": "AfterTool", "session_id": "s", "cwd": "/app",
        "tool_name": "run_shell_command", "tool_input": {"command": "x"}, "tool_response": {
        "llmContent": "<untrusted_context>\nOutput: oops\nExit Code: 3\nProcess Group PGID: 7\n\
            </untrusted_context><hook_context>told before</hook_context>"}});
    let (_, status, error, _) = end(&gemini);
    assert_eq!(status, CallStatus::Failed);
    assert_eq!(error.unwrap(), "Output: oops\nExit Code: 3\nProcess Group PGID: 7");
    let open_code = json!({"hook": "event", "directory": "/app", "payload": {
        "type": "message.part.updated", "properties": {"sessionID": "s", "part": {
        "type": "tool", "tool": "bash", "callID": "c", "state": {"status": "completed",
            "input": {}, "output": "oops", "metadata": {"exit": 3},
            "time": {"start": 1_795_000_000_000_u64, "end": 1_795_000_000_072_u64}}}}}});
    assert_eq!(
        end(&open_code),
        ("bash".to_owned(), CallStatus::Failed, Some("oops".to_owned()), Some(72))
    );
    let cursor = json!({"hook_event_name": "postToolUse", "conversation_id": "c", "duration": 5,
        "tool_name": "Shell", "tool_output": "{\"output\":\"oops\",\"exitCode\":1}"});
    assert_eq!(end(&cursor).1, CallStatus::Failed);
    let codex = json!({"session_id": "s", "turn_id": "t", "hook_event_name": "PostToolUse",
        "tool_name": "Bash", "tool_response": "oops\n", "tool_use_id": "c"});
    assert_eq!(end(&codex).1, CallStatus::Unknown);
}

#[test]
fn an_event_that_says_nothing_gives_none() {
    for payload in [
        claude("PostToolBatch", &json!({"tool_calls": []})),
        claude("SomethingNew", &json!({"x": 1})),
        json!({"hook_event_name": "PreCompress", "session_id": "s", "timestamp": "x"}),
        json!({"hook_event_name": "afterShellExecution", "conversation_id": "c"}),
    ] {
        assert_eq!(read(&payload).events, [], "{payload}");
    }
}

/// A payload whose fields may have any value.
fn mutated() -> impl Strategy<Value = Value> {
    const KEYS: &[&str] = &[
        "session_id",
        "sessionId",
        "hook_event_name",
        "hookEventName",
        "hookName",
        "taskId",
        "tool_name",
        "toolName",
        "tool_input",
        "tool_response",
        "tool_result",
        "tool_output",
        "timestamp",
        "cursor_version",
        "agent_action_name",
        "tool_info",
        "hook",
        "payload",
        "prompt",
        "error",
        "turn_id",
        "transcript_path",
        "postToolUse",
        "workspace_roots",
    ];
    const WORDS: &[&str] = &[
        "PostToolUse",
        "AfterTool",
        "postToolUse",
        "event",
        "UserPromptSubmit",
        "post_run_command",
        "/app",
        "<task-notification>",
        "{\"exitCode\":2}",
        "chat.message",
        "2026-11-29T10:00:00Z",
        "x <shellId: 1 completed with exit code 3>",
        "\u{1f980}<system-reminder>",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            3 => prop::sample::select(KEYS).prop_map(str::to_owned),
            1 => prop::sample::select(&["type", "state", "part", "properties", "i", "o", "parts",
                "content", "text", "stdout", "filePath", "time", "metadata", "message"][..])
                .prop_map(str::to_owned),
        ];
        let fields = prop::collection::btree_map(key, inner.clone(), 0..8);
        prop_oneof![
            3 => fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    });
    value.prop_filter("an object", Value::is_object)
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(payload in mutated()) {
        drop(read_hook(payload.to_string().as_bytes(), None));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read_hook(&bytes, Some(Client::Codex)));
    }
}
