//! What is said at the moment of action.

use serde_json::json;

use crate::session::{Home, Session};

/// Tells a session in which a call fails and is cured, and another fails three times.
fn first_session(home: &Home) {
    let session = Session::new("one", &home.path("shop"));
    let error = "Exit code 1\nerror: no settings were made for the shop";
    let mut payloads = vec![session.prompt("p1", "make the checks of the shop pass")];
    payloads.push(session.failed("c1", "./check", error));
    payloads.push(session.ended("c2", "./prepare"));
    payloads.push(session.ended("c3", "./check"));
    for n in 0..3 {
        let error = "Exit code 1\nerror: the registry refused the upload";
        payloads.push(session.failed(&format!("d{n}"), "./publish", error));
    }
    payloads.push(session.ended("c4", "./publish --later"));
    payloads.push(session.over());
    for payload in payloads {
        assert_eq!(home.hook("claude-code", &payload), "");
    }
}

#[test]
fn an_error_is_answered_by_its_cure_and_a_call_by_its_warning_each_once() {
    let home = Home::new();
    first_session(&home);
    let session = Session::new("two", &home.path("shop"));
    let error = "Exit code 1\nerror: no settings were made for the shop";
    home.hook("claude-code", &session.prompt("p2", "check the shop once more and publish it"));
    let cure = home.hook("claude-code", &session.failed("e1", "./check", error));
    assert!(cure.contains("PostToolUseFailure") && cure.contains("./prepare"), "{cure}");
    let warning = home.hook("claude-code", &session.begun("e2", "./publish"));
    let says = ["failed 3 of 3 times", "refused the upload", "./publish --later"];
    assert!(says.iter().all(|text| warning.contains(text)), "{warning}");
    assert_eq!(home.hook("claude-code", &session.failed("e3", "./check", error)), "");
    assert_eq!(home.hook("claude-code", &session.begun("e4", "./publish")), "");
    assert_eq!(home.hook("claude-code", &session.begun("e5", "./prepare")), "");
}

#[test]
fn a_prompt_like_one_before_is_told_what_was_done_in_a_store_that_hooks_alone_filled() {
    let home = Home::new();
    first_session(&home);
    let session = Session::new("two", &home.path("shop"));
    let digest = home.hook("claude-code", &session.payload("SessionStart", &json!({})));
    assert!(digest.contains("Memory of past work in"), "{digest}");
    let prompt = session.prompt("p2", "make the checks of the shop pass again");
    let told = home.hook("claude-code", &prompt);
    let says =
        ["Past work here close to this", "make the checks of the shop pass", "publish --later"];
    assert!(says.iter().all(|text| told.contains(text)), "{told}");
    assert_eq!(home.hook("claude-code", &session.prompt("p3", "write a poem of the sea")), "");
}

#[test]
fn a_failed_command_of_codex_is_known_by_the_rollout_of_its_session() {
    let home = Home::new();
    first_session(&home);
    let rollout = home.path("rollout-1.jsonl");
    let item = json!({
        "type": "CommandExecution", "id": "call_1", "command": ["/bin/bash", "-lc", "./check"],
        "status": "failed", "exit_code": 1,
        "aggregated_output": "error: no settings were made for the shop\n",
    });
    let line = json!({"type": "event_msg", "payload": {"type": "item_completed", "item": item}});
    std::fs::write(&rollout, format!("{line}\n")).unwrap();
    let payload = |event: &str, more: serde_json::Value| {
        let mut payload = json!({
            "session_id": "c", "turn_id": "t1", "hook_event_name": event,
            "transcript_path": rollout, "cwd": home.path("shop"), "model": "m",
        });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload.to_string().into_bytes()
    };
    let prompt = json!({"prompt": "check the shop once more"});
    home.hook("codex", &payload("UserPromptSubmit", prompt));
    let called = json!({"tool_name": "Bash", "tool_use_id": "call_1",
        "tool_input": {"command": "./check"},
        "tool_response": "error: no settings were made for the shop\n"});
    let cure = home.hook("codex", &payload("PostToolUse", called));
    assert!(cure.contains("./prepare"), "{cure}");
    home.hook("codex", &payload("SessionEnd", json!({"reason": "exit"})));
    let stored = home.export().into_iter().find(|episode| episode["context"]["agent"] == "codex");
    assert_eq!(stored.unwrap()["steps"][0]["ok"], false);
}
