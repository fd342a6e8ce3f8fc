//! Prompts, resources and completion: what a person picks in a client.

use serde_json::{Value, json};

use super::{begin, plain, start, text};

#[test]
fn prompts_resources_and_completions_are_declared_and_listed() {
    let client = plain().spawn();
    let declared = client.initialize()["capabilities"].clone();
    for capability in ["tools", "prompts", "resources", "completions"] {
        assert!(declared[capability].is_object(), "{declared}");
    }
    let prompts = client.request("prompts/list", &json!({}));
    let names: Vec<&str> =
        prompts["prompts"].as_array().unwrap().iter().map(|prompt| text(&prompt["name"])).collect();
    assert_eq!(names, ["recall", "handoff", "end-episode"]);
    let templates = client.request("resources/templates/list", &json!({}));
    let uris: Vec<&str> = templates["resourceTemplates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| text(&template["uriTemplate"]))
        .collect();
    let expected = ["memory://episode/{id}", "memory://note/{id}", "memory://scope/{scope}"];
    assert_eq!(uris, expected);
    for list in [&prompts, &templates] {
        assert!(list["ttlMs"].as_u64().unwrap() >= 3_600_000, "{list}");
    }
    let listed = client.request("resources/list", &json!({}));
    let own = text(&listed["resources"][0]["uri"]).to_owned();
    assert!(own.starts_with("memory://scope/"), "{listed}");
    client.request("resources/read", &json!({"uri": own}));
}

#[test]
fn a_prompt_holds_what_the_tool_answers() {
    let client = start();
    let ended = begin(&client, "Mend the gate of the zoo");
    let end = json!({"episode_id": ended, "outcome": "success"});
    _ = client.call("complete_episode", &end).expect_ok();
    let id = begin(&client, "Paint the gate of the zoo");
    let log = json!({"episode_id": id, "steps": [{"tool": "bash", "args": "make gate"}]});
    _ = client.call("log_steps", &log).expect_ok();
    let message = |name: &str, args: Value| {
        let got = client.request("prompts/get", &json!({"name": name, "arguments": args}));
        text(&got["messages"][0]["content"]["text"]).to_owned()
    };
    let tail = id.get(28..).unwrap();
    for (name, args, part) in [
        ("recall", json!({"query": "gate of the zoo"}), "Mend the gate"),
        ("handoff", json!({"episode_id": tail}), "make gate"),
        ("end-episode", json!({"episode_id": id}), "complete_episode"),
    ] {
        let said = message(name, args);
        assert!(said.contains(part), "{name}: {said}");
    }
    for params in [
        json!({"name": "recall"}),
        json!({"name": "handoff", "arguments": {"episode_id": "00000000"}}),
        json!({"name": "no-such"}),
    ] {
        let refused = client.try_request("prompts/get", &params).unwrap_err();
        assert!(format!("{refused:?}").contains("-32602"), "{refused:?}");
    }
}

#[test]
fn records_are_read_by_their_address_and_completed() {
    let client = start();
    let id = begin(&client, "Mend the gate of the zoo");
    let note = client.call("remember", &json!({"text": "The gate is oak"})).expect_ok();
    let note = text(&note["note_id"]).to_owned();
    let read = |uri: &str| {
        let read = client.request("resources/read", &json!({"uri": uri}));
        text(&read["contents"][0]["text"]).to_owned()
    };
    assert!(read(&format!("memory://episode/{id}")).contains("Mend the gate"));
    let shown = read(&format!("memory://note/{}", note.get(28..).unwrap()));
    assert!(shown.contains("   > The gate is oak") && !shown.contains(&note), "{shown}");
    let complete = |reference: Value, argument: &str, typed: &str| {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": typed}});
        client.request("completion/complete", &params)["completion"]["values"].clone()
    };
    let template = |uri: &str| json!({"type": "ref/resource", "uri": uri});
    let episode = json!([id.get(28..).unwrap()]);
    assert_eq!(complete(template("memory://episode/{id}"), "id", ""), episode);
    let prompt = json!({"type": "ref/prompt", "name": "handoff"});
    assert_eq!(complete(prompt, "episode_id", id.get(28..30).unwrap()), episode);
    let scopes = complete(template("memory://scope/{scope}"), "scope", "");
    let scope = text(&scopes[0]).to_owned();
    assert!(read(&format!("memory://scope/{}", scope.replace('/', "%2F"))).contains("oak"));
    let refused = client.try_request("resources/read", &json!({"uri": "file:///etc/passwd"}));
    assert!(format!("{:?}", refused.unwrap_err()).contains("-32602"));
}
