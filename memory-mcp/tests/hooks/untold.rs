//! Turns whose prompt no hook told: it was given up, or hooks were installed in the middle of the
//! turn. Nothing of them is lost, and nothing twice.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::session::{Home, Session};

const TASK: &str = "Mend the drawer of the till in the shop";
const NEXT: &str = "Write a list of all the doors that squeak";

/// Writes the transcript of a session with two turns, of two calls and of one, and returns its
/// path.
fn transcript(home: &Home) -> PathBuf {
    let line = |n: u32, kind: &str, turn: &str, content: Value| {
        json!({"type": kind, "uuid": format!("u{n}"), "sessionId": "s", "cwd": home.path("shop"),
            "promptId": (kind == "user").then_some(turn), "isSidechain": false,
            "timestamp": format!("2026-03-01T10:00:{n:02}.000Z"),
            "message": {"role": kind, "content": content}})
    };
    let call = |n: u32, id: &str, turn: &str, command: &str| {
        let used = json!([{"type": "tool_use", "id": id, "name": "Bash",
            "input": {"command": command}}]);
        let result = json!([{"type": "tool_result", "tool_use_id": id, "content": "done"}]);
        [line(n, "assistant", turn, used), line(n + 1, "user", turn, result)]
    };
    let mut lines = vec![line(0, "user", "p1", json!(TASK))];
    lines.extend(call(1, "c1", "p1", "open till"));
    lines.extend(call(3, "c2", "p1", "oil drawer"));
    lines.push(line(5, "user", "p2", json!(NEXT)));
    lines.extend(call(6, "c3", "p2", "ls doors"));
    let path = home.path("s.jsonl");
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::write(&path, text).unwrap();
    path
}

/// The payload of a call that ended, with its turn and the transcript of its session.
fn ended(session: &Session, turn: &str, id: &str, command: &str, transcript: &Path) -> Vec<u8> {
    let fields = json!({"tool_name": "Bash", "tool_use_id": id, "tool_response": {"stdout": "done"},
        "tool_input": {"command": command}, "prompt_id": turn, "transcript_path": transcript});
    session.payload("PostToolUse", &fields)
}

/// Tasks of all episodes with the number of their steps, in the order of their beginning.
fn told(home: &Home) -> Vec<(String, usize)> {
    let mut episodes = home.export();
    episodes.sort_by_key(|episode| episode["ts"].as_str().unwrap().to_owned());
    let of = |episode: &Value| {
        let n_steps = episode["steps"].as_array().map_or(0, Vec::len);
        (episode["task"].as_str().unwrap().to_owned(), n_steps)
    };
    episodes.iter().map(of).collect()
}

/// Imports the transcript and returns how many records were new.
fn imported(home: &Home, transcript: &Path) -> Value {
    let args = ["import", "claude-code", transcript.to_str().unwrap(), "--json"];
    let ran = home.command(&args).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice::<Value>(&ran.stdout).unwrap()["n_new"].clone()
}

#[test]
fn a_turn_without_a_prompt_has_the_task_of_its_transcript_and_is_no_new_one_for_an_import() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    let path = transcript(&home);
    // No hook told the first prompt: the second call of its turn is the first that is seen.
    home.hook("claude-code", &ended(&session, "p1", "c2", "oil drawer", &path));
    // That of the second was given up.
    home.hook("claude-code", &ended(&session, "p2", "c3", "ls doors", &path));
    // An event of the first comes late.
    home.hook("claude-code", &session.over());
    let expected = [(TASK.to_owned(), 1), (NEXT.to_owned(), 1)];
    assert_eq!(told(&home), expected);
    assert_eq!(imported(&home, &path), 0);
    assert_eq!(told(&home), expected);
}

#[test]
fn a_turn_that_nothing_tells_is_named_by_its_first_call_and_is_no_new_one_for_an_import() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    let nowhere = home.path("nowhere.jsonl");
    home.hook("claude-code", &ended(&session, "p1", "c1", "open till", &nowhere));
    home.hook("claude-code", &ended(&session, "p1", "c2", "oil drawer", &nowhere));
    home.hook("claude-code", &session.prompt("p2", NEXT));
    home.hook("claude-code", &ended(&session, "p2", "c3", "ls doors", &nowhere));
    home.hook("claude-code", &session.over());
    let untold = "Request not recorded; its first call: Bash open till".to_owned();
    let expected = [(untold, 2), (NEXT.to_owned(), 1)];
    assert_eq!(told(&home), expected);
    assert_eq!(imported(&home, &transcript(&home)), 0);
    assert_eq!(told(&home), expected);
}

#[test]
fn a_client_without_turns_has_the_last_prompt_of_its_transcript() {
    let home = Home::new();
    let chat = home.path("session-1.jsonl");
    let lines = [
        json!({"sessionId": "g", "kind": "main"}),
        json!({"id": "m1", "type": "user", "timestamp": "2026-03-01T10:00:00.000Z",
            "content": [{"text": TASK}]}),
    ];
    std::fs::write(&chat, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let call = json!({"session_id": "g", "cwd": home.path("shop"), "hook_event_name": "AfterTool",
        "transcript_path": chat, "timestamp": "2026-03-01T10:00:05.000Z",
        "tool_name": "run_shell_command", "tool_input": {"command": "open till"},
        "tool_response": {"llmContent": "done"}});
    home.hook("gemini", call.to_string().as_bytes());
    assert_eq!(told(&home), [(TASK.to_owned(), 1)]);
}
