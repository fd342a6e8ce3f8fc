//! Steps and episodes for tests.

use crate::model::{Excerpt, Step, Timestamp};

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
