//! Laws of merging: a join, whatever the states.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::model::{
    Closing, Context, Episode, Excerpt, Note, NoteKind, Origin, Outcome, Relation, RelationKind,
    Scope, Shown, Timestamp,
};

fn text(n: u8) -> Excerpt {
    Excerpt::cut(format!("text {n}"), 100)
}

fn scope(n: u8) -> Scope {
    Scope::new(&format!("scope {n}")).unwrap()
}

pub(super) fn source(n: u8) -> Source {
    Source { importer: "jsonl".into(), external_id: format!("id {n}").into() }
}

fn at(n: u8) -> Timestamp {
    Timestamp::from_millis(i64::from(n))
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (0..3_u64, 0..3_u8).prop_map(|(at, n)| Stamp { at, machine: MachineId([n; 16]) })
}

fn versions() -> impl Strategy<Value = Versions> {
    let counts = (0..4_u32, 0..4_u32, 0..4_u32).prop_map(|(helpful, unhelpful, merged)| Counts {
        helpful,
        unhelpful,
        merged,
    });
    let counts = btree_map((0..3_u8).prop_map(|n| MachineId([n; 16])), counts, 0..3);
    (0..2_u8, stamp(), stamp(), stamp(), option::of(stamp()), counts).prop_map(
        |(n, scope, closing, ties, lifted, counts)| {
            let author = Author { name: "ada".into(), machine: MachineId([n; 16]) };
            Versions { author, scope, closing, ties, lifted, counts }
        },
    )
}

fn step(n: u8, has_result: bool) -> Step {
    let observation = if has_result { text(n) } else { Excerpt::default() };
    Step {
        idx: 0,
        call_id: Some(format!("call {n}").into()),
        tool: "bash".into(),
        action: None,
        args: text(n),
        observation,
        ok: true,
        error: None,
        latency_ms: Some(7),
        n_tokens: None,
        occurred_at: at(n),
    }
}

fn closing() -> impl Strategy<Value = Closing> {
    let outcome = option::of((0..Outcome::ALL.len()).prop_map(|n| Outcome::ALL[n]));
    (outcome, any::<bool>(), 0..3_u8).prop_map(|(outcome, inferred, n)| Closing {
        outcome,
        inferred: inferred.then(|| "the build is green".into()),
        ended_at: at(n),
        summary: Some(text(n)),
        artifacts: vec!["a".into()],
        reward: Some(0.5),
        surprise: None,
        followed: vec![RecordId::Note(NoteId::from_bytes([n; 16]))],
        reflection: None,
    })
}

fn episode() -> impl Strategy<Value = Record> {
    (0..2_u8, 0..2_u8, option::of(closing()), 0..3_u8).prop_map(|(task, n, closing, tie)| {
        let episode = EpisodeId::from_bytes([tie; 16]);
        Record::Episode(Box::new(Episode {
            id: EpisodeId::from_bytes([9; 16]),
            scope: scope(n),
            task: text(task),
            context: Context { branch: Some("main".into()), ..Context::default() },
            source: Some(source(1)),
            origin: Origin::User,
            author: None,
            started_at: at(1),
            recorded_at: at(2),
            relations: vec![Relation { kind: RelationKind::Follows, episode }],
            shown: vec![Shown { record: episode.into(), strong: true }],
            feedback: Feedback::default(),
            digest: None,
            n_steps: 0,
            closing,
        }))
    })
}

fn note() -> impl Strategy<Value = Record> {
    let links = (option::of(0..2_u8), option::of(0..2_u8));
    (0..2_u8, 0..2_u8, vec(0..4_u8, 0..3), option::of(0..3_u8), links).prop_map(
        |(n, place, tags, merged, (episode, old))| {
            let mut tags: Vec<Box<str>> = tags.iter().map(|tag| format!("{tag}").into()).collect();
            tags.sort_unstable();
            tags.dedup();
            Record::Note(Box::new(Note {
                id: NoteId::from_bytes([9; 16]),
                kind: NoteKind::Fact,
                scope: scope(place),
                text: text(n),
                speaker: None,
                session: Some("planning".into()),
                position: 3,
                tags,
                source: None,
                origin: Origin::Agent,
                author: None,
                episode: episode.map(|n| EpisodeId::from_bytes([n; 16])),
                occurred_at: at(1),
                recorded_at: at(2),
                valid_from: Some(at(3)),
                valid_to: None,
                supersedes: old.map(|n| NoteId::from_bytes([n; 16])),
                superseded_by: None,
                n_merged: 0,
                merged_at: merged.map(at),
                feedback: Feedback::default(),
            }))
        },
    )
}

fn live(record: impl Strategy<Value = Record>, with_steps: bool) -> impl Strategy<Value = State> {
    let steps = vec((0..3_u8, any::<bool>()), 0..3);
    (record, steps, versions()).prop_map(move |(record, steps, versions)| {
        let steps = steps.into_iter().filter(|_| with_steps);
        let steps = (0..).zip(steps).map(|(idx, (n, result))| Step { idx, ..step(n, result) });
        State::Live(Box::new(Live::new(record, steps.collect(), versions)))
    })
}

fn dead() -> impl Strategy<Value = State> {
    let source = option::of((stamp(), (0..2_u8).prop_map(source)));
    source.prop_map(|source| State::Dead(Dead { source }))
}

/// Three states of one record.
fn states() -> impl Strategy<Value = [State; 3]> {
    let episode = || prop_oneof![5 => live(episode(), true), 1 => dead()];
    let note = || prop_oneof![5 => live(note(), false), 1 => dead()];
    prop_oneof![
        (episode(), episode(), episode()).prop_map(|(a, b, c)| [a, b, c]),
        (note(), note(), note()).prop_map(|(a, b, c)| [a, b, c]),
    ]
}

fn id_of(state: &State) -> RecordId {
    match state {
        State::Live(live) => live.record.id(),
        State::Dead(_) => RecordId::Note(NoteId::from_bytes([9; 16])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn merging_does_not_depend_on_the_order([a, b, _] in states()) {
        prop_assert_eq!(merge(a.clone(), b.clone()), merge(b, a));
    }

    #[test]
    fn merging_does_not_depend_on_the_grouping([a, b, c] in states()) {
        let left = merge(merge(a.clone(), b.clone()), c.clone());
        prop_assert_eq!(left, merge(a, merge(b, c)));
    }

    #[test]
    fn merging_again_changes_nothing([a, b, _] in states()) {
        let once = merge(a.clone(), b.clone());
        prop_assert_eq!(merge(once.clone(), once.clone()), once.clone());
        prop_assert_eq!(merge(once.clone(), a), once.clone());
        prop_assert_eq!(merge(b, once.clone()), once);
    }

    #[test]
    fn a_state_is_read_back_from_its_bytes([state, _, _] in states()) {
        let bytes = state.to_bytes();
        prop_assert_eq!(State::from_bytes(id_of(&state), &bytes), Ok(Some(state)));
        for end in 0..bytes.len() {
            let cut = State::from_bytes(RecordId::Note(NoteId::from_bytes([1; 16])), &bytes[..end]);
            prop_assert!(cut.is_err());
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..60), of_note in any::<bool>()) {
        let id = if of_note {
            NoteId::from_bytes([1; 16]).into()
        } else {
            EpisodeId::from_bytes([1; 16]).into()
        };
        let bytes = [&[1, 1], &*bytes].concat();
        drop(State::from_bytes(id, &bytes));
    }
}

#[test]
fn what_was_forgotten_stays_so_whatever_else_is_known() {
    let record = RecordId::Note(NoteId::from_bytes([9; 16]));
    let dead = State::Dead(Dead { source: None });
    assert_eq!(dead.to_bytes(), [1, 0, 0], "the bytes of a published version");
    assert_eq!(State::from_bytes(record, &[2, 9, 9]), Ok(None), "a newer version is told apart");
}

#[test]
fn a_reported_end_stands_against_a_later_one_that_was_inferred() {
    let machine = MachineId([1; 16]);
    let author = Author { name: "ada".into(), machine };
    let state = |at: u64, inferred: bool| {
        let closing = Closing {
            outcome: Some(Outcome::Success),
            inferred: inferred.then(|| "green".into()),
            ended_at: Timestamp::from_millis(1),
            summary: None,
            artifacts: vec![],
            reward: None,
            surprise: None,
            followed: vec![],
            reflection: None,
        };
        let record = Record::Episode(Box::new(Episode {
            id: EpisodeId::from_bytes([9; 16]),
            scope: scope(1),
            task: text(1),
            context: Context::default(),
            source: None,
            origin: Origin::Agent,
            author: None,
            started_at: Timestamp::from_millis(1),
            recorded_at: Timestamp::from_millis(1),
            relations: vec![],
            shown: vec![],
            feedback: Feedback::default(),
            digest: None,
            n_steps: 0,
            closing: Some(closing),
        }));
        let closing = Stamp { at, machine };
        let versions = Versions { closing, ..Versions::first(author.clone()) };
        State::Live(Box::new(Live::new(record, vec![], versions)))
    };
    let (reported, inferred) = (state(1, false), state(2, true));
    assert_eq!(merge(inferred.clone(), reported.clone()), reported);
    assert_eq!(merge(state(3, true), inferred), state(3, true));
}
