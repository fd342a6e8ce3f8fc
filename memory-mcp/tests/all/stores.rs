//! Stores that cannot be used, or not any more: said clearly, and nothing that is stored is lost.

use std::fs;
use std::path::Path;
use std::time::Duration;

use memory_testkit::stdio::{Client, Failure, Server};
use serde_json::{Value, json};

use super::{begin, server, text};

const IN_TIME: Duration = Duration::from_secs(10);

fn on(store: &Path) -> Server {
    server().arg("--store").arg(store)
}

/// Returns the message on stderr of a server that refuses to begin; the client sees the end of the
/// pipe.
fn refused_start(store: &Path) -> String {
    let client = on(store).spawn();
    let ping = client.wait(client.send("ping", &json!({})));
    assert_eq!(ping, Err(Failure::Ended), "it serves {}", store.display());
    let status = client.wait_for_end(IN_TIME);
    let said = client.stderr();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    said
}

#[test]
fn a_store_of_a_newer_version_is_refused_by_name_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    assert!(on(&store).start().close_stdin_and_wait(IN_TIME).success());
    // SQLite keeps `user_version`, our format, in the bytes 60 to 63 of the file.
    let mut bytes = fs::read(&store).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&store, &bytes).unwrap();
    let said = refused_start(&store);
    for part in ["memory.db", "format 7", "update the program"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert_eq!(fs::read(&store).unwrap(), bytes);
}

#[test]
fn a_store_that_is_a_folder_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused_start(dir.path());
    assert!(said.contains("it is a folder; name a file"), "{said}");
    assert!(said.contains(dir.path().to_str().unwrap()), "{said}");
}

/// Stands for every folder that takes no files: permissions stop everybody but root, this stops
/// all.
#[test]
fn a_store_whose_folder_cannot_be_made_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "text").unwrap();
    for below in ["file/memory.db", "file/deeper/memory.db"] {
        let said = refused_start(&dir.path().join(below));
        assert!(said.contains("file") && said.contains("check the path"), "{said}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "text");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    for text in ["x", &"not a store\n".repeat(1_000)] {
        fs::write(&path, text).unwrap();
        let said = refused_start(&path);
        assert!(said.contains("notes.txt") && said.contains("not a store"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// Logs big steps until one call is refused; the refusal, and how many steps were acknowledged.
fn fill(client: &Client, episode: &str) -> (String, u64) {
    let steps: Vec<Value> = (0..4)
        .map(|n| json!({"tool": "bash", "observation": format!("{n} {}", "line\n".repeat(3_000))}))
        .collect();
    let args = json!({"episode_id": episode, "steps": steps});
    let mut n_steps = 0;
    for _ in 0..500 {
        match client.try_call("log_steps", &args) {
            Ok(outcome) if outcome.is_error => return (outcome.text, n_steps),
            Ok(outcome) => n_steps = outcome.expect_ok()["n_steps"].as_u64().unwrap(),
            Err(failure) => panic!("{failure:?}\n{}", client.stderr()),
        }
    }
    panic!("{n_steps} big steps were taken");
}

/// The server answers reads as before, and has `n_steps` steps.
fn assert_reads(client: &Client, episode: &str, n_steps: u64) {
    let shown = client.call("get_episode", &json!({"episode_id": episode})).expect_ok();
    assert_eq!(shown["n_steps"], n_steps, "no half batch");
    let found = client.call("recall", &json!({"query": "walrus", "scope": "*"})).expect_ok();
    assert!(text(&found["hits"][0]["text"]).contains("walrus"), "{found}");
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_steps"], n_steps);
}

#[test]
fn a_full_store_refuses_writes_answers_reads_and_takes_writes_when_there_is_room() {
    let client = server().arg("--set").arg("max_store_bytes=600_000").start();
    _ = client.call("remember", &json!({"text": "the walrus note"})).expect_ok();
    let episode = begin(&client, "fill the store");
    let (said, n_steps) = fill(&client, &episode);
    for part in ["memory.db", "full", "free some space"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(n_steps > 0);
    assert_reads(&client, &episode, n_steps);
    let note = json!({"text": "y".repeat(20_000)});
    let mut notes = (0..100).map(|_| client.call("remember", &note));
    let said = notes.find(|outcome| outcome.is_error).unwrap().text;
    assert!(said.contains("memory.db") && said.contains("full"), "{said}");
    assert_reads(&client, &episode, n_steps);

    let forget = json!({"ids": [episode], "dry_run": false});
    assert_eq!(client.call("forget", &forget).expect_ok()["n"], 1);
    let episode = begin(&client, "go on");
    let (_, n_again) = fill(&client, &episode);
    assert!(n_again > 0, "there is room again");
    assert_reads(&client, &episode, n_again);
}

/// Stands for a full disk: the system refuses that a file grows, whoever asks.
#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_is_named_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    // 1,000 blocks of 512 or 1,024 bytes. The signal for a file that is too long would end any
    // process.
    let limited = "trap '' XFSZ; ulimit -f 1000; exec \"$@\"";
    let shell = Server::new("sh").arg("-c").arg(limited).arg("sh");
    let client = shell.arg(env!("CARGO_BIN_EXE_memory-mcp")).arg("--store").arg(&store).start();
    _ = client.call("remember", &json!({"text": "the walrus note"})).expect_ok();
    let episode = begin(&client, "fill the disk");
    let (said, n_steps) = fill(&client, &episode);
    for part in ["memory.db", "free space"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert_reads(&client, &episode, n_steps);
    client.close_stdin_and_wait(IN_TIME);

    let client = on(&store).start();
    assert_reads(&client, &episode, n_steps);
    let step = json!({"episode_id": episode, "steps": [{"tool": "bash", "observation": "ok"}]});
    assert_eq!(client.call("log_steps", &step).expect_ok()["n_steps"], n_steps + 1);
}
