//! Seeded data that looks like what agents leave behind: for tests that need volume, and for benches.
//!
//! Everything follows from a seed, on every machine and for ever, so that a figure can be measured
//! again. None of it is real: the words are drawn from a short list, with the common ones common.

mod agent;
mod rng;
mod words;

pub use agent::{Agent, Shape};
pub use rng::Rng;
pub use words::{prose, stack_trace};
