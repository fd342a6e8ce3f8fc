//! An attempt as the models of episodes see it: one that ended, or one that is running.

use crate::learn::{AgentKey, CallKey, Move, NameId, Run, TaskKey};

/// An attempt with the steps that are known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) scope: NameId,
    /// 0 where it has none.
    pub(crate) domain: NameId,
    pub(crate) task: TaskKey,
    /// `None` where neither agent nor model is named.
    pub(crate) agent: Option<AgentKey>,
    pub(crate) moves: &'a [Move],
    /// Call of each move.
    pub(crate) calls: &'a [CallKey],
}

impl<'a> Attempt<'a> {
    pub(crate) fn of(run: &'a Run) -> Self {
        let Run { scope, domain, task, agent, .. } = *run;
        Self { scope, domain, task, agent, moves: &run.moves, calls: &run.calls }
    }

    /// Returns the attempt after its first `n` steps; the whole one where it has fewer.
    pub(crate) fn after(self, n: usize) -> Self {
        let moves = self.moves.get(..n).unwrap_or(self.moves);
        let calls = self.calls.get(..n).unwrap_or(self.calls);
        Self { moves, calls, ..self }
    }
}
