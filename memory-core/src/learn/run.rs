//! A row of the table of what was tried.

use super::Incident;
use crate::model::{EpisodeId, Outcome, RecordId, Timestamp};

/// Number of a name (tool, scope, task type, language, domain, tag) in the table's own list of names.
pub(crate) type NameNo = u32;

/// Hash of a task's text without case, spacing and punctuation at its ends: attempts with the same key
/// are attempts at the same task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey(pub(crate) u64);

/// A step: which tool, and whether it was ok.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Move {
    pub(crate) tool: NameNo,
    pub(crate) ok: bool,
}

/// An ended attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: EpisodeId,
    pub(crate) scope: NameNo,
    pub(crate) task: TaskKey,
    /// 0 where it has none, like the following ones.
    pub(crate) task_type: NameNo,
    pub(crate) language: NameNo,
    pub(crate) domain: NameNo,
    pub(crate) tags: Box<[NameNo]>,
    /// `None` for an abandoned one.
    pub(crate) outcome: Option<Outcome>,
    /// How good the result was by the word of whoever recorded it, in [0, 1].
    pub(crate) reward: Option<f64>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) moves: Box<[Move]>,
    pub(crate) incidents: Box<[Incident]>,
    pub(crate) n_tokens: Option<u64>,
    pub(crate) latency_ms: Option<u64>,
    /// Records that were shown when it began; whether each was a strong hit.
    pub(crate) shown: Box<[(RecordId, bool)]>,
    /// Records that the agent says it followed.
    pub(crate) followed: Box<[RecordId]>,
}
