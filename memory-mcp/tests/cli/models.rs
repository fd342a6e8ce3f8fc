//! Embedding models: of files, and vectors of those that are not in use.

use memory_core::backend::{Durability, Op, StoredVector, UnitKey, WriteBatch};
use memory_core::{NoteId, Storage};
use memory_storage_turso::{Options, TursoStorage};

use crate::home::Home;

const PACKED: &[u8] = include_bytes!("../../../memory-embed/model/minilm-l6-v2.int8.bin");

#[test]
fn a_model_of_a_file_searches_by_meaning_and_one_that_is_none_is_named() {
    let home = Home::new();
    home.run(&["remember", "The automobile needs petrol", "--scope", "acme/shop"]).ok();
    std::fs::write(home.path("model.bin"), PACKED).unwrap();
    std::fs::write(home.path("cut.bin"), &PACKED[..PACKED.len() / 2]).unwrap();
    let recall = |embedder: &str| {
        let set = format!("embedder={embedder}");
        home.run(&["recall", "fuel for the car", "--scope", "acme/shop", "--set", &set])
    };
    let found = recall("file:model.bin").ok();
    assert_eq!(found.out, recall("minilm").ok().out);
    recall("file:cut.bin").fails(1, &["cut.bin", "not a packed model"]);
    recall("file:none.bin").fails(1, &["none.bin", "No such file"]);
    recall("file:").fails(2, &["embedder", "file:PATH"]);
    recall("flie:model.bin").fails(2, &["embedder", "file:PATH", "flie:model.bin"]);
    let set = home.run(&["config", "--set", "embedder=file:model.bin"]).ok().out;
    assert!(set.contains("model.bin"), "{set}");
}

#[test]
fn vectors_of_a_model_that_is_not_in_use_are_told_and_removed_when_asked_for() {
    let home = Home::new();
    let noted = home.run(&["remember", "Prices are kept in cents", "--json"]).ok().value();
    let id: NoteId = noted["id"].as_str().unwrap().parse().unwrap();
    {
        let store = TursoStorage::open(&home.path("memory.db"), &Options::default()).unwrap();
        let unit = UnitKey { record: id.into(), part: 0 };
        let vectors = vec![StoredVector { unit, content_hash: 1, vector: vec![0.5; 3] }];
        let put = Op::PutVectors { model: "older/first-9".into(), vectors };
        store.apply(WriteBatch::of(put), Durability::Power).unwrap();
    }
    let told = home.run(&["doctor"]);
    assert!(told.out.contains("1 of older/first-9") && told.out.contains("--vectors-of"));
    let of =
        |model: &str, more: &[&str]| home.run(&[&["forget", "--vectors-of", model], more].concat());
    of("older", &[]).fails(1, &["older/first-9"]);
    of("older", &["--yes"]).fails(1, &["older"]);
    let shown = of("older/first-9", &[]).ok();
    assert!(shown.out.contains("1 vectors of older/first-9") && shown.err.contains("--yes"));
    assert_eq!(of("older/first-9", &["--yes", "--json"]).ok().value()["removed"], 1);
    of("older/first-9", &["--yes"]).fails(1, &["older/first-9"]);
    let told = home.run(&["doctor"]);
    assert!(!told.out.contains("older/first-9"), "{}", told.out);
}
