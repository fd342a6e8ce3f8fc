//! Steps of a running episode without their texts.

use crate::learn::{AgentKey, CallKey, Digest, TaskKey};
use crate::model::{Episode, Step};

/// Most steps of an episode that is watched.
pub(in crate::memory) const MAX_STEPS: usize = 400;

/// Number of last steps in which repetitions are looked for.
const N_LAST: usize = 6;

/// Times that a call comes within these before it counts as repeated.
const N_REPEATED: usize = 3;

/// A step without its texts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::memory) struct Trace {
    tool: Box<str>,
    ok: bool,
    call: CallKey,
    /// Signature of its error.
    error: Option<u64>,
}

impl Trace {
    /// Takes the traces of steps that follow each other.
    pub(in crate::memory) fn of(steps: &[Step]) -> Vec<Self> {
        let digest = Digest::of(steps);
        let error = |at: usize| {
            let mut incidents = digest.incidents.iter();
            let found = incidents.find(|incident| incident.at as usize == at);
            found.map(|incident| incident.signature.0)
        };
        let traces = digest.moves.iter().zip(&digest.calls).enumerate();
        let traces = traces.map(|(at, ((tool, ok), call))| Self {
            tool: digest.tools.get(*tool as usize).cloned().unwrap_or_default(),
            ok: *ok,
            call: *call,
            error: error(at),
        });
        traces.collect()
    }
}

/// A running episode.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) scope: Box<str>,
    pub(super) domain: Option<Box<str>>,
    pub(super) task: TaskKey,
    pub(super) agent: Option<AgentKey>,
    steps: Vec<(Box<str>, bool, Option<u64>)>,
    /// Call of each step.
    pub(super) calls: Vec<CallKey>,
    /// Chance of success that was told last.
    pub(super) told: Option<f64>,
    /// Number of steps until which no next tools are told.
    pub(super) quiet_until: usize,
}

impl Running {
    pub(super) fn new(episode: &Episode, told: Option<f64>) -> Self {
        Self {
            scope: episode.scope.as_str().into(),
            domain: episode.context.domain.clone(),
            task: TaskKey::of(episode.task.as_str()),
            agent: AgentKey::of(&episode.context),
            steps: Vec::new(),
            calls: Vec::new(),
            told,
            quiet_until: 0,
        }
    }

    pub(super) fn n_steps(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn add(&mut self, traces: Vec<Trace>) {
        for Trace { tool, ok, call, error } in traces {
            self.steps.push((tool, ok, error));
            self.calls.push(call);
        }
    }

    /// Returns the tool of each step, and whether it was ok.
    pub(super) fn moves(&self) -> impl Iterator<Item = (&str, bool)> {
        self.steps.iter().map(|(tool, ok, _)| (&**tool, *ok))
    }

    /// Returns whether the last steps repeat themselves: the same call three times in six, two
    /// calls in turn, or the same error twice with no success of its tool between.
    pub(super) fn is_stuck(&self) -> bool {
        let last = self.calls.get(self.calls.len().saturating_sub(N_LAST)..).unwrap_or_default();
        let Some(newest) = last.last().filter(|call| **call != CallKey::NONE) else { return false };
        let is_repeated = last.iter().filter(|call| *call == newest).count() >= N_REPEATED;
        let is_in_turn = match last {
            [.., a, b, c, d] => a == c && b == d && a != b,
            _ => false,
        };
        is_repeated || is_in_turn || self.has_same_error_twice()
    }

    fn has_same_error_twice(&self) -> bool {
        let mut back = self.steps.iter().rev().take(N_LAST);
        let Some((tool, _, Some(error))) = back.next() else { return false };
        let of_tool = back.filter(|(other, _, _)| other == tool);
        let mut of_tool = of_tool.map(|(_, ok, other)| (!ok).then_some(*other).flatten());
        of_tool.next().flatten() == Some(*error)
    }
}
