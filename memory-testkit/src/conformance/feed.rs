//! The change feed: what every other reader of a store lives on.

use memory_core::backend::Op;
use memory_core::{Change, ChangeOp, Note, RecordId, Seq, Storage};

use super::store::{append, apply, insert_episode, insert_note, reject};
use crate::sample;

fn ids(changes: &[Change]) -> Vec<RecordId> {
    changes.iter().map(|change| change.id).collect()
}

/// The ids changed since `seq`, in the order of ids: within one batch only the last change has a
/// place.
fn changed_since(storage: &dyn Storage, seq: Seq) -> Vec<(RecordId, ChangeOp)> {
    let changes = storage.changes(seq, usize::MAX).unwrap();
    let mut listed: Vec<_> = changes.iter().map(|change| (change.id, change.op)).collect();
    listed.sort_unstable();
    listed
}

/// Each batch moves the feed to its commit's seq, which is that of its last change.
pub fn every_commit_stands_at_its_last_change(storage: &dyn Storage) {
    let mut last = 0;
    for n in 0..5 {
        let insert = insert_episode(sample::episode(n), sample::steps(1));
        let commit = apply(storage, vec![insert, insert_note(sample::note(n))]);
        assert!(commit.seq > last, "{} after {last}", commit.seq);
        let changes = storage.changes(last, usize::MAX).unwrap();
        assert_eq!(ids(&changes), [sample::episode_id(n).into(), sample::note_id(n).into()]);
        assert_eq!(changes[1].seq, commit.seq);
        assert_eq!(storage.head().unwrap().seq, commit.seq);
        last = commit.seq;
    }
    let changes = storage.changes(0, usize::MAX).unwrap();
    assert!(changes.is_sorted_by(|a, b| a.seq < b.seq), "oldest first: {changes:?}");
    assert_eq!(changes.len(), 10);
}

/// At its newest change, with the newest operation.
pub fn a_record_is_listed_once(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    apply(storage, vec![insert_note(sample::note(1))]);
    let appended = apply(storage, vec![append(id, sample::steps(1)), append(id, vec![])]);
    let changes = storage.changes(0, usize::MAX).unwrap();
    assert_eq!(ids(&changes), [sample::note_id(1).into(), RecordId::from(id)]);
    assert_eq!(changes[1], Change { seq: appended.seq, id: id.into(), op: ChangeOp::Put });
    let closing = Box::new(sample::closing(None));
    let closed = apply(storage, vec![Op::Close { episode: id, closing }]);
    let change = Change { seq: closed.seq, id: id.into(), op: ChangeOp::Put };
    assert_eq!(storage.changes(appended.seq, 10).unwrap(), [change]);
    let removed = apply(storage, vec![Op::Remove(id.into())]);
    let change = Change { seq: removed.seq, id: id.into(), op: ChangeOp::Remove };
    assert_eq!(storage.changes(closed.seq, 10).unwrap(), [change]);
    assert_eq!(storage.changes(0, 10).unwrap().len(), 2);
    let back = apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    let change = Change { seq: back.seq, id: id.into(), op: ChangeOp::Put };
    assert_eq!(storage.changes(removed.seq, 10).unwrap(), [change]);
}

/// The feed also lists the records that a change of another record touches, for derived data.
pub fn records_changed_in_passing_are_listed(storage: &dyn Storage) {
    let (one, two) = (RecordId::from(sample::note_id(1)), RecordId::from(sample::note_id(2)));
    let episode = RecordId::from(sample::episode_id(1));
    let lesson = Note { episode: Some(sample::episode_id(1)), ..sample::note(1) };
    let inserted = apply(
        storage,
        vec![
            insert_episode(sample::episode(1), vec![]),
            insert_note(lesson),
            insert_note(sample::note(9)),
        ],
    );
    let newer = insert_note(Note { supersedes: Some(sample::note_id(1)), ..sample::note(2) });
    let superseded = apply(storage, vec![newer.clone()]);
    let put = |id| (id, ChangeOp::Put);
    assert_eq!(changed_since(storage, inserted.seq), [put(one), put(two)]);
    let removed = apply(storage, vec![Op::Remove(two)]);
    assert_eq!(changed_since(storage, superseded.seq), [put(one), (two, ChangeOp::Remove)]);
    let again = apply(storage, vec![newer]);
    assert_eq!(changed_since(storage, removed.seq), [put(one), put(two)]);
    let forgotten = apply(storage, vec![Op::Remove(episode)]);
    assert_eq!(changed_since(storage, again.seq), [(episode, ChangeOp::Remove), put(one)]);
    apply(storage, vec![Op::Remove(one)]);
    assert_eq!(changed_since(storage, forgotten.seq), [(one, ChangeOp::Remove), put(two)]);
}

/// Page after page by any limit gives what one call gives.
pub fn paging_through_the_feed_loses_nothing(storage: &dyn Storage) {
    for n in 0..9 {
        apply(storage, vec![insert_episode(sample::episode(n), vec![])]);
        apply(storage, vec![append(sample::episode_id(n / 2), sample::steps(1))]);
    }
    apply(storage, vec![Op::Remove(sample::episode_id(3).into())]);
    let all = storage.changes(0, usize::MAX).unwrap();
    assert_eq!(all.len(), 9);
    for limit in [1, 2, 3, 4, 8, 9, 10] {
        let (mut paged, mut after) = (Vec::new(), 0);
        loop {
            let page = storage.changes(after, limit).unwrap();
            assert!(page.len() <= limit, "{} of {limit}", page.len());
            let Some(last) = page.last() else { break };
            after = last.seq;
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {limit}");
    }
    assert_eq!(storage.changes(0, 0).unwrap(), []);
}

/// A reader may be ahead of a store that was restored from a backup: that is no error.
pub fn nothing_is_listed_after_the_head(storage: &dyn Storage) {
    let seq = apply(storage, vec![insert_note(sample::note(1))]).seq;
    for after in [seq, seq + 1, u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
        assert_eq!(storage.changes(after, 10).unwrap(), [], "after {after}");
    }
    assert_eq!(storage.changes(seq - 1, 10).unwrap().len(), 1);
}

/// A place in the feed is never given out twice, even if its record is removed at once.
pub fn positions_are_not_used_again(storage: &dyn Storage) {
    let first = apply(storage, vec![insert_note(sample::note(1))]).seq;
    let second = apply(storage, vec![Op::Remove(sample::note_id(1).into())]).seq;
    assert!(first < second, "{first} before {second}");
    reject(storage, vec![insert_note(sample::note(2)), Op::Remove(sample::note_id(77).into())]);
    assert_eq!(storage.head().unwrap().seq, second, "a rejected batch does not move the head");
    let third = apply(storage, vec![insert_note(sample::note(1))]).seq;
    assert!(second < third, "{second} before {third}");
}

/// Else derived data would be taken for that of another store.
pub fn a_store_keeps_its_identity(storage: &dyn Storage) {
    let before = storage.head().unwrap();
    apply(storage, vec![insert_note(sample::note(1))]);
    let after = storage.head().unwrap();
    assert_eq!((after.store_id, after.format), (before.store_id, before.format));
    assert_ne!(before.store_id, [0; 16], "an identity is not all zeros");
}
