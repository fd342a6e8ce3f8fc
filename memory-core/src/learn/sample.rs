//! Steps, episodes and runs for tests.

use super::digest::CallKey;
use super::table::{Move, Run, TaskKey};
use crate::model::{
    Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Origin, Outcome, Scope, Step,
    Timestamp,
};

/// Returns a step with the fields that learning reads.
pub(crate) fn step(tool: &str, args: &str, ok: bool, observation: &str) -> Step {
    Step {
        call_id: None,
        idx: 0,
        tool: tool.into(),
        action: None,
        args: Excerpt::cut(args.to_owned(), 100_000),
        observation: Excerpt::cut(observation.to_owned(), 100_000),
        ok,
        error: None,
        latency_ms: None,
        n_tokens: None,
        occurred_at: Timestamp::default(),
    }
}

/// Returns episode number `n`, which ended at the time of that number.
pub(crate) fn episode(n: u8, scope: &str, task: &str, outcome: Option<Outcome>) -> Episode {
    let at = Timestamp::from_millis(i64::from(n));
    let closing = Closing {
        outcome,
        inferred: None,
        ended_at: at,
        summary: None,
        artifacts: Vec::new(),
        reward: None,
        surprise: None,
        followed: Vec::new(),
        reflection: None,
    };
    Episode {
        id: EpisodeId::from_bytes([n; 16]),
        scope: Scope::new(scope).unwrap(),
        task: Excerpt::cut(task.to_owned(), 1_000),
        context: Context::default(),
        source: None,
        origin: Origin::Agent,
        author: None,
        started_at: at,
        recorded_at: at,
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: 0,
        closing: Some(closing),
    }
}

/// Returns a run of a task whose steps use the given tools, all ok; a negative number is a failed
/// step.
pub(crate) fn run(id: u8, task: u64, outcome: Option<Outcome>, tools: &[i32]) -> Run {
    let moves = tools.iter().map(|tool| Move { tool: tool.unsigned_abs(), ok: *tool > 0 });
    let calls = tools.iter().map(|tool| CallKey(tool.unsigned_abs()));
    Run {
        id: EpisodeId::from_bytes([id; 16]),
        scope: 1,
        task: TaskKey(task),
        agent: None,
        strata: [task, 0, 0],
        task_type: 0,
        language: 0,
        domain: 0,
        tags: Box::default(),
        outcome,
        is_inferred: false,
        reward: None,
        ended_at: Timestamp::from_millis(i64::from(id) * 1_000 + 500),
        moves: moves.collect(),
        calls: calls.collect(),
        targets: Box::default(),
        incidents: Box::default(),
        n_tokens: None,
        latency_ms: None,
        costs: Box::default(),
        shown: Box::default(),
        followed: Box::default(),
    }
}
