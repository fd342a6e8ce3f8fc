//! The built server over real pipes, as an editor runs it.

mod ending;
#[cfg(test)]
mod experience;
mod hostile;
#[cfg(test)]
mod lines;
mod listing;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod projects;
#[cfg(feature = "http")]
#[cfg(test)]
mod providers;
#[cfg(test)]
mod raw;
mod recalling;
mod refusals;
mod session;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod stores;

use memory_testkit::stdio::{Client, Server};
use serde_json::{Value, json};

/// The server under test, with a store of its own; its answers hold data beside the text.
fn server() -> Server {
    plain().env("MEMORY_MCP_STRUCTURED_ANSWERS", "true")
}

/// The server as a model's client starts it.
fn plain() -> Server {
    Server::new(env!("CARGO_BIN_EXE_memory-mcp"))
}

/// A running server that has shaken hands.
fn start() -> Client {
    server().start()
}

/// Begins an episode and gives its id.
fn begin(client: &Client, task: &str) -> String {
    let started = client.call("start_episode", &json!({"task": task})).expect_ok();
    started.get("episode_id").map(text).unwrap_or_default().to_owned()
}

/// Returns the last digits of an id, by which texts name its record.
fn short(id: &str) -> &str {
    id.get(28..).unwrap_or_default()
}

/// Returns the text of a tool's refusal.
fn refusal(client: &Client, tool: &str, args: &Value) -> String {
    let outcome = client.call(tool, args);
    assert!(outcome.is_error, "{tool} {args} was taken: {}", outcome.text);
    assert_eq!(outcome.structured, Value::Null, "{tool} {args}");
    outcome.text
}

/// Returns what `tools/list` gives.
fn tools(client: &Client) -> Vec<Value> {
    let list = client.request("tools/list", &json!({}));
    list.get("tools").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
