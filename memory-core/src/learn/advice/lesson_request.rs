//! Request to the agent for lessons, when its run has something to teach. The engine has no
//! language model of its own to ask.

use super::reflection::{Assessment, Finding};
use crate::learn::text::one_line;
use crate::model::NoteId;

/// Maximum number of lessons asked for.
const MAX_LESSONS: u8 = 3;

/// Maximum bytes of a note that is quoted.
const QUOTE_BYTES: usize = 160;

/// Two notes that seem to contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// One note and its text.
    pub(crate) one: (NoteId, String),
    /// The other and its text.
    pub(crate) other: (NoteId, String),
}

impl Contradiction {
    fn text(&self) -> String {
        let [(one, a), (other, b)] = [&self.one, &self.other]
            .map(|(id, text)| (id, one_line(text, QUOTE_BYTES).unwrap_or_default()));
        format!("Note {one} says “{a}”, note {other} says “{b}”.")
    }
}

/// Words a request for lessons about a run: what made the difference to the nearest run that ended
/// otherwise, and which of two contradicting notes holds.
///
/// The notes are quoted, one pair a line; the contrast is not, as it is part of the reflection.
/// Returns `None` when there is neither, so that a usual run costs the agent nothing.
pub(crate) fn lesson_request(
    assessment: &Assessment,
    contradictions: &[Contradiction],
) -> Option<String> {
    let is_divergence = |finding: &Finding| matches!(finding, Finding::Divergence(_));
    let has_contrast = assessment.findings.iter().any(is_divergence);
    let question = match (has_contrast, contradictions) {
        (false, []) => return None,
        (true, []) => "What made the difference?",
        (false, _) => "Which of these notes holds?",
        (true, _) => "What made the difference, and which of these notes holds?",
    };
    let mut lines: Vec<String> = contradictions.iter().map(Contradiction::text).collect();
    lines.push(format!(
        "{question} Answer with at most {MAX_LESSONS} lessons for the next attempt, one sentence \
         each, that name the file, command or setting; with none if you are not sure."
    ));
    Some(lines.join("\n"))
}
