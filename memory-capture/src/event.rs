//! Neutral events: what a client did, whatever told it.
//!
//! Made by the adapters from a hook's payload or a transcript's record, taken by the recorder.
//! Knows no client.

use memory_core::Timestamp;

/// Something that happened in a session of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The session; within a subagent that of its outermost parent, as far as it is told.
    pub session: Box<str>,
    /// The subagent in which it happened.
    pub agent: Option<Box<str>>,
    /// The client's id of the turn, the answer to one prompt, in which it happened.
    pub turn: Option<Box<str>>,
    /// The working folder.
    pub folder: Option<Box<str>>,
    /// Time of the event; hooks of several clients leave it to the reader's clock.
    pub at: Option<Timestamp>,
    /// The happening itself.
    pub kind: EventKind,
}

/// Kinds of events.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A session began, or goes on.
    SessionBegun(SessionBegun),
    /// A session ended.
    SessionEnded {
        /// The client's word for the reason.
        reason: Option<Box<str>>,
    },
    /// A person asked for something.
    Prompt(Prompt),
    /// A tool is about to be called.
    CallBegun(Call),
    /// A tool came back.
    CallEnded {
        /// The call.
        call: Call,
        /// Its end.
        end: CallEnd,
    },
    /// A subagent began; [`Event::agent`] names it.
    SubagentBegun,
    /// A subagent ended; [`Event::agent`] names it.
    SubagentEnded,
    /// The context of the session was replaced by a summary.
    Compacted,
    /// The agent finished its answer to a prompt, or was stopped.
    TurnEnded {
        /// The last message of the agent.
        message: Option<String>,
        /// True when a person or an error stopped it.
        is_aborted: bool,
    },
}

/// Beginning of a session, and what is told about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionBegun {
    /// The client's word for the occasion: `startup`, `resume`, `clear`, `compact`, `fork`.
    pub source: Option<Box<str>>,
    /// The language model.
    pub model: Option<Box<str>>,
    /// The branch of the repository.
    pub branch: Option<Box<str>>,
}

/// Words of a person to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Id that is unique among all sessions, and that a fork repeats.
    pub id: Option<Box<str>>,
    /// Id under which a hook tells the same prompt, where that is another one.
    pub alias: Option<Box<str>>,
    /// The words.
    pub text: String,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// The client's id; Gemini and Copilot have none in hooks.
    pub id: Option<Box<str>>,
    /// Name of the tool; empty where an end names its call by the id alone.
    pub tool: Box<str>,
    /// Arguments, as JSON text; empty when there were none or they are not repeated.
    pub args: String,
}

/// End of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallEnd {
    /// Result for the agent.
    pub status: CallStatus,
    /// The answer of the tool.
    pub result: String,
    /// The error message, if it failed.
    pub error: Option<String>,
    /// Duration, in milliseconds, if the client tells it.
    pub latency_ms: Option<u64>,
}

/// Result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CallStatus {
    /// It did what it was meant to do.
    Ok,
    /// It did not.
    Failed,
    /// It was called off before it ended, or the client does not tell.
    #[default]
    Unknown,
}
