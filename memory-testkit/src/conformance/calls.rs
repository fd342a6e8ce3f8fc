//! Steps that are told more than once: by a hook that fires twice, by an import after it.

use memory_core::backend::{Applied, Op, Rejection};
use memory_core::{Episode, EpisodeId, Outcome, Status, Step, Storage};

use super::store::{append, apply, insert_episode, read_episode, read_steps, reject};
use crate::sample;

fn call(id: &str, step: Step) -> Step {
    Step { call_id: Some(id.into()), ..step }
}

/// A call before it runs: nothing is known of its result.
fn begun(id: &str, n: u64) -> Step {
    call(id, Step { observation: sample::text(""), ..sample::step(n) })
}

fn placed(steps: Vec<Step>) -> Vec<Step> {
    (0..).zip(steps).map(|(idx, step)| Step { idx, ..step }).collect()
}

fn grown(n_steps: u32, n_new: u32, last: u32) -> Vec<Applied> {
    vec![Applied::Steps { n_steps, n_new, last }]
}

/// Whether it comes again in the same batch, later, or among new ones; steps without an id of their
/// call are all stored.
pub fn a_call_is_stored_once(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let first = vec![call("a", sample::step(1)), call("b", sample::full_step(2)), sample::step(3)];
    let twice = [first.clone(), vec![call("a", sample::step(9))]].concat();
    let insert = insert_episode(sample::episode(1), twice);
    assert_eq!(apply(storage, vec![insert]).applied, grown(3, 3, 0));
    let before = storage.head().unwrap().seq;
    for (again, last) in [("a", 0), ("b", 1)] {
        let again = append(id, vec![call(again, sample::step(7))]);
        assert_eq!(apply(storage, vec![again]).applied, grown(3, 0, last));
    }
    assert_eq!(storage.head().unwrap().seq, before, "nothing changed");
    let mixed = vec![call("b", sample::step(8)), sample::step(3), call("c", sample::step(4))];
    assert_eq!(apply(storage, vec![append(id, mixed)]).applied, grown(5, 2, 4));
    let expected = [first, vec![sample::step(3), call("c", sample::step(4))]].concat();
    assert_eq!(read_steps(storage, id), placed(expected));
    assert_eq!(read_episode(storage, id).unwrap().n_steps, 5);
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// Its position and time stay; a result that is there is not replaced.
pub fn the_result_of_a_call_completes_its_step(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    apply(storage, vec![insert_episode(sample::episode(1), vec![begun("a", 1), sample::step(2)])]);
    assert_eq!(apply(storage, vec![append(id, vec![begun("a", 3)])]).applied, grown(2, 0, 0));
    let before = storage.head().unwrap().seq;
    let result = call("a", sample::full_step(5));
    let ops = vec![append(id, vec![result.clone()]), append(id, vec![call("a", sample::step(6))])];
    let commit = apply(storage, ops);
    assert_eq!(commit.applied, [grown(2, 0, 0), grown(2, 0, 0)].concat());
    assert_eq!(storage.changes(before, usize::MAX).unwrap().len(), 1, "the episode has changed");
    let completed = Step { occurred_at: sample::instant(1), ..result };
    assert_eq!(read_steps(storage, id), placed(vec![completed, sample::step(2)]));
    // Both tellings in one batch, of a call that is new.
    apply(storage, vec![append(id, vec![begun("n", 7), call("n", sample::full_step(8))])]);
    let completed = call("n", Step { occurred_at: sample::instant(7), ..sample::full_step(8) });
    assert_eq!(read_steps(storage, id)[2], Step { idx: 2, ..completed });
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// The client's ids are its own, and a removed episode takes its calls along.
pub fn calls_of_other_episodes_do_not_meet(storage: &dyn Storage) {
    let step = || vec![call("a", sample::step(1))];
    apply(storage, vec![insert_episode(sample::episode(1), step())]);
    apply(storage, vec![insert_episode(sample::episode(2), step())]);
    apply(storage, vec![Op::Remove(sample::episode_id(1).into())]);
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    let again = append(sample::episode_id(1), step());
    assert_eq!(apply(storage, vec![again]).applied, grown(1, 1, 0));
    for n in [1, 2] {
        assert_eq!(read_steps(storage, sample::episode_id(n)).len(), 1);
    }
}

/// What is there already needs no place, and no open episode.
pub fn a_call_told_again_fits_into_a_full_or_ended_episode(storage: &dyn Storage) {
    let id: EpisodeId = sample::episode_id(1);
    let with_limit = |steps| Op::AppendSteps { episode: id, steps, limit: 1 };
    let known = || call("a", sample::step(1));
    apply(storage, vec![insert_episode(sample::episode(1), vec![known()])]);
    assert_eq!(apply(storage, vec![with_limit(vec![known()])]).applied, grown(1, 0, 0));
    let two = with_limit(vec![known(), call("b", sample::step(2))]);
    assert_eq!(reject(storage, vec![two]), Rejection::TooManySteps { limit: 1, got: 2 });
    let closing = Box::new(sample::closing(Some(Outcome::Success)));
    apply(storage, vec![Op::Close { episode: id, closing }]);
    assert_eq!(apply(storage, vec![append(id, vec![known()])]).applied, grown(1, 0, 0));
    let closed = Rejection::Closed { id, status: Status::Completed };
    let mixed = append(id, vec![known(), call("b", sample::step(2))]);
    assert_eq!(reject(storage, vec![mixed]), closed);
}

/// A step that a later operation of the same batch refuses is as it was.
pub fn a_completed_step_is_taken_back_with_its_batch(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let episode = Episode { ..sample::episode(1) };
    apply(storage, vec![insert_episode(episode, vec![begun("a", 1)])]);
    let complete = append(id, vec![call("a", sample::full_step(2))]);
    let missing = Op::Remove(sample::episode_id(9).into());
    let id_missing = Rejection::Missing { id: sample::episode_id(9).into() };
    assert_eq!(reject(storage, vec![complete, missing]), id_missing);
    assert_eq!(read_steps(storage, id), placed(vec![begun("a", 1)]));
}
