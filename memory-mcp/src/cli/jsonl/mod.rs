//! The neutral formats: one JSON object per line, an episode (has `task`) or a note (has `text`).
//!
//! `line` says how a line is spelled, `read` turns one into a record, `write` a record into one. What
//! `write` makes, `read` turns into the same record again.

mod line;
mod read;
mod write;

use serde::Deserialize;
use serde_json::value::RawValue;

pub(crate) use read::{Link, Parsed, Reader, Role, Tie};
pub(crate) use write::{Linked, episode_line, named_by_episode, named_by_note, note_line};

/// The importer of records whose line names none.
pub(crate) const IMPORTER: &str = "jsonl";

/// A tag of this form stands for `task_id`: runs of the same task share it.
const TASK_TAG: &str = "task:";

/// The text of a JSON string, or the JSON text of anything else.
fn unquoted(raw: &RawValue) -> String {
    match raw.get().as_bytes().first() {
        Some(b'"') => String::deserialize(raw).unwrap_or_default(),
        _ => raw.get().to_owned(),
    }
}
