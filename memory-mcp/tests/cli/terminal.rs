//! Output for people: the demonstration, the greeting of a server without a client, and no
//! characters
//! that steer a terminal.

use serde_json::{Value, json};

use crate::home::Home;

/// Characters that a terminal or a reader of lines acts on.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text with all kinds of them, and with hidden ones.
const EVIL: &str = "danger \u{1b}]0;x\u{7} \u{7f}\u{9b}31m \u{85}next\u{2028}line\u{2029} \r over \
    \u{202e}turned\u{2066} \u{e0041}\u{e0042}tagged";

#[test]
fn stored_text_does_not_steer_the_terminal() {
    let home = Home::new();
    home.import(&[
        json!({"id": "n", "text": EVIL, "tags": [EVIL], "session": EVIL, "speaker": EVIL}),
        json!({"id": "e", "task": EVIL, "context": {"branch": EVIL, "tags": [EVIL]},
            "summary": EVIL, "artifacts": [EVIL], "outcome": "success",
            "steps": [{"tool": "bash", "args": EVIL, "result": EVIL, "error": EVIL}]}),
    ]);
    let note = home.run(&["list", "notes", "--json"]).ok().values()[0]["id"].clone();
    let episode = home.run(&["list", "episodes", "--json"]).ok().values()[0]["id"].clone();
    for args in [
        &["list"][..],
        &["show", note.as_str().unwrap()],
        &["show", episode.as_str().unwrap(), "--full"],
        &["recall", "danger over", "--explain"],
        &["checkpoint", episode.as_str().unwrap(), "--handoff"],
        &["stats"],
        &["forget", "--tag", "none"],
    ] {
        let ran = home.run(args).ok();
        assert!(!ran.out.contains(acts) && !ran.err.contains(acts), "{args:?} {:?}", ran.out);
        let hides = ['\u{202e}', '\u{2066}', '\u{e0041}'];
        assert!(!ran.out.contains(hides), "{args:?} {:?}", ran.out);
    }
}

#[test]
fn json_and_exports_hold_the_whole_text_with_controls_escaped() {
    let home = Home::new();
    home.import(&[json!({"id": "n", "text": EVIL})]);
    for args in [&["list", "--json"][..], &["export"], &["recall", "danger", "--json"]] {
        let out = home.run(args).ok().out;
        assert!(!out.contains(acts), "{args:?} {out:?}");
        let value: Value = serde_json::from_str(&out).unwrap();
        let record = value.pointer("/hits/0/record").unwrap_or(&value);
        assert_eq!(record["text"], EVIL, "{args:?}");
    }
    home.run(&["export", "--out", "all.jsonl"]).ok();
    let exported = std::fs::read_to_string(home.path("all.jsonl")).unwrap();
    assert_eq!(exported, home.run(&["export"]).ok().out);
}

#[test]
fn messages_repeat_nothing_that_steers_the_terminal() {
    let home = Home::new();
    let evil = "\u{1b}[2J\u{9b}31m\u{7f}\u{2028}x\u{202e}";
    home.write("in.jsonl", &json!({"id": "a", "task": "t", "outcome": evil}).to_string());
    for args in [
        &[evil][..],
        &["show", evil],
        &["list", evil],
        &["list", "--kind", evil],
        &["list", "--store", evil, "--set", evil],
        &["import", "jsonl", evil],
        &["import", "jsonl", "in.jsonl"],
        &["restore", evil],
        &["recall", "x", "--since", evil],
    ] {
        let ran = home.run(args);
        assert!(ran.code != 0 && !ran.err.is_empty(), "{args:?}");
        assert!(!ran.err.contains(acts) && !ran.err.contains('\u{202e}'), "{args:?} {:?}", ran.err);
    }
}

#[test]
fn the_demonstration_plays_two_sessions_and_leaves_nothing() {
    let home = Home::new();
    let mut command = home.command(&["demo"]);
    // What the user has set plays no part in it.
    command.env("MEMORY_MCP_MAX_STEPS", "1").env("TMPDIR", home.path(""));
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{out}\n{err}");
    for text in [
        "SESSION 1",
        "3 step(s)",
        "1 episode(s), 0 open, 3 step(s), 1 note(s)",
        "SESSION 2",
        "New crates of this workspace must list rust_decimal themselves",
    ] {
        assert!(out.contains(text), "`{text}` is not in: {out}");
    }
    let (_, second) = out.split_once("SESSION 2").unwrap();
    assert!(second.contains("rust_decimal themselves"), "it comes back: {second}");
    assert!(out.lines().count() <= 80, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let left = std::fs::read_dir(home.path("")).unwrap().count();
    assert_eq!(left, 0, "neither a store nor a temporary folder is left");
}

#[test]
fn the_demonstration_is_json_for_programs() {
    let value = Home::new().run(&["demo", "--json"]).ok().value();
    let calls = value["calls"].as_array().unwrap();
    assert_eq!((&calls[0]["session"], &calls[0]["tool"]), (&json!(1), &json!("start_episode")));
    assert_eq!(calls.last().unwrap()["tool"], "log_steps");
    assert!(calls.iter().all(|call| call["answer"].as_str().is_some_and(|text| !text.is_empty())));
}

#[test]
fn a_server_with_a_client_says_nothing_on_stderr() {
    let ran = Home::new().pipe(&[], "");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_on_a_terminal_says_what_it_is_and_how_to_end_it() {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::process::Stdio;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let home = Home::new();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let stdin = OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let mut command = home.command(&[]);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Control-D on an empty line is the end of the input.
    let mut keyboard = std::fs::File::from(terminal);
    keyboard.write_all(b"\x04").unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{err}");
    let store = home.path("memory.db").display().to_string();
    for text in ["memory-mcp ", "MCP server", store.as_str(), "mcp add", "Ctrl-D", "demo"] {
        assert!(err.contains(text), "`{text}` is not in: {err}");
    }
    assert!(err.lines().count() <= 12 && !err.contains("ANSI"), "{err}");
}
