//! Bad calls are refused in words that a model can act on, and nothing is written.

use memory_testkit::stdio::Failure;
use serde_json::{Value, json};

use super::{begin, refusal, start, text};

const NOBODY: &str = "01990000-0000-7000-8000-000000000000";

#[test]
fn an_episode_that_is_not_stored_is_named() {
    let client = start();
    let steps = json!([{"tool": "t"}]);
    for (tool, args) in [
        ("log_steps", json!({"episode_id": NOBODY, "steps": steps})),
        ("complete_episode", json!({"episode_id": NOBODY, "outcome": "success"})),
        ("get_episode", json!({"episode_id": NOBODY})),
        ("get_episode", json!({"episode_id": &NOBODY[..13]})),
    ] {
        let said = refusal(&client, tool, &args);
        assert!(said.starts_with("no episode 01990000-0000"), "{tool}: {said}");
    }
    let said = refusal(&client, "get_episode", &json!({"episode_id": "my episode"}));
    assert!(said.starts_with("episode_id: `my episode` is not an id"), "{said}");
    let said = refusal(&client, "forget", &json!({"ids": [NOBODY]}));
    assert!(said.contains(NOBODY), "{said}");
}

#[test]
fn an_ended_episode_takes_neither_steps_nor_another_end() {
    let client = start();
    let id = begin(&client, "t");
    let end = json!({"episode_id": id, "outcome": "failure"});
    _ = client.call("complete_episode", &end).expect_ok();
    let said = refusal(&client, "complete_episode", &end);
    assert!(said.contains("already completed"), "{said}");
    let step = json!({"episode_id": id, "steps": [{"tool": "t"}]});
    let said = refusal(&client, "log_steps", &step);
    assert!(said.contains("start a new episode"), "{said}");
}

#[test]
fn empty_and_wrong_values_name_their_field() {
    let client = start();
    let id = begin(&client, "t");
    let cases = [
        ("start_episode", json!({}), "task is required"),
        ("start_episode", json!({"task": ""}), "task: must not be empty"),
        ("start_episode", json!({"task": " \n"}), "task: must not be empty"),
        ("start_episode", json!({"task": [7]}), "task: expected a string, got an array of 1"),
        ("start_episode", json!({"task": "t", "scope": "*"}), "scope: `*` means all"),
        ("start_episode", json!({"task": "t", "recall_limit": 1_000_000}), "recall_limit: 1000000"),
        ("log_steps", json!({"episode_id": id}), "steps is required"),
        ("log_steps", json!({"episode_id": id, "steps": []}), "steps: must hold at least one"),
        ("log_steps", json!({"episode_id": id, "steps": [{"tool": " "}]}), "steps[0].tool: must"),
        (
            "log_steps",
            json!({"episode_id": id, "steps": [{"tool": "t", "obsrvation": "x"}]}),
            "unknown field `obsrvation` in steps[0]; did you mean `observation`?",
        ),
        (
            "log_steps",
            json!({"episode_id": id, "steps": [{"tool": "t", "occurred_at": "noon"}]}),
            "steps[0].occurred_at: expected a date such as 2026-03-31",
        ),
        (
            "complete_episode",
            json!({"episode_id": id, "outcome": "great"}),
            "outcome: expected one of success, partial, failure, abstained, unjudged, got the \
             string \"great\"",
        ),
        ("complete_episode", json!({"episode_id": id}), "outcome is required: one of success"),
        ("recall", json!({"query": "q", "limit": -1}), "limit: expected a whole number"),
        ("recall", json!({"query": "q", "limit": "1000000"}), "limit: 1000000 is more than"),
        ("recall", json!({"query": "q", "since": "recently"}), "since: expected a span such as 7d"),
        ("recall", json!({"query": "q", "kinds": ["song"]}), "kinds[0]: expected one of episode"),
        ("feedback", json!({"helpful": true}), "ids is required"),
        ("patterns", json!({"kind": "song"}), "kind: expected one of sequence, decision_point"),
        ("remember", json!({"text": ""}), "text: must not be empty"),
        (
            "remember",
            json!({"text": "t", "valid_from": "2026-02-01", "valid_to": "2026-01-01"}),
            "valid_to: must not lie before",
        ),
        ("forget", json!({}), "nothing is selected"),
        ("forget", json!({"dry_run": false}), "nothing is selected"),
        ("forget", json!({"scope": "*", "dry_run": false}), "scope \"*\" alone"),
        ("forget", json!({"ids": [id], "scope": "s"}), "give either ids or a filter"),
        ("status", json!({"verbos": true}), "unknown field `verbos`; did you mean `verbose`?"),
    ];
    for (tool, args, begins) in cases {
        let said = refusal(&client, tool, &args);
        assert!(said.starts_with(begins), "{tool} {args}: {said}");
    }
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_episodes"], 1, "a refused call wrote something");
    assert_eq!(health["n_steps"], 0, "a refused call wrote something");
}

#[test]
fn too_many_steps_are_refused_at_once_and_over_calls() {
    let client = start();
    let id = begin(&client, "t");
    let steps = |n: usize| json!({"episode_id": id, "steps": vec![json!({"tool": "t"}); n]});
    let said = refusal(&client, "log_steps", &steps(5_001));
    assert!(said.contains("5001 is more than the limit of 5000"), "{said}");
    let logged = client.call("log_steps", &steps(5_000)).expect_ok();
    assert_eq!(logged["n_steps"], 5_000);
    let said = refusal(&client, "log_steps", &steps(1));
    assert!(said.contains("5001 is more than the limit of 5000"), "{said}");
}

#[test]
fn an_ambiguous_prefix_lists_what_it_fits() {
    let client = start();
    let (a, b) = (begin(&client, "a"), begin(&client, "b"));
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    // The two may fall into different minutes, a millisecond before midnight of the id's clock.
    if common >= 8 {
        let said = refusal(&client, "get_episode", &json!({"episode_id": &a[..common]}));
        assert!(said.starts_with("episode_id: "), "{said}");
        assert!(said.contains("ambiguous") && said.contains(&a) && said.contains(&b), "{said}");
    }
    let said = refusal(&client, "get_episode", &json!({"episode_id": &a[..4]}));
    assert!(said.contains("at least 8 digits"), "{said}");
}

#[test]
fn an_unknown_tool_is_an_error_of_the_protocol_that_lists_the_known_ones() {
    let client = start();
    match client.try_call("forget_everything", &json!({})) {
        Err(Failure::Protocol { code: -32602, message }) => {
            assert!(message.contains("start_episode"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.request("ping", &json!({})), json!({}));
}

#[test]
fn a_limit_of_nothing_is_refused_where_hits_are_asked_for_and_leaves_steps_out() {
    let client = start();
    let id = begin(&client, "Paint the fence");
    _ = client.call("log_steps", &json!({"episode_id": id, "steps": [{"tool": "t"}]})).expect_ok();
    let said = refusal(&client, "recall", &json!({"query": "paint the fence", "limit": 0}));
    assert_eq!(said, "limit: must be at least 1");
    let said = refusal(&client, "patterns", &json!({"limit": 0}));
    assert_eq!(said, "limit: must be at least 1");
    let said = refusal(&client, "recall", &json!({"query": 12}));
    assert!(said.starts_with("query: expected a string"), "{said}");
    let shown = client.call("get_episode", &json!({"episode_id": id, "limit": 0}));
    assert!(shown.text.contains("0 of 1 step(s)"), "{}", shown.text);
}

#[test]
fn advice_is_given_from_all_projects_on_demand() {
    let client = start();
    let task = "Rotate the signing keys of the gateway";
    let args = json!({"task": task, "scope": "gateway"});
    let id = client.call("start_episode", &args).expect_ok()["episode_id"].clone();
    let end = json!({"episode_id": id, "outcome": "success"});
    _ = client.call("complete_episode", &end).expect_ok();
    for (scope, is_experienced) in [(json!(null), false), (json!("*"), true)] {
        let advice = client.call("recommend", &json!({"task": task, "scope": scope})).expect_ok();
        assert_eq!(advice["experienced"], is_experienced, "{scope}");
    }
}

#[test]
fn arguments_come_as_clients_and_models_write_them() {
    let client = start();
    let id = begin(&client, "t");
    let step =
        json!({"name": "shell", "command": "ls", "result": {"stdout": "a"}, "success": true});
    for args in [
        json!({"episodeId": id, "steps": step.to_string(), "toolCallId": "c1"}),
        json!({"episode_id": id, "steps": [step], "sessionId": "s", "_meta": {"a": 1}}),
    ] {
        _ = client.call("log_steps", &args).expect_ok();
    }
    let shown = client.call("get_episode", &json!({"id": id})).expect_ok();
    for step in shown["steps"].as_array().unwrap() {
        let read = [&step["tool"], &step["args"], &step["observation"], &step["ok"]];
        assert_eq!(
            read,
            [&json!("shell"), &json!("ls"), &json!(r#"{"stdout":"a"}"#), &json!(true)]
        );
    }
    _ = client.call("recall", &json!({"query": "404", "chatInput": "x"})).expect_ok();
    let said = refusal(&client, "forget", &json!({"older_than": "30d", "dry_run": false}));
    assert!(said.starts_with("unknown field `older_than`"), "{said}");
}

#[test]
fn numbers_and_lists_as_strings_are_taken() {
    let client = start();
    let args = json!({"task": "t", "recall_limit": "0", "tags": "[\"a\"]", "max_tokens": "500"});
    let id = client.call("start_episode", &args).expect_ok()["episode_id"].clone();
    let steps = json!("[{\"tool\":\"t\",\"latency_ms\":\"5\",\"ok\":\"true\"}]");
    let logged = client.call("log_steps", &json!({"episode_id": id, "steps": steps})).expect_ok();
    assert_eq!(logged["n_steps"], 1);
    let shown = client.call("get_episode", &json!({"episode_id": id, "limit": "1"})).expect_ok();
    assert_eq!(shown["steps"][0]["latency_ms"], 5);
    assert_eq!(text(&shown["context"]["tags"][0]), "a");
    let nulls = json!({"query": "q", "scope": Value::Null, "limit": Value::Null, "tags": []});
    _ = client.call("recall", &nulls).expect_ok();
}

#[test]
fn an_analysis_of_bad_input_is_refused_by_its_field_and_of_no_episodes_says_so() {
    let client = start();
    for (args, wanted) in [
        (json!({"what": "forecast", "horizon": 0}), "horizon: must be at least 1"),
        (json!({"what": "forecast", "horizon": 10_000}), "horizon: 10000"),
        (json!({"what": "forecast", "level": 0}), "level: must lie between"),
        (json!({"what": "forecast", "level": 100}), "level: must lie between"),
        (json!({"what": "forecast", "level": 1_000}), "level: must lie between"),
        (json!({"what": "forecast", "metric": "speed"}), "metric: expected one of success, reward"),
        (json!({"what": "fortune"}), "what: expected one of forecast"),
        (json!({"what": "forecast", "tool": "deploy"}), "tool: no ended episode here"),
        (json!({"what": "forecast", "error": "boom"}), "error: no ended episode here"),
    ] {
        let said = refusal(&client, "analyze", &args);
        assert!(said.starts_with(wanted), "{args}: {said}");
    }
    for what in ["forecast", "anomalies", "changepoints", "effects", "calibration"] {
        let args = json!({"what": what, "scope": "example.org/none", "chart": true});
        let found = client.call("analyze", &args).expect_ok();
        let sentence = text(&found["sentence"]);
        assert!(!sentence.is_empty() && !sentence.contains("NaN"), "{what}: {sentence}");
        assert_eq!(found["n_episodes"], 0, "{what}");
    }
}
