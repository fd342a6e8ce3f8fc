use std::sync::Arc;

use super::*;
use crate::intake::{NewEpisode, NewNote};
use crate::model::NoteKind;
use crate::storage::MemStorage;

/// A memory with an episode and four notes; returns the ids of the notes, oldest first.
fn filled() -> (Memory, Vec<RecordId>) {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
    let scope = Scope::new("acme/shop").unwrap();
    memory.start(NewEpisode::new(scope.clone(), "a task")).unwrap();
    let notes = ["alpha", "beta", "gamma", "delta"].map(|text| {
        let note = NewNote::new(scope.clone(), NoteKind::Fact, text);
        memory.remember(note).unwrap().value.id().into()
    });
    (memory, notes.into())
}

fn n_stored(memory: &Memory) -> u64 {
    let stats = memory.status().unwrap().storage;
    stats.n_episodes + stats.n_notes
}

fn all() -> Selection {
    Selection::Filter(vec![RecordKind::Episode, RecordKind::Note], RecordFilter::default())
}

#[test]
fn a_dry_run_shows_what_is_selected_and_removes_nothing() {
    let (memory, _) = filled();
    let found = memory.forget_selection(all(), 100, 2, true).unwrap();
    assert_eq!((found.ids.len(), found.first.len(), found.has_more), (5, 2, false));
    assert_eq!(n_stored(&memory), 5);
    let removed = memory.forget_selection(all(), 100, 2, false).unwrap();
    assert_eq!((removed.ids, removed.first), (found.ids, found.first));
    assert_eq!(n_stored(&memory), 0);
}

#[test]
fn no_more_than_the_limit_are_removed_at_once() {
    let (memory, _) = filled();
    for (n_left, has_more) in [(3, true), (1, true), (0, false)] {
        let removed = memory.forget_selection(all(), 2, 10, false).unwrap();
        assert_eq!((n_stored(&memory), removed.has_more), (n_left, has_more));
    }
}

#[test]
fn an_id_that_is_named_twice_counts_once() {
    let (memory, notes) = filled();
    let twice = Selection::Ids(vec![notes[1], notes[0], notes[1]]);
    let removed = memory.forget_selection(twice, 2, 10, false).unwrap();
    assert_eq!((removed.ids, removed.has_more), (vec![notes[0], notes[1]], false));
    assert_eq!(n_stored(&memory), 3);
}
