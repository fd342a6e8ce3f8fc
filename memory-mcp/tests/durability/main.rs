//! Acknowledged writes are kept: the built server is killed in mid-stream and shared by several
//! windows.
//!
//! CI runs a short version; `memory-testkit/README.md` has the commands of the long one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use memory_testkit::crash::Crashes;
use memory_testkit::processes::Processes;
use memory_testkit::stdio::Server;
use serde_json::{Value, json};

const SERVER: &str = env!("CARGO_BIN_EXE_memory-mcp");

/// One test at a time: they measure how long something takes, or want it to be interrupted
/// anywhere.
static TURN: Mutex<()> = Mutex::new(());

#[cfg(test)]
fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
fn server(store: &Path) -> Server {
    let server = Server::new(SERVER).env("MEMORY_MCP_STRUCTURED_ANSWERS", "true");
    // All windows write to one episode, which outgrows the default in a long run.
    server.arg("--store").arg(store).arg("--set").arg("max_steps=1_000_000")
}

/// The number in a variable of the environment, for a longer run than CI's.
#[cfg(test)]
fn number(variable: &str, or: u64) -> u64 {
    std::env::var(variable).map_or(or, |number| number.parse().unwrap())
}

#[cfg(test)]
fn new_store() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.db");
    (dir, path)
}

/// The doctor reads all of the store and finds nothing wrong with its content.
#[cfg(test)]
fn assert_sound(store: &Path) {
    assert_sound_on("libsql", store);
}

#[cfg(test)]
fn assert_sound_on(backend: &str, store: &Path) {
    let mut doctor = Command::new(SERVER);
    let backend = format!("backend={backend}");
    doctor.args(["doctor", "--json", "--set", &backend, "--store"]).arg(store);
    let home = store.parent().unwrap();
    let ran = doctor.env_clear().env("HOME", home).current_dir(home).output().unwrap();
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let findings = said["findings"].as_array().unwrap();
    for what in ["store", "content", "index"] {
        let finding = findings.iter().find(|finding| finding["what"] == what).unwrap();
        assert_eq!(finding["state"], "ok", "{said}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_torn_when_the_server_is_killed() {
    assert_nothing_is_lost("libsql", 12);
}

#[test]
fn nothing_acknowledged_is_lost_or_torn_when_a_server_on_redb_is_killed() {
    assert_nothing_is_lost("redb", 6);
}

#[cfg(test)]
fn assert_nothing_is_lost(backend: &str, n_rounds: u64) {
    let _turn = turn();
    let (_dir, store) = new_store();
    let n_rounds = number("MEMORY_MCP_CRASH_ROUNDS", n_rounds);
    let seed = number("MEMORY_MCP_CRASH_SEED", 1);
    let server = server(&store).arg("--set").arg(format!("backend={backend}"));
    let report = Crashes { server, n_rounds, max_acks: 60, seed }.run();
    eprintln!("{report:?}");
    assert_eq!(report.n_rounds, n_rounds);
    assert!(report.n_acks >= n_rounds && report.n_steps > 0, "{report:?}");
    assert_sound_on(backend, &store);
}

#[test]
fn four_writers_and_two_readers_lose_nothing_and_see_each_other_within_a_second() {
    let _turn = turn();
    let (_dir, store) = new_store();
    let duration = Duration::from_secs(number("MEMORY_MCP_PROCESSES_S", 3));
    let processes = Processes::new(server(&store), duration);
    assert_eq!((processes.n_writers, processes.n_readers), (4, 2));
    let report = processes.run();
    eprintln!("{report:?}");
    assert!(report.n_writes > 0 && report.n_timed > 0, "{report:?}");
    assert!(report.max_delay <= Duration::from_secs(1), "{report:?}");
    assert_sound(&store);
}

#[test]
fn judgements_and_retellings_of_several_processes_at_once_are_all_counted() {
    const N_EACH: u32 = 25;
    let _turn = turn();
    let (_dir, store) = new_store();
    let text = json!({"text": "Stop postgres before the tests are run", "scope": "shop"});
    let note = server(&store).start().call("remember", &text).expect_ok()["note_id"].clone();
    thread::scope(|scope| {
        for helpful in [true, true, false] {
            let (note, store, text) = (&note, &store, &text);
            scope.spawn(move || {
                let client = server(store).start();
                for _ in 0..N_EACH {
                    let args = json!({"ids": [note], "helpful": helpful});
                    let judged = client.call("feedback", &args).expect_ok();
                    assert_eq!(judged["judged"][0]["id"], *note);
                    let told = client.call("remember", text).expect_ok();
                    assert_eq!((&told["fate"], &told["note_id"]), (&json!("merged"), note));
                }
            });
        }
    });
    let mut show = Command::new(SERVER);
    show.args(["show", "--json", note.as_str().unwrap(), "--store"]).arg(&store);
    let home = store.parent().unwrap();
    let ran = show.env_clear().env("HOME", home).current_dir(home).output().unwrap();
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let counts = (&shown["n_helpful"], &shown["n_unhelpful"], &shown["n_merged"]);
    assert_eq!(counts, (&json!(2 * N_EACH), &json!(N_EACH), &json!(3 * N_EACH)));
    assert_sound(&store);
}

#[test]
fn a_server_that_is_killed_while_it_makes_its_store_leaves_one_that_opens() {
    let _turn = turn();
    for n in 0..number("MEMORY_MCP_CRASH_ROUNDS", 12) {
        let (_dir, store) = new_store();
        let client = server(&store).spawn();
        // From before the first file is made until after the store is ready, in steps.
        let at = Instant::now() + Duration::from_micros(n % 40 * 700);
        while Instant::now() < at {
            thread::yield_now();
        }
        client.kill9();
        let client = server(&store).start();
        let note = client.call("remember", &json!({"text": "after the crash"})).expect_ok();
        assert!(note["note_id"].is_string(), "{note}");
        drop(client);
        assert_sound(&store);
    }
}
