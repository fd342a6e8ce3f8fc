//! Units: the pieces of a record that are indexed, and their texts.
//!
//! A note is one unit. An episode has one for its task and what came of it, one for its synopsis,
//! one for every few steps, and one for each error.

use crate::dedup;
use crate::learn::Digest;
use crate::model::{Episode, Excerpt, Note, Step};

/// Steps of one window. A recall shows a window as the part of the episode that fits.
pub(crate) const WINDOW_STEPS: u32 = 4;

/// Bytes of a step's arguments that are indexed: commands and paths stand in front.
const ARGS_BYTES: usize = 320;

/// Bytes of a step's observation that are indexed.
const OBSERVATION_BYTES: usize = 240;

/// Bytes of a task that stand before what came of it in the text for the vector: some 150
/// wordpieces, three fifths of what the embedded model reads.
const TASK_BYTES: usize = 640;

/// Bytes of an error that are indexed.
const ERROR_BYTES: usize = 480;

/// Number of the synopsis among the pieces of an episode: beyond those of any step.
const SYNOPSIS: u32 = u32::MAX;

/// Most errors of one episode that get a unit of their own.
pub(crate) const MAX_ERRORS: usize = 16;

/// Bounds that decide which texts become units, besides the order of their fields.
pub(super) const BOUNDS: [usize; 6] = [
    WINDOW_STEPS as usize,
    ARGS_BYTES,
    OBSERVATION_BYTES,
    ERROR_BYTES,
    MAX_ERRORS,
    // A snapshot from before there were synopses lacks their units.
    SYNOPSIS as usize,
];

/// The piece of its record that a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A note, or the task and result of an episode.
    Head,
    /// The synopsis of an ended episode.
    Synopsis,
    /// The steps from this position on.
    Window(u32),
    /// The error of the step at this position.
    Error(u32),
}

impl Part {
    /// The number that stands for the piece in a [`crate::UnitKey`]; never changes its meaning.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Head => 0,
            Self::Synopsis => SYNOPSIS,
            Self::Window(idx) => idx.saturating_mul(2).saturating_add(1),
            Self::Error(idx) => idx.saturating_mul(2).saturating_add(2),
        }
    }

    /// The piece of that number.
    pub(crate) const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Head,
            SYNOPSIS => Self::Synopsis,
            odd if odd % 2 == 1 => Self::Window((odd - 1) / 2),
            even => Self::Error((even - 2) / 2),
        }
    }

    /// The first step of the piece.
    pub(crate) const fn step_idx(self) -> Option<u32> {
        match self {
            Self::Head | Self::Synopsis => None,
            Self::Window(idx) | Self::Error(idx) => Some(idx),
        }
    }
}

/// Text of a unit for its terms, and the one for its vector.
///
/// Names of speakers belong to the words alone: they swamp a vector.
pub(crate) struct UnitText {
    /// For terms.
    pub(crate) words: String,
    /// For the vector, when that is another text.
    pub(crate) meaning: Option<String>,
}

impl UnitText {
    /// A text that serves for both.
    pub(crate) const fn of(words: String) -> Self {
        Self { words, meaning: None }
    }

    /// The text that the vector is made from.
    pub(crate) fn meaning(&self) -> &str {
        self.meaning.as_deref().unwrap_or(&self.words)
    }

    /// The same, owned.
    pub(crate) fn into_meaning(self) -> String {
        self.meaning.unwrap_or(self.words)
    }
}

/// 64-bit FNV-1a of a text: tells whether a stored vector was made from it.
///
/// Stable for ever, since it is stored. Source: Fowler, Noll, Vo; draft-eastlake-fnv.
pub(crate) fn content_hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Returns the key under which notes are found that may have the same text.
pub(crate) fn text_key(text: &str) -> u64 {
    content_hash(&dedup::key_text(text))
}

/// The text of a note, as indexed.
pub(crate) fn note_text(note: &Note) -> UnitText {
    let mut words = String::with_capacity(note.text.as_str().len() + 64);
    if let Some(speaker) = &note.speaker {
        words.push_str(speaker);
        words.push_str(": ");
    }
    words.push_str(note.text.as_str());
    for tag in &note.tags {
        push_line(&mut words, tag);
    }
    UnitText { words, meaning: Some(note.text.as_str().to_owned()) }
}

/// The text of an episode's task and result, as indexed.
///
/// For the vector what came of it stands before the rest of a long task: a model reads only the
/// beginning of a text.
pub(crate) fn head_text(episode: &Episode) -> UnitText {
    let words = head_words(episode);
    let task = episode.task.as_str();
    let begin = head(task, TASK_BYTES);
    let told = episode.closing.iter().flat_map(|closing| [&closing.summary, &closing.reflection]);
    let told: Vec<&str> = told.flatten().map(Excerpt::as_str).collect();
    if begin.len() == task.len() || told.is_empty() {
        return UnitText::of(words);
    }
    let mut meaning = begin.to_owned();
    for part in told {
        push_line(&mut meaning, part);
    }
    push_line(&mut meaning, task.get(begin.len()..).unwrap_or_default());
    UnitText { words, meaning: Some(meaning) }
}

fn head_words(episode: &Episode) -> String {
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

/// The synopsis of an ended episode, as indexed; `None` for an open one, for one of which nothing
/// is known, and until its digest is of the newest version.
///
/// Like every unit it gets a vector too.
pub(crate) fn synopsis_text(episode: &Episode) -> Option<String> {
    short_synopsis(episode, usize::MAX)
}

/// Returns as much of the synopsis as fits into `max_bytes`; `None` where [`synopsis_text`] is.
pub(crate) fn short_synopsis(episode: &Episode, max_bytes: usize) -> Option<String> {
    let digest = Digest::decode(episode.digest.as_deref()?).ok()?;
    Some(digest.synopsis.text_within(max_bytes)).filter(|text| !text.is_empty())
}

/// The text of a run of steps, as indexed: a line or two for each.
pub(crate) fn window_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&call_text(step));
        text.push_str(if step.ok { " → " } else { " ✗ " });
        let output = step.error.as_ref().unwrap_or(&step.observation).as_str();
        text.push_str(head(output.trim(), OBSERVATION_BYTES));
    }
    text
}

/// The text of an error, as indexed; `None` for a step that went well.
///
/// For the vector what went wrong stands first, the end of a long log before its beginning, and the
/// call last: a model reads the beginning of a text only.
pub(crate) fn error_text(step: &Step) -> Option<UnitText> {
    if step.ok && step.error.is_none() {
        return None;
    }
    let call = call_text(step);
    let output = step.error.as_ref().unwrap_or(&step.observation).as_str().trim();
    // What went wrong stands at the end of a log and at the beginning of a message.
    if output.len() <= ERROR_BYTES {
        let meaning = format!("{output}\n{call}");
        return Some(UnitText { words: format!("{call} ✗ {output}"), meaning: Some(meaning) });
    }
    let tail = output.ceil_char_boundary(output.len() - ERROR_BYTES / 2);
    let (head, tail) = (head(output, ERROR_BYTES / 2), output.get(tail..).unwrap_or_default());
    let words = format!("{call} ✗ {head} … {tail}");
    let meaning = format!("{tail}\n{head}\n{call}");
    Some(UnitText { words, meaning: Some(meaning) })
}

/// Call of a step: tool, action and the beginning of the arguments.
pub(crate) fn call_text(step: &Step) -> String {
    let mut text = step.tool.to_string();
    if let Some(action) = &step.action {
        text.push(' ');
        text.push_str(action);
    }
    let args = step.args.as_str().trim();
    if !args.is_empty() {
        text.push(' ');
        text.push_str(head(args, ARGS_BYTES));
    }
    text
}

/// At most the first `limit` bytes of a text, on a character boundary.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_content_hash_is_the_published_one() {
        // Test vectors of FNV-1a, 64 bits.
        assert_eq!(content_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(content_hash("foobar"), 0x8594_4171_f739_67e8);
    }

    proptest! {
        #[test]
        fn a_piece_is_known_by_its_code(idx in 0_u32..1 << 30) {
            for part in [Part::Head, Part::Synopsis, Part::Window(idx), Part::Error(idx)] {
                prop_assert_eq!(Part::from_code(part.code()), part);
            }
        }
    }
}
