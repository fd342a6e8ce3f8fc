//! Claims about transcripts; the lines are made up after the clients' formats.

use memory_core::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::client::Client;
use crate::recorder::{Action, Recorder};

fn place() -> Place {
    let at = Timestamp::from_millis(1_790_000_000_000);
    Place { session: "file".into(), folder: None, at }
}

/// Every line of a file, told to a recorder: tasks, and tool, success and latency of each step.
fn recorded(client: Client, file: &str) -> (Vec<String>, Vec<String>, usize) {
    let mut reader = Lines::new(client, file.as_bytes(), 0, place(), false).unwrap();
    let mut recorder = Recorder::default();
    let (mut actions, mut n_bad) = (Vec::new(), 0);
    while let Some(record) = reader.read().unwrap() {
        match record.events {
            Ok(events) => {
                for event in events {
                    actions.extend(recorder.record(event, place().at));
                }
            }
            Err(_) => n_bad += 1,
        }
    }
    actions.extend(recorder.close());
    let (mut tasks, mut steps) = (Vec::new(), Vec::new());
    for action in actions {
        match action {
            Action::Begin(begin) => tasks.push(format!("{} {}", begin.key, begin.task)),
            Action::Step(step) => {
                let step = step.step;
                steps.push(format!("{} {:?} {:?}", step.tool, step.ok, step.latency_ms));
            }
            Action::End(_) => {}
        }
    }
    (tasks, steps, n_bad)
}

#[test]
fn a_session_of_claude_gives_its_tasks_and_calls_and_nothing_else() {
    let (tasks, steps, n_bad) =
        recorded(Client::ClaudeCode, include_str!("samples/claude-code.jsonl"));
    assert_eq!(tasks, ["u1 fix it", "u5 write the notes"], "a fork gives all the same prompt id");
    assert_eq!(steps, ["Bash Some(false) Some(500)"]);
    assert_eq!(n_bad, 2, "a number and half a line");
}

#[test]
fn a_broken_line_does_not_stand_for_a_later_one_with_its_id() {
    let line = |content: &str| {
        let message = format!(r#"{{"role":"user","content":{content}}}"#);
        format!(r#"{{"type":"user","uuid":"u1","sessionId":"s","message":{message}}}"#) + "\n"
    };
    let file = [line("null"), line("\"mend the till\""), line("\"mend the till\"")].concat();
    let (tasks, _, n_bad) = recorded(Client::ClaudeCode, &file);
    assert_eq!((&tasks[..], n_bad), (&["u1 mend the till".to_owned()][..], 0));
}

#[test]
fn both_layers_of_a_rollout_are_one() {
    let (tasks, steps, _) = recorded(Client::Codex, include_str!("samples/codex.jsonl"));
    assert_eq!(tasks, ["n1 fix it"]);
    assert_eq!(steps, ["Bash Some(false) Some(5)"]);
}

#[test]
fn chats_of_gemini_patch_each_other() {
    let (tasks, steps, _) = recorded(Client::Gemini, include_str!("samples/gemini.jsonl"));
    assert_eq!(tasks.len(), 1);
    assert_eq!(steps, ["run_shell_command Some(false) Some(1000)"]);
}

#[test]
fn documents_are_read_element_by_element() {
    for (client, document, n_events) in [
        (Client::MiniSweAgent, include_str!("samples/mini-swe-agent.json"), 3),
        (Client::SweAgent, include_str!("samples/swe-agent.json"), 2),
        (Client::Roo, include_str!("samples/roo.json"), 3),
        (Client::Atif, include_str!("samples/atif.json"), 3),
        (Client::OpenHands, include_str!("samples/openhands.json"), 1),
    ] {
        let mut events = Vec::new();
        read_document(client, &place(), || Ok(document.as_bytes()), |e| events.push(e)).unwrap();
        assert_eq!(events.len(), n_events, "{client:?} {events:?}");
        let is_task = |event: &crate::event::Event| match &event.kind {
            crate::event::EventKind::Prompt(prompt) => prompt.text == "fix it",
            _ => false,
        };
        assert!(is_task(&events[0]), "{client:?} {events:?}");
    }
}

#[test]
fn a_list_of_messages_alone_is_a_trajectory_of_which_only_single_blocks_were_run() {
    let two = "first\n```bash\nls\n```\nthen\n```bash\nmake\n```";
    let document = serde_json::json!([
        {"role": "system", "content": "s"},
        {"role": "user", "content": "Please solve this issue: fix it"},
        {"role": "assistant", "content": two},
        {"role": "user", "content": "Please always provide EXACTLY ONE action"},
        {"role": "assistant", "content": "now\n```bash\nmake\n```"},
        {"role": "user", "content": "<returncode>0</returncode>\n<output>\nok\n</output>"},
    ])
    .to_string();
    let mut events = Vec::new();
    let open = || Ok(document.as_bytes());
    read_document(Client::MiniSweAgent, &place(), open, |event| events.push(event)).unwrap();
    let kinds = events.iter().map(|event| match &event.kind {
        crate::event::EventKind::Prompt(prompt) => prompt.text.clone(),
        crate::event::EventKind::CallBegun(call) => call.args.clone(),
        crate::event::EventKind::CallEnded { end, .. } => format!("{:?}", end.status),
        other => format!("{other:?}"),
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["fix it", r#"{"command":"make"}"#, "Ok"]);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    for (bytes, reason) in [
        (&b"\x28\xb5\x2f\xfd rest"[..], "Zstandard"),
        (b"\x1f\x8b rest", "gzip"),
        (b"SQLite format 3\0", "SQLite"),
        (b"{\"a\":\0}", "zero bytes"),
    ] {
        let error = Lines::new(Client::Codex, bytes, 0, place(), false).err().unwrap();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let read = |document: &'static str| {
        read_document(Client::Atif, &place(), || Ok(document.as_bytes()), |_| {})
    };
    assert!(read("").is_err() && read("{\"steps\":[{\"a\":").is_err());
    assert!(matches!(
        Lines::new(Client::Atif, &b""[..], 0, place(), false),
        Err(Unreadable::NoFormat { .. })
    ));
}

#[test]
fn half_a_line_waits_while_the_file_is_written() {
    let file = "{\"sessionId\":\"g\"}\n{\"id\":\"m\",\"ty";
    let n_read = |is_live| {
        let mut reader = Lines::new(Client::Gemini, file.as_bytes(), 0, place(), is_live).unwrap();
        let mut n = 0;
        while reader.read().unwrap().is_some() {
            n += 1;
        }
        (n, reader.offset())
    };
    assert_eq!(n_read(true), (1, 18));
    assert_eq!(n_read(false), (2, file.len() as u64));
}

#[test]
fn a_giant_line_is_left_out_and_the_next_is_read() {
    let giant = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n42\n", "a".repeat(MAX_RECORD_BYTES));
    let mut reader = Lines::new(Client::ClaudeCode, giant.as_bytes(), 0, place(), false).unwrap();
    let first = reader.read().unwrap().unwrap();
    assert!(matches!(first.events, Err(Unreadable::TooLong { .. })));
    assert_eq!(reader.read().unwrap().unwrap().number, 2);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        line in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let lines: Vec<&str> = include_str!("samples/mutated.jsonl").lines().collect();
        let mut line = line.get(&lines).as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        for client in Client::ALL {
            if let Ok(mut reader) = Lines::new(*client, &line[..], 0, place(), false) {
                while let Ok(Some(_)) = reader.read() {}
            }
            drop(read_document(*client, &place(), || Ok(&line[..]), |_| {}));
        }
    }
}
