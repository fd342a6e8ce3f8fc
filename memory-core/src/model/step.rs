//! One tool call within an episode.

use super::{Excerpt, Timestamp};

/// One tool call of an episode, with what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Position in the episode, from 0; given by the storage when the step is appended.
    pub idx: u32,
    /// Id of the call that the client gave it; an episode has one step of a call.
    pub call_id: Option<Box<str>>,
    /// Name of the tool, for example `bash` or `edit_file`.
    pub tool: Box<str>,
    /// Action of the tool where its name alone says too little (`git`, `SELECT`).
    pub action: Option<Box<str>>,
    /// Arguments, as JSON text; empty when there were none.
    pub args: Excerpt,
    /// Answer of the tool.
    pub observation: Excerpt,
    /// True when the call did what it was meant to do.
    pub ok: bool,
    /// The error message, where there was one.
    pub error: Option<Excerpt>,
    /// Duration of the call, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Tokens that the call cost.
    pub n_tokens: Option<u64>,
    /// Time of the call.
    pub occurred_at: Timestamp,
}

impl Step {
    /// Returns whether it says what came of the call: one that is logged before the call runs does
    /// not.
    #[must_use]
    pub fn has_result(&self) -> bool {
        !self.ok || self.error.is_some() || !self.observation.as_str().is_empty()
    }
}
