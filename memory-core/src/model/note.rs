//! A remembered text.

use super::{EpisodeId, Excerpt, Feedback, NoteId, Scope, Source, Timestamp};
use crate::model::episode::name_enum;

name_enum!(
    /// What a note is.
    NoteKind {
        /// What was learned from an attempt.
        Lesson = "lesson",
        /// Something that holds about the project or the world.
        Fact = "fact",
        /// How somebody wants things done.
        Preference = "preference",
        /// What was decided, and why.
        Decision = "decision",
        /// A pointer to where something is found.
        Reference = "reference",
        /// One message of a conversation.
        Turn = "turn",
        /// Where an episode can be resumed.
        Checkpoint = "checkpoint",
    }
);

/// A remembered text: lesson, fact, preference, decision, reference, turn of a conversation or
/// checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// What it is.
    pub kind: NoteKind,
    /// The project it belongs to.
    pub scope: Scope,
    /// What is remembered.
    pub text: Excerpt,
    /// Who said it, in a conversation.
    pub speaker: Option<Box<str>>,
    /// The conversation or document it is part of.
    pub session: Option<Box<str>>,
    /// Position within the session, from 0; neighbours in a session speak for each other.
    pub position: u32,
    /// Free labels, sorted, without repeats.
    pub tags: Vec<Box<str>>,
    /// Where it was imported from.
    pub source: Option<Source>,
    /// The episode that taught it.
    pub episode: Option<EpisodeId>,
    /// When it happened or was said.
    pub occurred_at: Timestamp,
    /// When we were told.
    pub recorded_at: Timestamp,
    /// From when it holds, if not always.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds, if not for ever.
    pub valid_to: Option<Timestamp>,
    /// The note that this one replaces.
    pub supersedes: Option<NoteId>,
    /// The note that replaced this one; a superseded note stays readable but leaves default search.
    pub superseded_by: Option<NoteId>,
    /// How often nearly the same text was told again, and was not stored a second time.
    pub n_merged: u32,
    /// When that was the last time.
    pub merged_at: Option<Timestamp>,
    /// What readers said of it.
    pub feedback: Feedback,
}
