//! The server ends when it is told to, in time, after what it has begun.

use std::time::Duration;

use serde_json::{Value, json};

use super::{begin, server, start};

const IN_TIME: Duration = Duration::from_secs(5);

#[test]
fn the_end_of_the_input_ends_the_server() {
    assert!(start().close_stdin_and_wait(IN_TIME).success());
    assert!(server().spawn().close_stdin_and_wait(IN_TIME).success(), "before any handshake");
}

#[test]
fn calls_in_flight_at_the_end_of_the_input_are_answered() {
    let client = start();
    let id = begin(&client, "t");
    let steps: Vec<Value> = (0..200).map(|_| json!({"tool": "t", "observation": "x"})).collect();
    let args = json!({"episode_id": id, "steps": steps});
    let pending: Vec<_> = (0..20).map(|_| client.send_call("log_steps", &args)).collect();
    assert!(client.close_stdin_and_wait(IN_TIME).success());
    for pending in pending {
        _ = client.wait_call(pending).unwrap().expect_ok();
    }
}

#[cfg(unix)]
#[test]
fn the_signal_to_end_is_obeyed_with_success() {
    let client = start();
    begin(&client, "t");
    assert!(client.terminate_and_wait(IN_TIME).success());
    let client = server().spawn();
    // An answered ping tells that the signal's handler is in place; no handshake was made.
    client.request("ping", &json!({}));
    assert!(client.terminate_and_wait(IN_TIME).success(), "before any handshake");
}

#[test]
fn what_comes_before_the_handshake_and_asks_for_nothing_is_passed_over() {
    let client = server().spawn();
    client.notify("notifications/initialized", &json!({}));
    client.notify("notifications/cancelled", &json!({"requestId": 7}));
    client.notify("notifications/of/another/kind", &json!({}));
    client.raw("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
    client.raw("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1,\"message\":\"no\"}}");
    client.request("ping", &json!({}));
    client.notify("notifications/initialized", &json!({}));
    client.initialize();
    begin(&client, "t");
    assert!(client.close_stdin_and_wait(IN_TIME).success());
}
