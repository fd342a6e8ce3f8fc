//! Amount of a snapshot that is read at once.

/// Amount of a snapshot that is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::index) enum Reading {
    /// All of it but the vectors.
    Whole,
    /// What every question needs; postings and codes when they are looked at.
    OnDemand,
}
