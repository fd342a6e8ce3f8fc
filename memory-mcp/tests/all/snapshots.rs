//! The file of the search index beside the store: a start needs less work with it, and never trusts
//! it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use memory_testkit::stdio::{Client, Server};
use serde_json::{Value, json};

use super::{begin, server, text};

const IN_TIME: Duration = Duration::from_secs(10);

/// A server that finds by words alone, so that no text waits for its vector.
fn on(store: &Path) -> Server {
    server().arg("--store").arg(store).arg("--set").arg("embedder=none")
}

/// Logs so many steps that the index is worth keeping.
fn fill(client: &Client) {
    let episode = begin(client, "count the animals");
    for part in 0..5 {
        let seen = |n: u32| format!("animal{} seen", part * 500 + n);
        let step = |n: u32| json!({"tool": "bash", "observation": seen(n)});
        let steps: Vec<Value> = (0..500).map(step).collect();
        _ = client.call("log_steps", &json!({"episode_id": episode, "steps": steps})).expect_ok();
    }
    let end = json!({"episode_id": episode, "outcome": "success"});
    _ = client.call("complete_episode", &end).expect_ok();
}

/// The server finds what was logged; what it says of the file.
fn snapshot(client: &Client) -> String {
    let found = client.call("recall", &json!({"query": "animal1234", "scope": "*"})).expect_ok();
    let shown = text(&found["hits"][0]["text"]);
    assert!(shown.contains("animal1234"), "{found}");
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["healthy"], true, "{health}");
    text(&health["snapshot"]).to_owned()
}

#[test]
fn a_damaged_file_of_the_index_is_rebuilt_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    let client = on(&store).start();
    fill(&client);
    assert_eq!(snapshot(&client), "none");
    assert!(client.close_stdin_and_wait(IN_TIME).success());

    let client = on(&store).start();
    assert_eq!(snapshot(&client), "loaded");
    assert!(client.close_stdin_and_wait(IN_TIME).success());

    let file = dir.path().join("memory.db.index");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 5_000] {
        *byte ^= 0x5a;
    }
    fs::write(&file, bytes).unwrap();
    let client = on(&store).start();
    let said = snapshot(&client);
    assert!(said.starts_with("rebuilt: the snapshot is damaged"), "{said}");
    let log = client.stderr();
    assert!(log.contains("the search index is built anew"), "{log}");
    assert!(client.close_stdin_and_wait(IN_TIME).success());

    let client = on(&store).start();
    assert_eq!(snapshot(&client), "loaded", "it was written anew");
}
