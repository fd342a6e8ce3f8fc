//! Copies of whole stores, from and to the reference.

use memory_core::backend::{Contents, Op, compare, copy};
use memory_core::{Episode, MemStorage, Note, RecordKind, Storage};

use super::store::{apply, insert_episode, insert_note};
use crate::sample;

/// Writes a store with a record of every kind, links in both directions, removals and vectors.
fn fill(storage: &dyn Storage) {
    let full = Episode { digest: None, ..sample::full_episode(1) };
    let forgotten = Episode { source: Some(sample::source("gone")), ..sample::episode(9) };
    let taught = Note { episode: Some(sample::episode_id(2)), ..sample::full_note(4) };
    let second = Note { supersedes: Some(sample::note_id(1)), ..sample::note(2) };
    let third = Note { supersedes: Some(sample::note_id(2)), ..sample::note(3) };
    let gone = Note { source: Some(sample::source("gone")), ..sample::note(8) };
    apply(storage, vec![insert_note(sample::note(1)), insert_episode(full, sample::steps(3))]);
    apply(storage, vec![insert_episode(forgotten, vec![]), insert_note(gone)]);
    apply(storage, vec![insert_episode(sample::episode(2), vec![]), insert_note(taught)]);
    apply(storage, vec![insert_note(second), insert_note(third)]);
    apply(storage, vec![Op::Remove(sample::episode_id(9).into())]);
    apply(storage, vec![Op::Remove(sample::note_id(8).into())]);
    let digest = Box::new([7, 0, 9]);
    apply(storage, vec![Op::KeepDigest { episode: sample::episode_id(1), digest }]);
    // The oldest ones change last, so that the feed has another order than the links.
    let judge = |id| Op::Judge { id, helpful: true };
    apply(storage, vec![judge(sample::note_id(1).into()), judge(sample::episode_id(2).into())]);
    for model in sample::MODELS {
        let vectors = [
            sample::vector(sample::note_id(3), 0, 1),
            sample::vector(sample::episode_id(1), 0, 2),
            sample::vector(sample::note_id(3), 0, 3),
        ];
        for vector in vectors {
            apply(storage, vec![Op::PutVectors { model: model.into(), vectors: vec![vector] }]);
        }
    }
    let (name, at) = ("sessions/a".into(), sample::instant(3));
    apply(storage, vec![Op::KeepState { name, bytes: [1, 0].into(), at }]);
}

fn contents(storage: &dyn Storage) -> Contents<'_> {
    let gone = sample::source("gone");
    Contents {
        storage,
        forgotten: vec![(RecordKind::Episode, gone.clone()), (RecordKind::Note, gone)],
        models: sample::MODELS.map(Into::into).to_vec(),
    }
}

/// The store under test is the original.
pub fn a_copy_of_it_is_equal(storage: &dyn Storage) {
    fill(storage);
    let reference = MemStorage::new();
    assert_eq!(copy(&contents(storage), &reference).unwrap(), 6);
    assert_copied(storage, &reference);
}

/// The store under test is the copy.
pub fn it_holds_a_copy_of_another(storage: &dyn Storage) {
    let reference = MemStorage::new();
    fill(&reference);
    assert_eq!(copy(&contents(&reference), storage).unwrap(), 6);
    assert_copied(&reference, storage);
    let again = copy(&contents(&reference), storage).unwrap_err().to_string();
    assert!(
        again.contains("not empty"),
        "a store that has something is never written over: {again}"
    );
}

fn assert_copied(from: &dyn Storage, to: &dyn Storage) {
    let differences = |to| compare(&contents(from), &contents(to)).unwrap();
    assert_eq!(differences(to), Vec::<String>::new());
    assert_eq!(to.check().unwrap(), Vec::<String>::new());
    let forgotten = memory_core::backend::Found::Forgotten;
    for kind in [RecordKind::Episode, RecordKind::Note] {
        assert_eq!(to.find(kind, &[sample::source("gone")]).unwrap(), [forgotten]);
    }
    // Each part of the content is looked at.
    let judge = |id| Op::Judge { id, helpful: false };
    let state = Op::KeepState { name: "b".into(), bytes: [2].into(), at: sample::instant(1) };
    let model = sample::MODELS[0].into();
    let vectors = vec![sample::vector(sample::note_id(3), 0, 9)];
    let changes = [state, Op::PutVectors { model, vectors }, judge(sample::note_id(2).into())];
    for (n, change) in (1..).zip(changes) {
        apply(to, vec![change]);
        let found = differences(to);
        assert!(!found.is_empty(), "{found:?} after {n} changes");
    }
}
