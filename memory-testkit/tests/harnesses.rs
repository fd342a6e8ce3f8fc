//! The harnesses pass an honest server and find out a dishonest one.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use memory_testkit::crash::Crashes;
use memory_testkit::processes::Processes;
use memory_testkit::stdio::{Failure, Server};
use serde_json::json;

/// The paper server with a fault, on a store in a directory that lives as long as it is kept.
fn paper_server(fault: &str) -> (Server, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(env!("CARGO_BIN_EXE_paper-server")).arg(dir.path().join("store"));
    (server.env("PAPER_FAULT", fault), dir)
}

/// Message with which `act` panics.
fn complaint<T>(act: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(act)) else { panic!("nobody complained") };
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().map_or(String::new(), ToString::to_string),
    }
}

fn crashes(fault: &str, n_rounds: u64) -> (Crashes, tempfile::TempDir) {
    let (server, dir) = paper_server(fault);
    (Crashes { server, n_rounds, max_acks: 40, seed: 5 }, dir)
}

#[test]
fn two_hundred_calls_in_flight_are_all_answered() {
    let (server, _dir) = paper_server("");
    let client = server.start();
    let remember = |n| client.send_call("remember", &json!({"text": format!("note {n}")}));
    let pending: Vec<_> = (0..200).map(remember).collect();
    let answers = pending.into_iter().rev().map(|pending| client.wait_call(pending).unwrap());
    let ids: BTreeSet<String> = answers.map(|a| a.expect_ok()["note_id"].to_string()).collect();
    assert_eq!(ids.len(), 200);
    assert!(client.close_stdin_and_wait(Duration::from_secs(5)).success(), "it ends well");
}

#[test]
fn errors_of_tools_and_of_the_protocol_are_told_apart() {
    let (server, _dir) = paper_server("");
    let client = server.start();
    let outcome = client.call("forget", &json!({}));
    assert!(outcome.is_error, "{outcome:?}");
    assert_eq!(outcome.text, "no tool forget");
    let failure = client.wait(client.send("tools/burn", &json!({}))).unwrap_err();
    assert_eq!(failure, Failure::Protocol { code: -32601, message: "no such method".into() });
    client.raw("{ this is not JSON");
    assert_eq!(client.orphan()["error"]["code"], -32700);
}

#[test]
fn calls_to_a_killed_server_end() {
    let (server, _dir) = paper_server("");
    let client = server.start();
    client.kill9();
    assert_eq!(client.try_call("remember", &json!({"text": "x"})), Err(Failure::Ended));
}

#[cfg(unix)]
#[test]
fn a_server_is_asked_to_terminate() {
    use std::os::unix::process::ExitStatusExt;
    let (server, _dir) = paper_server("");
    let client = server.start();
    let status = client.terminate_and_wait(Duration::from_secs(5));
    assert_eq!(status.signal(), Some(15), "it does not catch the signal");
}

#[test]
fn lines_on_stdout_that_are_not_json_rpc_are_found_out() {
    let (server, _dir) = paper_server("noisy");
    let client = server.start();
    let message = complaint(|| client.call("recall", &json!({"query": "x"})));
    assert!(message.contains("calling a tool"), "{message}");
    assert!(complaint(|| drop(client)).contains("not JSON-RPC"), "also when it is dropped");
}

#[test]
fn a_server_that_does_not_answer_or_end_is_found_out() {
    let (server, _dir) = paper_server("mute");
    let client = server.deadline(Duration::from_millis(50)).start();
    let message = complaint(|| client.call("recall", &json!({"query": "x"})));
    assert!(message.contains("no reply"), "{message}");
    let (server, _dir) = paper_server("stubborn");
    let client = server.start();
    let message = complaint(|| client.close_stdin_and_wait(Duration::from_millis(50)));
    assert!(message.contains("did not end"), "{message}");
}

#[test]
fn crashes_of_an_honest_server_lose_nothing() {
    let (crashes, _dir) = crashes("", 8);
    let report = crashes.run();
    assert_eq!(report.n_rounds, 8);
    assert!(report.n_acks >= 8 && report.n_steps > 0, "{report:?}");
}

#[test]
fn a_server_that_acknowledges_too_early_is_found_out() {
    let (crashes, _dir) = crashes("forgetful", 20);
    let message = complaint(|| crashes.run());
    let losses = ["lost", "no such episode", "the tool failed"];
    let is_loss = losses.iter().any(|loss| message.contains(loss));
    assert!(is_loss, "{message}");
}

#[test]
fn a_server_that_tears_batches_is_found_out() {
    let (crashes, _dir) = crashes("torn", 40);
    let message = complaint(|| crashes.run());
    assert!(message.contains("no half batch"), "{message}");
}

#[test]
fn several_processes_of_an_honest_server_agree() {
    let (server, _dir) = paper_server("");
    let report = Processes::new(server, Duration::from_millis(700)).run();
    assert!(report.n_writes > 0 && report.n_timed > 0, "{report:?}");
    assert!(report.max_delay <= Duration::from_secs(1), "{report:?}");
}

#[test]
fn a_server_that_does_not_see_the_others_writes_is_found_out() {
    let (server, _dir) = paper_server("blind");
    let processes = Processes::new(server, Duration::from_millis(500));
    let message = complaint(|| processes.run());
    assert!(message.contains("NoteFact") && message.contains("false"), "{message}");
}
