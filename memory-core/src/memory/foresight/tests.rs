//! Odds and next tools at the moment of a step, through the engine.

use std::sync::Arc;

use super::*;
use crate::StepClock;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::memory::{Logged, Lookup};
use crate::model::{Outcome, Timestamp};
use crate::storage::MemStorage;

fn memory() -> Memory {
    let clock = StepClock::new(Timestamp::from_millis(1_000_000), 1_000);
    Memory::builder(Arc::new(MemStorage::new())).clock(Arc::new(clock)).open().unwrap()
}

fn step(tool: &str, n: usize, error: bool) -> NewStep {
    NewStep {
        tool: tool.into(),
        args: format!(r#"{{"path":"src/{n}.rs"}}"#),
        error: error.then(|| "error: the lock is held by another process".into()),
        ..NewStep::default()
    }
}

fn begin(memory: &Memory, task: &str) -> EpisodeId {
    let scope = Scope::new("example.org/shop").unwrap();
    let lookup = Lookup { limit: 3, advice_tokens: 300, ..Lookup::default() };
    memory.begin(NewEpisode::new(scope, task), lookup).unwrap().value.id
}

/// Records episodes of one task: with a failing `deploy` they fail, else they succeed.
fn past(memory: &Memory, n: usize) {
    for round in 0..n {
        let id = begin(memory, "Ship the release");
        let fails = round % 2 == 1;
        for (n, tool) in ["read", "edit", "test", "deploy", "verify"].into_iter().enumerate() {
            let error = fails && tool == "deploy";
            memory.log(id, vec![step(tool, n + 10 * round, error)]).unwrap();
        }
        let outcome = if fails { Outcome::Failure } else { Outcome::Success };
        let completion = Completion { outcome: Some(outcome), ..Completion::default() };
        memory.finish(id, completion).unwrap();
    }
}

fn log(memory: &Memory, id: EpisodeId, tool: &str, n: usize, error: bool) -> Logged {
    memory.log(id, vec![step(tool, n, error)]).unwrap().value
}

#[test]
fn odds_are_told_again_when_they_have_moved_and_only_then() {
    let memory = memory();
    past(&memory, 40);
    let id = begin(&memory, "Ship the release");
    for (n, tool) in ["read", "edit", "test"].into_iter().enumerate() {
        let logged = log(&memory, id, tool, n, false);
        assert_eq!((logged.odds, logged.next_tools), (None, Vec::new()), "{tool}");
    }
    let moved = log(&memory, id, "deploy", 7, true).odds.expect("a failed deploy");
    assert!(moved.now.chance.mean < moved.before - MOVED, "{moved:?}");
    assert!((moved.before - 0.5).abs() < 0.15, "{moved:?}");
    assert_eq!(log(&memory, id, "verify", 8, false).odds, None, "told already");
}

#[test]
fn an_agent_that_repeats_itself_is_told_what_came_next_and_then_left_alone() {
    let memory = memory();
    past(&memory, 12);
    let id = begin(&memory, "Ship the release of another week");
    let told: Vec<usize> = (0..6)
        .map(|_| log(&memory, id, "edit", 1, false).next_tools)
        .enumerate()
        .filter_map(|(n, next)| {
            assert!(next.iter().all(|next| next.tool != "edit" && next.share <= 1.0), "{next:?}");
            (next.first()?.tool == "test").then_some(n)
        })
        .collect();
    assert_eq!(told, [2], "the third time, then quiet for five steps");
}

#[test]
fn the_same_error_twice_and_two_calls_in_turn_are_signs_of_being_stuck() {
    let memory = memory();
    past(&memory, 12);
    let id = begin(&memory, "Ship the release of another week");
    assert!(log(&memory, id, "test", 1, true).next_tools.is_empty());
    assert!(!log(&memory, id, "test", 2, true).next_tools.is_empty(), "the same error");
    let id = begin(&memory, "Ship the release of the week after");
    let calls = [("read", 1), ("edit", 2), ("read", 1), ("edit", 2)];
    let told = calls.map(|(tool, n)| !log(&memory, id, tool, n, false).next_tools.is_empty());
    assert_eq!(told, [false, false, false, true]);
}

#[test]
fn without_experience_and_for_an_episode_that_began_elsewhere_all_goes_on() {
    let memory = memory();
    let id = begin(&memory, "Ship the release");
    let logged = log(&memory, id, "edit", 1, false);
    assert_eq!((logged.odds, logged.next_tools.len()), (None, 0));
    past(&memory, 40);
    // Its first step is not among those that this process keeps: there was nothing to compare.
    for n in 2..5 {
        log(&memory, id, "read", n, false);
    }
    let logged = log(&memory, id, "deploy", 9, true);
    assert!(logged.odds.is_some(), "{logged:?}");
}
