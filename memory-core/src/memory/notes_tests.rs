//! Claims about texts that are remembered more than once.

use std::sync::Arc;

use super::*;
use crate::clock::StepClock;
use crate::intake::{Completion, NewEpisode, NewNote};
use crate::memory::Import;
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
fn a_fact_remembered_again_is_merged_and_counted() {
    let memory = memory();
    let first = memory.remember(fact(PORT)).unwrap().value.id();
    for again in [PORT, "the checkout service listens on port 8080 in staging."] {
        let remembered = memory.remember(fact(again)).unwrap().value;
        assert_eq!(remembered, Remembered::Merged { into: first });
    }
    let note = memory.note(first).unwrap();
    assert_eq!((note.n_merged, note.text.as_str(), n_notes(&memory)), (2, PORT, 1));
    assert!(note.merged_at > Some(note.occurred_at));
}

#[test]
fn a_text_is_compared_while_the_index_is_being_loaded() {
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
fn a_contradiction_is_stored_and_told() {
    let memory = memory();
    let first = memory.remember(fact(PORT)).unwrap().value.id();
    let other = "The checkout service listens on port 9090 in staging";
    let remembered = memory.remember(fact(other)).unwrap().value;
    let Remembered::New { id, contradicts } = remembered else { panic!("{remembered:?}") };
    assert_eq!((contradicts, n_notes(&memory)), (vec![first], 2));
    // Superseding is the answer to a contradiction, so it is none.
    let newest = NewNote {
        supersedes: Some(id),
        ..fact("The checkout service listens on port 7070 in staging")
    };
    let remembered = memory.remember(newest).unwrap().value;
    assert!(
        matches!(remembered, Remembered::New { ref contradicts, .. } if contradicts.is_empty())
    );
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
    let remembered = memory.remember(fact("the checkout service listens on port 8080 in staging!"));
    assert_eq!(remembered.unwrap().value, Remembered::Rejected { old, by: newest });
    assert_eq!(n_notes(&memory), 3);
    // Whoever means it says so.
    let meant = NewNote { supersedes: Some(newest), ..fact(PORT) };
    let meant = memory.remember(meant).unwrap().value.id();
    assert_eq!(memory.note(newest).unwrap().superseded_by, Some(meant));
    // Now it is current, and the text is no revival.
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
        let remembered = memory.remember(other).unwrap().value;
        assert!(matches!(remembered, Remembered::New { .. }), "{n}: {remembered:?}");
        assert_eq!(n_notes(&memory), n);
    }
}

#[test]
fn a_lesson_of_the_same_text_is_merged() {
    let memory = memory();
    let lesson = "Run the migration before the integration tests";
    let mut remembered = Vec::new();
    for _ in 0..2 {
        let scope = Scope::new("acme/shop").unwrap();
        let id = memory.start(NewEpisode::new(scope, "Fix the tests")).unwrap().value;
        let completion = Completion {
            outcome: Some(Outcome::Success),
            lessons: vec![lesson.to_owned()],
            ..Completion::default()
        };
        remembered.extend(memory.finish(id, completion).unwrap().value.lessons);
    }
    assert_eq!(remembered[1], Remembered::Merged { into: remembered[0].id() });
    assert_eq!(n_notes(&memory), 1);
}

#[test]
fn a_text_that_only_looks_like_a_superseded_one_is_new() {
    for (old, new, other) in [
        ("Write the lexer in C++", "Write the lexer in Rust", "Write the lexer in C#"),
        (
            "The batch size must be >= 8",
            "The batch size is configured",
            "The batch size must be < 8",
        ),
        ("Public hooks must be pure", "Public hooks are generated", "Public hooks should be pure"),
        ("Unpack it with tar -C", "Unpack it by hand", "unpack it with tar -c"),
    ] {
        let memory = memory();
        let id = memory.remember(fact(old)).unwrap().value.id();
        memory.remember(NewNote { supersedes: Some(id), ..fact(new) }).unwrap();
        let remembered = memory.remember(fact(other)).unwrap().value;
        assert!(matches!(remembered, Remembered::New { .. }), "{other}: {remembered:?}");
        let again = memory.remember(fact(&format!("{old}."))).unwrap().value;
        assert!(matches!(again, Remembered::Rejected { old, .. } if old == id), "{again:?}");
    }
}

#[test]
fn labels_of_a_merged_text_are_kept() {
    let memory = memory();
    let tagged = |tags: &[&str]| NewNote {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..fact(PORT)
    };
    let id = memory.remember(tagged(&["staging"])).unwrap().value.id();
    let again = memory.remember(tagged(&["ports", "staging"])).unwrap().value;
    assert_eq!(again, Remembered::Merged { into: id });
    assert_eq!(memory.note(id).unwrap().tags, [Box::from("ports"), "staging".into()]);
    let query = Query { tags: vec!["ports".into()], ..Query::new("checkout port") };
    assert_eq!(memory.recall(&query).unwrap().hits[0].record.id(), id.into());
    // No more than a note may have.
    let many: Vec<String> = (0..Config::default().max_labels).map(|n| n.to_string()).collect();
    let error = memory.remember(NewNote { tags: many, ..fact(PORT) }).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { .. }), "{error}");
}

/// Texts of hits, best first.
fn recalled(memory: &Memory, query: &str) -> Vec<(String, usize)> {
    let hits = memory.recall(&Query::new(query)).unwrap().hits;
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    hits.into_iter().map(|hit| (hit.text, hit.contradicts.len())).collect()
}

#[test]
fn of_two_contradictory_notes_the_newer_comes_first_and_both_are_marked() {
    let memory = memory();
    let old = "Use podman, never docker, for the checkout images";
    let new = "Use docker, never podman, for the checkout images";
    memory.remember(fact(old)).unwrap();
    memory.remember(fact("Checkout images are signed by the release job")).unwrap();
    let remembered = memory.remember(fact(new)).unwrap().value;
    assert!(matches!(remembered, Remembered::New { contradicts, .. } if contradicts.len() == 1));
    // The older one has a word of the query more than once, so that its words fit better.
    for query in ["podman or docker for checkout images", "podman podman never docker"] {
        let hits = recalled(&memory, query);
        let place = |text: &str| hits.iter().position(|(hit, _)| hit == text).unwrap();
        assert!(place(new) < place(old), "{hits:?}");
        assert_eq!((hits[place(new)].1, hits[place(old)].1), (1, 1));
        assert!(hits.iter().all(|(hit, n)| hit == old || hit == new || *n == 0), "{hits:?}");
    }
}

#[test]
fn an_amendment_comes_before_what_it_amends() {
    for (old, new) in [
        (
            "The nightly backup runs at 02:00 in Oslo",
            "Since May the nightly backup runs at 03:30 in Oslo",
        ),
        (
            "Release notes must be reviewed by two people",
            "Release notes should be reviewed by two people",
        ),
        ("Build the docs with mdbook in CI", "Build the docs with zola instead of mdbook in CI"),
    ] {
        let memory = memory();
        memory.remember(fact(old)).unwrap();
        memory.remember(fact("Something else altogether")).unwrap();
        memory.remember(fact(new)).unwrap();
        let hits = recalled(&memory, old);
        assert_eq!((hits[0].0.as_str(), hits[1].0.as_str()), (new, old));
    }
}

#[test]
fn a_longer_note_that_fits_the_query_much_less_stays_below_the_older_one() {
    let old = "Count the invoices of March";
    let new =
        "Count the invoices of March by customer, country and month of payment for the ledger";
    let memory = memory();
    memory.remember(fact(old)).unwrap();
    memory.remember(fact("Something else altogether")).unwrap();
    memory.remember(fact(new)).unwrap();
    assert_eq!(recalled(&memory, "count invoices of March")[0].0, old);
    assert_eq!(recalled(&memory, "count invoices of March by customer and country")[0].0, new);
}

#[test]
fn a_note_of_another_subject_does_not_move_up() {
    let memory = memory();
    memory.remember(fact("The staging relay listens on port 2525")).unwrap();
    memory.remember(fact("The production relay listens on port 2526")).unwrap();
    let hits = recalled(&memory, "staging relay port");
    assert_eq!(hits[0], ("The staging relay listens on port 2525".to_owned(), 0));
}

#[test]
fn all_free_text_of_a_caller_is_masked_and_an_import_with_a_secret_in_its_id_comes_once() {
    let memory = memory();
    let token = format!("{}{}", "ghp_", "aB3dE6gH9k".repeat(4));
    let new = || NewNote {
        scope: Scope::new(&format!("acme/{token}")).unwrap(),
        speaker: Some(token.clone()),
        session: Some(token.clone()),
        tags: vec![token.clone()],
        source: Some(Source { importer: "mcp".into(), external_id: token.as_str().into() }),
        ..fact(&format!("The token is {token}"))
    };
    let receipt = memory.remember(new()).unwrap();
    assert_eq!(receipt.n_masked, 6);
    let note = memory.note(receipt.value.id()).unwrap();
    assert!(!format!("{note:?}").contains(&token), "{note:?}");
    assert_eq!(note.scope, new().scope);
    assert!(matches!(memory.remember(new()), Err(Error::Conflict { .. })));
    let imported = memory.import(vec![Import::Note(Box::new(new()))]).unwrap();
    assert_eq!(imported.value.n_new, 0);
    // Another secret makes another id.
    let other = Source { importer: "mcp".into(), external_id: token.replace('a', "c").into() };
    let other = NewNote { source: Some(other), ..new() };
    assert_eq!(memory.import(vec![Import::Note(Box::new(other))]).unwrap().value.n_new, 1);
}
