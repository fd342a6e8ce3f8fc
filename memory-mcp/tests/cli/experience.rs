//! Links, feedback, checkpoints and policies, and exports that keep all of it.

use std::sync::Arc;

use memory_core::{
    Completion, EpisodeId, Memory, NewEpisode, NewNote, NewStep, NoteId, NoteKind, Outcome,
    Relation, RelationKind, Scope, Shown, Source, Timestamp,
};
use memory_storage_turso::{Options, TursoStorage};
use serde_json::{Value, json};

use crate::home::Home;

fn open(home: &Home) -> Memory {
    let storage = TursoStorage::open(&home.path("memory.db"), &Options::default()).unwrap();
    let memory = Memory::builder(Arc::new(storage)).open().unwrap();
    memory.refresh().unwrap();
    memory
}

fn scope() -> Scope {
    Scope::new("acme/shop").unwrap()
}

fn remember(memory: &Memory, text: &str) -> NoteId {
    memory.remember(NewNote::new(scope(), NoteKind::Lesson, text)).unwrap().value.id()
}

fn start(memory: &Memory, new: NewEpisode) -> EpisodeId {
    memory.start(new).unwrap().value
}

fn end(memory: &Memory, id: EpisodeId, completion: Completion) {
    memory.finish(id, completion).unwrap();
}

/// A store in which every link and count is set; returns an ended episode, an open one and a note.
fn lived(home: &Home) -> (EpisodeId, EpisodeId, NoteId) {
    let memory = open(home);
    let foreign = Source { importer: "other-agent".into(), external_id: "7".into() };
    let foreign = NewNote {
        source: Some(foreign),
        ..NewNote::new(scope(), NoteKind::Fact, "The staging database is reset at night")
    };
    let foreign = memory.remember(foreign).unwrap().value.id();
    let first = start(&memory, NewEpisode::new(scope(), "Fix the flaky login test"));
    let own = memory.checkpoint(first, "Half of it is done").unwrap().value;
    memory.log(first, vec![NewStep { tool: "bash".into(), ..NewStep::default() }]).unwrap();
    memory.checkpoint(first, "One step later").unwrap();
    // What an episode follows comes later in an export than the episode.
    let later = remember(&memory, "Stop postgres before the tests are run");
    remember(&memory, "stop postgres before the tests are run!");
    let gone = remember(&memory, "Restart the machine");
    let completion = Completion {
        outcome: Some(Outcome::Failure),
        reward: Some(0.25),
        surprise: Some(-0.123_456_789_012_345_6),
        followed: vec![later.into(), own.into(), foreign.into(), gone.into()],
        lessons: vec!["Look at the port first".to_owned()],
        ..Completion::default()
    };
    end(&memory, first, completion);
    let second = NewEpisode {
        relations: vec![
            Relation { kind: RelationKind::Retries, episode: first },
            Relation { kind: RelationKind::PartOf, episode: first },
        ],
        shown: vec![
            Shown { record: later.into(), strong: true },
            Shown { record: first.into(), strong: false },
            Shown { record: gone.into(), strong: true },
            Shown { record: foreign.into(), strong: false },
        ],
        ..NewEpisode::new(scope(), "Fix the flaky login test")
    };
    let second = start(&memory, second);
    memory.feedback(&[first.into(), later.into()], true).unwrap();
    memory.feedback(&[later.into(), foreign.into()], false).unwrap();
    memory.forget(&[gone.into()]).unwrap();
    (first, second, later)
}

#[test]
fn links_feedback_and_repetitions_survive_export_and_import() {
    let home = Home::new();
    let (first, second, later) = lived(&home);
    let exported = home.run(&["export"]).ok().out;
    let lines: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |id: String| lines.iter().find(|line| line["id"] == id).unwrap();
    let ended = line(first.to_string());
    assert_eq!(ended["followed"][0], json!({"note": later.to_string()}));
    assert_eq!(ended["followed"][2], json!({"note": {"importer": "other-agent", "id": "7"}}));
    assert_eq!(ended["followed"].as_array().unwrap().len(), 3, "what is forgotten is left out");
    assert_eq!(
        (&ended["surprise"], &ended["n_helpful"]),
        (&json!(-0.123_456_789_012_345_6), &json!(1))
    );
    let open = line(second.to_string());
    assert_eq!(open["relations"][0], json!({"episode": first.to_string(), "kind": "retries"}));
    assert_eq!(open["shown"][1], json!({"episode": first.to_string(), "strong": false}));
    let note = line(later.to_string());
    assert_eq!([&note["n_merged"], &note["n_helpful"], &note["n_unhelpful"]], [&json!(1); 3]);
    assert!(note["merged_at"].is_string(), "{note}");
    let place = lines.iter().find(|line| line["text"] == "One step later").unwrap();
    assert_eq!((&place["kind"], &place["position"]), (&json!("checkpoint"), &json!(1)));

    let fresh = Home::new();
    fresh.write("all.jsonl", &exported);
    let report = fresh.run(&["import", "jsonl", "all.jsonl", "--json"]).ok().value();
    assert_eq!((&report["n_links_unknown"], &report["n_bad"]), (&json!(0), &json!(0)));
    assert_eq!(fresh.run(&["export"]).ok().out, exported);
    let before = fresh.run(&["stats", "--json"]).ok().value();
    fresh.run(&["import", "jsonl", "all.jsonl"]).ok();
    let after = fresh.run(&["stats", "--json"]).ok().value();
    assert_eq!(before["seq"], after["seq"], "not a single change");
    home.write("all.jsonl", &exported);
    let report = home.run(&["import", "jsonl", "all.jsonl", "--json"]).ok().value();
    assert_eq!(report["n_new"], 0);
    assert_eq!(home.run(&["export"]).ok().out, exported);
}

#[test]
fn links_that_an_interrupted_import_left_out_are_made_up_for() {
    let home = Home::new();
    let episode = json!({"id": "e", "task": "Fix it", "outcome": "success", "ts": "2025-01-01",
        "followed": [{"note": "n1"}, {"note": "n2"}], "shown": [{"note": "n1", "strong": true}]});
    let note = |id: &str| json!({"id": id, "text": format!("Do {id}"), "ts": "2025-01-01"});
    // As if it had stopped after these lines.
    let report = home.import(&[episode.clone(), note("n1")]);
    assert_eq!(report["n_links_unknown"], 1);
    assert_eq!(home.export(&["--kind", "episode"])[0]["followed"], json!([{"note": "n1"}]));
    let report = home.import(&[episode.clone(), note("n1"), note("n2")]);
    assert_eq!((&report["n_new"], &report["n_links_unknown"]), (&json!(1), &json!(0)));
    assert_eq!(home.export(&["--kind", "episode"])[0]["followed"], episode["followed"]);
    // What is known is not taken back by a file that knows less.
    let less = json!({"id": "e", "task": "Fix it", "followed": [{"note": "n2"}]});
    home.import(&[less]);
    assert_eq!(home.export(&["--kind", "episode"])[0]["followed"], episode["followed"]);
}

#[test]
fn a_judgement_is_counted_and_reported() {
    let home = Home::new();
    let (first, _, later) = lived(&home);
    let (first, later) = (first.to_string(), later.to_string());
    let said = home.run(&["feedback", &first, &later, &later, "--helpful"]).ok().out;
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("helps with probability 0.75 (before: 0.67): 2 helpful"), "{said}");
    let said = home.run(&["feedback", &later, "--unhelpful", "--json"]).ok().value();
    assert_eq!((&said["n_helpful"], &said["n_unhelpful"]), (&json!(2), &json!(2)));
    home.run(&["feedback", &later]).fails(2, &["--helpful"]);
    home.run(&["feedback", &later, "--helpful", "--unhelpful"]).fails(2, &["cannot be used with"]);
    home.run(&["feedback", "--helpful"]).fails(2, &["IDS"]);
    home.run(&["feedback", "00000000", "--helpful"]).fails(1, &["no record 00000000 is stored"]);
}

#[test]
fn an_episode_is_checkpointed_and_handed_over() {
    let home = Home::new();
    let (first, second, _) = lived(&home);
    let (first, second) = (first.to_string(), second.to_string());
    home.run(&["checkpoint", &second]).fails(2, &["NOTE"]);
    home.run(&["checkpoint", &second, " "]).fails(2, &["text: must not be empty"]);
    home.run(&["checkpoint", &first, "more"]).fails(1, &["is already completed"]);
    let kept = home.pipe(&["checkpoint", &second, "-"], "The port is taken").ok().out;
    assert!(kept.starts_with("checkpoint ") && kept.ends_with(" kept\n"), "{kept}");
    let pack = home.run(&["checkpoint", &second, "Next: stop it", "--handoff"]).ok().out;
    for text in ["> The port is taken", "> Next: stop it", "> Fix the flaky login test", "open"] {
        assert!(pack.contains(text), "`{text}` is not in: {pack}");
    }
    let pack = home.run(&["checkpoint", &first, "--handoff", "--json"]).ok().value();
    assert_eq!(
        (&pack["checkpoint_id"], &pack["handoff"]["outcome"]),
        (&Value::Null, &json!("failure"))
    );
}

#[test]
fn show_gives_links_feedback_and_repetitions() {
    let home = Home::new();
    let (first, second, later) = lived(&home);
    let shown = |id: String| home.run(&["show", &id]).ok().out;
    let ended = shown(first.to_string());
    for text in ["followed    note ", "(forgotten)", "feedback    1 helpful, 0 unhelpful"] {
        assert!(ended.contains(text), "`{text}` is not in: {ended}");
    }
    let open = shown(second.to_string());
    for text in ["retries     episode ", "part of     episode ", "shown       note ", "(weak)"] {
        assert!(open.contains(text), "`{text}` is not in: {open}");
    }
    let note = shown(later.to_string());
    for text in ["repeated    1 time(s), last 2", "feedback    1 helpful, 1 unhelpful"] {
        assert!(note.contains(text), "`{text}` is not in: {note}");
    }
    let value = home.run(&["show", &first.to_string(), "--json"]).ok().value();
    assert_eq!(
        (&value["n_helpful"], &value["followed"][0]),
        (&json!(1), &json!(later.to_string()))
    );
}

#[test]
fn a_recall_knows_what_was_followed_to_success() {
    let home = Home::new();
    let memory = open(&home);
    let followed = remember(&memory, "Stop postgres before the tests");
    let shown = vec![Shown { record: followed.into(), strong: true }];
    for task in ["Fix the login test", "Fix the cart test"] {
        let new = NewEpisode { shown: shown.clone(), ..NewEpisode::new(scope(), task) };
        let followed = vec![followed.into()];
        let outcome = Some(Outcome::Success);
        let episode = start(&memory, new);
        end(&memory, episode, Completion { outcome, followed, ..Completion::default() });
    }
    drop(memory);
    let query = ["recall", "stop postgres", "--scope", "acme/shop", "--kind", "lesson"];
    let ran = home.run(&[&query[..], &["--explain"]].concat()).ok();
    assert!(ran.out.contains("usefulness "), "{}", ran.out);
}

fn old(memory: &Memory) {
    let at =
        |days: i64| Some(Timestamp::from_millis(1_700_000_000_000 + days * 24 * 60 * 60 * 1_000));
    for (n, outcome) in [None, None, Some(Outcome::Failure)].into_iter().enumerate() {
        let task = format!("Old task {n}");
        let new = NewEpisode { started_at: at(0), ..NewEpisode::new(scope(), task) };
        let id = start(memory, new);
        end(memory, id, Completion { outcome, ended_at: at(1), ..Completion::default() });
    }
    let elsewhere = Scope::new("acme/blog").unwrap();
    let note =
        NewNote { valid_to: at(1), ..NewNote::new(elsewhere, NoteKind::Fact, "Closed today") };
    memory.remember(note).unwrap();
}

#[test]
fn a_policy_shows_what_each_rule_names_before_it_is_removed() {
    let home = Home::new();
    let memory = open(&home);
    old(&memory);
    drop(memory);
    let ran = home.run(&["forget", "--policy"]).ok();
    for text in ["abandoned>90d  2", "expired>30d    1", "Old task 0", "Closed today"] {
        assert!(ran.out.contains(text), "`{text}` is not in: {}", ran.out);
    }
    assert!(ran.err.contains("nothing was removed; --yes removes these 3"), "{}", ran.err);
    let own = home.run(&["forget", "--policy", "--scope", "acme/blog", "--json"]).ok().value();
    assert_eq!(own["rules"], json!({"expired>30d": 1}));
    assert_eq!((&own["removed"], &own["dry_run"]), (&json!(0), &json!(true)));
    let set = ["forget", "--policy", "--set", "retention=failure>52w", "--json"];
    let set = home.run(&set).ok().value();
    assert_eq!(
        (&set["policy"], &set["rules"]),
        (&json!("failure>364d"), &json!({"failure>364d": 1}))
    );
    let none = home.run(&["forget", "--policy", "lesson>1d"]).ok();
    assert_eq!(none.out, "nothing is stored that fits\n");
    let gone = home.run(&["forget", "--policy", "abandoned>1d, failure>1d", "--yes"]).ok().out;
    assert!(gone.contains("failure>1d    1") && gone.ends_with("removed 3\n"), "{gone}");
}

#[test]
fn a_wrong_policy_is_refused_with_what_would_be_right() {
    let home = Home::new();
    home.run(&["forget", "--policy", "abandoned"])
        .fails(2, &["policy: `abandoned`: write what>age"]);
    home.run(&["forget", "--policy", "songs>1d"]).fails(2, &["`songs` is none of open"]);
    home.run(&["forget", "--policy", "turn>1d", "--tag", "x"]).fails(2, &["cannot be used with"]);
    home.run(&["forget", "0198aaaa", "--policy", "turn>1d"]).fails(2, &["cannot be used with"]);
    let set = home.run(&["forget", "--policy", "--set", "retention=turn>1y"]);
    set.fails(2, &["`retention` (--set) `turn>1y`: write what>age"]);
    let config = home.run(&["config", "--json"]).ok().value();
    let settings = config["settings"].as_array().unwrap();
    let retention = settings.iter().find(|row| row["key"] == "retention").unwrap();
    let default = memory_core::Retention::default().to_string();
    assert_eq!((&retention["value"], &retention["origin"]), (&json!(default), &json!("default")));
}
