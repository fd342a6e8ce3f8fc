//! The first messages of a session, before anything is called.

use serde_json::{Value, json};

use super::{plain, server, start, text, tools};

const NAMES: [&str; 13] = [
    "start_episode",
    "log_steps",
    "complete_episode",
    "recall",
    "get_episode",
    "recommend",
    "remember",
    "forget",
    "patterns",
    "analyze",
    "feedback",
    "checkpoint",
    "status",
];

#[test]
fn the_server_says_who_it_is_and_when_to_call_what() {
    let said = server().spawn().initialize();
    assert_eq!(said["serverInfo"]["name"], "memory-mcp");
    assert_eq!(said["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    let instructions = text(&said["instructions"]);
    assert!(instructions.lines().count() <= 12, "{instructions}");
    for name in ["start_episode", "log_steps", "complete_episode", "recall", "remember"] {
        assert!(instructions.contains(name), "{name}: {instructions}");
    }
}

#[test]
fn every_protocol_version_with_a_handshake_is_answered_in_kind() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = server().spawn();
        let info = json!({"name": "test", "version": "0"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": info});
        assert_eq!(client.request("initialize", &params)["protocolVersion"], version);
        client.notify("notifications/initialized", &json!({}));
        let health = client.call("status", &json!({})).expect_ok();
        assert_eq!(health["protocol"], version);
    }
}

#[test]
fn a_client_without_handshake_may_call_at_once() {
    let client = server().spawn();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let discovered = client.request("server/discover", &json!({"_meta": meta}));
    assert!(discovered.to_string().contains("2026-07-28"), "{discovered}");
    let call = json!({"name": "status", "arguments": {}, "_meta": meta});
    let answer = client.request("tools/call", &call);
    assert_eq!(answer["structuredContent"]["protocol"], "2026-07-28", "{answer}");
}

/// Tools that a client which defers the others still loads at once.
const AT_ONCE: [&str; 4] = ["start_episode", "log_steps", "complete_episode", "recall"];

#[test]
fn the_tools_are_listed_in_order_within_1_800_tokens_of_which_1_000_are_loaded_at_once() {
    let client = plain().spawn();
    let said = client.initialize();
    let list = client.request("tools/list", &json!({}));
    let listed = list["tools"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|tool| text(&tool["name"])).collect();
    assert_eq!(names, NAMES);
    // Four bytes a token, as everywhere.
    let tokens = |value: &Value| value.to_string().len().div_ceil(4);
    let instructions = tokens(&said["instructions"]);
    let all = tokens(&list["tools"]) + instructions;
    assert!(all <= 1_800, "{all} tokens");
    let is_at_once = |tool: &&Value| AT_ONCE.contains(&text(&tool["name"]));
    let at_once: usize = listed.iter().filter(is_at_once).map(tokens).sum();
    assert!(at_once + instructions <= 1_000, "{at_once} and {instructions} tokens");
    assert!(list["ttlMs"].as_u64().unwrap() >= 3_600_000, "{}", list["ttlMs"]);
    assert_eq!(list["cacheScope"], "public");
}

#[test]
fn a_client_that_defers_tools_loads_four_and_finds_the_rest() {
    for tool in tools(&plain().start()) {
        let (name, meta) = (text(&tool["name"]), &tool["_meta"]);
        let is_at_once = AT_ONCE.contains(&name);
        assert_eq!(meta["anthropic/alwaysLoad"] == true, is_at_once, "{tool}");
        assert_eq!(meta["anthropic/searchHint"].is_string(), !is_at_once, "{tool}");
        assert!(!text(&tool["title"]).is_empty(), "{tool}");
    }
}

#[test]
fn answers_are_text_unless_data_is_asked_for() {
    let (model, program) = (plain().start(), start());
    for (client, has_data) in [(&model, false), (&program, true)] {
        for tool in tools(client) {
            assert_eq!(tool.get("outputSchema").is_some(), has_data, "{tool}");
        }
        let answer = client.call("status", &json!({}));
        assert!(!answer.text.is_empty());
        assert_eq!(answer.structured.is_object(), has_data, "{}", answer.structured);
    }
}

#[test]
fn ids_in_texts_are_short_and_taken_back() {
    let client = plain().start();
    let started = client.call("start_episode", &json!({"task": "Mend the gate"})).text;
    let id = started.split_whitespace().nth(1).unwrap();
    assert_eq!(id.len(), 8, "{started}");
    let log = json!({"episode_id": id, "steps": [{"tool": "bash", "args": "ls"}]});
    assert!(client.call("log_steps", &log).text.contains("1 step"), "{id}");
    let done = json!({"episode_id": id, "outcome": "success", "lessons": ["Oil the hinge"]});
    let done = client.call("complete_episode", &done);
    assert!(!done.is_error && done.text.contains(id), "{}", done.text);
    let shown = client.call("get_episode", &json!({"episode_id": id})).text;
    assert!(shown.contains(&format!("Episode {id} ")), "{shown}");
    assert!(!client.call("feedback", &json!({"ids": [id], "helpful": true})).is_error);
}

#[test]
fn every_tool_says_what_it_does_to_the_store() {
    for tool in tools(&start()) {
        let hints = &tool["annotations"];
        let (reads, destroys) = match text(&tool["name"]) {
            "recall" | "get_episode" | "recommend" | "patterns" | "analyze" | "status" => {
                (true, false)
            }
            "forget" => (false, true),
            _ => (false, false),
        };
        // What is missing is as the protocol takes it.
        let hint = |name: &str, default: bool| hints[name].as_bool().unwrap_or(default);
        assert_eq!(hint("readOnlyHint", false), reads, "{tool}");
        if !reads {
            assert_eq!(hint("destructiveHint", true), destroys, "{tool}");
            assert_eq!(hint("idempotentHint", false), destroys, "{tool}");
        }
    }
}

#[test]
fn what_a_call_cannot_do_without_is_required_and_what_is_one_of_few_is_listed() {
    let tools = tools(&start());
    let schema = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name);
        tool.map(|tool| tool["inputSchema"].clone()).unwrap_or_default()
    };
    assert_eq!(schema("feedback")["required"], json!(["ids", "helpful"]));
    let kinds = json!(["sequence", "decision_point", "recovery", "context"]);
    assert_eq!(schema("patterns")["properties"]["kind"]["enum"], kinds);
}

#[test]
fn every_schema_is_one_flat_object_that_any_client_can_read() {
    for tool in tools(&start()) {
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            assert_eq!(schema["type"], "object", "{tool}");
            walk(schema, text(&tool["name"]));
        }
        bare(&tool["inputSchema"]["properties"], text(&tool["name"]));
    }
}

/// Several providers refuse an object whose properties are not listed, and a list of anything.
fn bare(properties: &Value, at: &str) {
    for (name, property) in properties.as_object().into_iter().flatten() {
        let item = if property["type"] == "array" { &property["items"] } else { property };
        assert!(item["type"].is_string(), "{at}.{name}: {property}");
        if item["type"] == "object" {
            assert!(item["properties"].is_object(), "{at}.{name}: {property}");
            bare(&item["properties"], &format!("{at}.{name}"));
        }
    }
}

fn walk(schema: &Value, at: &str) {
    for key in ["$ref", "$defs", "oneOf", "anyOf", "allOf", "$schema", "format"] {
        assert!(schema.get(key).is_none(), "{at} has {key}: {schema}");
    }
    assert!(schema["type"].is_string(), "{at} has no single type: {schema}");
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.len() <= 40 && name.chars().all(plain), "{at}: {name}");
        walk(property, &format!("{at}.{name}"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(schema["properties"].get(text(required)).is_some(), "{at}: {required}");
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{at}[]"));
    }
}
