//! Change points: where a series begins to be another.

mod numbers;
mod outcomes;

pub(crate) use numbers::{breaks, standardized};
pub(crate) use outcomes::{OutcomeBreak, evidence, outcome_breaks};
