//! Refusal of a value that the model does not take.

use std::borrow::Cow;

/// A text that is no value of its type, such as a malformed id or scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidValue {
    /// Name of the value.
    pub field: &'static str,
    /// Fault of the value, and what would be right.
    pub reason: Cow<'static, str>,
}

impl InvalidValue {
    pub(crate) fn new(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field, reason: reason.into() }
    }
}
