//! How much of a snapshot is read at once.

/// How much of a snapshot is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::index) enum Reading {
    /// All of it but the vectors.
    Whole,
    /// What every question needs; postings and codes when they are looked at.
    OnDemand,
}
