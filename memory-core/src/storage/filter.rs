//! Conditions for listing records.

use crate::model::{IdRange, IdTail, NoteKind, Outcome, RecordId, Scope, Status, Timestamp};

/// Conditions on records; all of those that are set must hold, the default passes everything.
///
/// A condition on something that the kind of record does not have (the outcome of a note) passes
/// none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordFilter {
    /// Belongs to this scope.
    pub scope: Option<Scope>,
    /// Has an id in this range.
    pub ids: Option<IdRange>,
    /// Has an id with this tail.
    pub tail: Option<IdTail>,
    /// Episode that stands here.
    pub status: Option<Status>,
    /// Episode that ended so.
    pub outcome: Option<Outcome>,
    /// Note of this kind.
    pub note_kind: Option<NoteKind>,
    /// Has this tag (of the episode's context or of the note).
    pub tag: Option<Box<str>>,
    /// Came about at this instant or later.
    pub since: Option<Timestamp>,
    /// Came about before this instant.
    pub until: Option<Timestamp>,
    /// Leave out notes that are superseded.
    pub current_only: bool,
}

/// One listed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListEntry {
    /// The record.
    pub id: RecordId,
    /// `started_at` of an episode, `occurred_at` of a note.
    pub at: Timestamp,
}
