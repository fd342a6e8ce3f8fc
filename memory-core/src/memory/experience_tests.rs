//! Claims about relations of episodes, checkpoints, feedback and retention.

use std::sync::Arc;

use super::*;
use crate::clock::StepClock;
use crate::intake::{Completion, NewEpisode, NewNote, NewStep};
use crate::model::{Feedback, NoteKind, Outcome, Relation, RelationKind, Scope, Shown, Timestamp};
use crate::retention::Retention;
use crate::storage::MemStorage;

const DAY_MS: i64 = 86_400_000;

/// Creates a memory whose clock advances by a day with each reading.
fn memory() -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_760_000_000_000), DAY_MS));
    let storage = Arc::new(MemStorage::new());
    let memory = Memory::builder(storage).clock(clock).open().unwrap();
    memory.refresh().unwrap();
    memory
}

fn scope() -> Scope {
    Scope::new("acme/shop").unwrap()
}

fn start(memory: &Memory, task: &str) -> EpisodeId {
    memory.start(NewEpisode::new(scope(), task)).unwrap().value
}

fn end(memory: &Memory, id: EpisodeId, outcome: Option<Outcome>) {
    memory.finish(id, Completion { outcome, ..Completion::default() }).unwrap();
}

fn step(tool: &str, error: Option<&str>) -> NewStep {
    NewStep { tool: tool.into(), error: error.map(Into::into), ..NewStep::default() }
}

fn lesson(memory: &Memory, text: &str) -> NoteId {
    memory.remember(NewNote::new(scope(), NoteKind::Lesson, text)).unwrap().value.id()
}

#[test]
fn an_episode_retries_the_last_attempt_at_its_task_that_failed() {
    let memory = memory();
    let first = start(&memory, "Fix the flaky login test");
    end(&memory, first, Some(Outcome::Failure));
    let second = start(&memory, "  fix the FLAKY login test.");
    let retries = |episode| vec![Relation { kind: RelationKind::Retries, episode }];
    assert_eq!(memory.episode(second).unwrap().relations, retries(first));
    end(&memory, second, None);
    let third = start(&memory, "Fix the flaky login test");
    assert_eq!(memory.episode(third).unwrap().relations, retries(second));
    end(&memory, third, Some(Outcome::Success));
    let fourth = start(&memory, "Fix the flaky login test");
    assert_eq!(memory.episode(fourth).unwrap().relations, []);
    let elsewhere = NewEpisode::new(Scope::new("other").unwrap(), "Fix the flaky login test");
    let elsewhere = memory.start(elsewhere).unwrap().value;
    assert_eq!(memory.episode(elsewhere).unwrap().relations, []);
}

#[test]
fn relations_to_records_that_are_not_stored_are_refused_and_nothing_is_written() {
    let memory = memory();
    let id = start(&memory, "Fix the flaky login test");
    let before = memory.status().unwrap().head.seq;
    let unknown = EpisodeId::from_bytes([7; 16]);
    let tie = Relation { kind: RelationKind::PartOf, episode: unknown };
    let new = NewEpisode { relations: vec![tie], ..NewEpisode::new(scope(), "another") };
    assert!(matches!(memory.start(new), Err(Error::NotFound { .. })));
    let followed = vec![id.into(), NoteId::from_bytes([7; 16]).into()];
    let completion =
        Completion { outcome: Some(Outcome::Success), followed, ..Completion::default() };
    assert!(matches!(memory.finish(id, completion), Err(Error::NotFound { .. })));
    assert_eq!(memory.status().unwrap().head.seq, before);
}

#[test]
fn an_open_episode_is_resumed_as_it_stands() {
    let memory = memory();
    let id = start(&memory, "Fix the flaky login test");
    let failed = step("bash", Some("error: port 5432 is in use"));
    memory.log(id, vec![failed, step("grep", None)]).unwrap();
    memory.log(id, (0..9).map(|_| step("edit", None)).collect()).unwrap();
    let kept = memory.checkpoint(id, "The port is taken; next: stop postgres").unwrap().value;
    for from in [RecordId::from(id), kept.into()] {
        let (resumed, handoff) = memory.resume(from).unwrap();
        assert_eq!((resumed, handoff.episode.n_steps), (id, 11));
        let notes: Vec<_> = handoff.notes.iter().map(|note| (note.id, note.position)).collect();
        assert_eq!(notes, [(kept, 11)]);
        let last: Vec<u32> = handoff.last_steps.iter().map(|step| step.idx).collect();
        assert_eq!(last, [5, 6, 7, 8, 9, 10]);
        let open: Vec<u32> = handoff.open_errors.iter().map(|step| step.idx).collect();
        assert_eq!(open, [0], "an unresolved error is shown");
    }
}

#[test]
fn an_ended_episode_is_resumed_by_one_that_follows_it() {
    let memory = memory();
    let id = start(&memory, "Fix the flaky login test");
    let kept = memory.checkpoint(id, "Half of it is done").unwrap().value;
    end(&memory, id, Some(Outcome::Partial));
    assert!(matches!(memory.checkpoint(id, "more"), Err(Error::Conflict { .. })));
    let (next, handoff) = memory.resume(kept.into()).unwrap();
    let next = memory.episode(next).unwrap();
    assert_eq!(next.relations, [Relation { kind: RelationKind::Follows, episode: id }]);
    assert_eq!((next.task.as_str(), handoff.episode.id), ("Fix the flaky login test", id));
}

#[test]
fn only_episodes_and_their_checkpoints_are_resumed() {
    let memory = memory();
    let note = lesson(&memory, "Stop postgres before the tests");
    assert!(matches!(memory.resume(note.into()), Err(Error::Invalid { field: "resume", .. })));
    let unknown = EpisodeId::from_bytes([7; 16]);
    assert!(matches!(memory.resume(unknown.into()), Err(Error::NotFound { .. })));
    assert!(matches!(memory.checkpoint(unknown, "x"), Err(Error::NotFound { .. })));
    let id = start(&memory, "t");
    assert!(matches!(memory.checkpoint(id, " "), Err(Error::Invalid { .. })));
}

#[test]
fn successful_following_and_feedback_raise_a_record_and_showing_does_not() {
    let memory = memory();
    let notes = ["Stop postgres before the tests", "Delete the lock file", "Restart the machine"];
    let [good, bad, ignored] = notes.map(|text| lesson(&memory, text));
    let shown = [good, bad, ignored].map(|id| Shown { record: id.into(), strong: true }).to_vec();
    for (followed, outcome) in [(good, Outcome::Success), (bad, Outcome::Failure)] {
        let new = NewEpisode { shown: shown.clone(), ..NewEpisode::new(scope(), "Fix the test") };
        let id = memory.start(new).unwrap().value;
        let followed = vec![followed.into()];
        let completion = Completion { outcome: Some(outcome), followed, ..Completion::default() };
        memory.finish(id, completion).unwrap();
    }
    let helpfulness = memory.helpfulness(&[good.into(), bad.into(), ignored.into()]).unwrap();
    let usefulness: Vec<f64> = helpfulness.iter().map(|one| one.usefulness).collect();
    assert!(usefulness[0] > 0.0 && usefulness[1] < 0.0, "{usefulness:?}");
    assert!(usefulness[2].abs() < f64::EPSILON, "{usefulness:?}");
    assert_eq!(helpfulness.iter().map(|one| one.n_shown).collect::<Vec<_>>(), [2, 2, 2]);

    let rated = memory.feedback(&[ignored.into(), ignored.into()], true).unwrap();
    let [rated] = rated.as_slice() else { panic!("{rated:?}") };
    assert_eq!(rated.after.feedback, Feedback { n_helpful: 1, n_unhelpful: 0 });
    assert!(rated.after.chance.mean > rated.before.chance.mean);
}

#[test]
fn feedback_on_unknown_or_forgotten_records_counts_for_nothing() {
    let memory = memory();
    let [kept, gone] = ["Stop postgres first", "Use the other branch"].map(|t| lesson(&memory, t));
    memory.forget(&[gone.into()]).unwrap();
    let refused = memory.feedback(&[kept.into(), gone.into()], true);
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    assert_eq!(memory.note(kept).unwrap().feedback, Feedback::default());
    assert!(matches!(memory.feedback(&[], true), Err(Error::Invalid { field: "ids", .. })));
    let many: Vec<RecordId> = (0..101).map(|n| NoteId::from_bytes([n; 16]).into()).collect();
    assert!(matches!(memory.feedback(&many, true), Err(Error::LimitExceeded { .. })));
}

#[test]
fn a_policy_names_what_is_old_and_of_no_use() {
    let memory = memory();
    let tasks = ["given up", "failed", "failed but followed"];
    let [given_up, failed, followed] = tasks.map(|task| start(&memory, task));
    end(&memory, given_up, None);
    end(&memory, failed, Some(Outcome::Failure));
    end(&memory, followed, Some(Outcome::Failure));
    let open = start(&memory, "still open");
    let done = start(&memory, "done");
    let completion = Completion {
        outcome: Some(Outcome::Success),
        followed: vec![followed.into()],
        ..Completion::default()
    };
    memory.finish(done, completion).unwrap();
    let old = lesson(&memory, "Deploys run from Jenkins");
    let new = NewNote {
        supersedes: Some(old),
        ..NewNote::new(scope(), NoteKind::Lesson, "Deploys run from GitHub Actions")
    };
    memory.remember(new).unwrap();
    let named = |policy: &str| -> Vec<RecordId> {
        let policy: Retention = policy.parse().unwrap();
        memory.expired(&policy, None).unwrap().into_iter().map(|expired| expired.id).collect()
    };
    assert_eq!(named("failure>1d"), [failed.into()], "what was followed stays");
    assert_eq!(named("abandoned>0d, failure>900d"), [given_up.into()]);
    assert_eq!(named("open>1d"), [open.into()]);
    assert_eq!(named("superseded>0d"), [old.into()]);
    assert_eq!(named("success>3650d, lesson>3650d"), []);
    memory.feedback(&[followed.into()], false).unwrap();
    assert_eq!(named("unhelpful>1d"), [followed.into()]);
    let elsewhere = Scope::new("other").unwrap();
    let policy: Retention = "failure>1d".parse().unwrap();
    assert_eq!(memory.expired(&policy, Some(&elsewhere)).unwrap(), []);
}
