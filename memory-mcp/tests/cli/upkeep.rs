//! `compact` and `doctor --repair`.

use serde_json::{Value, json};

use crate::home::Home;

const STORE: &[&str] = &["--store", "kept.db"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, STORE].concat()
}

/// Imports as many notes of a page or so each.
fn fill(home: &Home, n_notes: usize) {
    let notes: Vec<String> = (0..n_notes)
        .map(|n| {
            let text = format!("animal{n} was seen {}", "far away ".repeat(400));
            json!({"id": n.to_string(), "text": text, "scope": "zoo"}).to_string()
        })
        .collect();
    home.write("notes.jsonl", &notes.join("\n"));
    home.run(&with(&["import", "jsonl", "notes.jsonl"])).ok();
}

fn finding(home: &Home, args: &[&str], what: &str) -> Value {
    let value = home.run(&with(&[&["doctor", "--json"], args].concat())).value();
    let findings = value["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["what"] == what).unwrap().clone()
}

#[test]
fn compact_gives_the_space_of_what_was_forgotten_back() {
    let home = Home::new();
    home.run(&with(&["compact"])).fails(1, &["error: ", "there is no store"]);
    fill(&home, 300);
    home.run(&with(&["compact"])).ok();
    home.run(&with(&["remember", "a lion sleeps", "--scope", "zoo"])).ok();
    let listed = home.run(&with(&["list", "--limit", "200", "--scope", "zoo", "--json"])).ok();
    let ids: Vec<String> =
        listed.values().iter().skip(1).map(|note| note["id"].as_str().unwrap().into()).collect();
    let forget: Vec<&str> =
        ["forget", "--yes"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    home.run(&with(&forget)).ok();
    let value = home.run(&with(&["compact", "--json"])).ok().value();
    let size = |when: &str| value[when]["store"].as_u64().unwrap();
    assert!(size("after") * 10 < size("before") * 6, "{value}");
    let told = home.run(&with(&["compact"])).ok().out;
    assert!(told.starts_with("store ") && told.contains("search index"), "{told}");
    let hits = home.run(&with(&["recall", "lion", "--scope", "zoo"])).ok().out;
    assert!(hits.contains("a lion sleeps"), "{hits}");
    assert_eq!(finding(&home, &[], "content")["state"], "ok");
}

#[test]
fn a_sound_store_is_repaired_by_making_its_index_anew() {
    let home = Home::new();
    assert_eq!(finding(&home, &["--repair"], "repair")["state"], "ok", "there is none yet");
    fill(&home, 20);
    let repair = finding(&home, &["--repair"], "repair");
    assert_eq!(repair["state"], "ok", "{repair}");
    assert!(repair["detail"].as_str().unwrap().contains("made anew"), "{repair}");
    let hits = home.run(&with(&["recall", "animal7", "--scope", "zoo"])).ok().out;
    assert!(hits.contains("animal7 was seen"), "{hits}");
}

#[test]
fn of_a_damaged_store_what_is_readable_is_saved_and_the_rest_is_named() {
    let home = Home::new();
    fill(&home, 300);
    let path = home.path("kept.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let content = finding(&home, &[], "content");
    assert_eq!(content["state"], "broken");
    assert!(content["remedy"].as_str().unwrap().contains("doctor --repair"), "{content}");
    let repair = finding(&home, &["--repair"], "repair");
    let detail = repair["detail"].as_str().unwrap();
    assert_ne!(repair["state"], "broken", "{repair}");
    assert!(detail.contains("notes saved in a new one"), "{repair}");
    let kept = detail.split("the damaged one is ").nth(1).unwrap();
    let kept = kept.split([';', ' ']).next().unwrap();
    assert!(std::path::Path::new(kept).exists(), "{kept}");
    assert_eq!(finding(&home, &[], "content")["state"], "ok");
    let n_notes = home.run(&with(&["list", "--limit", "200", "--json"])).ok().values().len();
    assert!(n_notes > 190, "{n_notes}");
}
