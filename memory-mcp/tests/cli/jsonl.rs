//! Import and export of the neutral formats.

use serde_json::{Value, json};

use crate::home::{Home, write_gz};

fn episode(n: u32) -> Value {
    json!({
        "id": format!("e{n}"), "task": format!("Repair module {n}"),
        "context": {"project": "acme/shop", "domain": "backend", "language": "rust",
            "tags": ["nightly", "ci"], "task_id": format!("t{}", n % 3), "agent": "a", "model": "m",
            "task_type": "bugfix", "session": "s", "branch": "main", "framework": "axum"},
        "steps": [
            {"tool": "bash", "verb": "cargo", "args": {"command": "cargo test", "n": [1, 2.5]},
             "result": "3 failed\nnoise", "ok": false, "error": "exit 101", "latency_ms": 1200,
             "tokens": 40},
            {"tool": "edit", "args": "not json {", "result": "done", "ok": true,
             "ts": "2025-05-01T10:00:05Z", "thought": "dropped"},
        ],
        "outcome": (["success", "partial", "failure"])[n as usize % 3],
        "reward": f64::from(n % 11) / 10.0 + 0.012_345_678_901_234_5,
        "ts": "2025-05-01T10:00:00.25Z",
        "duration_ms": 6000, "summary": "Repaired", "reflection": "Tests first",
        "artifacts": ["src/a.rs"], "unknown": {"deep": [1]},
    })
}

fn turn(n: u32) -> Value {
    json!({"id": format!("n{n}"), "text": format!("Turn {n}"), "session": format!("s{}", n % 2),
        "speaker": "Ann", "scope": "chat", "ts": "2024-01-01"})
}

#[test]
fn a_second_import_changes_nothing() {
    let home = Home::new();
    let lines: Vec<Value> = (0..450).map(episode).chain((0..450).map(turn)).collect();
    let first = home.import(&lines);
    assert_eq!((&first["n_new"], &first["n_known"]), (&json!(900), &json!(0)));
    assert_eq!((&first["n_steps"], &first["n_notes"]), (&json!(900), &json!(450)));
    let before = home.run(&["stats", "--json"]).ok().value();
    let second = home.import(&lines);
    assert_eq!((&second["n_new"], &second["n_known"]), (&json!(0), &json!(900)));
    let after = home.run(&["stats", "--json"]).ok().value();
    assert_eq!(before["seq"], after["seq"], "not a single change");
}

#[test]
fn packed_files_are_known_by_their_content() {
    let home = Home::new();
    let lines =
        |ids: std::ops::Range<u32>| ids.map(|n| turn(n).to_string() + "\n").collect::<String>();
    let packed = home.path("no-suffix");
    write_gz(&packed, &[&lines(0..3), &lines(3..5)]);
    let plain = home.write("plain.gz", &lines(5..7));
    let args = ["import", "jsonl", packed.to_str().unwrap(), plain.to_str().unwrap(), "--json"];
    let report = home.run(&args).ok().value();
    assert_eq!((&report["n_new"], &report["n_files"]), (&json!(7), &json!(2)));
}

#[test]
fn standard_input_is_read_too() {
    let home = Home::new();
    let ran = home.pipe(&["import", "jsonl", "-", "--json"], &turn(1).to_string()).ok();
    assert_eq!(ran.value()["n_new"], 1);
}

#[test]
fn bad_lines_are_named_and_left_out() {
    let home = Home::new();
    let long_tool = "t".repeat(600);
    let text = format!(
        "{}\n\n{{broken\n{}\n{}\n{}\n{}\n",
        turn(1),
        json!({"id": "x", "task": "  "}),
        json!({"id": "y", "task": "t", "steps": [{"tool": long_tool}]}),
        json!({"id": "z", "task": "t", "outcome": "won"}),
        turn(2),
    );
    home.write("mixed.jsonl", &text);
    let ran = home.run(&["import", "jsonl", "mixed.jsonl", "--json"]).fails(
        1,
        &[
            "mixed.jsonl:3: ",
            "mixed.jsonl:4: task: must not be empty",
            "mixed.jsonl:5: tool: ",
            "mixed.jsonl:6: outcome `won` is none of success",
        ],
    );
    let report = ran.value();
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(2), &json!(4)));

    let strict = Home::new();
    strict.write("mixed.jsonl", &text);
    let ran = strict.run(&["import", "jsonl", "mixed.jsonl", "--strict"]);
    ran.fails(1, &["error: mixed.jsonl:3: "]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let home = Home::new();
    home.run(&["import", "jsonl", "nowhere.jsonl"]).fails(1, &["error: nowhere.jsonl: "]);
    home.run(&["import", "jsonl", "."]).fails(1, &["is a folder"]);
    let cut_off = home.path("cut.gz");
    write_gz(&cut_off, &[&turn(1).to_string()]);
    let bytes = std::fs::read(&cut_off).unwrap();
    std::fs::write(&cut_off, &bytes[..bytes.len() - 6]).unwrap();
    home.run(&["import", "jsonl", "cut.gz"]).fails(1, &["error: cut.gz: "]);
}

#[test]
fn an_export_that_is_imported_and_exported_again_is_the_same() {
    let home = Home::new();
    let mut lines: Vec<Value> = (0..40).map(episode).collect();
    lines.push(json!({"id": "open", "task": "Still at it", "status": "open", "ts": "2025-05-02"}));
    lines.push(json!({"id": "gone", "task": "Given up", "steps": null, "outcome": null}));
    lines.push(json!({"id": "odd", "task": "a\u{0}b \u{1f980}", "context": {"project": "odd"},
        "steps": [{"tool": "t", "args": ["x"], "result": "y\u{2028}z"}, {"tool": "t", "args": 5},
                  {"tool": "t", "args": "{\n \"a\": 1\n}", "result": "z".repeat(70_000)}],
        "outcome": "abstained"}));
    lines.extend((0..30).map(turn));
    lines.push(json!({"id": "old", "text": "Use npm", "kind": "preference", "scope": "acme/shop"}));
    lines.push(json!({"id": "new", "text": "Use pnpm", "kind": "preference", "scope": "acme/shop",
        "supersedes": "old", "tags": ["js"], "valid_from": "2025-01-01",
        "valid_to": "2027-01-01"}));
    lines.push(
        json!({"id": "lesson", "text": "Run the tests first", "kind": "lesson", "episode": "e3"}),
    );
    lines.push(
        json!({"id": "foreign", "text": "x", "importer": "other-agent", "ts": 1_712_000_000}),
    );
    lines.push(json!({"id": "foreign-2", "text": "y",
        "supersedes": {"importer": "other-agent", "id": "foreign"}}));
    assert_eq!(home.import(&lines)["n_links_unknown"], 0);
    home.run(&["remember", "Stored here", "--scope", "acme/blog", "--tag", "own"]).ok();

    let first = home.run(&["export"]).ok().out;
    home.run(&["export", "--out", "all.jsonl.gz"]).ok();
    assert!(!home.path("all.jsonl.gz.part").exists());
    let fresh = Home::new();
    let file = home.path("all.jsonl.gz");
    fresh.run(&["import", "jsonl", file.to_str().unwrap()]).ok();
    assert_eq!(fresh.run(&["export"]).ok().out, first);

    let exported = fresh.export(&["--kind", "lesson"]);
    assert_eq!((exported.len(), &exported[0]["episode"]), (1, &json!("e3")));
    let again = home.run(&["import", "jsonl", "all.jsonl.gz", "--json"]).ok().value();
    assert_eq!(
        again["n_new"], 0,
        "what the store itself wrote is known to it, with or without source"
    );
}

#[test]
fn an_import_keeps_what_was_given() {
    let home = Home::new();
    home.import(&[episode(4)]);
    let exported = home.export(&[]);
    let mut expected = episode(4);
    let fields = expected.as_object_mut().unwrap();
    fields.remove("unknown");
    for step in fields["steps"].as_array_mut().unwrap() {
        let step = step.as_object_mut().unwrap();
        step.remove("thought");
        if let Some(verb) = step.remove("verb") {
            step.insert("action".to_owned(), verb);
        }
    }
    fields["context"]["tags"] = json!(["ci", "nightly"]);
    assert_eq!(exported, [expected]);
}

#[test]
fn an_export_can_be_narrowed() {
    let home = Home::new();
    home.import(&(0..6).map(episode).chain((0..4).map(turn)).collect::<Vec<_>>());
    assert_eq!(home.export(&["--kind", "episode"]).len(), 6);
    assert_eq!(home.export(&["--outcome", "failure"]).len(), 2);
    assert_eq!(home.export(&["--scope", "chat"]).len(), 4);
    assert_eq!(home.export(&["--scope", "*", "--since", "2025-01-01"]).len(), 6);
    assert_eq!(home.export(&["--tag", "task:t1"]).len(), 2);
}

#[test]
fn flags_override_what_lines_say() {
    let home = Home::new();
    home.write("a.jsonl", &format!("{}\n{}\n", turn(1), episode(1)));
    let args = ["import", "jsonl", "a.jsonl", "--scope", "other", "--kind", "decision"];
    home.run(&args).ok();
    let exported = home.export(&[]);
    assert_eq!(exported[0]["context"]["project"], "other");
    assert_eq!(
        (&exported[1]["scope"], &exported[1]["kind"]),
        (&json!("other"), &json!("decision"))
    );
}

#[test]
fn what_was_changed_on_the_way_is_counted() {
    let home = Home::new();
    let report = home.import(&[
        json!({"id": "a", "task": "t", "reward": 7}),
        json!({"id": "b", "text": "x", "ts": "some day", "supersedes": "nothing"}),
        json!({"id": "c", "text": "x".repeat(40_000)}),
    ]);
    for field in ["n_rewards_clamped", "n_times_unknown", "n_links_unknown", "n_cut"] {
        assert_eq!(report[field], 1, "{field}");
    }
}
