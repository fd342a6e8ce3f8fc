//! Answers to a query.

use super::query::Strength;
use crate::learn::Attempts;
use crate::model::{NoteId, Record};

/// Measurements of a hit, comparable between answers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signals {
    /// Cosine of the vectors of query and best unit, in [−1, 1]; `None` where one of them has none.
    pub cosine: Option<f64>,
    /// Share of the query's information (sum of idf) whose terms the best unit holds, in [0, 1].
    pub coverage: f64,
}

/// One piece of past experience that fits the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The episode or note.
    pub record: Record,
    /// Certainty that it is about the query.
    pub strength: Strength,
    /// Score; higher is better, comparable within one answer only.
    pub score: f64,
    /// The fitting part of its text, in a few hundred bytes.
    pub text: String,
    /// The first step of the part of the episode that fits best, when that is not its task.
    pub step_idx: Option<u32>,
    /// Attempts at the task of the episode, for which this hit stands; `None` where it is the only
    /// one, or still open.
    pub attempts: Option<Attempts>,
    /// Notes among the hits of the same answer that contradict it, as far as words can tell; the
    /// newer of two comes first.
    pub contradicts: Vec<NoteId>,
    /// Measurements behind score and strength.
    pub signals: Signals,
    /// Terms of the score by name, for readers.
    pub terms: Vec<(&'static str, f64)>,
}

impl Hit {
    /// Lists the terms of the score, then the measurements behind it, for readers.
    pub fn explanation(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let Signals { cosine, coverage } = self.signals;
        let cosine = cosine.map(|cosine| ("cosine", cosine));
        self.terms.iter().copied().chain([("coverage", coverage)]).chain(cosine)
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recall {
    /// The hits, best first (newest first for an empty query).
    pub hits: Vec<Hit>,
    /// Records that pass the conditions and share something with the query, but are weaker than
    /// asked for.
    pub n_below_strength: usize,
    /// Hits that were left out or shortened because the answer would have been too large.
    pub n_over_budget: usize,
    /// Units that are not searched by meaning yet, because they wait for their vector.
    pub n_pending: usize,
    /// Reason why the query was answered by words alone, where an embedder failed.
    pub degraded: Option<String>,
}
