//! Claims about texts that are told again.

use std::sync::Arc;

use super::*;
use crate::clock::StepClock;
use crate::intake::{Completion, NewEpisode, NewNote};
use crate::model::{NoteKind, Outcome, Scope, Source, Timestamp};
use crate::storage::MemStorage;

fn memory() -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_760_000_000_000), 1_000));
    let memory = Memory::builder(Arc::new(MemStorage::new())).clock(clock).open().unwrap();
    memory.refresh().unwrap();
    memory
}

fn fact(text: &str) -> NewNote {
    NewNote::new(Scope::new("acme/shop").unwrap(), NoteKind::Fact, text)
}

fn n_notes(memory: &Memory) -> u64 {
    memory.status().unwrap().storage.n_notes
}

const PORT: &str = "The checkout service listens on port 8080 in staging";

#[test]
fn a_fact_told_again_is_merged_with_a_trace() {
    let memory = memory();
    let first = memory.remember(fact(PORT)).unwrap().value.id();
    for again in [PORT, "the checkout service listens on port 8080 in staging."] {
        let told = memory.remember(fact(again)).unwrap().value;
        assert_eq!(told, Remembered::Merged { into: first });
    }
    let note = memory.note(first).unwrap();
    assert_eq!((note.n_merged, note.text.as_str(), n_notes(&memory)), (2, PORT, 1));
    assert!(note.merged_at > Some(note.occurred_at));
}

#[test]
fn what_is_told_while_the_index_is_being_loaded_is_compared_too() {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let before = Memory::builder(Arc::clone(&storage)).open().unwrap();
    for n in 0..1_000 {
        let turn = format!("This was said in turn {n} of a long conversation");
        before.remember(NewNote { kind: NoteKind::Turn, ..fact(&turn) }).unwrap();
    }
    let known = before.remember(fact(PORT)).unwrap().value.id();
    // Which takes a while for the new one, and the fact comes last.
    let memory = Memory::builder(storage).open().unwrap();
    assert_eq!(memory.remember(fact(PORT)).unwrap().value, Remembered::Merged { into: known });
}

#[test]
fn what_says_something_else_of_the_same_thing_is_stored_and_reported() {
    let memory = memory();
    let first = memory.remember(fact(PORT)).unwrap().value.id();
    let other = "The checkout service listens on port 9090 in staging";
    let told = memory.remember(fact(other)).unwrap().value;
    let Remembered::New { id, contradicts } = told else { panic!("{told:?}") };
    assert_eq!((contradicts, n_notes(&memory)), (vec![first], 2));
    // Superseding is the answer to a contradiction, so it is none.
    let newest = NewNote {
        supersedes: Some(id),
        ..fact("The checkout service listens on port 7070 in staging")
    };
    let told = memory.remember(newest).unwrap().value;
    assert!(matches!(told, Remembered::New { ref contradicts, .. } if contradicts.is_empty()));
}

#[test]
fn a_superseded_text_is_not_revived_in_silence() {
    let memory = memory();
    let old = memory.remember(fact(PORT)).unwrap().value.id();
    let moved = "The checkout service moved to a unix socket";
    let middle = NewNote { supersedes: Some(old), ..fact(moved) };
    let middle = memory.remember(middle).unwrap().value.id();
    let newest = NewNote { supersedes: Some(middle), ..fact("Checkout runs as a lambda now") };
    let newest = memory.remember(newest).unwrap().value.id();
    let told = memory.remember(fact("the Checkout service listens on port 8080 in staging!"));
    assert_eq!(told.unwrap().value, Remembered::Rejected { old, by: newest });
    assert_eq!(n_notes(&memory), 3);
    // Whoever means it says so.
    let meant = NewNote { supersedes: Some(newest), ..fact(PORT) };
    let meant = memory.remember(meant).unwrap().value.id();
    assert_eq!(memory.note(newest).unwrap().superseded_by, Some(meant));
    // Now it is current, and telling it again no revival.
    assert_eq!(memory.remember(fact(PORT)).unwrap().value, Remembered::Merged { into: meant });
}

#[test]
fn only_texts_of_one_scope_and_kind_without_a_source_or_validity_are_merged() {
    let memory = memory();
    memory.remember(fact(PORT)).unwrap();
    let at = Some(Timestamp::from_millis(1_900_000_000_000));
    let source = Source { importer: "mcp".into(), external_id: "1".into() };
    let others = [
        NewNote { scope: Scope::new("elsewhere").unwrap(), ..fact(PORT) },
        NewNote { kind: NoteKind::Decision, ..fact(PORT) },
        NewNote { kind: NoteKind::Turn, ..fact(PORT) },
        NewNote { valid_to: at, ..fact(PORT) },
        NewNote { source: Some(source), ..fact(PORT) },
    ];
    for (n, other) in (2..).zip(others) {
        let told = memory.remember(other).unwrap().value;
        assert!(matches!(told, Remembered::New { .. }), "{n}: {told:?}");
        assert_eq!(n_notes(&memory), n);
    }
}

#[test]
fn a_lesson_that_is_known_already_is_merged() {
    let memory = memory();
    let lesson = "Run the migration before the integration tests";
    let mut told = Vec::new();
    for _ in 0..2 {
        let scope = Scope::new("acme/shop").unwrap();
        let id = memory.start(NewEpisode::new(scope, "Fix the tests")).unwrap().value;
        let completion = Completion {
            outcome: Some(Outcome::Success),
            lessons: vec![lesson.to_owned()],
            ..Completion::default()
        };
        told.extend(memory.finish(id, completion).unwrap().value.lessons);
    }
    assert_eq!(told[1], Remembered::Merged { into: told[0].id() });
    assert_eq!(n_notes(&memory), 1);
}
