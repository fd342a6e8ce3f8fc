//! How sure we are: posteriors, effects adjusted for the task, what followed advice was worth.
//!
//! Who calls it: the rest of [`crate::learn`]. What it must not know: where runs are kept, how an answer
//! is worded. Pure functions of counts and outcomes, in `f64`.

pub(crate) mod beta;
pub(crate) mod effect;
pub(crate) mod special;

pub(crate) use beta::Posterior;
pub(crate) use effect::{Effect, Stratum, Trial, benjamini_hochberg, effect};
