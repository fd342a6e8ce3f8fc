//! Records that name each other or where they came from.

use memory_core::backend::{Found, Op, Rejection};
use memory_core::{Episode, Note, NoteId, RecordFilter, RecordId, RecordKind, Source, Storage};

use super::store::{apply, insert_episode, insert_note, list_ids, read_episode, read_note, reject};
use crate::sample;

fn remove(id: impl Into<RecordId>) -> Op {
    Op::Remove(id.into())
}

fn successor(of: u64, n: u64) -> Op {
    insert_note(Note { supersedes: Some(sample::note_id(of)), ..sample::note(n) })
}

/// Reads a note's place in its chain: the note that it replaces and the one that replaced it.
fn chain(storage: &dyn Storage, n: u64) -> (Option<NoteId>, Option<NoteId>) {
    let note = read_note(storage, sample::note_id(n)).unwrap();
    (note.supersedes, note.superseded_by)
}

/// It stays readable and leaves only the list of current notes.
pub fn a_superseded_note_is_marked(storage: &dyn Storage) {
    apply(storage, vec![insert_note(sample::full_note(1)), insert_note(sample::note(2))]);
    apply(storage, vec![successor(1, 3)]);
    let marked = Note { superseded_by: Some(sample::note_id(3)), ..sample::full_note(1) };
    assert_eq!(read_note(storage, marked.id), Some(marked));
    assert_eq!(chain(storage, 3), (Some(sample::note_id(1)), None));
    let current = RecordFilter { current_only: true, ..RecordFilter::default() };
    let ids = |n: &[u64]| n.iter().map(|n| sample::note_id(*n).into()).collect::<Vec<RecordId>>();
    assert_eq!(list_ids(storage, RecordKind::Note, &current), ids(&[3, 2]));
    assert_eq!(list_ids(storage, RecordKind::Note, &RecordFilter::default()), ids(&[3, 2, 1]));
}

/// Else two notes would both claim to be what holds now.
pub fn a_note_is_superseded_once(storage: &dyn Storage) {
    apply(storage, vec![insert_note(sample::note(1)), successor(1, 2)]);
    let superseded = Rejection::Superseded { id: sample::note_id(1), by: sample::note_id(2) };
    assert_eq!(reject(storage, vec![successor(1, 3)]), superseded);
    apply(storage, vec![successor(2, 3)]);
    assert_eq!(chain(storage, 2), (Some(sample::note_id(1)), Some(sample::note_id(3))));
}

/// And may then be superseded by another.
pub fn removing_a_successor_makes_the_note_current_again(storage: &dyn Storage) {
    apply(storage, vec![insert_note(sample::full_note(1)), successor(1, 2)]);
    apply(storage, vec![remove(sample::note_id(2))]);
    assert_eq!(read_note(storage, sample::note_id(1)), Some(sample::full_note(1)));
    apply(storage, vec![successor(1, 3)]);
    assert_eq!(chain(storage, 1), (None, Some(sample::note_id(3))));
}

/// The neighbours of a removed note do not name it any longer.
pub fn removing_a_note_from_the_middle_of_a_chain_frees_both_ends(storage: &dyn Storage) {
    apply(storage, vec![insert_note(sample::note(1)), successor(1, 2), successor(2, 3)]);
    apply(storage, vec![remove(sample::note_id(2))]);
    assert_eq!(chain(storage, 1), (None, None));
    assert_eq!(chain(storage, 3), (None, None));
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// Lessons outlive the attempt that taught them; only the link goes.
pub fn removing_an_episode_keeps_its_lessons(storage: &dyn Storage) {
    let lesson =
        |n, episode| Note { episode: Some(sample::episode_id(episode)), ..sample::full_note(n) };
    apply(
        storage,
        vec![
            insert_episode(sample::full_episode(1), sample::steps(2)),
            insert_episode(sample::episode(2), vec![]),
            insert_note(lesson(1, 1)),
            insert_note(lesson(2, 1)),
            insert_note(lesson(3, 2)),
        ],
    );
    apply(storage, vec![remove(sample::episode_id(1))]);
    assert_eq!(read_note(storage, sample::note_id(1)), Some(sample::full_note(1)));
    assert_eq!(read_note(storage, sample::note_id(2)), Some(sample::full_note(2)));
    assert_eq!(read_note(storage, sample::note_id(3)), Some(lesson(3, 2)));
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// An importer may read its files again: it stores nothing twice.
pub fn a_source_is_stored_once_per_kind(storage: &dyn Storage) {
    let source = Some(sample::source("case-1"));
    let episode = |n| Episode { source: source.clone(), ..sample::episode(n) };
    let note = |n| Note { source: source.clone(), ..sample::note(n) };
    apply(storage, vec![insert_episode(episode(1), vec![]), insert_note(note(2))]);
    let exists = |id: RecordId| Rejection::Exists { id };
    let again = insert_episode(episode(3), vec![]);
    assert_eq!(reject(storage, vec![again]), exists(sample::episode_id(1).into()));
    assert_eq!(reject(storage, vec![insert_note(note(4))]), exists(sample::note_id(2).into()));
}

/// Until that is lifted: an importer may read its files again. Sources of the other kind, and
/// records without a source, are not concerned.
pub fn a_forgotten_source_is_not_stored_again(storage: &dyn Storage) {
    let source = sample::source("case-1");
    let episode = |n| Episode { source: Some(source.clone()), ..sample::episode(n) };
    let note = |n| Note { source: Some(source.clone()), ..sample::note(n) };
    let lift = || Op::Lift(source.clone());
    let find = |kind| storage.find(kind, std::slice::from_ref(&source)).unwrap().remove(0);
    let not_forgotten = Rejection::NotForgotten { source_of: source.clone() };
    assert_eq!(reject(storage, vec![lift()]), not_forgotten);
    apply(storage, vec![insert_episode(episode(1), vec![]), insert_note(sample::note(1))]);
    apply(storage, vec![remove(sample::episode_id(1)), remove(sample::note_id(1))]);
    assert_eq!(
        (find(RecordKind::Episode), find(RecordKind::Note)),
        (Found::Forgotten, Found::Unknown)
    );
    let forgotten = |kind| Rejection::Forgotten { kind, source_of: source.clone() };
    let again = insert_episode(episode(2), vec![]);
    assert_eq!(reject(storage, vec![again]), forgotten(RecordKind::Episode));
    apply(storage, vec![insert_note(note(3)), insert_note(sample::note(1))]);
    let ops = vec![remove(sample::note_id(3)), insert_note(note(4))];
    assert_eq!(reject(storage, ops), forgotten(RecordKind::Note));
    apply(storage, vec![remove(sample::note_id(3))]);
    let before = storage.head().unwrap();
    apply(storage, vec![lift()]);
    assert_eq!(storage.head().unwrap(), before, "it makes no change");
    assert_eq!(reject(storage, vec![lift()]), not_forgotten);
    apply(storage, vec![insert_episode(episode(2), vec![]), insert_note(note(4))]);
    assert_eq!(find(RecordKind::Episode), Found::Stored(sample::episode_id(2).into()));
    assert_eq!(find(RecordKind::Note), Found::Stored(sample::note_id(4).into()));
}

/// Records without a source do not collide, and sources are compared to the letter.
pub fn records_are_found_by_source(storage: &dyn Storage) {
    let pairs = [("a", "b:c"), ("a:b", "c"), ("", ""), ("A", "B:C"), ("a", "é"), ("a", "e\u{301}")];
    let sources =
        pairs.map(|(importer, id)| Source { importer: importer.into(), external_id: id.into() });
    for (n, source) in (0..).zip(&sources) {
        let episode = Episode { source: Some(source.clone()), ..sample::episode(n) };
        let note = Note { source: Some(source.clone()), ..sample::note(100 + n) };
        apply(storage, vec![insert_episode(episode, vec![]), insert_note(note)]);
    }
    apply(storage, vec![insert_note(sample::note(7)), insert_note(sample::note(8))]);
    let unknown = Source { importer: "a".into(), external_id: "b".into() };
    let mut asked: Vec<Source> = sources.iter().rev().cloned().collect();
    asked.extend([unknown, sources[0].clone()]);
    let expected = |first: u64| -> Vec<Option<u64>> {
        [5, 4, 3, 2, 1, 0].iter().map(|n| Some(first + n)).chain([None, Some(first)]).collect()
    };
    let found = |kind| -> Vec<Option<RecordId>> {
        storage.find(kind, &asked).unwrap().into_iter().map(Found::id).collect()
    };
    let episodes = expected(0).into_iter().map(|n| n.map(|n| sample::episode_id(n).into()));
    assert_eq!(found(RecordKind::Episode), episodes.collect::<Vec<_>>());
    let notes = expected(100).into_iter().map(|n| n.map(|n| sample::note_id(n).into()));
    assert_eq!(found(RecordKind::Note), notes.collect::<Vec<_>>());
}

/// With its steps, so that a later episode of the same id does not inherit them.
pub fn a_removed_record_is_gone(storage: &dyn Storage) {
    apply(storage, vec![insert_episode(sample::full_episode(1), sample::steps(3))]);
    apply(storage, vec![insert_note(sample::full_note(1))]);
    apply(storage, vec![remove(sample::episode_id(1)), remove(sample::note_id(1))]);
    assert_eq!(read_episode(storage, sample::episode_id(1)), None);
    assert_eq!(read_note(storage, sample::note_id(1)), None);
    assert_eq!(super::store::read_steps(storage, sample::episode_id(1)), []);
    for kind in [RecordKind::Episode, RecordKind::Note] {
        assert_eq!(list_ids(storage, kind, &RecordFilter::default()), []);
        let sources = [sample::source("episode-1"), sample::source("note-1")];
        let found = storage.find(kind, &sources).unwrap();
        assert_eq!(found.into_iter().map(Found::id).collect::<Vec<_>>(), [None, None]);
    }
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}
