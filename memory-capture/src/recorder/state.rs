//! State of a session between two events, small enough to be stored with every one of them.

use std::collections::BTreeMap;

use memory_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

/// Version of the encoding; a state of another one is as good as none.
const VERSION: u32 = 1;

/// Most calls whose identity is kept in an episode.
pub(super) const MAX_SEEN: usize = 512;

/// Most calls that can be on their way.
pub(super) const MAX_PENDING: usize = 64;

/// Most different prompts without ids that are counted.
pub(super) const MAX_PROMPTS: usize = 512;

/// Most turns that are known: events of an earlier one may come late.
pub(super) const MAX_TURNS: usize = 16;

/// State of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    version: u32,
    /// The session.
    pub(super) session: Box<str>,
    /// The folder in which it began.
    pub(super) folder: Option<Box<str>>,
    pub(super) model: Option<Box<str>>,
    pub(super) branch: Option<Box<str>>,
    /// The open episode.
    pub(super) open: Option<OpenEpisode>,
    /// Head of the last task and key of its episode, for work that goes on later.
    pub(super) last: Option<(Box<str>, Box<str>)>,
    /// Numbers of prompts by the hash of their words, where the client gives them no id.
    pub(super) prompts: BTreeMap<u64, u32>,
    /// Hashes of the last turns of which something was told.
    #[serde(default)]
    pub(super) turns: Vec<u64>,
}

/// The open episode of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenEpisode {
    pub(super) key: Box<str>,
    pub(super) task: Box<str>,
    /// Times in milliseconds since 1970.
    pub(super) began_ms: i64,
    pub(super) last_ms: i64,
    /// Hash of the last prompt, to know it when it comes twice.
    pub(super) last_prompt: u64,
    /// Whether anything came after it.
    pub(super) has_moved: bool,
    pub(super) pending: Vec<Pending>,
    /// Hashes of calls that ended.
    pub(super) seen: Vec<u64>,
    /// Numbers of calls without ids by the hash of what they are.
    pub(super) counts: BTreeMap<u64, u32>,
    /// Whether beginnings of calls are told at all.
    pub(super) has_beginnings: bool,
    pub(super) evidence: Evidence,
    /// Last words of the agent.
    pub(super) message: Option<Box<str>>,
}

/// A call that has not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: Box<str>,
    /// Hash of what it is, for calls without ids.
    pub(super) what: u64,
    pub(super) tool: Box<str>,
    pub(super) args: Box<str>,
    pub(super) at_ms: i64,
}

impl Default for SessionState {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionState {
    /// Returns the state of a session of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            version: VERSION,
            session: "".into(),
            folder: None,
            model: None,
            branch: None,
            open: None,
            last: None,
            prompts: BTreeMap::new(),
            turns: Vec::new(),
        }
    }

    /// Returns the bytes to be stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Nothing in it can fail to be JSON; an empty text would be read as no state.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads stored bytes; `None` for those of another version, and for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let state: Self = serde_json::from_slice(bytes).ok()?;
        (state.version == VERSION).then_some(state)
    }

    /// Returns the key of the open episode.
    #[must_use]
    pub fn open_key(&self) -> Option<&str> {
        self.open.as_ref().map(|open| &*open.key)
    }

    /// Returns the time of the last event of the open episode.
    #[must_use]
    pub fn last_at(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| Timestamp::from_millis(open.last_ms))
    }
}
