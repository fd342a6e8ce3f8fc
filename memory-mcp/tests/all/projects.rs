//! The project of a session, when the client starts the server anywhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::raw::Raw;

fn repository(dir: &Path, name: &str) -> PathBuf {
    let root = dir.join(name);
    fs::create_dir_all(root.join(".git")).unwrap();
    let url = format!("[remote \"origin\"]\n\turl = git@github.com:acme/{name}.git\n");
    fs::write(root.join(".git/config"), url).unwrap();
    root
}

fn uri(path: &Path) -> Value {
    json!({"uri": format!("file://{}", path.display())})
}

/// Answers the question for the client's roots.
fn name_roots(raw: &mut Raw, roots: &[Value]) {
    let asked = raw.wait_for(|message| message["method"] == "roots/list");
    raw.send_json(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": roots}}));
}

fn scope(raw: &mut Raw) -> String {
    raw.call("scope", "status", &json!({}));
    let reply = raw.reply(&json!("scope"));
    reply["result"]["structuredContent"]["scope"].as_str().unwrap().to_owned()
}

const ROOTS: &str = r#"{"roots": {"listChanged": true}}"#;

fn roots() -> Value {
    serde_json::from_str(ROOTS).unwrap()
}

#[test]
fn the_roots_of_the_client_name_the_project_where_no_repository_lies_around() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, lamp) = (repository(dir.path(), "shop"), repository(dir.path(), "lamp"));
    for folder in [Path::new("/"), dir.path()] {
        let mut raw = Raw::start_in(Some(folder), &[], &[]);
        raw.hello(&roots(), "2025-06-18");
        // A call that comes before the answer waits for it.
        raw.call("early", "status", &json!({}));
        name_roots(&mut raw, &[uri(dir.path()), uri(&shop.join("src")), uri(&lamp)]);
        let early = raw.reply(&json!("early"));
        assert_eq!(early["result"]["structuredContent"]["scope"], "github.com/acme/shop");

        raw.send_json(&json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}));
        name_roots(&mut raw, &[uri(&lamp)]);
        // The answer and a call race, so that the second call is the one that counts.
        _ = scope(&mut raw);
        assert_eq!(scope(&mut raw), "github.com/acme/lamp", "{}", folder.display());
        assert!(raw.end().0.success());
    }
}

#[test]
fn who_stands_in_a_repository_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, lamp) = (repository(dir.path(), "shop"), repository(dir.path(), "lamp"));
    let vars = [("CLAUDE_PROJECT_DIR", lamp.as_os_str())];
    let mut raw = Raw::start_in(Some(&shop), &[], &vars);
    raw.hello(&roots(), "2025-06-18");
    // Nothing but the reply comes: a question would come before it.
    raw.call("status", "status", &json!({}));
    let first: Value = serde_json::from_slice(&raw.line()).unwrap();
    assert_eq!(first["result"]["structuredContent"]["scope"], "github.com/acme/shop", "{first}");
    let text = first["result"]["content"][0]["text"].as_str().unwrap();
    assert!(!text.contains("--project"), "{text}");
}

#[test]
fn a_client_that_has_no_roots_names_the_project_by_a_variable_or_the_user_by_a_flag() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, lamp) = (repository(dir.path(), "shop"), repository(dir.path(), "lamp"));
    let args = [OsStr::new("--project"), lamp.as_os_str()];
    for name in ["CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CURSOR_PROJECT_DIR"] {
        let vars = [(name, shop.as_os_str())];
        let mut raw = Raw::start_in(Some(Path::new("/")), &[], &vars).greeted();
        assert_eq!(scope(&mut raw), "github.com/acme/shop", "{name}");
        let mut raw = Raw::start_in(Some(Path::new("/")), &args, &vars).greeted();
        assert_eq!(scope(&mut raw), "github.com/acme/lamp", "{name}");
    }
}

#[test]
fn a_client_that_never_names_its_roots_delays_no_more_than_the_first_call() {
    let mut raw = Raw::start_in(Some(Path::new("/")), &[], &[]);
    raw.hello(&roots(), "2025-11-25");
    assert_eq!(scope(&mut raw), "default");
    assert_eq!(scope(&mut raw), "default");
}

#[test]
fn the_first_answer_says_when_the_scope_came_from_no_repository() {
    let mut raw = Raw::start().greeted();
    let texts = ["one", "two"].map(|id| {
        raw.call(id, "start_episode", &json!({"task": "Sort the mail"}));
        let reply = raw.reply(&json!(id));
        reply["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    });
    assert!(texts[0].contains("no repository") && texts[0].contains("--project"), "{}", texts[0]);
    assert!(!texts[1].contains("no repository"), "{}", texts[1]);
}
