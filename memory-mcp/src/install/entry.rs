//! Something that a settings file is to hold, and why it may not be written.
//!
//! Used by [`super::document`] and its formats.

use super::jsonc::{BadSyntax, Json};

/// Formats of settings files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON, in which comments and trailing commas are kept.
    Json,
    /// TOML.
    Toml,
}

/// Something that a file is to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// A member by that name, whatever else it holds; ours is brought up to date.
    Member(String, Json),
    /// A member by that name, unless there is one.
    Default(String, Json),
    /// An element of the list by that name; an older one of ours goes.
    Element(String, Json),
}

/// Reason why a file is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// It does not parse.
    #[error("{0}: nothing was changed; correct the file first")]
    Syntax(#[from] BadSyntax),
    /// It does not parse as TOML.
    #[error("{0}: nothing was changed; correct the file first")]
    Toml(String),
    /// A value has another form than the client reads.
    #[error("`{0}` is not {1}: nothing was changed; correct the file first")]
    Form(String, &'static str),
    /// Another program has this name.
    #[error("`{0}` is there and is not memory-mcp")]
    Taken(String),
}
