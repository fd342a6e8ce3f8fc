//! Import of the sessions that clients keep.

use serde_json::{Value, json};

use crate::home::Home;

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| value.to_string() + "\n").collect()
}

/// A session of Claude Code with two tasks: a repair with a call that fails, and a document.
fn claude() -> Vec<Value> {
    let line = |n: u32, kind: &str, content: Value| {
        json!({"type": kind, "uuid": format!("u{n}"), "sessionId": "5e55", "cwd": "/gone/shop",
            "parentUuid": (n > 0).then(|| format!("u{}", n - 1)), "isSidechain": false,
            "timestamp": format!("2026-03-01T10:{n:02}:00.000Z"), "version": "2.1.0",
            "gitBranch": "main", "userType": "external",
            "message": {"role": kind, "model": "m", "content": content}})
    };
    let call = |n: u32, name: &str, input: Value| {
        line(
            n,
            "assistant",
            json!([{"type": "tool_use", "id": format!("c{n}"), "name": name, "input": input}]),
        )
    };
    let answer = |n: u32, text: &str, is_error: bool| {
        let id = format!("c{}", n - 1);
        line(
            n,
            "user",
            json!([{"type": "tool_result", "tool_use_id": id, "content": text,
                "is_error": is_error}]),
        )
    };
    vec![
        line(0, "user", json!("Repair the rounding of prices in the basket")),
        call(1, "Bash", json!({"command": "cargo test basket"})),
        answer(2, "Exit code 101\ntest rounds_half_up ... FAILED", true),
        call(
            3,
            "Edit",
            json!({"file_path": "/gone/shop/src/basket.rs", "old_string": "floor",
            "new_string": "round"}),
        ),
        answer(4, "updated", false),
        call(5, "Bash", json!({"command": "cargo test basket"})),
        answer(6, "test result: ok. 4 passed", false),
        line(7, "assistant", json!([{"type": "text", "text": "Prices are rounded half up now."}])),
        line(8, "user", json!("Now write a document on how vouchers are applied")),
        call(9, "Write", json!({"file_path": "/gone/shop/docs/vouchers.md", "content": "# V"})),
        answer(10, "created", false),
        line(11, "assistant", json!([{"type": "text", "text": "The document is written."}])),
    ]
}

/// A session of Codex with one task.
fn codex() -> Vec<Value> {
    let line = |n: u32, kind: &str, payload: Value| {
        json!({"timestamp": format!("2026-03-02T09:00:{n:02}.000Z"), "type": kind,
            "payload": payload})
    };
    vec![
        line(0, "session_meta", json!({"id": "c0de", "cwd": "/gone/mill", "cli_version": "1.0"})),
        line(
            1,
            "event_msg",
            json!({"type": "user_message",
            "message": "Count the sails of the mill"}),
        ),
        line(
            2,
            "response_item",
            json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "Count the sails of the mill"}]}),
        ),
        line(
            3,
            "response_item",
            json!({"type": "function_call", "name": "exec_command",
            "arguments": "{\"cmd\":\"wc -l sails.txt\"}", "call_id": "k1"}),
        ),
        line(
            4,
            "response_item",
            json!({"type": "function_call_output", "call_id": "k1",
            "output": "4 sails.txt"}),
        ),
        line(
            5,
            "response_item",
            json!({"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "There are four."}]}),
        ),
    ]
}

fn tasks(home: &Home) -> Vec<String> {
    let episodes = home.export(&["--scope", "*"]);
    let mut tasks: Vec<String> =
        episodes.iter().map(|episode| episode["task"].as_str().unwrap().to_owned()).collect();
    tasks.sort();
    tasks
}

#[test]
fn sessions_of_claude_code_become_episodes_once() {
    let home = Home::new();
    home.write(".claude/projects/-gone-shop/5e55.jsonl", &lines(&claude()));
    let first = home.run(&["import", "claude-code", "--json"]).ok().value();
    assert_eq!((&first["n_new"], &first["n_steps"]), (&json!(2), &json!(4)), "{first}");
    let expected = [
        "Now write a document on how vouchers are applied",
        "Repair the rounding of prices in the basket",
    ];
    assert_eq!(tasks(&home), expected);
    let second = home.run(&["import", "claude-code", "--again", "--json"]).ok().value();
    assert_eq!((&second["n_new"], &second["n_known"]), (&json!(0), &json!(2)), "{second}");
}

#[test]
fn sessions_of_codex_become_episodes_once() {
    let home = Home::new();
    home.write(".codex/sessions/2026/03/02/rollout-c0de.jsonl", &lines(&codex()));
    let first = home.run(&["import", "codex", "--json"]).ok().value();
    assert_eq!((&first["n_new"], &first["n_steps"]), (&json!(1), &json!(1)), "{first}");
    assert_eq!(tasks(&home), ["Count the sails of the mill"]);
    let second = home.run(&["import", "codex", "--again", "--json"]).ok().value();
    assert_eq!((&second["n_new"], &second["n_known"]), (&json!(0), &json!(1)), "{second}");
}

#[test]
fn what_a_subagent_of_codex_did_belongs_to_the_session_that_began_it() {
    let home = Home::new();
    home.write(".codex/sessions/2026/03/02/rollout-1-c0de.jsonl", &lines(&codex()));
    let line = |n: u32, payload: Value| {
        json!({"timestamp": format!("2026-03-02T09:00:03.{n:03}Z"), "type": "response_item",
            "payload": payload})
    };
    let mut child = vec![
        line(0, json!({"id": "51de", "session_id": "c0de", "parent_thread_id": "c0de"})),
        line(
            1,
            json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "Look for torn sails"}]}),
        ),
        line(
            2,
            json!({"type": "function_call", "name": "exec_command",
            "arguments": "{\"cmd\":\"grep torn sails.txt\"}", "call_id": "k9"}),
        ),
        line(3, json!({"type": "function_call_output", "call_id": "k9", "output": "none"})),
    ];
    child[0]["type"] = json!("session_meta");
    home.write(".codex/sessions/2026/03/02/rollout-2-51de.jsonl", &lines(&child));
    let report = home.run(&["import", "codex", "--json"]).ok().value();
    let of = |name: &str| report[name].as_u64();
    assert_eq!((of("n_new"), of("n_steps")), (Some(1), Some(2)), "{report}");
    assert_eq!(tasks(&home), ["Count the sails of the mill"]);
    let again = home.run(&["import", "codex", "--json"]).ok().value();
    assert_eq!((&again["n_new"], &again["n_unchanged"]), (&json!(0), &json!(2)), "{again}");
}

#[test]
fn a_file_that_did_not_change_is_not_read_again_and_one_that_grew_is() {
    let home = Home::new();
    let all = claude();
    let path = home.write(".claude/projects/-gone-shop/5e55.jsonl", &lines(&all[..8]));
    let counts = |args: &[&str]| {
        let args: Vec<&str> =
            ["import", "claude-code", "--json"].iter().chain(args).copied().collect();
        let report = home.run(&args).ok().value();
        let of = |name: &str| report[name].as_u64().unwrap();
        (of("n_new"), of("n_known"), of("n_unchanged"))
    };
    assert_eq!(counts(&[]), (1, 0, 0));
    assert_eq!(counts(&[]), (0, 0, 1));
    assert_eq!(counts(&["--again"]), (0, 1, 0));
    std::fs::write(&path, lines(&all)).unwrap();
    assert_eq!(counts(&[]), (1, 1, 0));
    // A part of the sessions alone says nothing of the rest.
    home.write(
        ".claude/projects/-gone-mill/a.jsonl",
        &lines(&all).replace("5e55", "a").replace("\"u", "\"v"),
    );
    assert_eq!(counts(&["--scope", "elsewhere"]).0, 0);
    assert_eq!(counts(&[]).2, 1, "the other file is read");
}

#[test]
fn a_session_that_may_go_on_is_counted_and_one_that_hooks_left_open_is_completed_once() {
    let home = Home::new();
    let now = memory_core::Clock::now(&memory_core::SystemClock).as_millis() / 1_000;
    let mut live = claude();
    for (n, line) in (0..).zip(&mut live) {
        let at = memory_core::Timestamp::from_millis((now - 60 + n) * 1_000);
        line["timestamp"] = json!(at.to_string());
        if line["type"] == "user" && line["message"]["content"].is_string() {
            line["promptId"] = json!(format!("p{n}"));
        }
    }
    home.write("5e55.jsonl", &lines(&live));
    // The hooks of the first prompt and its first call came, the others did not.
    for payload in [
        json!({"hook_event_name": "UserPromptSubmit", "prompt_id": "p0",
            "prompt": "Repair the rounding of prices in the basket"}),
        json!({"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_use_id": "c1",
            "prompt_id": "p0", "tool_input": {"command": "cargo test basket"},
            "error": "Exit code 101\ntest rounds_half_up ... FAILED"}),
    ] {
        let mut payload = payload;
        payload["session_id"] = json!("5e55");
        payload["cwd"] = json!("/gone/shop");
        home.pipe(&["hook", "claude-code"], &payload.to_string()).ok();
    }
    let report = home.run(&["import", "claude-code", "5e55.jsonl", "--json"]).ok().value();
    let of = |name: &str| report[name].as_u64();
    assert_eq!(
        (of("n_new"), of("n_completed"), of("n_open")),
        (Some(0), Some(1), Some(1)),
        "{report}"
    );
    let episodes = home.export(&["--scope", "*"]);
    assert_eq!((episodes.len(), episodes[0]["steps"].as_array().unwrap().len()), (1, 3));
    assert!(!episodes[0]["outcome"].is_null(), "{episodes:?}");
}

#[test]
fn all_clients_are_looked_through_at_once() {
    let home = Home::new();
    home.write(".claude/projects/-gone-shop/5e55.jsonl", &lines(&claude()));
    home.write(".codex/sessions/2026/03/02/rollout-c0de.jsonl", &lines(&codex()));
    let dry = home.run(&["import", "all", "--dry-run", "--json"]).ok().values();
    let told: Vec<_> = dry.iter().map(|value| (&value["client"], &value["n_episodes"])).collect();
    assert_eq!(told, [(&json!("claude-code"), &json!(2)), (&json!("codex"), &json!(1))]);
    assert!(!home.path("memory.db").exists(), "nothing was opened");
    let text = home.run(&["import", "all", "--dry-run"]).ok().out;
    assert!(text.contains("Codex CLI") && text.contains("of 1 sessions"), "{text}");
    home.run(&["import", "all"]).ok();
    assert_eq!(tasks(&home).len(), 3);
    home.run(&["import", "all", "here"]).fails(2, &["takes no path"]);
}

#[test]
fn a_broken_line_is_named_and_the_rest_is_taken() {
    let home = Home::new();
    let mut text = lines(&claude()[..8]);
    text.push_str("{\"type\": \"user\", \"mess\n");
    text.push_str(&lines(&claude()[8..]));
    home.write("s.jsonl", &text);
    let ran = home.run(&["import", "claude-code", "s.jsonl", "--json"]);
    let report = ran.fails(1, &["s.jsonl:9: "]).value();
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(2), &json!(1)), "{report}");
}

#[test]
fn a_place_that_is_missing_is_an_error_that_names_it() {
    let home = Home::new();
    home.run(&["import", "codex", "nowhere"]).fails(1, &["error: nowhere: "]);
    home.run(&["import", "claude-code"]).fails(1, &[".claude", "name that folder"]);
    home.run(&["import", "openhands"]).fails(2, &["name files or folders"]);
    assert!(!home.path("memory.db").exists(), "nothing was opened");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named_and_the_rest_is_taken() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let closed = home.write("logs/a.jsonl", &lines(&claude()));
    home.write("logs/5e55.jsonl", &lines(&claude()));
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&closed).is_ok() {
        // The superuser may read everything.
        return;
    }
    let ran = home.run(&["import", "claude-code", "logs", "--json"]);
    let report = ran.fails(1, &["a.jsonl: "]).value();
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(2), &json!(1)), "{report}");
}

#[test]
fn a_dry_run_tells_what_is_there_and_writes_nothing() {
    let home = Home::new();
    home.write("5e55.jsonl", &lines(&claude()));
    let report = home.run(&["import", "claude-code", "5e55.jsonl", "--dry-run", "--json"]);
    let report = report.ok().value();
    assert_eq!((&report["n_episodes"], &report["n_new"]), (&json!(2), &Value::Null), "{report}");
    assert_eq!(report["from"].as_str().map(|from| from.starts_with("2026-03-01")), Some(true));
    assert!(!home.path("memory.db").exists());
}
