//! Transcripts as they should not be: each is read as far as it can be, and named where it cannot.

use std::io::Write;

use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::home::Home;

/// A session of Claude Code with one task and one call whose answer is this text.
fn session(id: &str, answer: &str) -> String {
    let line = |n: u32, kind: &str, content: Value| {
        json!({"type": kind, "uuid": format!("{id}{n}"), "sessionId": id, "cwd": "/gone/shop",
            "timestamp": format!("2026-03-01T10:{n:02}:00.000Z"), "isSidechain": false,
            "message": {"role": kind, "content": content}})
        .to_string()
            + "\n"
    };
    let used = json!([{"type": "tool_use", "id": "c", "name": "Bash",
        "input": {"command": "cat log"}}]);
    let result = json!([{"type": "tool_result", "tool_use_id": "c", "content": answer}]);
    [
        line(0, "user", json!(format!("Read the log of the {id}"))),
        line(1, "assistant", used),
        line(2, "user", result),
    ]
    .concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// A Zstandard frame with a window of 1 MiB, of blocks that are not packed.
fn zstandard(text: &str) -> Vec<u8> {
    let mut file = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    let blocks: Vec<&[u8]> = text.as_bytes().chunks(100_000).collect();
    for (n, block) in (1..).zip(&blocks) {
        let is_last = u32::from(n == blocks.len());
        let head = u32::try_from(block.len()).unwrap() << 3 | is_last;
        file.extend(&head.to_le_bytes()[..3]);
        file.extend(*block);
    }
    file
}

/// Imports files of these contents; returns the report, and what was said of them.
fn import(files: &[(&str, &[u8])]) -> (Value, String, Home) {
    let home = Home::new();
    for (name, content) in files {
        std::fs::write(home.write(name, ""), content).unwrap();
    }
    let ran = home.run(&["import", "claude-code", "logs", "--json"]);
    (serde_json::from_str(&ran.out).unwrap(), ran.err, home)
}

#[test]
fn packed_sessions_are_read_like_others_and_each_once() {
    let (till, mill) = (session("till", "done"), session("mill", &"grain ".repeat(90_000)));
    let (gzip, zstandard) = (gzip(&till), zstandard(&mill));
    let files = [("logs/till.jsonl.gz", &gzip[..]), ("logs/mill.jsonl.zst", &zstandard)];
    let (report, said, home) = import(&files);
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(2), &json!(0)), "{report} {said}");
    // What was packed meanwhile is another file with the same records.
    home.write("logs/till.jsonl", &till);
    let again = home.run(&["import", "claude-code", "logs", "--json"]).ok().value();
    assert_eq!((&again["n_new"], &again["n_known"]), (&json!(0), &json!(1)), "{again}");
}

#[test]
fn a_file_that_is_cut_binary_or_closed_is_named_and_the_rest_is_taken() {
    let (whole, till) = (session("mill", "done"), session("till", "done"));
    let gzip = gzip(&whole);
    let mut zstandard = zstandard(&session("tower", &"bell ".repeat(90_000)));
    zstandard.truncate(zstandard.len() - 9);
    let files: [(&str, &[u8]); 6] = [
        ("logs/a.jsonl.gz", &gzip[..gzip.len() - 9]),
        ("logs/b.jsonl.zst", &zstandard),
        ("logs/c.jsonl", b"SQLite format 3\0and so on"),
        ("logs/d.jsonl", b"{\"type\": \"user\"\0\0\0}"),
        ("logs/e.jsonl", b""),
        ("logs/f.jsonl", till.as_bytes()),
    ];
    let (report, said, home) = import(&files);
    assert_eq!(report["n_bad"], 4, "{said}");
    for part in
        ["a.jsonl.gz: damaged", "b.jsonl.zst: damaged", "c.jsonl: is no text", "d.jsonl: is no"]
    {
        assert!(said.contains(part), "{said}");
    }
    let tasks = home.export(&["--scope", "*"]);
    assert!(tasks.iter().any(|episode| episode["task"] == "Read the log of the till"));
}

#[test]
fn a_line_of_fifteen_megabytes_is_a_step_that_keeps_its_head_and_tail() {
    let giant = session("mill", &format!("first {} last", "grain ".repeat(2_500_000)));
    assert!(giant.len() > 15_000_000);
    let (report, said, home) = import(&[("logs/mill.jsonl", giant.as_bytes())]);
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(1), &json!(0)), "{said}");
    let episodes = home.export(&["--scope", "*"]);
    let result = episodes[0]["steps"][0]["result"].as_str().unwrap();
    assert!(result.starts_with("first") && result.ends_with("last"), "{}", result.len());
    assert!(result.len() < 20_000);
}

#[test]
fn records_of_a_version_that_is_not_known_are_passed_by() {
    let mut text = session("mill", "done");
    let strange = [
        json!({"type": "user.v9", "body": {"words": ["Read", "it"]}, "uuid": "x"}),
        json!({"kind": 7, "payload": [[[]]]}),
        json!({"type": "user", "sessionId": "mill", "uuid": "y", "message": {"parts": [1, {}]}}),
        json!({"type": "assistant", "sessionId": "mill", "uuid": "z", "message": "words"}),
    ];
    text.extend(strange.iter().map(|line| format!("{line}\n")));
    let (report, said, _home) = import(&[("logs/mill.jsonl", text.as_bytes())]);
    assert_eq!(
        (&report["n_new"], &report["n_steps"], &report["n_bad"]),
        (&json!(1), &json!(1), &json!(0)),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_written_meanwhile_is_taken_as_far_as_it_is_complete() {
    let whole = session("mill", "done");
    let (half, _) = whole.split_at(whole.len() - 40);
    let (report, said, home) = import(&[("logs/mill.jsonl", half.as_bytes())]);
    assert_eq!((&report["n_bad"], &report["n_new"]), (&json!(0), &json!(1)), "{said}");
    std::fs::write(home.path("logs/mill.jsonl"), &whole).unwrap();
    home.write("logs/till.jsonl", &session("till", "done"));
    let again = home.run(&["import", "claude-code", "logs", "--json"]).ok().value();
    assert_eq!(again["n_new"], 1, "{again}");
}
