//! Feedback, checkpoints, ties and texts remembered again, as a model meets them.

use memory_testkit::stdio::Client;
use serde_json::{Value, json};

use super::{begin, refusal, short, start, text};

const NOBODY: &str = "01990000-0000-7000-8000-000000000000";

/// Stores a note and gives its id.
fn remember(client: &Client, note: &str) -> String {
    let told = client.call("remember", &json!({"text": note})).expect_ok();
    told.get("note_id").map(text).unwrap_or_default().to_owned()
}

fn end(client: &Client, episode: &str, outcome: &str) {
    let args = json!({"episode_id": episode, "outcome": outcome});
    _ = client.call("complete_episode", &args).expect_ok();
}

fn log(client: &Client, episode: &str, steps: &Value) {
    _ = client.call("log_steps", &json!({"episode_id": episode, "steps": steps})).expect_ok();
}

#[test]
fn feedback_says_what_it_changed() {
    let client = start();
    let note = remember(&client, "Stop postgres before the tests");
    let episode = begin(&client, "Fix the tests");
    // A prefix may be that of both, which were made within a moment: the whole id names one.
    let ids = json!([note, episode, note]);
    let said = client.call("feedback", &json!({"ids": ids, "helpful": "true"}));
    assert!(
        said.text.contains(&format!("{}: helps with probability 0.67 (was 0.5", short(&note))),
        "{}",
        said.text
    );
    let judged = said.expect_ok()["judged"].clone();
    assert_eq!(judged.as_array().unwrap().len(), 2, "each once: {judged}");
    assert_eq!((&judged[0]["n_helpful"], &judged[0]["n_unhelpful"]), (&json!(1), &json!(0)));
    let again = client.call("feedback", &json!({"ids": note, "helpful": false})).expect_ok();
    let judged = &again["judged"][0];
    assert_eq!((&judged["n_helpful"], &judged["n_unhelpful"]), (&json!(1), &json!(1)));
    assert_eq!((&judged["before"], &judged["after"]), (&json!(0.67), &json!(0.5)));
}

#[test]
fn feedback_on_what_is_not_stored_is_refused_and_counts_for_nothing() {
    let client = start();
    let (kept, gone) = (remember(&client, "Stop postgres first"), remember(&client, "Restart it"));
    _ = client.call("forget", &json!({"ids": [gone], "dry_run": false})).expect_ok();
    let cases = [
        (json!({"ids": [kept, NOBODY], "helpful": true}), "no record 01990000-0000"),
        (json!({"ids": [kept, gone], "helpful": true}), "no record "),
        (
            json!({"ids": [kept, &NOBODY[..13]], "helpful": true}),
            "no record 01990000-0000 is stored",
        ),
        (json!({"ids": [kept, "it"], "helpful": true}), "ids: `it` is not an id"),
        (json!({"ids": [kept]}), "helpful is required: true or false"),
        (json!({"ids": [kept], "helpful": "very"}), "helpful: expected true or false"),
        (json!({"helpful": true}), "ids is required"),
        (json!({"ids": [], "helpful": true}), "ids: name at least one record"),
        (json!({"ids": vec![kept.clone(); 3], "helpfull": true}), "unknown field `helpfull`"),
    ];
    for (args, begins) in cases {
        let said = refusal(&client, "feedback", &args);
        assert!(said.starts_with(begins), "{args}: {said}");
    }
    let judged = client.call("feedback", &json!({"ids": [kept], "helpful": true})).expect_ok();
    assert_eq!(judged["judged"][0]["n_helpful"], 1, "the refused ones counted nothing");
}

#[test]
fn a_checkpoint_is_told_how_to_be_resumed_from() {
    let client = start();
    let id = begin(&client, "Fix the tests");
    log(&client, &id, &json!([{"tool": "bash", "observation": "2 failed"}]));
    let kept = client.call("checkpoint", &json!({"episode_id": id, "note": "Next: stop it 🛑"}));
    let checkpoint = text(&kept.structured["checkpoint_id"]).to_owned();
    assert!(kept.text.contains(&format!("resume {}", short(&checkpoint))), "{}", kept.text);
    for from in [&checkpoint, &id] {
        let resumed = client.call("start_episode", &json!({"resume": from}));
        assert_eq!(resumed.structured["episode_id"], *id, "{}", resumed.text);
        let says = format!("Go on with episode {}.", short(&id));
        assert!(resumed.text.starts_with(&says), "{}", resumed.text);
        assert!(resumed.text.contains("> Next: stop it 🛑"), "{}", resumed.text);
        assert!(
            resumed.text.contains("checkpoint · just now · after 1 step(s)"),
            "{}",
            resumed.text
        );
    }
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_episodes"], 1, "nothing new was begun");
}

#[test]
fn an_ended_episode_is_resumed_by_a_new_one_that_says_so() {
    let client = start();
    let id = begin(&client, "Fix the tests");
    let kept =
        client.call("checkpoint", &json!({"episode_id": id, "note": "Half of it"})).expect_ok();
    end(&client, &id, "partial");
    let resumed = client.call("start_episode", &json!({"resume": kept["checkpoint_id"]}));
    let next = text(&resumed.structured["episode_id"]).to_owned();
    assert_ne!(next, id);
    let says =
        format!("Episode {} started: log to it. It follows one that has ended:\n", short(&next));
    let says = format!("{says}Episode {} ", short(&id));
    assert!(resumed.text.starts_with(&says), "{}", resumed.text);
    log(&client, &next, &json!([{"tool": "bash"}]));
}

#[test]
fn what_cannot_be_kept_or_resumed_is_refused_with_a_remedy() {
    let client = start();
    let (open, ended) = (begin(&client, "a"), begin(&client, "b"));
    end(&client, &ended, "failure");
    let note = remember(&client, "Stop postgres first");
    let cases = [
        (
            "checkpoint",
            json!({"episode_id": open}),
            "note is required: say where the episode stands",
        ),
        ("checkpoint", json!({"episode_id": open, "note": " "}), "note is required"),
        ("checkpoint", json!({"episode_id": NOBODY, "note": "x"}), "no episode 01990000"),
        ("checkpoint", json!({"episode_id": NOBODY, "handoff": true}), "no episode 01990000"),
        ("checkpoint", json!({"note": "x"}), "episode_id is required"),
        ("start_episode", json!({"resume": NOBODY}), "no record 01990000"),
        ("start_episode", json!({"resume": "yesterday"}), "resume: `yesterday` is not an id"),
        ("start_episode", json!({"resume": ""}), "task is required"),
        ("remember", json!({"text": "x", "kind": "checkpoint"}), "kind: expected one of lesson"),
    ];
    for (tool, args, begins) in cases {
        let said = refusal(&client, tool, &args);
        assert!(said.starts_with(begins), "{tool} {args}: {said}");
    }
    let said = refusal(&client, "checkpoint", &json!({"episode_id": ended, "note": "x"}));
    assert!(said.contains("is already completed; nothing is left to resume"), "{said}");
    let said = refusal(&client, "start_episode", &json!({"resume": note}));
    assert!(said.starts_with("resume: note ") && said.contains("is no checkpoint"), "{said}");
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!((&health["n_episodes"], &health["n_notes"]), (&json!(2), &json!(1)));
}

#[test]
fn a_handoff_of_the_longest_episode_stays_below_25_kilobytes() {
    let client = start();
    let id = begin(&client, &"Fix it 🦀 ".repeat(100_000));
    let failed = json!([{"tool": "cargo", "args": {"a": "é".repeat(9_000)},
        "error": format!("linker: {}", "\u{1f980}\0".repeat(9_000))}]);
    log(&client, &id, &failed);
    for _ in 0..4 {
        log(&client, &id, &json!(vec![json!({"tool": "edit", "observation": "ok"}); 1_249]));
    }
    log(
        &client,
        &id,
        &json!([{"tool": "t".repeat(200), "observation": "x\0".repeat(500_000)}, {"tool": "t",
        "args": "\u{2028}".repeat(9_000), "observation": "z".repeat(9_000),
        "error": "e".repeat(9_000)}]),
    );
    log(&client, &id, &json!([{"tool": "last", "observation": "the end"}]));
    for n in 0..12 {
        let note = format!("Point {n}: {}", "ü\0".repeat(500_000 / 12));
        _ = client.call("checkpoint", &json!({"episode_id": id, "note": note})).expect_ok();
    }
    let long = "1 MB ".repeat(200_000);
    let pack = client.call("checkpoint", &json!({"episode_id": id, "note": long, "handoff": true}));
    let size = pack.structured.to_string().len() + json!(pack.text).to_string().len();
    assert!(size <= 25_000, "{size} bytes");
    let handoff = &pack.structured["handoff"];
    assert_eq!(handoff["n_steps"], 5_000);
    assert!(
        text(&handoff["notes"].as_array().unwrap().last().unwrap()["text"]).starts_with("1 MB")
    );
    assert_eq!(handoff["last_steps"].as_array().unwrap().last().unwrap()["tool"], "last");
    assert_eq!(handoff["open_errors"][0]["tool"], "cargo", "{handoff}");
    assert!(!pack.text.contains('\0'), "{}", pack.text);
}

#[test]
fn a_handoff_without_a_note_writes_nothing() {
    let client = start();
    let id = begin(&client, "Fix the tests");
    let pack =
        client.call("checkpoint", &json!({"episode_id": id, "handoff": "true", "note": " "}));
    assert!(pack.text.contains("> Fix the tests"), "{}", pack.text);
    assert_eq!(pack.structured["checkpoint_id"], Value::Null);
    end(&client, &id, "success");
    let pack = client.call("checkpoint", &json!({"episode_id": id, "handoff": true})).expect_ok();
    assert_eq!(pack["handoff"]["outcome"], "success", "an ended one can be handed over too");
    assert_eq!(client.call("status", &json!({})).expect_ok()["n_notes"], 0);
}

#[test]
fn a_relation_needs_an_episode_that_is_stored() {
    let client = start();
    let first = begin(&client, "Fix the tests");
    let note = remember(&client, "Stop postgres first");
    let cases = [
        (json!({"task": "t", "relation": "retries"}), "related_to is required beside relation"),
        (json!({"task": "t", "related_to": NOBODY}), "no episode 01990000"),
        (json!({"task": "t", "related_to": &NOBODY[..13]}), "no episode 01990000"),
        (json!({"task": "t", "related_to": "first"}), "related_to: `first` is not an id"),
        (json!({"task": "t", "related_to": note}), "no episode "),
        (
            json!({"task": "t", "relation": "likes", "related_to": first}),
            "relation: expected one of follows",
        ),
    ];
    for (args, begins) in cases {
        let said = refusal(&client, "start_episode", &args);
        assert!(said.starts_with(begins), "{args}: {said}");
    }
    let args = json!({"task": "A part of it", "relation": "part_of", "related_to": first});
    _ = client.call("start_episode", &args).expect_ok();
    assert_eq!(client.call("status", &json!({})).expect_ok()["n_episodes"], 2);
}

#[test]
fn an_episode_stays_open_when_what_it_followed_is_not_stored() {
    let client = start();
    let id = begin(&client, "Fix the tests");
    let note = remember(&client, "Stop postgres first");
    for (followed, begins) in
        [(json!([note, NOBODY]), "no record 01990000"), (json!("the hint"), "followed: `the hint`")]
    {
        let args = json!({"episode_id": id, "outcome": "success", "followed": followed});
        let said = refusal(&client, "complete_episode", &args);
        assert!(said.starts_with(begins), "{args}: {said}");
    }
    let args = json!({"episode_id": id, "outcome": "success", "followed": [note, note]});
    _ = client.call("complete_episode", &args).expect_ok();
    let judged = client.call("feedback", &json!({"ids": [note], "helpful": true}));
    assert!(
        judged.text.contains("followed by 1 episode(s) of which 1 succeeded"),
        "{}",
        judged.text
    );
}

#[test]
fn a_text_of_a_note_is_merged_and_one_that_contradicts_it_is_told() {
    let client = start();
    let first = remember(&client, "The staging server listens on port 8080");
    let again =
        client.call("remember", &json!({"text": "the staging server listens on  port 8080."}));
    assert_eq!(
        (&again.structured["fate"], &again.structured["note_id"]),
        (&json!("merged"), &json!(first))
    );
    assert!(
        again.text.starts_with(&format!("already stored as fact {}", short(&first))),
        "{}",
        again.text
    );
    let other =
        client.call("remember", &json!({"text": "The staging server listens on port 9090"}));
    assert_eq!(other.structured["contradicts"], json!([first]), "{}", other.text);
    assert!(
        other.text.contains(&format!("May contradict note {}:\n   > The staging", short(&first))),
        "{}",
        other.text
    );
}

#[test]
fn a_superseded_text_is_not_stored_again_and_the_remedy_works() {
    let client = start();
    let old = remember(&client, "Deploys run from Jenkins");
    let args = json!({"text": "Deploys run from GitHub Actions", "supersedes": old});
    let new = client.call("remember", &args).expect_ok();
    let new = text(&new["note_id"]).to_owned();
    let again = client.call("remember", &json!({"text": "deploys run from Jenkins."}));
    assert_eq!(
        (&again.structured["fate"], &again.structured["note_id"]),
        (&json!("superseded"), &json!(new))
    );
    for says in [
        "not stored",
        "> Deploys run from GitHub Actions",
        &format!("with supersedes {}", short(&new)),
    ] {
        assert!(again.text.contains(says), "`{says}` is not in: {}", again.text);
    }
    let back = json!({"text": "Deploys run from Jenkins", "supersedes": new});
    assert_eq!(client.call("remember", &back).expect_ok()["fate"], "stored");
    let recalled = client.call("recall", &json!({"query": "deploys run from"})).expect_ok();
    let hits = recalled["hits"].as_array().unwrap();
    assert_eq!((hits.len(), &hits[0]["text"]), (1, &json!("Deploys run from Jenkins")));
}

#[test]
fn errors_are_told_before_they_come_and_their_cure_in_eighty_tokens_when_they_do() {
    let client = start();
    let (error, body) =
        ("KeyError: the customer has no field shipping_address", "x = 1; ".repeat(99));
    let run = |command: &str, ok: bool| {
        let said = if ok { "done" } else { error };
        let args = json!({"command": command}).to_string();
        json!({"tool": "bash", "args": args, "observation": said, "ok": ok})
    };
    let edit = |n: u32| {
        let new = format!("{body} {n}");
        let args = json!({"path": "shop/a.py", "old_str": body, "new_str": new}).to_string();
        json!({"tool": "edit", "args": args, "observation": "done"})
    };
    for n in 0..3 {
        let id = begin(&client, "Ship the orders");
        log(
            &client,
            &id,
            &json!([run("make ship", false), edit(n), edit(n + 9), run("make ship", true)]),
        );
        end(&client, &id, "success");
    }
    let begun = client.call("start_episode", &json!({"task": "Ship the orders"}));
    let section = begun.text.split("What will probably go wrong:\n").nth(1).unwrap();
    let line = section.lines().next().unwrap();
    assert!(line.starts_with("- `bash:make` “KeyError: the customer has no"), "{line}");
    assert!(
        line.contains("3 of 3 runs at this task; cured 3 of 3 times: edit shop/a.py: `"),
        "{line}"
    );
    assert!(line.len() <= 240, "{line}");
    let id = text(&begun.structured["episode_id"]).to_owned();
    let args = json!({"episode_id": id, "steps": [run("make ship", false)]});
    let logged = client.call("log_steps", &args).text;
    let cure = logged.split("\n- ").nth(1).unwrap();
    assert!(cure.starts_with("Seen to help 3 of 3 times, last in"), "another edit each: {cure}");
    assert!(cure.contains("\n   > edit shop/a.py: `"), "{cure}");
    assert!(cure.len() <= 320, "{} bytes: {cure}", cure.len());
    let again = client.call("log_steps", &args).text;
    assert!(
        again.ends_with("\nStep 1: the error of step 0 again, whose cure was told."),
        "{again}"
    );
}

#[test]
fn the_same_step_again_and_again_is_shown_once() {
    let client = start();
    let id = begin(&client, "Wait for the build");
    let poll = json!({"tool": "bash", "args": "make status", "observation": "still building"});
    let done = json!({"tool": "bash", "args": "make status", "observation": "built"});
    log(&client, &id, &json!([poll, poll, poll, done]));
    let shown = client.call("get_episode", &json!({"episode_id": id})).text;
    assert!(shown.contains("\n0–2. bash · ok · ×3\n"), "{shown}");
    assert_eq!(shown.matches("still building").count(), 1, "{shown}");
    let handed = client.call("checkpoint", &json!({"episode_id": id, "handoff": true})).text;
    assert_eq!(handed.matches("still building").count(), 1, "{handed}");
}
