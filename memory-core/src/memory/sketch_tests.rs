//! Claims about search over many vectors, whose codes are along axes, and over very many, which draws its short
//! list from sketches.

use super::snapshot_tests::Words;
use super::*;
use crate::intake::NewNote;
use crate::model::{NoteKind, Scope, Source};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

fn memory_on(storage: &Arc<dyn Storage>) -> Memory {
    let config = Config { cache_bytes: 0, ..Config::default() };
    Memory::builder(Arc::clone(storage))
        .config(config)
        .embedder(Arc::new(Words(64)) as Arc<dyn Embedder>)
        .open()
        .unwrap()
}

/// Turns of conversations and facts about forty animals that do forty things in forty places.
fn note(number: u32) -> Import {
    let mixed = number.wrapping_mul(2_654_435_761);
    let (animal, act, place) = (mixed >> 7 & 31, mixed >> 13 & 31, mixed >> 21 & 31);
    let text = format!("animal{animal} act{act} place{place} number{number}");
    let is_turn = number.is_multiple_of(2);
    let kind = if is_turn { NoteKind::Turn } else { NoteKind::Fact };
    let source = Source { importer: "test".into(), external_id: number.to_string().into() };
    Import::Note(Box::new(NewNote {
        session: is_turn.then(|| (number / 40).to_string()),
        position: number % 40 / 2,
        source: Some(source),
        ..NewNote::new(Scope::new("zoo").unwrap(), kind, &text)
    }))
}

#[test]
fn with_sketches_a_recall_finds_what_it_finds_without() {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let (exact, sketched) = (memory_on(&storage), memory_on(&storage));
    exact.import((0..9_000).map(note).collect()).unwrap();
    exact.embed_all().unwrap();
    sketched.refresh().unwrap();
    sketched.index.sketch_now();
    // Changes after the sketches were made are found like all others.
    exact.import((9_000..9_100).map(note).collect()).unwrap();
    exact.embed_all().unwrap();
    let (mut n_same, mut n_asked) = (0, 0);
    for number in (0..60).map(|n| n * 151) {
        let Import::Note(asked) = note(number) else { panic!("it is a note") };
        let words: Vec<&str> = asked.text.split_whitespace().take(3).collect();
        let mut query = Query::new(format!("{} unheard", words.join(" ")));
        query.strength = Strength::Any;
        query.kinds =
            if number % 3 == 0 { vec![crate::HitKind::Note(NoteKind::Turn)] } else { vec![] };
        query.limit = Some(5);
        let told = |memory: &Memory| -> Vec<f64> {
            memory.recall(&query).unwrap().hits.iter().map(|hit| hit.score).collect()
        };
        let (expected, found) = (told(&exact), told(&sketched));
        assert_eq!(found.len(), expected.len());
        n_asked += expected.len();
        // A unit that is missing below the best shifts the mean that scores are measured by a little.
        let pairs = expected.iter().zip(&found);
        n_same += pairs.filter(|(expected, found)| (**expected - **found).abs() < 0.02).count();
    }
    assert!(n_same * 100 >= n_asked * 97, "{n_same} of {n_asked}");
}

#[test]
fn of_some_thousand_vectors_the_codes_are_along_axes_and_are_so_after_a_start() {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let snapshot_path = Some(dir.path().join("index"));
        let config = Config { cache_bytes: 0, snapshot_path, ..Config::default() };
        let embedder = Some(Arc::new(Words(128)) as Arc<dyn Embedder>);
        let memory = Memory::builder(Arc::clone(&storage)).config(config).embedder(embedder).open();
        let memory = memory.unwrap();
        memory.refresh().unwrap();
        memory
    };
    // Thirty words have few directions.
    let few_words = |number: u32| {
        let Import::Note(mut note) = note(number) else { panic!("it is a note") };
        let (animal, act, place) = (number % 9, number / 9 % 10, number / 90 % 11);
        note.text = format!("animal{animal} act{act} place{place}");
        Import::Note(note)
    };
    // Of texts that are said many times one is as good as another.
    let told = |memory: &Memory| -> Vec<f64> {
        let asked = (0..9).flat_map(|animal| (0..3).map(move |act| (animal, act)));
        let hits = asked.flat_map(|(animal, act)| {
            let mut query = Query::new(format!("animal{animal} act{act}"));
            query.strength = Strength::Any;
            memory.recall(&query).unwrap().hits
        });
        hits.map(|hit| hit.score).collect()
    };
    let memory = start();
    memory.import((0..4_000).map(few_words).collect()).unwrap();
    memory.embed_all().unwrap();
    memory.refresh().unwrap();
    memory.index.settle();
    assert!(!memory.index.has_axes(), "they are too few");
    memory.import((4_000..4_200).map(few_words).collect()).unwrap();
    memory.embed_all().unwrap();
    memory.refresh().unwrap();
    memory.index.settle();
    assert!(memory.index.has_axes());
    let expected = told(&memory);
    assert!(!expected.is_empty());
    drop(memory);
    let memory = start();
    assert!(memory.index.has_axes(), "they come from the snapshot");
    let found = told(&memory);
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 0.02));
}
