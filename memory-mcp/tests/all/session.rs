//! Work of an agent from the beginning of a task to its end, and what comes back.

use memory_testkit::stdio::{CallOutcome, Client};
use serde_json::{Value, json};

use super::{begin, short, start, text, tools};

/// Calls a tool and checks its data against the schema that it is listed with.
fn call(client: &Client, tool: &str, args: &Value) -> CallOutcome {
    let outcome = client.call(tool, args);
    assert!(!outcome.is_error, "{tool} {args}: {}", outcome.text);
    for listed in tools(client).iter().filter(|listed| listed["name"] == tool) {
        check(&outcome.structured, &listed["outputSchema"], tool);
    }
    assert!(!outcome.text.is_empty(), "{tool} says nothing");
    outcome
}

fn check(value: &Value, schema: &Value, at: &str) {
    let fits = match text(&schema["type"]) {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    assert!(fits, "{at}: {value} is not {schema}");
    for name in schema["required"].as_array().into_iter().flatten().map(text) {
        assert!(value.get(name).is_some(), "{at} lacks {name}: {value}");
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            let schema = known.get(name);
            assert!(schema.is_some(), "{at}.{name} is in no schema: {value}");
            check(field, schema.unwrap_or(&Value::Null), &format!("{at}.{name}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(item, &schema["items"], &format!("{at}[]"));
    }
}

#[test]
fn a_whole_session_is_kept_and_read_back() {
    let client = start();
    let started = call(
        &client,
        "start_episode",
        &json!({"task": "Fix the login redirect", "task_type": "bugfix", "language": "rust",
            "tags": "auth, web", "branch": "fix/login", "scope": "shop"}),
    );
    let id = text(&started.structured["episode_id"]).to_owned();
    assert!(started.text.contains(short(&id)), "{}", started.text);
    let logged = call(
        &client,
        "log_steps",
        &json!({"episode_id": id, "steps": [
            {"tool": "bash", "args": {"command": "cargo test"}, "observation": "2 failed",
             "ok": "false", "latency_ms": "1200", "occurred_at": "2026-11-20T08:00:00Z"},
            {"tool": "edit", "args": ["src/login.rs"], "error": "no such file", "tokens": 12},
        ]}),
    );
    assert_eq!(logged.structured, json!({"n_steps": 2}));
    let done = call(
        &client,
        "complete_episode",
        &json!({"episode_id": id, "outcome": "Success", "summary": "Compared the host",
            "artifacts": ["src/login.rs"], "lessons": "Check the host, then the path"}),
    );
    assert_eq!(done.structured["status"], "completed");
    assert_eq!(done.structured["n_steps"], 2);
    assert_eq!(done.structured["lesson_ids"].as_array().unwrap().len(), 1);

    let shown = call(&client, "get_episode", &json!({"episode_id": id[..23].to_owned()}));
    let (episode, steps) = (&shown.structured, &shown.structured["steps"]);
    assert_eq!(episode["outcome"], "success");
    assert_eq!(episode["scope"], "shop");
    assert_eq!(episode["context"]["tags"], json!(["auth", "web"]));
    assert_eq!(steps[0]["args"], "{\"command\":\"cargo test\"}");
    assert_eq!(steps[0]["latency_ms"], 1200);
    assert_eq!(steps[0]["occurred_at"], "2026-11-20T08:00:00Z");
    assert_eq!((&steps[0]["ok"], &steps[1]["ok"]), (&json!(false), &json!(false)));
    assert!(shown.text.contains("> no such file"), "{}", shown.text);

    let health = call(&client, "status", &json!({"verbose": true})).structured;
    assert_eq!(health["healthy"], true, "{health}");
    assert_eq!((&health["n_episodes"], &health["n_notes"]), (&json!(1), &json!(1)));
}

#[test]
fn an_episode_says_which_attempt_it_retries_and_that_it_has_no_steps_yet() {
    let client = start();
    let first = begin(&client, "Fix the flaky login test");
    let failed = json!({"episode_id": first, "outcome": "failure", "summary": "Timed out"});
    call(&client, "complete_episode", &failed);
    let again = begin(&client, "fix the FLAKY login test");
    let shown = call(&client, "get_episode", &json!({"episode_id": again}));
    let tie = json!([{"kind": "retries", "episode_id": first}]);
    assert_eq!(shown.structured["relations"], tie, "{}", shown.text);
    assert!(shown.text.contains(&format!("· retries {}\n", short(&first))), "{}", shown.text);
    assert!(shown.text.ends_with("\nno steps yet"), "{}", shown.text);
}

#[test]
fn a_recall_that_finds_nothing_says_where_else_to_look() {
    let client = start();
    let answer = call(&client, "recall", &json!({"query": "quantum chromodynamics"}));
    assert_eq!(answer.structured["hits"], json!([]));
    assert!(text(&answer.structured["message"]).contains("scope \"*\""), "{}", answer.text);
    let all = call(&client, "recall", &json!({"query": "quantum", "scope": "*", "limit": "3"}));
    assert!(text(&all.structured["message"]).contains("any scope"), "{}", all.text);
}

#[test]
fn a_secret_is_masked_and_the_receipt_says_so() {
    let client = start();
    let key = format!("ghp_{}", "a1B2".repeat(9));
    let note = call(&client, "remember", &json!({"text": format!("The token is {key}")}));
    assert_eq!(note.structured["n_masked"], 1, "{}", note.text);
    let id = begin(&client, "t");
    let step = json!([{"tool": "bash", "observation": format!("export TOKEN={key}")}]);
    call(&client, "log_steps", &json!({"episode_id": id, "steps": step}));
    let shown = call(&client, "get_episode", &json!({"episode_id": id}));
    assert!(!shown.text.contains(&key), "{}", shown.text);
}

#[test]
fn a_long_episode_is_paged_within_25_kilobytes_an_answer() {
    let client = start();
    let id = begin(&client, "long");
    let long = "x".repeat(12_000);
    let steps: Vec<Value> = (0..30)
        .map(|n| match n % 3 {
            0 => json!({"tool": "short", "observation": "ok"}),
            1 => json!({"tool": "long", "observation": long, "args": long, "error": long}),
            _ => json!({"tool": "nul", "observation": "\0".repeat(12_000)}),
        })
        .collect();
    _ = client.call("log_steps", &json!({"episode_id": id, "steps": steps})).expect_ok();
    let (mut from, mut seen) = (0, Vec::new());
    loop {
        let args = json!({"episode_id": id, "from_step": from, "limit": 200});
        let page = call(&client, "get_episode", &args);
        let size = page.structured.to_string().len() + json!(page.text).to_string().len();
        assert!(size <= 25_000, "{size} bytes from {from}");
        let steps = page.structured["steps"].as_array().unwrap();
        seen.extend(steps.iter().map(|step| step["idx"].as_u64().unwrap()));
        match page.structured["next_from_step"].as_u64() {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(seen, (0..30).collect::<Vec<u64>>());
}

#[test]
fn forgetting_shows_first_and_removes_on_demand() {
    let client = start();
    for n in 0..3 {
        let args = json!({"text": format!("note {n}"), "scope": "old", "kind": "decision"});
        _ = client.call("remember", &args).expect_ok();
    }
    let kept = client.call("remember", &json!({"text": "kept", "scope": "new"})).expect_ok();
    let shown = call(&client, "forget", &json!({"scope": "old"})).structured;
    assert_eq!((&shown["n"], &shown["dry_run"]), (&json!(3), &json!(true)));
    assert_eq!(shown["items"].as_array().unwrap().len(), 3);
    let gone = call(&client, "forget", &json!({"scope": "old", "dry_run": "false"})).structured;
    assert_eq!((&gone["n"], &gone["dry_run"]), (&json!(3), &json!(false)));
    let none = call(&client, "forget", &json!({"scope": "old", "dry_run": false}));
    assert_eq!(none.structured["n"], 0);
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_notes"], 1);
    let by_id = json!({"ids": [kept["note_id"], kept["note_id"]], "dry_run": false});
    assert_eq!(call(&client, "forget", &by_id).structured["n"], 1);
}

#[test]
fn a_newer_note_supersedes_an_older_one() {
    let client = start();
    let old = client.call("remember", &json!({"text": "use tabs", "kind": "preference"}));
    let old = text(&old.expect_ok()["note_id"]).to_owned();
    let args = json!({"text": "use spaces", "kind": "preference", "supersedes": old,
        "valid_from": "2026-01-01", "source_id": "pref-7"});
    call(&client, "remember", &args);
    let again = client.call("remember", &args);
    assert!(again.is_error, "{}", again.text);
    assert!(again.text.contains("already"), "{}", again.text);
}
