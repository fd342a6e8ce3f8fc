//! Generated load: records, texts and vectors from a seed.
//!
//! The same seed gives the same load with one version of `fastrand`, so that a figure can be
//! measured again. None of it is real: words and vectors are drawn at random, common ones more
//! often. Used by the durability harnesses of this crate and by the benches.

mod prose;
mod vectors;
mod workload;

pub use fastrand::Rng;
pub use prose::prose;
pub use vectors::{DIMENSION, HashEmbedder, vector};
pub use workload::Workload;
