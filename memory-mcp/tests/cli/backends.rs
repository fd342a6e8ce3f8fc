//! Stores of the other backend, and copies between the two.

use memory_testkit::stdio::Server;
use serde_json::{Value, json};

use crate::home::Home;

/// Runs a command on a redb store.
fn on_redb(home: &Home, args: &[&str]) -> crate::home::Ran {
    home.run(&[args, &["--store", "memory.redb", "--set", "backend=redb"]].concat())
}

fn fill(home: &Home) {
    home.import(&[
        json!({
            "id": "one", "task": "Make the checkout tests pass", "outcome": "success",
            "context": {"project": "acme/shop"},
            "steps": [{"tool": "bash", "args": "make test", "result": "green"}],
        }),
        json!({"id": "two", "text": "Prices are kept in cents", "scope": "acme/shop"}),
    ]);
    home.run(&["remember", "Prices have four decimals", "--scope", "acme/shop"]).ok();
}

#[test]
fn every_command_works_on_a_redb_store_or_says_what_to_do_instead() {
    let home = Home::new();
    on_redb(&home, &["remember", "Deploy from the branch release", "--scope", "acme/shop"]).ok();
    let hits = on_redb(&home, &["recall", "deploy branch", "--scope", "acme/shop"]).ok().out;
    assert!(hits.contains("branch release"), "{hits}");
    let value = on_redb(&home, &["doctor", "--json"]).ok().value();
    let findings = value["findings"].as_array().unwrap();
    // How much of the disk is free is the machine's affair: a full one is told, and is no fault.
    let of_the_store = findings.iter().filter(|finding| finding["what"] != "disk space");
    assert!(of_the_store.clone().all(|finding| finding["state"] == "ok"), "{value}");
    assert!(value.to_string().contains("memory.redb"), "its own file: {value}");
    let note = on_redb(&home, &["list", "--json"]).ok().values().remove(0);
    let id = note["id"].as_str().unwrap();
    on_redb(&home, &["show", id]).ok();
    on_redb(&home, &["backup", "copy.redb"]).fails(2, &["backend", "redb", "copy --from"]);
    on_redb(&home, &["restore", "copy.redb"]).fails(2, &["backend", "redb", "in its place"]);
    on_redb(&home, &["list", "--set", "max_store_bytes=100000"]).fails(2, &["max_store_bytes"]);
    home.run(&["remember", "one"]).ok();
    home.run(&["list", "--set", "backend=redb"]).fails(1, &["memory.db", "libsql store"]);
    home.run(&["list", "--store", "memory.redb"]).fails(1, &["memory.redb", "not a store"]);
    home.run(&["list", "--set", "backend=files"]).fails(2, &["libsql or redb", "files"]);
    on_redb(&home, &["forget", id, "--yes"]).ok();
    assert_eq!(on_redb(&home, &["list", "--json"]).ok().values(), Vec::<Value>::new());
    assert_eq!(home.run(&["list", "--json"]).ok().values().len(), 1, "they are two stores");
}

#[test]
fn a_store_is_copied_to_the_other_backend_and_back() {
    let home = Home::new();
    fill(&home);
    let before = home.export(&["--scope", "*"]);
    let store = home.run(&["stats", "--json"]).ok().value()["store"].as_str().unwrap().to_owned();
    let from = format!("libsql:{store}");
    home.run(&["copy", "--from", &from, "--to", "redb:there.redb"]).ok();
    let there = ["--store", "there.redb", "--set", "backend=redb"];
    assert_eq!(home.export(&[&there[..], &["--scope", "*"]].concat()), before);
    let back = ["copy", "--from", "redb:there.redb", "--to", "libsql:back.db", "--json"];
    assert_eq!(home.run(&back).ok().value()["n_records"], json!(3));
    assert_eq!(home.export(&["--store", "back.db", "--scope", "*"]), before);
    home.run(&back).fails(1, &["not empty", "name a file"]);
    home.run(&["copy", "--from", "redb:nowhere", "--to", "libsql:new.db"]).fails(1, &["no such"]);
    home.run(&["copy", "--from", "there.redb", "--to", "libsql:new.db"]).fails(2, &["redb:PATH"]);
    assert!(!home.path("new.db").exists(), "nothing is made of a wrong argument");
}

#[test]
fn a_redb_store_that_is_open_names_the_process_that_has_it() {
    let home = Home::new();
    let server = Server::new(env!("CARGO_BIN_EXE_memory-mcp"));
    let server = server.arg("--store").arg(home.path("memory.redb"));
    let server = server.arg("--set").arg("backend=redb").start();
    let pid = format!("process {}", server.pid());
    on_redb(&home, &["list", "--set", "lock_wait_ms=0"]).fails(1, &[&pid, "memory-mcp", "libsql"]);
}
