use super::*;

fn rules() -> Rules {
    let now = Period::read("2026-01-01").unwrap().start;
    Rules { scope: None, default_scope: Scope::new("here").unwrap(), kind: None, now }
}

fn parser() -> Parser {
    Parser::new(rules())
}

fn episode(line: &str) -> (NewEpisode, Vec<NewStep>, Option<Completion>, Captured) {
    let captured = parser().parse(line).unwrap();
    let Import::Episode(new, steps, completion) = captured.record.clone() else {
        panic!("not an episode: {line}")
    };
    (*new, steps, completion.map(|c| *c), captured)
}

fn note(parser: &mut Parser, line: &str) -> NewNote {
    match parser.parse(line).unwrap().record {
        Import::Note(note) => *note,
        other => panic!("not a note: {other:?}"),
    }
}

#[test]
fn an_episode_keeps_what_later_work_needs() {
    let (new, steps, completion, _) = episode(
        r#"{"id":7,"task":"fix it","unknown":{"a":[1]},"duration_ms":1500,"ts":"2025-01-01",
        "context":{"project":"shop","task_id":"t-1","tags":["b"],"model":"m","level":2},
        "steps":[{"tool":"bash","verb":"ls","args":{"b":1,"a": "x"},"result":{"n":1},"thought":"hm",
          "ok":false},
                 {"tool":"say","args":"plain","ok":null,"error":"no"}],
        "outcome":"success","reward":1.5}"#,
    );
    assert_eq!((new.scope.as_str(), new.context.model.as_deref()), ("shop", Some("m")));
    assert_eq!(new.context.tags, ["b".into(), "task:t-1".into()]);
    assert_eq!(&*new.source.unwrap().external_id, "7");
    let [first, second] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(first.args, r#"{"b":1,"a": "x"}"#, "arguments are kept to the letter");
    assert_eq!((first.action.as_deref(), first.ok), (Some("ls"), Some(false)));
    assert_eq!(first.observation, r#"{"n":1}"#);
    assert_eq!((second.args.as_str(), second.ok), ("plain", None));
    assert_eq!(first.occurred_at, new.started_at);
    let completion = completion.unwrap();
    assert_eq!((completion.reward, completion.outcome), (Some(1.0), Some(Outcome::Success)));
    let ended = completion.ended_at.unwrap().to_string();
    assert_eq!(ended, "2025-01-01T00:00:01.5Z");
}

#[test]
fn an_episode_without_outcome_is_unjudged_unless_it_is_open_or_abandoned() {
    let (.., completion, _) = episode(r#"{"id":"a","task":"t"}"#);
    assert_eq!(completion.unwrap().outcome, Some(Outcome::Unjudged));
    let (.., completion, _) = episode(r#"{"id":"a","task":"t","status":"abandoned"}"#);
    assert_eq!(completion.unwrap().outcome, None);
    let (.., completion, _) = episode(r#"{"id":"a","task":"t","status":"open"}"#);
    assert_eq!(completion, None);
}

#[test]
fn a_clamped_reward_and_an_unread_time_are_marked() {
    let (.., captured) = episode(r#"{"id":"a","task":"t","reward":-1,"ts":"soon"}"#);
    assert!(captured.is_reward_clamped && captured.is_time_unknown);
    let (new, .., captured) = episode(r#"{"id":"a","task":"t","ts":null,"duration_ms":60000}"#);
    assert!(!captured.is_reward_clamped && !captured.is_time_unknown, "missing is neither");
    assert_eq!(new.started_at.unwrap().to_string(), "2025-12-31T23:59:00Z");
}

#[test]
fn lines_of_a_session_get_its_positions_in_order() {
    let mut parser = parser();
    let line = |n: u32, session: &str| {
        format!(r#"{{"id":"{n}","text":"x","session":"{session}","speaker":"A"}}"#)
    };
    let positions: Vec<u32> = [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "b")]
        .map(|(n, session)| note(&mut parser, &line(n, session)).position)
        .into();
    assert_eq!(positions, [0, 0, 1, 2, 1]);
}

#[test]
fn the_shape_gives_the_kind_of_a_note_unless_it_is_said() {
    let mut parser = parser();
    assert_eq!(note(&mut parser, r#"{"id":"1","text":"x"}"#).kind, NoteKind::Fact);
    let turn = note(&mut parser, r#"{"id":"1","text":"x","speaker":"A"}"#);
    assert_eq!((turn.kind, turn.scope.as_str()), (NoteKind::Turn, "here"));
    let said = note(&mut parser, r#"{"id":"1","text":"x","kind":"lesson"}"#);
    assert_eq!(said.kind, NoteKind::Lesson);
    let scope = Some(Scope::new("other").unwrap());
    let mut forced = Parser::new(Rules { scope, kind: Some(NoteKind::Decision), ..rules() });
    let note = note(&mut forced, r#"{"id":"1","text":"x","kind":"lesson","scope":"mine"}"#);
    assert_eq!((note.kind, note.scope.as_str()), (NoteKind::Decision, "other"));
}

#[test]
fn bad_lines_say_what_is_wrong() {
    for (line, expected) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[1]", "column"),
        (r#"{"id":"a"}"#, "neither `task` nor `text`"),
        (r#"{"task":"t"}"#, "no `id`"),
        (r#"{"id":"a","task":"t","outcome":"won"}"#, "`won` is none of success, partial"),
        (r#"{"id":"a","text":"t","kind":"poem"}"#, "`poem` is none of lesson"),
        (r#"{"id":"a","task":"t","reward":"high"}"#, "expected f64"),
        (r#"{"id":"a","text":"t","scope":"*"}"#, "scope"),
        (r#"{"id":"a","task":"t","followed":[{}]}"#, "followed: each item names either"),
        (r#"{"id":"a","task":"t","followed":["n"]}"#, "expected an object with `note`"),
        (r#"{"id":"a","task":"t","relations":[{"note":"n"}]}"#, "is to an `episode`"),
        (
            r#"{"id":"a","task":"t","relations":[{"episode":"n","kind":"likes"}]}"#,
            "`likes` is none of follows, retries, part_of, duplicates",
        ),
        (r#"{"id":"a","text":"t","n_helpful":-1}"#, "expected u32"),
    ] {
        let reason = parser().parse(line).unwrap_err().to_string();
        assert!(reason.contains(expected) && !reason.contains("line 1"), "{line}: {reason}");
    }
}

#[test]
fn a_half_surrogate_pair_does_not_cost_the_line() {
    let mut parser = parser();
    let said = note(&mut parser, r#"{"id":"1","text":"cut \ud83d here"}"#);
    assert_eq!(said.text, "cut \u{fffd} here");
    let (_, steps, ..) = episode(
        r#"{"id":"a","task":"t \udc00",
        "steps":[{"tool":"b","args":{"c":"\ud83d"},"result":"\ud83d"}]}"#,
    );
    assert_eq!(
        (steps[0].args.as_str(), steps[0].observation.as_str()),
        (r#"{"c":"\ufffd"}"#, "\u{fffd}")
    );
}

#[test]
fn links_name_records_by_kind_and_source() {
    let link = |role, kind, importer: &str, id: &str| Link {
        role,
        kind,
        source: Source { importer: importer.into(), external_id: id.into() },
    };
    let (.., captured) = episode(
        r#"{"id":"a","task":"t","relations":[{"episode":"b","kind":"retries"},{"episode":"c"}],
        "shown":[{"note":"n","strong":true},{"episode":{"importer":"x","id":"d"}}],
        "followed":[{"note":"n"}]}"#,
    );
    let (episode, note) = (RecordKind::Episode, RecordKind::Note);
    assert_eq!(
        captured.links,
        [
            link(LinkRole::Related(RelationKind::Retries), episode, "jsonl", "b"),
            link(LinkRole::Related(RelationKind::Follows), episode, "jsonl", "c"),
            link(LinkRole::Shown { strong: true }, note, "jsonl", "n"),
            link(LinkRole::Shown { strong: false }, episode, "x", "d"),
            link(LinkRole::Followed, note, "jsonl", "n"),
        ]
    );
    let note_line = r#"{"id":"m","text":"t","supersedes":{"importer":"x","id":"n"},"episode":"a"}"#;
    assert_eq!(
        parser().parse(note_line).unwrap().links,
        [
            link(LinkRole::Supersedes, note, "x", "n"),
            link(LinkRole::TaughtBy, episode, "jsonl", "a"),
        ]
    );
}

#[test]
fn author_evidence_and_calls_are_read() {
    let (new, steps, completion, _) = episode(
        r#"{"id":"a","task":"t","outcome":"failure","inferred":"a red test is left",
            "origin":"user","steps":[{"tool":"bash","call_id":"toolu_1","result":"ok"}]}"#,
    );
    assert_eq!((new.origin, steps[0].call_id.as_deref()), (Origin::User, Some("toolu_1")));
    assert_eq!(completion.unwrap().inferred.as_deref(), Some("a red test is left"));
    let mut parser = parser();
    let told = note(&mut parser, r#"{"id":"n","text":"x","origin":"tool"}"#);
    let untold = note(&mut parser, r#"{"id":"m","text":"y"}"#);
    assert_eq!((told.origin, untold.origin), (Origin::Tool, Origin::Imported));
    let unknown = parser.parse(r#"{"id":"n","text":"x","origin":"god"}"#).unwrap_err();
    assert!(unknown.to_string().contains("user"), "{unknown}");
}
