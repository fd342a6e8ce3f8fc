//! Errors that are the same but for numbers, names and places have one signature.

/// Names a kind of error: same text and tool, same signature, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signature(pub(crate) u64);
