//! A remembered text.

use super::{Author, EpisodeId, Excerpt, Feedback, NoteId, Origin, Scope, Source, Timestamp};
use crate::model::episode::name_enum;

name_enum!(
    /// Kind of a note.
    NoteKind {
        /// Lesson of an attempt.
        Lesson = "lesson",
        /// Something that holds about the project or the world.
        Fact = "fact",
        /// Wish about how things are done.
        Preference = "preference",
        /// Decision and its reason.
        Decision = "decision",
        /// A pointer to where something is found.
        Reference = "reference",
        /// One message of a conversation.
        Turn = "turn",
        /// State from which an episode can be resumed.
        Checkpoint = "checkpoint",
    }
);

/// A remembered text: lesson, fact, preference, decision, reference, turn of a conversation or
/// checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// Its kind.
    pub kind: NoteKind,
    /// The project it belongs to.
    pub scope: Scope,
    /// The remembered text.
    pub text: Excerpt,
    /// Speaker, in a conversation.
    pub speaker: Option<Box<str>>,
    /// The conversation or document it is part of.
    pub session: Option<Box<str>>,
    /// Position within the session, from 0; neighbours in a session speak for each other.
    pub position: u32,
    /// Free labels, sorted, without repeats.
    pub tags: Vec<Box<str>>,
    /// Place that it came from, for an imported record.
    pub source: Option<Source>,
    /// Who its text comes from.
    pub origin: Origin,
    /// Its author on another machine; `None` for one's own.
    pub author: Option<Author>,
    /// The episode that taught it.
    pub episode: Option<EpisodeId>,
    /// Time at which it happened or was said.
    pub occurred_at: Timestamp,
    /// Time of its recording.
    pub recorded_at: Timestamp,
    /// From when it holds, if not always.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds, if not for ever.
    pub valid_to: Option<Timestamp>,
    /// The note that this one replaces.
    pub supersedes: Option<NoteId>,
    /// The note that replaced this one; a superseded note stays readable but leaves default search.
    pub superseded_by: Option<NoteId>,
    /// Number of times the same text was remembered again and merged.
    pub n_merged: u32,
    /// Last of these times.
    pub merged_at: Option<Timestamp>,
    /// Feedback of readers.
    pub feedback: Feedback,
}
