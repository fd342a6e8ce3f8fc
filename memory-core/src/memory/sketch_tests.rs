//! Claims about search over very many vectors, which draws its short list from sketches.

use super::snapshot_tests::Words;
use super::*;
use crate::intake::NewNote;
use crate::model::{NoteKind, Scope, Source};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

fn memory_on(storage: &Arc<dyn Storage>) -> Memory {
    let config = Config { cache_bytes: 0, ..Config::default() };
    let clock = Arc::new(SystemClock);
    Memory::with_parts(Arc::clone(storage), config, clock, Some(Arc::new(Words(64)))).unwrap()
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
