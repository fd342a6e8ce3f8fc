//! How sure we are: posteriors, effects adjusted for the task, what followed advice was worth.
//!
//! Who calls it: the rest of [`crate::learn`] and the retriever. What it must not know: where runs are
//! kept, how an answer is worded. Pure functions of counts and outcomes, in `f64`.

pub(crate) mod beta;
pub(crate) mod effect;
pub(crate) mod effectiveness;
pub(crate) mod reward;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod special;
pub(crate) mod usefulness;

pub(crate) use beta::Posterior;
pub(crate) use effect::{Effect, Trial, benjamini_hochberg, effect};
pub(crate) use reward::{History, Measure, Record, Reward, reward};
pub(crate) use usefulness::{Following, Showing, usefulness};
