//! Records that are stored as a whole, and removed whether they are stored or not.

use memory_core::backend::{Found, Op, Placed, Rejection};
use memory_core::{Episode, Note, NoteId, Record, RecordKind, Seq, Storage};

use super::store::{
    apply, insert_episode, insert_note, read_episode, read_note, read_steps, reject,
};
use crate::sample;

fn remove(id: NoteId) -> Op {
    Op::Remove(id.into())
}

fn place_note(note: Note, seen: Option<Seq>) -> Op {
    Op::Place(Box::new(Placed { record: Record::Note(Box::new(note)), steps: None, seen }))
}

fn place_episode(episode: Episode, n_steps: Option<u64>) -> Op {
    let steps = n_steps.map(|n| (0..n).map(sample::full_step).collect());
    Op::Place(Box::new(Placed { record: Record::Episode(Box::new(episode)), steps, seen: None }))
}

/// With who made it; and it is replaced as a whole, but for its source.
pub fn a_placed_record_is_read_back_as_it_is(storage: &dyn Storage) {
    let made = Episode { author: Some(sample::author(7)), ..sample::full_episode(1) };
    let note = Note { author: Some(sample::author(8)), ..sample::full_note(1) };
    apply(storage, vec![place_episode(made.clone(), Some(3)), place_note(note.clone(), None)]);
    assert_eq!(read_episode(storage, made.id), Some(Episode { n_steps: 3, ..made.clone() }));
    assert_eq!(read_note(storage, note.id), Some(note.clone()));
    let other = Episode { id: made.id, author: made.author.clone(), ..sample::episode(2) };
    apply(storage, vec![place_episode(other.clone(), None)]);
    let expected = Episode { n_steps: 3, source: made.source.clone(), ..other.clone() };
    assert_eq!(read_episode(storage, made.id), Some(expected.clone()));
    apply(storage, vec![place_episode(other, Some(1))]);
    assert_eq!(read_episode(storage, made.id), Some(Episode { n_steps: 1, ..expected }));
    assert_eq!(read_steps(storage, made.id).len(), 1);
    let again = Note { author: None, source: note.source, ..sample::note(1) };
    apply(storage, vec![place_note(again.clone(), None)]);
    assert_eq!(read_note(storage, again.id), Some(again));
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// A placed note marks the one that it supersedes: that is no change of another hand.
pub fn records_that_are_placed_together_do_not_stand_in_each_others_way(storage: &dyn Storage) {
    let (old, new) = (sample::note(1), sample::note(2));
    apply(storage, vec![insert_note(old.clone()), insert_note(new.clone())]);
    let seen = Some(storage.head().unwrap().seq);
    let new = Note { supersedes: Some(old.id), ..new };
    apply(storage, vec![place_note(new.clone(), seen), place_note(old.clone(), seen)]);
    assert_eq!(read_note(storage, old.id).unwrap().superseded_by, Some(new.id));
    let changed = Rejection::Changed { id: old.id.into() };
    assert_eq!(reject(storage, vec![place_note(old, seen)]), changed);
}

/// Otherwise what was merged before it would be lost.
pub fn a_state_that_is_older_than_the_record_is_not_placed(storage: &dyn Storage) {
    let note = sample::note(1);
    apply(storage, vec![insert_note(note.clone())]);
    let seen = storage.head().unwrap().seq;
    apply(storage, vec![insert_note(sample::note(2))]);
    apply(storage, vec![place_note(note.clone(), Some(seen))]);
    let changed = Rejection::Changed { id: note.id.into() };
    assert_eq!(reject(storage, vec![place_note(note.clone(), Some(seen))]), changed);
    let head = storage.head().unwrap().seq;
    apply(storage, vec![remove(note.id)]);
    assert_eq!(reject(storage, vec![place_note(note.clone(), Some(head))]), changed);
    apply(storage, vec![place_note(sample::note(3), Some(0))]);
}

/// They come in any order, and several may supersede the same one.
pub fn placed_notes_find_what_superseded_them(storage: &dyn Storage) {
    let foreign = |n: u64, supersedes: u64| Note {
        supersedes: Some(sample::note_id(supersedes)),
        author: Some(sample::author(1)),
        ..sample::note(n)
    };
    let by = |storage: &dyn Storage| read_note(storage, sample::note_id(1)).unwrap().superseded_by;
    apply(storage, vec![place_note(foreign(3, 1), None)]);
    apply(storage, vec![place_note(sample::note(1), None)]);
    assert_eq!(by(storage), Some(sample::note_id(3)));
    apply(storage, vec![place_note(foreign(2, 1), None)]);
    assert_eq!(by(storage), Some(sample::note_id(3)), "the higher id");
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
    apply(storage, vec![remove(sample::note_id(3))]);
    assert_eq!(by(storage), Some(sample::note_id(2)), "the other one still does");
    apply(storage, vec![Op::Withdraw { id: sample::note_id(2).into(), source: None }]);
    assert_eq!(by(storage), None);
    apply(storage, vec![place_note(foreign(4, 9), None), remove(sample::note_id(1))]);
    apply(storage, vec![Op::Withdraw { id: sample::note_id(9).into(), source: None }]);
    assert_eq!(read_note(storage, sample::note_id(4)).unwrap().supersedes, None);
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// Whatever of the source is stored stands against it; what was forgotten does not.
pub fn a_source_is_forgotten_without_a_record(storage: &dyn Storage) {
    let (source, id) = (sample::source("note-1"), sample::note_id(1));
    let withdraw = |n| Op::Withdraw { id: sample::note_id(n).into(), source: Some(source.clone()) };
    let found = || storage.find(RecordKind::Note, std::slice::from_ref(&source)).unwrap();
    let head = storage.head().unwrap().seq;
    apply(storage, vec![withdraw(9)]);
    assert_eq!((found(), storage.head().unwrap().seq), (vec![Found::Forgotten], head));
    apply(storage, vec![place_note(sample::full_note(1), None)]);
    assert_eq!(found(), [Found::Stored(id.into())]);
    assert_eq!(reject(storage, vec![withdraw(9)]), Rejection::Exists { id: id.into() });
    let other = Note { source: Some(source.clone()), ..sample::note(2) };
    let exists = Rejection::Exists { id: id.into() };
    assert_eq!(reject(storage, vec![place_note(other, None)]), exists);
    apply(storage, vec![Op::Withdraw { id: id.into(), source: None }]);
    assert_eq!((found(), read_note(storage, id)), (vec![Found::Unknown], None));
}

/// Two machines that number the same steps would lose some.
pub fn steps_of_an_episode_of_another_machine_are_not_logged(storage: &dyn Storage) {
    let made = Episode { author: Some(sample::author(7)), ..sample::episode(1) };
    let append = |episode| Op::AppendSteps { episode, steps: sample::steps(1), limit: u32::MAX };
    apply(storage, vec![place_episode(made.clone(), Some(1))]);
    let elsewhere = Rejection::Elsewhere { id: made.id };
    assert_eq!(reject(storage, vec![append(made.id)]), elsewhere);
    apply(storage, vec![insert_episode(sample::episode(2), vec![]), append(sample::episode_id(2))]);
}
