//! Small states under a name.

use memory_core::Storage;
use memory_core::backend::{NamedState, Op, Rejection};

use super::store::{apply, reject};
use crate::sample;

fn keep(name: &str, bytes: &[u8], at: u64) -> Op {
    Op::KeepState { name: name.into(), bytes: bytes.into(), at: sample::instant(at) }
}

fn state(name: &str, bytes: &[u8], at: u64) -> NamedState {
    NamedState { name: name.into(), bytes: bytes.into(), recorded_at: sample::instant(at) }
}

/// A name has one state, the last; an empty one is none.
pub fn states_are_kept_by_name(storage: &dyn Storage) {
    assert_eq!(storage.states("").unwrap(), []);
    let odd = "capture/é\u{10ffff}\0%_*'";
    let huge = vec![0xff; 100_000];
    apply(storage, vec![keep("b", b"1", 1), keep("a", b"\0", 2), keep(odd, &huge, 3)]);
    apply(storage, vec![keep("b", b"2", 4), keep("", b"nameless", 5)]);
    let all = [
        state("", b"nameless", 5),
        state("a", b"\0", 2),
        state("b", b"2", 4),
        state(odd, &huge, 3),
    ];
    assert_eq!(storage.states("").unwrap(), all);
    apply(storage, vec![keep("a", b"", 6), keep("unknown", b"", 6)]);
    assert_eq!(storage.states("a").unwrap(), []);
    assert_eq!(storage.states("").unwrap().len(), 3);
}

/// To the letter, and in the order of their bytes.
pub fn states_are_listed_by_the_beginning_of_their_names(storage: &dyn Storage) {
    let names = ["s", "s/", "s/1", "s/10", "s/2", "s0", "S/1", "s/é", "s/\u{10ffff}x", "t"];
    apply(storage, names.iter().map(|name| keep(name, b"x", 1)).collect());
    let listed = |prefix: &str| -> Vec<String> {
        let states = storage.states(prefix).unwrap();
        states.into_iter().map(|state| state.name.into()).collect()
    };
    assert_eq!(listed("s/"), ["s/", "s/1", "s/10", "s/2", "s/é", "s/\u{10ffff}x"]);
    assert_eq!(listed("s/1"), ["s/1", "s/10"]);
    assert_eq!(listed("s/\u{10ffff}"), ["s/\u{10ffff}x"]);
    assert_eq!(listed("u"), Vec::<String>::new());
    assert_eq!(listed("").len(), names.len());
}

/// The instant itself stays; what is kept again is young again.
pub fn states_are_dropped_by_age(storage: &dyn Storage) {
    apply(storage, (0..5).map(|n| keep(&n.to_string(), b"x", n)).collect());
    apply(storage, vec![keep("0", b"y", 9), Op::DropStates { before: sample::instant(3) }]);
    let left = [state("0", b"y", 9), state("3", b"x", 3), state("4", b"x", 4)];
    assert_eq!(storage.states("").unwrap(), left);
}

/// They are no records: nobody who follows the feed learns of them.
pub fn states_make_no_change(storage: &dyn Storage) {
    let before = storage.head().unwrap();
    let ops = vec![keep("a", b"x", 1), Op::DropStates { before: sample::instant(0) }];
    assert_eq!(apply(storage, ops).seq, before.seq);
    assert_eq!(storage.head().unwrap(), before);
    assert_eq!(storage.changes(0, usize::MAX).unwrap(), []);
}

/// Also those that were dropped or replaced in it.
pub fn states_are_kept_with_their_batch_or_not_at_all(storage: &dyn Storage) {
    apply(storage, vec![keep("a", b"x", 1), keep("b", b"x", 2)]);
    let bad = Op::Remove(sample::note_id(9).into());
    let drop = Op::DropStates { before: sample::instant(2) };
    let ops = vec![keep("b", b"y", 3), drop, keep("c", b"z", 4), bad];
    let missing = Rejection::Missing { id: sample::note_id(9).into() };
    assert_eq!(reject(storage, ops), missing);
    assert_eq!(storage.states("").unwrap(), [state("a", b"x", 1), state("b", b"x", 2)]);
}
