//! Runs for tests.

use crate::learn::{Move, Run, TaskKey};
use crate::model::{EpisodeId, Outcome, Timestamp};

/// A run of a task whose steps use the given tools, all ok; a negative number is a failed step.
pub(crate) fn run(id: u8, task: u64, outcome: Option<Outcome>, tools: &[i32]) -> Run {
    let moves = tools.iter().map(|tool| Move { tool: tool.unsigned_abs(), ok: *tool > 0 });
    Run {
        id: EpisodeId::from_bytes([id; 16]),
        scope: 1,
        task: TaskKey(task),
        strata: [task, 0, 0],
        task_type: 0,
        language: 0,
        domain: 0,
        tags: Box::default(),
        outcome,
        reward: None,
        started_at: Timestamp::from_millis(i64::from(id) * 1_000),
        ended_at: Timestamp::from_millis(i64::from(id) * 1_000 + 500),
        moves: moves.collect(),
        incidents: Box::default(),
        n_tokens: None,
        latency_ms: None,
        shown: Box::default(),
        followed: Box::default(),
    }
}
