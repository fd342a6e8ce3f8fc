//! Arguments that are taken, and the refusals of the rest.

use memory_core::{NoteKind, Outcome, Period};
use serde_json::{Value, json};

use super::*;
use crate::wire::{Ids, Items, JsonText, Labels, One, Several, Texts};

arguments! {
    /// Every type of field.
    struct Args {
        query: String = "What",
        outcome: One<Outcome> = "",
        limit: Option<u64> = "How many",
        explain: Option<bool> = "",
        tags: Labels = "",
        lessons: Texts = "",
        kinds: Several<NoteKind> = "",
        since: Option<Period> = "",
        steps: Items<StepArgs> = "",
    }
}

arguments! {
    /// A nested object.
    struct StepArgs {
        tool: String = "",
        args: JsonText = "",
        observation: Option<String> = "",
    }
}

/// Reads the arguments with `changes` over a valid call.
fn read(changes: &Value) -> Result<Args, String> {
    let mut raw = json!({"query": "q", "outcome": "success", "steps": []});
    let raw = raw.as_object_mut().unwrap();
    raw.extend(changes.as_object().unwrap().clone());
    Args::read(raw.clone(), &Place::Root).map_err(|BadArgument(text)| text)
}

fn refused(changes: &Value) -> String {
    read(changes).unwrap_err()
}

#[test]
fn strings_are_taken_for_numbers_and_truths() {
    for sent in [json!(12), json!(true)] {
        assert!(refused(&json!({"query": sent})).starts_with("query: expected a string"), "{sent}");
    }
    for limit in [json!(7), json!("7"), json!(" 7 "), json!(7.0), json!("7.0")] {
        assert_eq!(read(&json!({"limit": limit})).unwrap().limit, Some(7), "{limit}");
    }
    for (explain, meant) in [(json!("true"), true), (json!("False"), false), (json!(true), true)] {
        assert_eq!(read(&json!({"explain": explain})).unwrap().explain, Some(meant), "{explain}");
    }
}

#[test]
fn null_and_empty_strings_count_as_not_given() {
    let args = read(&json!({"limit": null, "explain": "", "since": " ", "tags": null})).unwrap();
    assert_eq!((args.query.as_str(), args.outcome.0), ("q", Outcome::Success));
    assert_eq!((args.limit, args.explain, args.since.is_none()), (None, None, true));
    assert!(args.tags.0.is_empty() && args.kinds.0.is_empty());
    assert_eq!(refused(&json!({"query": null})), "query is required");
}

#[test]
fn lists_are_also_taken_as_one_string() {
    for tags in [json!(["a", "b"]), json!("a, b"), json!("[\"a\",\"b\"]")] {
        assert_eq!(read(&json!({"tags": tags})).unwrap().tags.0, ["a", "b"], "{tags}");
    }
    let lessons = read(&json!({"lessons": "first this, then that"})).unwrap().lessons.0;
    assert_eq!(lessons, ["first this, then that"], "a comma does not cut a sentence");
    let kinds = read(&json!({"kinds": "fact,Lesson"})).unwrap().kinds.0;
    assert_eq!(kinds, [NoteKind::Fact, NoteKind::Lesson]);
    for steps in [json!({"tool": "t"}), json!("{\"tool\":\"t\"}"), json!("[{\"tool\":\"t\"}]")] {
        let read = read(&json!({"steps": steps})).unwrap().steps.0;
        assert_eq!(read[0].tool, "t", "{steps}");
        assert!(read[0].observation.is_none(), "{steps}");
    }
}

#[test]
fn json_of_any_type_is_kept_as_text() {
    for (args, text) in [
        (json!({"a": 1}), "{\"a\":1}"),
        (json!([1]), "[1]"),
        (json!("ls"), "ls"),
        (json!(null), ""),
    ] {
        let steps = read(&json!({"steps": [{"tool": "t", "args": args}]})).unwrap().steps.0;
        assert_eq!(steps[0].args.0, text);
    }
}

#[test]
fn an_unknown_field_is_named_with_the_nearest_one() {
    assert_eq!(
        refused(&json!({"steps": [{"tool": "t", "obsrvation": "x"}]})),
        "unknown field `obsrvation` in steps[0]; did you mean `observation`?"
    );
    assert_eq!(refused(&json!({"Limit": 3})), "unknown field `Limit`; did you mean `limit`?");
    let far = refused(&json!({"colour": "red"}));
    assert!(far.starts_with("unknown field `colour`; known fields: query, outcome"), "{far}");
    let long = refused(&json!({"é".repeat(5_000): 1}));
    assert!(long.len() < 400, "{}", long.len());
}

#[test]
fn a_name_that_models_guess_is_taken_for_the_field() {
    let steps = json!([{"tool_name": "t", "arguments": {"a": 1}, "output": "x"}]);
    let read_steps = read(&json!({"steps": steps})).unwrap().steps.0;
    let step = &read_steps[0];
    let read_step = (step.tool.as_str(), step.args.0.as_str(), step.observation.as_deref());
    assert_eq!(read_step, ("t", "{\"a\":1}", Some("x")));
    let both = json!({"steps": [{"tool": "t", "observation": "x", "result": "y"}]});
    let twice = "steps[0].observation is given twice, also as `result`: give it once";
    assert_eq!(refused(&both), twice);
    let null = json!({"steps": [{"tool": "t", "observation": "x", "result": null}]});
    assert_eq!(read(&null).unwrap().steps.0[0].observation.as_deref(), Some("x"));
    assert_eq!(read(&json!({"top_k": 3})).unwrap().limit, Some(3));
}

#[test]
fn fields_that_clients_add_are_passed_over() {
    let added = json!({"toolCallId": "c", "_meta": {"a": 1}, "sessionId": [], "task_progress": "x",
        "steps": [{"tool": "t", "tool_use_id": 7}]});
    assert_eq!(read(&added).unwrap().steps.0[0].tool, "t");
}

#[test]
fn a_list_that_a_call_cannot_do_without_is_required() {
    let at = Place::Field(&Place::Root, "ids");
    for nothing in [None, Some(json!(null))] {
        assert_eq!(Ids::take(nothing, &at).unwrap_err().0, "ids is required");
    }
    assert_eq!(Ids::take(Some(json!("a,b")), &at).unwrap().0, ["a", "b"]);
}

#[test]
fn a_wrong_type_names_field_expectation_and_value() {
    let cases = [
        (json!({"query": [5]}), "query: expected a string, got an array of 1 items"),
        (json!({"limit": -1}), "limit: expected a whole number of at least 0, got the number -1"),
        (
            json!({"limit": "x"}),
            "limit: expected a whole number of at least 0, got the string \"x\"",
        ),
        (json!({"explain": 1}), "explain: expected true or false, got the number 1"),
        (json!({"tags": {}}), "tags: expected an array of strings, got an object"),
        (json!({"tags": [{}]}), "tags[0]: expected a string, got an object"),
        (json!({"steps": [[]]}), "steps[0]: expected an object, got an array of 0 items"),
        (json!({"steps": [{}]}), "steps[0].tool is required"),
        (
            json!({"outcome": "won"}),
            "outcome: expected one of success, partial, failure, abstained, unjudged, got the \
             string \"won\"",
        ),
    ];
    for (changes, message) in cases {
        assert_eq!(refused(&changes), message);
    }
    assert!(refused(&json!({"since": "soon"})).contains("such as 2026-03-31"));
}

#[test]
fn the_schema_lists_required_fields_and_inlines_nested_ones() {
    let schema = Value::Object(object_schema(Args::FIELDS, false));
    assert_eq!(schema["required"], json!(["query", "outcome", "steps"]));
    assert_eq!(
        schema["properties"]["limit"],
        json!({"type": "integer", "description": "How many"})
    );
    let step = &schema["properties"]["steps"]["items"];
    assert_eq!(step["required"], json!(["tool"]));
    assert_eq!(step["properties"]["observation"], json!({"type": "string"}));
    assert_eq!(step["properties"]["args"], json!({"type": "string"}), "no bare object");
}
