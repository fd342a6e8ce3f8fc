//! Every kind of line, and the message or the error that it becomes.

use super::*;

fn one(line: &[u8]) -> Incoming {
    match parse(line) {
        Parsed::Single(incoming) => incoming,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(line)),
    }
}

/// Id and code of the error that answers a line.
fn refused(line: &str) -> (Value, i32) {
    match one(line.as_bytes()) {
        Incoming::Refused(Refusal { id, code, message }) => {
            assert!(!message.is_empty() && message.len() < 400, "{message}");
            (id, code)
        }
        other => panic!("{line}: {other:?}"),
    }
}

/// The request that a line is read as.
fn served(line: &[u8]) -> ClientRequest {
    match one(line) {
        Incoming::Message(message) => message.into_request().unwrap().0,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(line)),
    }
}

/// The arguments of the tool call that a line is read as.
fn arguments(line: &[u8]) -> Option<Value> {
    match served(line) {
        ClientRequest::CallToolRequest(call) => call.params.arguments.map(Value::Object),
        other => panic!("{other:?}"),
    }
}

fn call(arguments: &str) -> Vec<u8> {
    let params = format!("{{\"name\":\"recall\",\"arguments\":{arguments}}}");
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#).into_bytes()
}

#[test]
fn half_an_emoji_and_bytes_that_are_not_utf8_cost_a_character_and_not_the_request() {
    for (sent, taken) in [
        (r#"{"query":"a \ud83d b"}"#.as_bytes(), "a \u{fffd} b"),
        (r#"{"query":"\udc00"}"#.as_bytes(), "\u{fffd}"),
        (r#"{"query":"\ud83d\ude80"}"#.as_bytes(), "\u{1f680}"),
        (b"{\"query\":\"J\xf6rg\"}", "J\u{fffd}rg"),
    ] {
        let sent = [
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":".as_slice(),
            b"{\"name\":\"recall\",\"arguments\":",
            sent,
            b"}}",
        ]
        .concat();
        assert_eq!(arguments(&sent), Some(json!({"query": taken})));
    }
}

#[test]
fn what_is_not_json_is_a_parse_error_with_the_id_where_one_can_be_read() {
    let deep = format!(r#"{{"id":4,"method":"tools/call","params":{}"#, "[".repeat(5_000));
    for (line, id) in [
        ("not json", json!(null)),
        ("{", json!(null)),
        (r#"{"jsonrpc":"2.0","id":"x","method":"ping",}"#, json!("x")),
        (r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":{"n":1e400}}"#, json!(2)),
        (r#"{"jsonrpc":"2.0","method":"ping","params":{a:1},"id":3}"#, json!(3)),
        (&deep, json!(4)),
        ("\0\0", json!(null)),
    ] {
        assert_eq!(refused(line), (id, PARSE_ERROR), "{line:.60}");
    }
}

#[test]
fn json_that_is_no_request_is_an_invalid_request() {
    for (line, id) in [
        ("null", json!(null)),
        ("42", json!(null)),
        ("\"text\"", json!(null)),
        ("{}", json!(null)),
        (r#"{"jsonrpc":"2.0","id":5}"#, json!(5)),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, json!(1.5)),
        (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, json!(u64::MAX)),
        (r#"{"jsonrpc":"2.0","id":"a","method":7}"#, json!("a")),
        (r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, json!("a")),
        (r#"{"id":1,"method":"ping","result":null}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#, json!(1)),
    ] {
        assert_eq!(refused(line), (id, INVALID_REQUEST), "{line}");
    }
}

#[test]
fn a_served_method_with_wrong_params_is_not_called_unknown() {
    for (method, params) in [
        ("ping", "[1]"),
        ("ping", "\"x\""),
        ("tools/list", "[]"),
        ("tools/list", r#"{"cursor":5}"#),
        ("initialize", "{}"),
        ("tools/call", "null"),
        ("tools/call", "[1]"),
        ("tools/call", r#"{"arguments":{}}"#),
        ("tools/call", r#"{"name":7}"#),
        ("tools/call", r#"{"name":"recall","arguments":[]}"#),
        ("tools/call", r#"{"name":"recall","arguments":"{"}"#),
        ("tools/call", r#"{"name":"recall","arguments":"[1]"}"#),
        ("tools/call", r#"{"name":"recall","_meta":7}"#),
    ] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":"i","method":"{method}","params":{params}}}"#);
        assert_eq!(refused(&line), (json!("i"), INVALID_PARAMS), "{line}");
    }
}

#[test]
fn what_is_not_declared_is_refused_with_a_sentence_and_a_short_name() {
    let long = "m/".repeat(5_000);
    let methods = ["resources/subscribe", "tasks/get", "logging/setLevel", &long];
    for method in methods {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        assert_eq!(refused(&line), (json!(1), METHOD_NOT_FOUND), "{method:.40}");
    }
}

#[test]
fn arguments_are_taken_as_an_object_in_a_text_too() {
    assert_eq!(arguments(&call(r#""{\"query\":\"x\"}""#)), Some(json!({"query": "x"})));
    for nothing in ["null", "\"\"", "\" \""] {
        assert_eq!(arguments(&call(nothing)), None, "{nothing}");
    }
}

#[test]
fn a_mark_of_byte_order_white_space_and_null_params_are_passed_over() {
    for line in [
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        "  {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}\r",
        "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"ping\",\"params\":{},\"session\":\"x\"}",
    ] {
        assert!(matches!(served(line.as_bytes()), ClientRequest::PingRequest(_)), "{line}");
    }
    assert!(matches!(parse(b" \r"), Parsed::Nothing));
}

#[test]
fn notifications_and_answers_that_mean_nothing_here_are_ignored() {
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/unheard/of"}"#,
        r#"{"jsonrpc":"2.0","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#,
        r#"{"jsonrpc":"2.0","id":{},"result":7}"#,
    ] {
        assert!(matches!(one(line.as_bytes()), Incoming::Ignored), "{line}");
    }
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":0,"result":{"roots":[]}}"#,
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"no"}}"#,
    ] {
        assert!(matches!(one(line.as_bytes()), Incoming::Message(_)), "{line}");
    }
}

#[test]
fn a_request_that_is_cut_or_damaged_anywhere_after_its_id_is_still_answered() {
    let arguments = br#"{"query":"a \ud83d\ude80 b","limit":[1.5e3,null]}"#;
    let head = br#"{"jsonrpc":"2.0","id":"x7","method":"tools/call","params":"#;
    let whole = &[head, br#"{"name":"recall","arguments":"#.as_slice(), arguments, b"}}"].concat();
    let after_id = whole.windows(4).position(|part| part == b"x7\",").unwrap() + 4;
    let answered = |line: &[u8]| match one(line) {
        Incoming::Refused(refusal) => refusal.id == "x7",
        Incoming::Message(message) => message.into_request().is_some(),
        Incoming::Ignored => false,
    };
    for at in after_id..whole.len() {
        assert!(answered(&whole[..at]), "cut at {at}");
        for byte in [b'"', b'{', b'}', b'\\', b',', 0, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            // A quotation mark or a bracket too many may hide the method, and nothing else.
            let text = String::from_utf8_lossy(&damaged).into_owned();
            assert!(answered(&damaged), "{text}");
        }
    }
}

#[test]
fn a_batch_is_taken_apart() {
    match parse(br#"[{"jsonrpc":"2.0","id":1,"method":"ping"},7]"#) {
        Parsed::Batch(items) => assert_eq!(items.len(), 2),
        other => panic!("{other:?}"),
    }
}
