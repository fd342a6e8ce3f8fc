//! Batches are applied all or none, in order, and say why when they are not.

use memory_core::backend::{Applied, Op, Rejection};
use memory_core::{Change, ChangeOp, Episode, Note, Outcome, RecordId, Status, Storage};

use super::store::{
    append, apply, insert_episode, insert_note, n_steps, read_episode, read_note, read_steps,
    reject,
};
use crate::sample;

fn close(n: u64, outcome: Option<Outcome>) -> Op {
    Op::Close { episode: sample::episode_id(n), closing: Box::new(sample::closing(outcome)) }
}

/// The storage numbers steps and counts them, whatever the caller claims.
pub fn steps_are_numbered_from_zero_in_order(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let mut first = sample::steps(2);
    first[0].idx = 9;
    let insert = insert_episode(Episode { n_steps: 99, ..sample::episode(1) }, first);
    let commit = apply(storage, vec![insert, append(id, sample::steps(3))]);
    assert_eq!(n_steps(&commit), [Some(2), Some(5)]);
    let commit = apply(storage, vec![append(id, vec![]), append(id, vec![sample::full_step(4)])]);
    assert_eq!(n_steps(&commit), [Some(5), Some(6)]);
    let idx: Vec<u32> = read_steps(storage, id).iter().map(|step| step.idx).collect();
    assert_eq!(idx, [0, 1, 2, 3, 4, 5]);
    assert_eq!(read_episode(storage, id).unwrap().n_steps, 6);
}

/// Steps are counted with those of the same batch; the last one that fits is taken.
pub fn an_episode_holds_as_many_steps_as_its_limit(storage: &dyn Storage) {
    let append = |n: u64, limit| Op::AppendSteps {
        episode: sample::episode_id(1),
        steps: sample::steps(n),
        limit,
    };
    apply(storage, vec![insert_episode(sample::episode(1), sample::steps(2))]);
    apply(storage, vec![append(2, 5)]);
    let too_many = |limit, got| Rejection::TooManySteps { limit, got };
    assert_eq!(reject(storage, vec![append(2, 5)]), too_many(5, 6));
    assert_eq!(reject(storage, vec![append(1, 5), append(1, 5)]), too_many(5, 6));
    assert_eq!(n_steps(&apply(storage, vec![append(1, 5)])), [Some(5)]);
    assert_eq!(reject(storage, vec![append(1, 0)]), too_many(0, 6));
}

/// An episode ends once, completed or abandoned, and takes no more steps then.
pub fn an_episode_ends_once(storage: &dyn Storage) {
    for (n, outcome) in [(1, Some(Outcome::Success)), (2, None)] {
        let id = sample::episode_id(n);
        apply(storage, vec![insert_episode(sample::episode(n), vec![])]);
        assert_eq!(read_episode(storage, id).unwrap().status(), Status::Open);
        assert_eq!(apply(storage, vec![close(n, outcome)]).applied, [Applied::Done]);
        let status = if outcome.is_some() { Status::Completed } else { Status::Abandoned };
        assert_eq!(read_episode(storage, id).unwrap().status(), status);
        let closed = Rejection::Closed { id, status };
        assert_eq!(reject(storage, vec![close(n, Some(Outcome::Failure))]), closed);
        assert_eq!(reject(storage, vec![append(id, sample::steps(1))]), closed);
        assert_eq!(reject(storage, vec![append(id, vec![])]), closed);
    }
}

/// An inferred outcome and an unjudged one may be replaced, by a reported outcome for good.
pub fn an_end_that_nobody_reported_gives_way(storage: &dyn Storage) {
    let (id, mut episode) = (sample::episode_id(1), sample::episode(1));
    let close = |closing| Op::Close { episode: id, closing: Box::new(closing) };
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    let ends = [
        sample::inferred(Outcome::Success),
        sample::closing(Some(Outcome::Unjudged)),
        sample::inferred(Outcome::Unjudged),
        sample::inferred(Outcome::Failure),
        sample::closing(Some(Outcome::Partial)),
    ];
    for closing in ends {
        let before = storage.head().unwrap().seq;
        apply(storage, vec![close(closing.clone())]);
        assert_eq!(storage.changes(before, usize::MAX).unwrap().len(), 1);
        episode.closing = Some(closing);
        assert_eq!(read_episode(storage, id).as_ref(), Some(&episode));
        let closed = Rejection::Closed { id, status: Status::Completed };
        assert_eq!(reject(storage, vec![append(id, sample::steps(1))]), closed);
    }
    let closed = Rejection::Closed { id, status: Status::Completed };
    assert_eq!(reject(storage, vec![close(sample::inferred(Outcome::Success))]), closed);
    assert_eq!(reject(storage, vec![close(sample::closing(None))]), closed);
}

/// An operation on a record that is not there names it.
pub fn missing_records_are_named(storage: &dyn Storage) {
    let (episode, note) = (sample::episode_id(1), sample::note_id(1));
    let missing = |id: RecordId| Rejection::Missing { id };
    assert_eq!(reject(storage, vec![append(episode, sample::steps(1))]), missing(episode.into()));
    assert_eq!(reject(storage, vec![close(1, None)]), missing(episode.into()));
    assert_eq!(reject(storage, vec![Op::Remove(episode.into())]), missing(episode.into()));
    assert_eq!(reject(storage, vec![Op::Remove(note.into())]), missing(note.into()));
    let lesson = Note { episode: Some(episode), ..sample::note(2) };
    assert_eq!(reject(storage, vec![insert_note(lesson)]), missing(episode.into()));
    let successor = Note { supersedes: Some(note), ..sample::note(2) };
    assert_eq!(reject(storage, vec![insert_note(successor)]), missing(note.into()));
    let own = Note { supersedes: Some(note), ..sample::note(1) };
    assert_eq!(reject(storage, vec![insert_note(own)]), missing(note.into()));
}

/// The same bytes may name an episode and a note.
pub fn an_id_is_inserted_once_per_kind(storage: &dyn Storage) {
    apply(storage, vec![insert_episode(sample::episode(1), sample::steps(1))]);
    apply(storage, vec![insert_note(sample::note(1))]);
    let again = insert_episode(sample::full_episode(1), vec![]);
    let exists = |id: RecordId| Rejection::Exists { id };
    assert_eq!(reject(storage, vec![again]), exists(sample::episode_id(1).into()));
    let again = insert_note(sample::full_note(1));
    assert_eq!(reject(storage, vec![again]), exists(sample::note_id(1).into()));
    apply(storage, vec![Op::Remove(sample::episode_id(1).into())]);
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    assert_eq!(read_steps(storage, sample::episode_id(1)), [], "the steps went with the first");
}

/// Operations that cannot be applied to what [`prepare`] stores, and the good ones around them.
fn bad_ops() -> Vec<Op> {
    let note = |n: u64| sample::note(100 + n);
    vec![
        insert_episode(sample::episode(1), vec![]),
        insert_episode(Episode { id: sample::episode_id(101), ..sample::full_episode(2) }, vec![]),
        append(sample::episode_id(77), sample::steps(1)),
        append(sample::episode_id(2), sample::steps(1)),
        Op::AppendSteps { episode: sample::episode_id(1), steps: sample::steps(1), limit: 1 },
        close(77, None),
        close(2, None),
        insert_note(sample::note(1)),
        insert_note(Note { source: Some(sample::source("note-1")), ..note(1) }),
        insert_note(Note { episode: Some(sample::episode_id(77)), ..note(2) }),
        insert_note(Note { supersedes: Some(sample::note_id(77)), ..note(3) }),
        insert_note(Note { supersedes: Some(sample::note_id(2)), ..note(4) }),
        Op::Remove(sample::episode_id(77).into()),
        Op::Remove(sample::note_id(77).into()),
    ]
}

/// One operation of each kind, that all fit what is stored, and depend on each other.
fn good_ops() -> Vec<Op> {
    let taught = Note { episode: Some(sample::episode_id(10)), ..sample::full_note(10) };
    vec![
        insert_episode(Episode { closing: None, ..sample::full_episode(10) }, sample::steps(2)),
        append(sample::episode_id(10), sample::steps(1)),
        append(sample::episode_id(1), sample::steps(2)),
        insert_note(taught),
        insert_note(Note { supersedes: Some(sample::note_id(1)), ..sample::note(11) }),
        close(1, Some(Outcome::Success)),
        Op::Remove(sample::note_id(3).into()),
        Op::Remove(sample::episode_id(3).into()),
    ]
}

fn prepare(storage: &dyn Storage) {
    let lesson = Note { episode: Some(sample::episode_id(3)), ..sample::full_note(4) };
    apply(
        storage,
        vec![
            insert_episode(sample::episode(1), sample::steps(3)),
            insert_episode(sample::full_episode(2), vec![]),
            insert_episode(Episode { closing: None, ..sample::full_episode(3) }, sample::steps(2)),
            insert_note(sample::full_note(1)),
            insert_note(sample::note(2)),
            insert_note(Note { supersedes: Some(sample::note_id(2)), ..sample::full_note(3) }),
            insert_note(lesson),
        ],
    );
}

/// Every operation that cannot be applied, at every position among ones that can.
pub fn a_batch_with_one_bad_operation_leaves_nothing(storage: &dyn Storage) {
    prepare(storage);
    for bad in bad_ops() {
        for position in 0..=good_ops().len() {
            // Where the operations before it change what is wrong with it, something still is:
            // `reject` checks that, and that nothing of the batch can be seen.
            let mut ops = good_ops();
            ops.insert(position, bad.clone());
            reject_unless_cured(storage, ops, &bad);
        }
    }
    // The sources of refused batches are free, and the good operations alone are accepted.
    apply(storage, good_ops());
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// Removing note 3 makes note 2 current again, so superseding note 2 is no longer wrong after it.
fn reject_unless_cured(storage: &dyn Storage, mut ops: Vec<Op>, bad: &Op) {
    let supersedes_2 =
        matches!(bad, Op::InsertNote(note) if note.supersedes == Some(sample::note_id(2)));
    if supersedes_2 {
        ops.retain(|op| *op != Op::Remove(sample::note_id(3).into()));
    }
    reject(storage, ops);
}

/// All operations of a batch on records that only the batch itself makes.
pub fn operations_see_those_before_them(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let lesson = Note { episode: Some(id), ..sample::note(1) };
    let newer = Note { supersedes: Some(sample::note_id(1)), ..sample::note(2) };
    let commit = apply(
        storage,
        vec![
            insert_episode(sample::episode(1), sample::steps(1)),
            append(id, sample::steps(2)),
            close(1, Some(Outcome::Success)),
            insert_note(lesson),
            insert_note(newer),
            insert_note(sample::full_note(3)),
            Op::Remove(sample::note_id(3).into()),
            Op::Lift(sample::source("note-3")),
            insert_note(sample::full_note(3)),
        ],
    );
    assert_eq!(n_steps(&commit)[..3], [Some(1), Some(3), None]);
    assert_eq!(read_steps(storage, id).len(), 3);
    assert_eq!(read_episode(storage, id).unwrap().outcome(), Some(Outcome::Success));
    let first = read_note(storage, sample::note_id(1)).unwrap();
    assert_eq!((first.episode, first.superseded_by), (Some(id), Some(sample::note_id(2))));
    assert_eq!(read_note(storage, sample::note_id(3)), Some(sample::full_note(3)));
}

/// An operation is judged by what came before it: a later one cannot make it right.
pub fn operations_do_not_see_those_after_them(storage: &dyn Storage) {
    let lesson = insert_note(Note { episode: Some(sample::episode_id(1)), ..sample::note(1) });
    let insert = insert_episode(sample::episode(1), vec![]);
    let missing = Rejection::Missing { id: sample::episode_id(1).into() };
    assert_eq!(reject(storage, vec![lesson, insert.clone()]), missing);
    apply(storage, vec![insert.clone()]);
    let exists = Rejection::Exists { id: sample::episode_id(1).into() };
    assert_eq!(reject(storage, vec![insert, Op::Remove(sample::episode_id(1).into())]), exists);
    let newer = insert_note(Note { supersedes: Some(sample::note_id(3)), ..sample::note(2) });
    let missing = Rejection::Missing { id: sample::note_id(3).into() };
    assert_eq!(reject(storage, vec![newer, insert_note(sample::note(3))]), missing);
}

/// A record that a batch makes and removes again was never there; its change says so.
pub fn a_record_made_and_removed_in_one_batch_is_gone(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let insert = insert_episode(sample::full_episode(1), sample::steps(2));
    let commit = apply(storage, vec![insert, Op::Remove(id.into())]);
    assert_eq!(read_episode(storage, id), None);
    assert_eq!(read_steps(storage, id), []);
    let change = Change { seq: commit.seq, id: id.into(), op: ChangeOp::Remove };
    assert_eq!(storage.changes(0, 10).unwrap(), [change]);
}

/// It is accepted, and stands where the feed stood.
pub fn an_empty_batch_changes_nothing(storage: &dyn Storage) {
    assert_eq!(apply(storage, vec![]).seq, 0);
    let before = apply(storage, vec![insert_note(sample::note(1))]);
    let empty = apply(storage, vec![]);
    assert_eq!(empty.seq, before.seq);
    assert_eq!(storage.head().unwrap().seq, before.seq);
}

/// As an import sends it.
pub fn a_batch_may_have_thousands_of_operations(storage: &dyn Storage) {
    let mut ops = Vec::new();
    for n in 0..1_000 {
        ops.push(insert_episode(sample::full_episode(n), sample::steps(2)));
        let episode = Some(sample::episode_id(n));
        ops.push(insert_note(Note { episode, ..sample::full_note(n) }));
    }
    apply(storage, ops);
    let stats = storage.stats().unwrap();
    assert_eq!((stats.n_episodes, stats.n_steps, stats.n_notes), (1_000, 2_000, 1_000));
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}
