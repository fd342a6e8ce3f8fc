//! Claims about a store whose vectors are of another model than the one in use.

use super::meaning_tests::{Concepts, fact};
use super::*;
use crate::storage::MemStorage;

/// Facts of which every third speaks of a vehicle, the others of bread.
const N_FACTS: u32 = 40;

fn open(storage: &Arc<dyn Storage>, id: &'static str) -> Memory {
    let embedder: Arc<dyn Embedder> = Concepts::new(id);
    Memory::builder(Arc::clone(storage)).embedder(embedder).open().unwrap()
}

/// A store that was filled and embedded by another model; its facts, oldest first.
fn store_of(id: &'static str) -> (Arc<dyn Storage>, Vec<RecordId>) {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let memory = open(&storage, id);
    let text = |n: u32| match n % 3 {
        0 => format!("Automobile number{n}"),
        _ => format!("Loaf number{n}"),
    };
    let ids = (0..N_FACTS).map(|n| memory.remember(fact(&text(n))).unwrap().value.id().into());
    let ids = ids.collect();
    memory.embed_all().unwrap();
    (storage, ids)
}

/// Embeds for one round, as the background does.
fn round(memory: &Memory) -> usize {
    memory.embedding_round().unwrap().round().unwrap()
}

fn found(memory: &Memory, text: &str) -> (Vec<RecordId>, usize) {
    let query = Query { limit: Some(50), variety: false, ..Query::new(text) };
    let recall = memory.recall(&query).unwrap();
    assert_eq!(recall.degraded, None);
    (recall.hits.iter().map(|hit| hit.record.id()).collect(), recall.n_pending)
}

#[test]
fn a_store_of_another_model_answers_at_every_moment_while_it_is_embedded_anew() {
    let (storage, ids) = store_of("model/averaged");
    let memory = open(&storage, "model/first");
    let embedding = memory.embedding_round().unwrap();
    let mut n_found = 0;
    for n_done in (0..=N_FACTS as usize).step_by(4) {
        let (by_word, n_pending) = found(&memory, "number7");
        assert_eq!(by_word.first(), Some(&ids[7]), "by its word, {n_done} embedded");
        assert_eq!(n_pending, ids.len() - n_done);
        let by_meaning = found(&memory, "vehicle").0;
        assert!(by_meaning.len() >= n_found, "what was found by its meaning is found still");
        n_found = by_meaning.len();
        assert_eq!(embedding.round().unwrap(), 4.min(n_pending));
    }
    assert_eq!(n_found, ids.len().div_ceil(3));
}

#[test]
fn what_is_newest_is_embedded_anew_first() {
    let (storage, ids) = store_of("model/averaged");
    let memory = open(&storage, "model/first");
    let embedding = memory.embedding_round().unwrap();
    // Four rounds begin at four places, each of which is as far from the next as a round goes.
    for _ in 0..4 {
        assert_eq!(embedding.round().unwrap(), 4);
    }
    let found = found(&memory, "vehicle").0;
    let places: Vec<usize> =
        ids.iter().enumerate().filter(|(_, id)| found.contains(id)).map(|(at, _)| at).collect();
    assert_eq!(places.last(), Some(&(ids.len() - 1)), "the newest");
    assert!(places.first() >= Some(&(ids.len() - 28)), "the older ones wait: {places:?}");
}

#[test]
fn a_process_that_ends_in_the_middle_is_gone_on_from_there() {
    let (storage, ids) = store_of("model/averaged");
    let n_done: usize = {
        let memory = open(&storage, "model/first");
        (0..3).map(|_| round(&memory)).sum()
    };
    assert_eq!(n_done, 12);
    let memory = open(&storage, "model/first");
    assert_eq!(found(&memory, "vehicle").1, ids.len() - n_done);
    assert_eq!(memory.embed_all().unwrap(), ids.len() - n_done);
    assert_eq!(found(&memory, "vehicle").0.len(), ids.len().div_ceil(3));
}

#[test]
fn two_processes_of_different_models_keep_each_others_vectors() {
    let (storage, ids) = store_of("model/averaged");
    let (old, new) = (open(&storage, "model/averaged"), open(&storage, "model/first"));
    assert_eq!(new.embed_all().unwrap(), ids.len());
    assert_eq!(old.embed_all().unwrap(), 0, "nothing of its own was taken from the old one");
    let id = old.remember(fact("A red automobile")).unwrap().value.id().into();
    assert_eq!((old.embed_all().unwrap(), new.embed_all().unwrap()), (1, 1));
    for memory in [&old, &new] {
        assert!(found(memory, "vehicle").0.contains(&id));
        assert_eq!(memory.embed_all().unwrap(), 0);
    }
    assert_eq!(storage.stats().unwrap().n_vectors(), 2 * (ids.len() as u64 + 1));
    old.forget(&[id]).unwrap();
    assert!(!found(&new, "vehicle").0.contains(&id));
    assert_eq!(storage.stats().unwrap().n_vectors(), 2 * ids.len() as u64);
}

/// Time of fourteen days and a little, in milliseconds.
const LONG_MS: i64 = 14 * 24 * 60 * 60 * 1_000 + 1;

#[test]
fn vectors_of_a_model_that_was_long_not_used_go_and_those_in_use_stay() {
    let (storage, ids) = store_of("model/averaged");
    let n = ids.len() as u64;
    let counts = || {
        let vectors = storage.stats().unwrap().vectors;
        vectors.into_iter().map(|(_, n)| n).collect::<Vec<_>>()
    };
    let (old, new) = (open(&storage, "model/averaged"), open(&storage, "model/first"));
    new.embed_all().unwrap();
    let look = |memory: &Memory, ms| {
        let embedding = memory.embedding_round().unwrap();
        embedding.retire_others(Timestamp::from_millis(ms)).unwrap();
    };
    look(&new, 0);
    look(&new, LONG_MS - 1);
    assert_eq!(counts(), [n, n], "it was seen for the first time a moment ago");
    look(&old, LONG_MS - 1);
    look(&new, 2 * LONG_MS - 2);
    assert_eq!(counts(), [n, n], "the other window has used it since");
    look(&new, 2 * LONG_MS);
    assert_eq!(storage.stats().unwrap().vectors, [("model/first".into(), n)]);
    assert_eq!(found(&new, "vehicle").0.len(), ids.len().div_ceil(3));
}

#[test]
fn vectors_of_another_model_are_removed_at_once_when_asked_for_and_those_in_use_never() {
    let (storage, ids) = store_of("model/averaged");
    let memory = open(&storage, "model/first");
    memory.embed_all().unwrap();
    let error = memory.drop_vectors("model/first").unwrap_err();
    assert!(matches!(error, Error::Invalid { field: "model", .. }), "{error}");
    let error = memory.drop_vectors("model/none").unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(memory.drop_vectors("model/averaged").unwrap(), ids.len() as u64);
    assert_eq!(memory.status().unwrap().vectors(), (ids.len() as u64, vec![]));
    assert!(memory.drop_vectors("model/averaged").is_err());
    assert_eq!(memory.embed_all().unwrap(), 0);
}
