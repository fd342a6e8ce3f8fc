//! Transcripts: the files in which clients keep their sessions, as streams of events.
//!
//! [`Lines`] reads files of one record a line, also while they are being written: only complete
//! lines count, and where to go on is an offset. [`read_document`] reads files that are one JSON
//! value, element by element. Neither holds more than one record. Opens no file.

mod document;
mod lines;

use serde_json::Value;

use crate::json::repair_surrogates;
pub use document::read_document;
pub use lines::{Lines, Record};

/// Longest record that is read, in bytes: snapshots of files make lines of many megabytes.
const MAX_RECORD_BYTES: usize = 24 << 20;

/// What the name and the surroundings of a file tell, since the file itself may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Session of records that name none: the name of the file or of its folder.
    pub session: Box<str>,
    /// Working folder of records that name none.
    pub folder: Option<Box<str>>,
    /// Time of records that tell none: that of the file.
    pub at: memory_core::Timestamp,
}

/// Reason why a record, or a whole file, is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file holds no text.
    #[error("is no text: {0}")]
    Binary(&'static str),
    /// A record is longer than is read.
    #[error("a record is longer than {limit} bytes")]
    TooLong {
        /// Most bytes of a record.
        limit: usize,
    },
    /// A record is no JSON.
    #[error("is no JSON: {0}")]
    Json(Box<str>),
    /// The client keeps no such files, or none that can be read.
    #[error("{client} keeps no transcripts that can be read from files")]
    NoFormat {
        /// The client.
        client: &'static str,
    },
}

/// Tells a file that is no text by its first bytes.
fn foreign(head: &[u8]) -> Option<Unreadable> {
    let head = head.get(..head.len().min(1_024)).unwrap_or_default();
    if head.starts_with(b"SQLite format 3\0") {
        return Some(Unreadable::Binary("it is a SQLite database"));
    }
    head.contains(&0).then_some(Unreadable::Binary("it has zero bytes"))
}

/// Reads a value, with invalid UTF-8 and half surrogate pairs replaced.
fn value(bytes: &[u8]) -> Result<Value, Unreadable> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(&repair_surrogates(text))
        .map_err(|error| Unreadable::Json(error.to_string().into()))
}

#[cfg(test)]
mod tests;
