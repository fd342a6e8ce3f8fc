//! Asks the agent for lessons when its run has something to teach; there is no model of our own to ask.

use super::reflection::{Divergence, Evidence, Reflection};
use super::text::{Words, one_line};
use crate::model::{EpisodeId, NoteId};

/// Most lessons asked for.
pub(crate) const MAX_LESSONS: u8 = 3;

const QUOTE_BYTES: usize = 160;

/// Two notes that seem to say opposite things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// One note and its text.
    pub(crate) one: (NoteId, String),
    /// The other and its text.
    pub(crate) other: (NoteId, String),
}

/// A question to the agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LessonRequest {
    /// Where its run parted from the nearest one that ended otherwise.
    pub(crate) contrast: Option<Divergence>,
    /// Notes to settle.
    pub(crate) contradictions: Vec<Contradiction>,
    /// Most lessons wanted.
    pub(crate) max_lessons: u8,
    /// What is asked about: the contrast and the notes, each in a line.
    pub(crate) quotes: Vec<String>,
    /// The question about them.
    pub(crate) question: String,
}

/// Asks for lessons about a run: what made the difference to the nearest run that ended otherwise, and which of
/// two notes holds. `None` when there is neither, so that a usual run costs the agent nothing.
pub(crate) fn lesson_request(
    id: EpisodeId,
    reflection: &Reflection,
    contradictions: Vec<Contradiction>,
    words: &Words<'_>,
) -> Option<LessonRequest> {
    let contrast = reflection.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Divergence(divergence) => Some(divergence),
        _ => None,
    });
    let mut quotes: Vec<String> =
        contrast.iter().map(|contrast| contrast.text(id, words)).collect();
    quotes.extend(contradictions.iter().map(|Contradiction { one, other }| {
        let quote = |text: &str| one_line(text, QUOTE_BYTES).unwrap_or_default();
        let (a, b) = (quote(&one.1), quote(&other.1));
        format!("Note {} says “{a}”, note {} says “{b}”.", one.0, other.0)
    }));
    let what = match (contrast, contradictions.as_slice()) {
        (None, []) => return None,
        (Some(_), []) => "What made the difference?",
        (None, _) => "Which of these notes holds?",
        (Some(_), _) => "What made the difference, and which of these notes holds?",
    };
    let question = format!(
        "{what} Answer with at most {MAX_LESSONS} lessons for the next attempt, one sentence each, that name the \
         file, command or setting; with none if you are not sure."
    );
    let contrast = contrast.cloned();
    Some(LessonRequest { contrast, contradictions, max_lessons: MAX_LESSONS, quotes, question })
}
