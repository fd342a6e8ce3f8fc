//! Conditions for listing records.

use crate::model::{
    Episode, IdRange, IdTail, Note, NoteKind, Outcome, RecordId, Scope, Status, Timestamp,
};

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

impl RecordFilter {
    /// Returns whether an episode meets all conditions.
    #[must_use]
    pub fn passes_episode(&self, episode: &Episode) -> bool {
        let Self { scope, ids, tail, status, outcome, note_kind, tag, since, until, .. } = self;
        scope.as_ref().is_none_or(|scope| *scope == episode.scope)
            && ids.is_none_or(|ids| (ids.first..=ids.last).contains(&episode.id.to_bytes()))
            && tail.is_none_or(|tail| tail.fits(episode.id.to_bytes()))
            && status.is_none_or(|status| status == episode.status())
            && outcome.is_none_or(|outcome| Some(outcome) == episode.outcome())
            && note_kind.is_none()
            && tag.as_ref().is_none_or(|tag| episode.context.tags.contains(tag))
            && since.is_none_or(|since| since <= episode.started_at)
            && until.is_none_or(|until| episode.started_at < until)
    }

    /// Returns whether a note meets all conditions.
    #[must_use]
    pub fn passes_note(&self, note: &Note) -> bool {
        let Self { scope, ids, tail, status, outcome, note_kind, tag, since, until, .. } = self;
        scope.as_ref().is_none_or(|scope| *scope == note.scope)
            && ids.is_none_or(|ids| (ids.first..=ids.last).contains(&note.id.to_bytes()))
            && tail.is_none_or(|tail| tail.fits(note.id.to_bytes()))
            && status.is_none()
            && outcome.is_none()
            && note_kind.is_none_or(|kind| kind == note.kind)
            && tag.as_ref().is_none_or(|tag| note.tags.contains(tag))
            && since.is_none_or(|since| since <= note.occurred_at)
            && until.is_none_or(|until| note.occurred_at < until)
            && !(self.current_only && note.superseded_by.is_some())
    }
}

/// One listed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListEntry {
    /// The record.
    pub id: RecordId,
    /// `started_at` of an episode, `occurred_at` of a note.
    pub at: Timestamp,
}
