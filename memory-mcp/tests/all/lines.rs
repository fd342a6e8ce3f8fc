//! Every request whose id can be read is answered, whatever is wrong with its line.

use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::raw::Raw;

/// A call with `args` as they are written.
fn call(id: &str, tool: &str, args: &[u8]) -> Vec<u8> {
    let params = format!(r#"{{"name":"{tool}","arguments":"#);
    let head = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"tools/call","params":{params}"#);
    [head.as_bytes(), args, b"}}"].concat()
}

fn is_alive(raw: &mut Raw) -> bool {
    raw.send(br#"{"jsonrpc":"2.0","id":"alive","method":"ping"}"#);
    raw.reply(&json!("alive"))["result"] == json!({})
}

#[test]
fn text_that_was_cut_within_a_character_is_taken() {
    let mut raw = Raw::start().greeted();
    let cases: [(&str, &[u8]); 4] = [
        ("high", br#"{"text":"the kite rose \ud83e over the dunes"}"#),
        ("low", br#"{"text":"a lantern \udd7a at the pier"}"#),
        ("swapped", br#"{"text":"the ferry \udd7a\ud83e leaves at noon"}"#),
        ("latin", b"{\"text\":\"the mayor of K\xf6ln signed it\"}"),
    ];
    for (id, args) in cases {
        raw.send(&call(id, "remember", args));
        let reply = raw.reply(&json!(id));
        assert_eq!(reply["result"]["isError"], false, "{id}: {reply}");
    }
    raw.call("find", "recall", &json!({"query": "the kite over the dunes"}));
    let found = raw.reply(&json!("find"));
    let text = found["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("kite rose \u{fffd} over"), "{text}");
}

#[test]
fn a_line_that_cannot_be_served_is_refused_with_its_id_and_the_session_goes_on() {
    let mut raw = Raw::start().greeted();
    let deep = format!("{{\"query\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let long = "q".repeat(17 << 20);
    let long = format!(r#"{{"params":{{"x":"{long}"}},"method":"tools/call","id":"long"}}"#);
    let unheard = r#"{"jsonrpc":"2.0","id":7,"method":"tools/remove"}"#;
    let cases: Vec<(Vec<u8>, Value, i64)> = vec![
        (b"ready to serve".to_vec(), json!(null), -32700),
        (b"\xff\xfe\x00".to_vec(), json!(null), -32700),
        (br#"{"jsonrpc":"2.0","id":"cut","method":"tools/ca"#.to_vec(), json!("cut"), -32700),
        (call("deep", "recall", deep.as_bytes()), json!("deep"), -32700),
        (call("huge", "recall", br#"{"limit":1e999}"#), json!("huge"), -32700),
        (long.into_bytes(), json!("long"), -32600),
        (br#"{"id":3,"method":"ping","result":null}"#.to_vec(), json!(3), -32600),
        (br#"{"jsonrpc":"2.0","id":4}"#.to_vec(), json!(4), -32600),
        (br#"{"jsonrpc":"2.0","id":5,"method":"ping","params":["a"]}"#.to_vec(), json!(5), -32602),
        (call("list", "recall", b"[1]"), json!("list"), -32602),
        (call("nobody", "recal\\n", b"{}"), json!("nobody"), -32602),
        (
            br#"{"jsonrpc":"2.0","id":6,"method":"tools/list","params":{"cursor":"p2"}}"#.to_vec(),
            json!(6),
            -32602,
        ),
        (unheard.as_bytes().to_vec(), json!(7), -32601),
    ];
    for (line, id, code) in cases {
        let shown: String = String::from_utf8_lossy(&line).chars().take(80).collect();
        assert_eq!(raw.refusal(&line), (id, code), "{shown}");
        assert!(is_alive(&mut raw), "{shown}");
    }
    assert!(raw.end().0.success());
}

#[test]
fn what_is_not_declared_is_not_found() {
    let mut raw = Raw::start().greeted();
    for method in ["resources/subscribe", "resources/unsubscribe", "logging/setLevel", "tasks/get"]
    {
        let line = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {}});
        assert_eq!(raw.refusal(line.to_string().as_bytes()), (json!(method), -32601));
    }
}

#[test]
fn a_name_that_is_not_known_comes_back_short_and_a_request_of_it_is_no_warning() {
    let mut raw = Raw::start().greeted();
    let unknown = "marker".repeat(2_000);
    for (method, params) in [
        (unknown.as_str(), json!({})),
        ("tools/call", json!({"name": unknown})),
        ("tools/call", json!({"name": "recall", "arguments": {&unknown: 1}})),
    ] {
        raw.send_json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        let reply = raw.reply(&json!(1)).to_string();
        assert!(reply.contains("marker") && reply.len() < 700, "{reply}");
    }
    let (status, log) = raw.end();
    assert!(status.success() && log.is_empty(), "{log}");
}

#[test]
fn nothing_of_a_message_is_logged_at_any_level() {
    let args = ["--log-level", "trace"].map(std::ffi::OsStr::new);
    let mut raw = Raw::start_in(None, &args, &[]);
    raw.send(br#"{"jsonrpc":"2.0","method":"notifications/marker","params":{"a":"marker"}}"#);
    raw.send(b"marker");
    raw.hello(&json!({"experimental": {"marker": {}}}), "2025-11-25");
    raw.call("a", "remember", &json!({"text": "The marker lies under the bridge"}));
    raw.call("b", "recall", &json!({"query": "where is the marker"}));
    raw.call("c", "start_episode", &json!({"task": "Find the marker", "marker": 1}));
    raw.call("d", "marker", &json!({}));
    raw.send(br#"{"jsonrpc":"2.0","id":"e","method":"marker","params":{"a":"marker"}}"#);
    raw.send(br#"{"jsonrpc":"2.0","id":"f","method":"ping","marker"}"#);
    for id in ["a", "b", "c", "d", "e", "f"] {
        _ = raw.reply(&json!(id));
    }
    raw.send_json(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 1, "reason": "marker"}}));
    let (status, log) = raw.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("DEBUG") && log.contains("refused"), "nothing is logged at all: {log}");
    assert!(!log.contains("marker"), "{log}");
}

#[test]
fn batches_are_answered_together_where_the_protocol_has_them() {
    let batch = br#"[{"jsonrpc":"2.0","id":1,"method":"ping"},
        {"jsonrpc":"2.0","method":"notifications/initialized"},7,
        {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"status"}},
        {"jsonrpc":"2.0","id":3,"method":"no/such"}]"#;
    let batch: Vec<u8> = batch.iter().copied().filter(|byte| *byte != b'\n').collect();
    let mut raw = Raw::start();
    raw.hello(&json!({}), "2025-03-26");
    raw.send(&batch);
    let replies = raw.wait_for(Value::is_array);
    let mut ids: Vec<String> =
        replies.as_array().unwrap().iter().map(|reply| reply["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "null"], "{replies}");
    assert_eq!(raw.refusal(b"[]"), (Value::Null, -32600));

    let mut raw = Raw::start().greeted();
    raw.send(&batch);
    for id in [1, 2, 3] {
        assert_eq!(raw.reply(&json!(id))["error"]["code"], -32600);
    }
    assert!(is_alive(&mut raw));
}

#[test]
fn an_id_that_waits_for_its_answer_is_not_taken_twice() {
    let mut raw = Raw::start().greeted();
    let line = call("twice", "status", b"{}");
    raw.send(&[line.as_slice(), line.as_slice()].join(&b'\n'));
    let replies = [raw.reply(&json!("twice")), raw.reply(&json!("twice"))];
    let n_refused = replies.iter().filter(|reply| reply["error"]["code"] == -32600).count();
    assert!(n_refused <= 1 && replies.iter().any(|reply| reply.get("result").is_some()));
}

#[test]
fn separators_that_some_clients_take_for_the_end_of_a_line_leave_escaped() {
    let mut raw = Raw::start().greeted();
    for (n, separator) in ["\u{85}", "\u{2028}", "\u{2029}"].iter().enumerate() {
        let text = format!("otters{separator}sleep on raft {n}");
        let id = format!("kept {n}");
        raw.call(&id, "remember", &json!({"text": text}));
        _ = raw.reply(&json!(id));
        raw.call("found", "recall", &json!({"query": format!("otters sleep on raft {n}")}));
        let line = String::from_utf8(raw.line()).unwrap();
        assert!(!line.contains(['\u{85}', '\u{2028}', '\u{2029}']), "{line:?}");
        let reply: Value = serde_json::from_str(&line).unwrap();
        let hits = reply["result"]["structuredContent"]["hits"].as_array().unwrap();
        assert!(hits.iter().any(|hit| hit["text"] == *text), "{line}");
    }
}

#[test]
fn the_last_line_of_the_input_may_lack_its_end() {
    let mut raw = Raw::start().greeted();
    let mut stdin = raw.take_stdin();
    stdin.write_all(br#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).unwrap();
    drop(stdin);
    assert_eq!(raw.reply(&json!(9))["result"], json!({}));
    assert!(raw.end().0.success());
}

#[test]
fn a_client_that_does_not_read_is_not_read_from_either() {
    const N_REQUESTS: usize = 20_000;
    // Both pipes hold some thousand small messages; what is sent beyond that would be kept in
    // memory.
    const MAX_TAKEN: usize = 8_000;
    let mut raw = Raw::start().greeted();
    let mut stdin = raw.take_stdin();
    let (sent, n_sent) = mpsc::channel();
    let writer = thread::spawn(move || {
        for n in 0..N_REQUESTS {
            writeln!(stdin, r#"{{"jsonrpc":"2.0","id":{n},"method":"ping"}}"#).unwrap();
            sent.send(n).unwrap();
        }
        stdin
    });
    let mut n_taken = 0;
    while let Ok(n) = n_sent.recv_timeout(Duration::from_secs(3)) {
        n_taken = n;
        assert!(n < MAX_TAKEN, "the server reads on");
    }
    assert!(n_taken > 100, "{n_taken}");
    for _ in 0..N_REQUESTS {
        _ = raw.line();
    }
    drop(writer.join().unwrap());
    assert!(raw.end().0.success());
}
