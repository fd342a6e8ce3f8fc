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
    /// The question in words.
    pub(crate) text: String,
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
        Evidence::Divergence(_) => Some(evidence),
        _ => None,
    });
    if contrast.is_none() && contradictions.is_empty() {
        return None;
    }
    let mut text = String::new();
    if let Some(contrast) = contrast {
        text.push_str(&contrast.text(id, words));
        text.push_str(" What made the difference?\n");
    }
    for Contradiction { one, other } in &contradictions {
        let quote = |text: &str| one_line(text, QUOTE_BYTES).unwrap_or_default();
        let (a, b) = (quote(&one.1), quote(&other.1));
        text.push_str(&format!(
            "Note {} says “{a}”, note {} says “{b}”. Which holds?\n",
            one.0, other.0
        ));
    }
    text.push_str(&format!(
        "Answer with at most {MAX_LESSONS} lessons, one sentence each, that help the next attempt: name the file, \
         command or setting. None if you are not sure."
    ));
    let contrast = contrast.and_then(|evidence| match evidence {
        Evidence::Divergence(divergence) => Some(divergence.clone()),
        _ => None,
    });
    Some(LessonRequest { contrast, contradictions, max_lessons: MAX_LESSONS, text })
}
