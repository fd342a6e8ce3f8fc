//! Steps and episodes for tests.

use crate::model::{
    Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Outcome, Scope, Step, Timestamp,
};

/// A step with what matters to learning.
pub(super) fn step(tool: &str, args: &str, ok: bool, observation: &str) -> Step {
    Step {
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

/// Episode number `n`, which ended at the time of that number.
pub(super) fn episode(n: u8, scope: &str, task: &str, outcome: Option<Outcome>) -> Episode {
    let at = Timestamp::from_millis(i64::from(n));
    let closing = Closing {
        outcome,
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
