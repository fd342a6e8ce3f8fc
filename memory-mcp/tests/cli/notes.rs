//! Import of what other programs remember as text.

use serde_json::json;

use crate::home::Home;

fn texts(home: &Home) -> Vec<String> {
    let notes = home.export(&["--scope", "*"]);
    let mut texts: Vec<String> =
        notes.iter().map(|note| note["text"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

#[test]
fn a_knowledge_graph_becomes_notes_once_and_a_change_brings_what_is_new() {
    let home = Home::new();
    let line = |told: &str| {
        let told: Vec<&str> = told.split('|').collect();
        json!({"type": "entity", "name": "till", "entityType": "service",
            "observations": told})
    };
    home.write("graph.json", &line("listens on 8081").to_string());
    let import = || home.run(&["import", "mcp-memory", "graph.json", "--json"]).ok().value();
    assert_eq!(import()["n_new"], 1);
    assert_eq!(import()["n_new"], 0);
    home.write("graph.json", &line("listens on 8081|needs the stock").to_string());
    assert_eq!((import()["n_new"].clone(), texts(&home).len()), (json!(1), 2));
    home.write("graph.json", "{}\nno json");
    home.run(&["import", "mcp-memory", "graph.json"])
        .fails(1, &["graph.json:1: ", "graph.json:2: "]);
    home.run(&["import", "mcp-memory"]).fails(2, &["name one"]);
    home.run(&["import", "mcp-memory", "nowhere"]).fails(1, &["nowhere"]);
}

#[test]
fn documents_and_the_memory_of_claude_code_become_notes_of_their_project() {
    let home = Home::new();
    home.write("docs/till.md", "# Till\nIt counts the money.\n## Ports\nIt listens on 8081.\n");
    home.write("docs/.hidden/x.md", "# Hidden\nNot for any reader.\n");
    home.write("docs/binary.md", "a\0b");
    let ran = home.run(&["import", "markdown", "docs", "--json"]);
    let report = ran.fails(1, &["binary.md: is no text"]).value();
    assert_eq!((&report["n_new"], &report["n_bad"]), (&json!(2), &json!(1)));
    assert_eq!(texts(&home), ["Till > Ports: It listens on 8081.", "Till: It counts the money."]);

    let memory = "---\ntype: feedback\n---\n- Use pnpm, not npm\n- [Ports](ports.md) - where\n";
    home.write(".claude/projects/-gone-shop/memory/MEMORY.md", memory);
    let session = json!({"type": "user", "sessionId": "s", "cwd": "/gone/shop", "uuid": "u",
        "timestamp": "2026-03-01T10:00:00Z", "message": {"role": "user", "content": "sweep it"}});
    home.write(".claude/projects/-gone-shop/s.jsonl", &format!("{session}\n"));
    let dry = home.run(&["import", "claude-memory", "--dry-run"]).ok().out;
    assert!(dry.contains("nothing stored: 1 notes in 1 files"), "{dry}");
    home.run(&["import", "claude-memory"]).ok();
    let notes = home.export(&["--scope", "*"]);
    let note = notes.iter().find(|note| note["text"] == "Use pnpm, not npm").unwrap();
    assert_eq!(note["kind"], "preference");
    assert!(note["scope"].as_str().unwrap().starts_with("shop-"), "{note}");
}
