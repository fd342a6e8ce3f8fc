//! Statistics of success rates: Beta posteriors, effects adjusted for the task, false discovery
//! rates.
//!
//! Pure functions of counts in `f64`. They take numbers and give numbers: which episodes are
//! counted, and how a figure is worded, is decided in [`crate::learn`], which uses them.

mod beta;
mod effect;
mod false_discovery;
mod special;
mod summary;

pub use beta::Posterior;
pub(crate) use beta::Prior;
pub(crate) use effect::{Effect, Trial, effect};
pub(crate) use false_discovery::benjamini_hochberg;
pub(crate) use special::ln_gamma;
pub(crate) use summary::{deviation, mean, median, quantile, real};
