//! Which pieces of a record are indexed, and their texts.
//!
//! A note is one unit. An episode has one for its task and what came of it, one for every few steps, and
//! one for each error.

use std::fmt::Write;

use crate::model::{Episode, Note, Step};

/// Steps of one window. A recall shows a window as the part of the episode that fits.
pub(crate) const WINDOW_STEPS: u32 = 4;

/// Bytes of a step's arguments that are indexed: commands and paths stand in front.
const ARGS_BYTES: usize = 320;

/// Bytes of a step's observation that are indexed.
const OBSERVATION_BYTES: usize = 240;

/// Bytes of an error that are indexed.
const ERROR_BYTES: usize = 480;

/// Most errors of one episode that get a unit of their own.
pub(crate) const MAX_ERRORS: usize = 64;

/// Which piece of its record a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A note, or the task and result of an episode.
    Head,
    /// The steps from this position on.
    Window(u32),
    /// The error of the step at this position.
    Error(u32),
}

impl Part {
    /// The first step of the piece.
    pub(crate) const fn step_idx(self) -> Option<u32> {
        match self {
            Self::Head => None,
            Self::Window(idx) | Self::Error(idx) => Some(idx),
        }
    }
}

/// The text of a note, as indexed.
pub(crate) fn note_text(note: &Note) -> String {
    let mut text = String::with_capacity(note.text.as_str().len() + 64);
    if let Some(speaker) = &note.speaker {
        text.push_str(speaker);
        text.push_str(": ");
    }
    text.push_str(note.text.as_str());
    for tag in &note.tags {
        text.push('\n');
        text.push_str(tag);
    }
    text
}

/// The text of an episode's task and result, as indexed.
pub(crate) fn head_text(episode: &Episode) -> String {
    let mut text = episode.task.as_str().to_owned();
    for part in [&episode.context.task_type, &episode.context.framework, &episode.context.domain] {
        push_line(&mut text, part.as_deref().unwrap_or_default());
    }
    for tag in &episode.context.tags {
        push_line(&mut text, tag);
    }
    if let Some(closing) = &episode.closing {
        for part in [&closing.summary, &closing.reflection].into_iter().flatten() {
            push_line(&mut text, part.as_str());
        }
        for artifact in &closing.artifacts {
            push_line(&mut text, artifact);
        }
    }
    text
}

fn push_line(text: &mut String, line: &str) {
    if !line.is_empty() {
        text.push('\n');
        text.push_str(line);
    }
}

/// The text of a run of steps, as indexed and shown: a line or two for each.
pub(crate) fn window_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        if !text.is_empty() {
            text.push('\n');
        }
        push_call(&mut text, step);
        text.push_str(if step.ok { " → " } else { " ✗ " });
        let said = step.error.as_ref().unwrap_or(&step.observation).as_str();
        text.push_str(head(said.trim(), OBSERVATION_BYTES));
    }
    text
}

/// The text of an error, as indexed and shown; `None` for a step that went well.
pub(crate) fn error_text(step: &Step) -> Option<String> {
    if step.ok && step.error.is_none() {
        return None;
    }
    let mut text = String::new();
    push_call(&mut text, step);
    text.push_str(" ✗ ");
    let said = step.error.as_ref().unwrap_or(&step.observation).as_str().trim();
    // What went wrong stands at the end of a log and at the beginning of a message.
    if said.len() <= ERROR_BYTES {
        text.push_str(said);
    } else {
        let tail = said.ceil_char_boundary(said.len() - ERROR_BYTES / 2);
        let (head, tail) = (head(said, ERROR_BYTES / 2), said.get(tail..).unwrap_or_default());
        let written = write!(text, "{head} … {tail}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    Some(text)
}

fn push_call(text: &mut String, step: &Step) {
    text.push_str(&step.tool);
    if let Some(action) = &step.action {
        text.push(' ');
        text.push_str(action);
    }
    let args = step.args.as_str().trim();
    if !args.is_empty() {
        text.push(' ');
        text.push_str(head(args, ARGS_BYTES));
    }
}

/// At most the first `limit` bytes of a text, on a character boundary.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}
