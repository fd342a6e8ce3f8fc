//! Reasons why a line is no record.

use memory_core::Error;

/// Reason why a line is no record; the message has no position, which the caller knows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadLine {
    /// It is no JSON, or a field has the wrong type.
    #[error("{}", without_line(.0))]
    Json(#[from] serde_json::Error),
    /// It is not UTF-8.
    #[error("is not UTF-8 from byte {first_byte} on")]
    Encoding {
        /// First byte that is not, from 1.
        first_byte: usize,
    },
    /// It is longer than the reader takes.
    #[error("{got} bytes are more than the limit of {limit}")]
    TooLong {
        /// Most bytes of a line.
        limit: usize,
        /// Bytes of this line.
        got: usize,
    },
    /// It is neither an episode nor a note.
    #[error("has neither `task` nor `text`")]
    NoRecord,
    /// It has no id, so that a second import would store it again.
    #[error("has no `id`; without one a second import would store it again")]
    NoId,
    /// A field has a name that is none of a list.
    #[error("{field} `{got}` is none of {allowed}")]
    UnknownName {
        /// The field.
        field: &'static str,
        /// Its value.
        got: Box<str>,
        /// The names that it takes, with commas between them.
        allowed: Box<str>,
    },
    /// An item of a list of links does not say which record it names.
    #[error("{field}: each item names either an `episode` or a `note`")]
    NoTarget {
        /// The list.
        field: &'static str,
    },
    /// A relation is to a note.
    #[error("relations: a relation is to an `episode`")]
    RelationToNote,
    /// Its scope is none.
    #[error(transparent)]
    Scope(Error),
}

impl BadLine {
    /// Returns the error for a name that is none of `allowed`.
    pub(super) fn unknown_name<'n>(
        field: &'static str,
        got: &str,
        allowed: impl Iterator<Item = &'n str>,
    ) -> Self {
        let allowed: Vec<&str> = allowed.collect();
        Self::UnknownName { field, got: got.into(), allowed: allowed.join(", ").into() }
    }
}

/// Returns the parser's message without the line, which is always 1.
fn without_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.split_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} (column {column})"),
        None => message,
    }
}
