//! List, show, remember, recall, forget, stats.

use serde_json::{Value, json};

use crate::home::Home;

fn filled() -> Home {
    let home = Home::new();
    let lines: Vec<Value> = (0..25)
        .map(|n| {
            json!({"id": format!("e{n}"), "task": format!("Task number {n}"), "outcome": "success",
                "context": {"project": "acme/shop"}, "ts": format!("2025-01-{:02}", n + 1),
                "steps": [{"tool": "bash", "args": {"c": "ls"}, "result": "a\nb", "ok": true}]})
        })
        .chain([json!({"id": "n", "text": "Prefer \u{1b}[31mtabs", "kind": "preference",
            "scope": "acme/shop", "ts": "2025-02-01"})])
        .collect();
    home.import(&lines);
    home
}

fn ids(values: &[Value]) -> Vec<String> {
    values.iter().map(|value| value["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_of_a_list_follow_each_other() {
    let home = filled();
    let all = ids(&home.run(&["list", "--json", "-n", "100"]).ok().values());
    assert_eq!(all.len(), 26);
    let mut paged = Vec::new();
    loop {
        let mut args = vec!["list", "--json", "-n", "7"];
        let last: Option<String> = paged.last().cloned();
        if let Some(last) = &last {
            args.extend(["--after", last.as_str()]);
        }
        let page = ids(&home.run(&args).ok().values());
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

#[test]
fn a_list_for_people_is_newest_first_with_ids_that_work() {
    let home = filled();
    let ran = home.run(&["list", "-n", "3"]).ok();
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    assert!(lines[1].contains("preference") && lines[1].contains("Prefer [31mtabs"), "{}", ran.out);
    assert!(lines[2].contains("Task number 24") && lines[3].contains("Task number 23"));
    assert!(ran.err.contains("more: --after"), "{}", ran.err);
    for line in &lines[1..] {
        let id = line.split_whitespace().next().unwrap();
        home.run(&["show", id]).ok();
    }
    let notes = home.run(&["list", "notes"]).ok().out;
    assert_eq!(notes.lines().count(), 2, "{notes}");
    let none = home.run(&["list", "--outcome", "failure"]).ok().out;
    assert_eq!(none, "nothing is stored that fits\n");
}

#[test]
fn show_prints_an_episode_with_its_steps() {
    let home = filled();
    let id = &ids(&home.run(&["list", "episodes", "--json", "-n", "1"]).ok().values())[0];
    let people = home.run(&["show", id]).ok().out;
    for text in
        ["Task number 24", "success", "acme/shop", "#0 bash  ok", r#"> {"c":"ls"}"#, "jsonl e24"]
    {
        assert!(people.contains(text), "`{text}` is not in: {people}");
    }
    let value = home.run(&["show", id, "--json"]).ok().value();
    assert_eq!(value["steps"][0]["observation"], "a\nb");
    assert_eq!(value["outcome"], "success");
}

#[test]
fn an_ambiguous_or_unknown_id_is_refused() {
    let home = filled();
    let id = ids(&home.run(&["list", "--json", "-n", "1"]).ok().values()).remove(0);
    home.run(&["show", &id[..8]]).fails(2, &["error: ", "is ambiguous, give more digits"]);
    home.run(&["show", "00000000"]).fails(1, &["error: no record 00000000 is stored"]);
    home.run(&["show", "xyz"]).fails(2, &["error: ", "is not an id"]);
    home.run(&["show", "0198"]).fails(2, &["at least 8 digits"]);
}

#[test]
fn a_text_is_remembered_listed_and_superseded() {
    let home = Home::new();
    let first = home.run(&["remember", "Use npm", "--kind", "preference", "--json"]).ok().value();
    let id = first["id"].as_str().unwrap();
    home.pipe(&["remember", "-", "--supersedes", id, "--kind", "preference"], "Use pnpm\n").ok();
    let current = home.run(&["list", "--current", "--json"]).ok().values();
    assert_eq!((current.len(), &current[0]["text"]), (1, &json!("Use pnpm\n")));
    let old = home.run(&["show", id]).ok().out;
    assert!(old.contains("superseded  "), "{old}");
    home.run(&["remember", " "]).fails(2, &["error: text: must not be empty"]);
    let error = home.run(&["remember", "x", "--kind", "poem"]);
    error.fails(2, &["lesson, fact, preference"]);
}

#[test]
fn a_repeated_text_is_known_by_the_next_process() {
    let home = filled();
    let told = |text| home.run(&["remember", text, "--scope", "acme/shop", "--json"]).ok().value();
    let first = told("Deploys run from Jenkins since June");
    let again = told("deploys run from Jenkins since June.");
    assert_eq!((&again["fate"], &again["id"]), (&json!("merged"), &first["id"]), "{again}");
}

#[test]
fn nothing_is_forgotten_without_yes() {
    let home = filled();
    let id = ids(&home.run(&["list", "--json", "-n", "1"]).ok().values()).remove(0);
    let ran = home.run(&["forget", &id]).ok();
    assert!(ran.err.contains("nothing was removed; --yes removes these 1"), "{}", ran.err);
    home.run(&["show", &id]).ok();
    assert_eq!(home.run(&["forget", &id, "--yes"]).ok().out, "removed 1\n");
    home.run(&["show", &id]).fails(1, &["no record"]);
    let removed = home.run(&["forget", "--until", "2025-01-06", "--yes", "--json"]).ok().value();
    assert_eq!((&removed["removed"], &removed["dry_run"]), (&json!(6), &json!(false)));
    home.run(&["forget"]).fails(2, &["error: name what to forget"]);
    home.run(&["forget", "--scope", "*", "--yes"]).fails(2, &["error: name what to forget"]);
    let all = home.run(&["forget", "--scope", "acme/shop", "--yes"]).ok();
    assert_eq!(all.out, "removed 19\n");
}

#[test]
fn stats_count_what_is_stored() {
    let home = filled();
    let value = home.run(&["stats", "--json"]).ok().value();
    let storage = &value["storage"];
    assert_eq!((&storage["n_episodes"], &storage["n_notes"]), (&json!(25), &json!(1)));
    assert_eq!(storage["scopes"]["acme/shop"], 26);
    let people = home.run(&["stats"]).ok().out;
    assert!(people.contains("25, 0 of them open") && people.contains("acme/shop"), "{people}");
}

#[test]
fn an_empty_query_recalls_the_newest() {
    let home = filled();
    let value = home.run(&["recall", "--json", "-n", "2", "--scope", "acme/shop"]).ok().value();
    let hits = value["hits"].as_array().unwrap();
    assert_eq!((hits.len(), &hits[0]["record"]["kind"]), (2, &json!("preference")));
    home.run(&["recall", "x", "--limit", "0"]).fails(2, &["error: limit: must be at least 1"]);
}
