//! The first messages of a session, before anything is called.

use serde_json::{Value, json};

use super::{server, start, text, tools};

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

#[test]
fn the_tools_are_listed_in_order_within_ten_kilobytes() {
    let client = start();
    let list = client.request("tools/list", &json!({}));
    let names: Vec<&str> =
        list["tools"].as_array().unwrap().iter().map(|tool| text(&tool["name"])).collect();
    assert_eq!(names, NAMES);
    let size = list.to_string().len();
    assert!(size <= 10 * 1024, "{size} bytes");
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
        assert_eq!(hints["readOnlyHint"], reads, "{tool}");
        assert_eq!(hints["destructiveHint"], destroys, "{tool}");
        assert_eq!(hints["idempotentHint"], reads || destroys, "{tool}");
        assert_eq!(hints["openWorldHint"], false, "{tool}");
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
