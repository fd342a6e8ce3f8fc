//! What is answered.

use super::query::Strength;
use crate::model::{NoteId, Record};

/// One piece of past experience that fits the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The episode or note.
    pub record: Record,
    /// How sure it is that it is about what was asked.
    pub strength: Strength,
    /// How well it fits; higher is better, comparable within one answer only.
    pub score: f64,
    /// What of it fits, in a few hundred bytes.
    pub text: String,
    /// The first step of the part of the episode that fits best, when that is not its task.
    pub step_idx: Option<u32>,
    /// Notes among the hits of the same answer that contradict it, as far as words can tell; the newer
    /// of two comes first.
    pub contradicts: Vec<NoteId>,
    /// Every term of the score, by name.
    pub terms: Vec<(&'static str, f64)>,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recall {
    /// The hits, best first (newest first for an empty query).
    pub hits: Vec<Hit>,
    /// Records that pass the conditions and share something with the query, but are weaker than asked
    /// for.
    pub n_below_strength: usize,
    /// Hits that were left out or shortened because the answer would have been too large.
    pub n_over_budget: usize,
    /// Units that are not searched by meaning yet, because they wait for their vector.
    pub n_pending: usize,
    /// Why the query was answered by words alone, where there is an embedder but it failed.
    pub degraded: Option<String>,
}
