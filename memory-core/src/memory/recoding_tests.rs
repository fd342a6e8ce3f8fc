//! Claims about search over thousands of vectors, whose codes are along principal axes.

use super::snapshot_tests::Words;
use super::*;
use crate::intake::NewNote;
use crate::model::{NoteKind, Scope, Source};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

/// One of 990 combinations of thirty words, which have few directions: note `number` of a store.
fn note(number: u32) -> Import {
    let (animal, act, place) = (number % 9, number / 9 % 10, number / 90 % 11);
    let text = format!("animal{animal} act{act} place{place}");
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

/// Scores of the hits of some queries; of texts that are stored many times one is as good as
/// another.
fn scores(memory: &Memory) -> Vec<f64> {
    let queries = (0..9).flat_map(|animal| (0..3).map(move |act| (animal, act)));
    let hits = queries.flat_map(|(animal, act)| {
        let mut query = Query::new(format!("animal{animal} act{act}"));
        query.strength = Strength::Any;
        memory.recall(&query).unwrap().hits
    });
    hits.map(|hit| hit.score).collect()
}

fn import(memory: &Memory, numbers: std::ops::Range<u32>) {
    memory.import(numbers.map(note).collect()).unwrap();
    memory.embed_all().unwrap();
    memory.refresh().unwrap();
    memory.index.settle();
}

#[test]
fn the_codes_of_some_thousand_vectors_are_along_principal_axes_and_are_so_after_a_start() {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let snapshot_path = Some(dir.path().join("index"));
        let config = Config { cache_bytes: 0, snapshot_path, ..Config::default() };
        let embedder = Some(Arc::new(Words(128)) as Arc<dyn Embedder>);
        let memory =
            Memory::with_parts(Arc::clone(&storage), config, Arc::new(SystemClock), embedder);
        let memory = memory.unwrap();
        memory.refresh().unwrap();
        memory
    };
    let memory = start();
    import(&memory, 0..4_000);
    assert!(!memory.index.has_principal_axes(), "they are too few");
    import(&memory, 4_000..4_200);
    assert!(memory.index.has_principal_axes());
    let expected = scores(&memory);
    assert!(!expected.is_empty());
    drop(memory);
    let memory = start();
    assert!(memory.index.has_principal_axes(), "they come from the snapshot");
    let found = scores(&memory);
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 0.02));
}
