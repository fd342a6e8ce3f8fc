//! What is learned of one ended episode from its steps alone.

use super::Signature;

/// An episode's steps without their texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Digest {
    /// Names of tools, each once, in the order of first use: the tool, or `tool:action` where the tool
    /// alone says too little.
    pub(crate) tools: Vec<Box<str>>,
    /// For each step the place of its tool in `tools`, and whether it was ok.
    pub(crate) moves: Vec<(u32, bool)>,
    /// Errors and what became of them, in the order of their steps.
    pub(crate) incidents: Vec<Incident>,
    /// Tokens of all steps, where any says so.
    pub(crate) n_tokens: Option<u64>,
    /// Duration of all steps in milliseconds, where any says so.
    pub(crate) latency_ms: Option<u64>,
}

/// An error of a step and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// The failed step.
    pub(crate) at: u32,
    /// What kind of error it was.
    pub(crate) signature: Signature,
    /// What followed within the next steps.
    pub(crate) ending: Ending,
}

/// What became of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The same tool (or the same target) succeeded.
    Resolved {
        /// The step that succeeded.
        at: u32,
        /// Names of arguments that differ from those of the failed step, sorted; none for a plain retry.
        changed: Vec<Box<str>>,
    },
    /// The same error came again first.
    DeadEnd {
        /// The step with the same error.
        at: u32,
    },
    /// Neither, within as many steps as are looked at.
    Open,
}
