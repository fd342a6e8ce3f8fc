//! What the benches reach of the engine's inside; only with the feature `bench`, which no product asks
//! for. Nothing here is stable.

pub use crate::index::dense::bench::{DenseIndex, KernelBench, UnitMask};
pub use crate::learn::advice::bench::{Advice, Adviser, step_name};
pub use crate::learn::bench::{LearnBench, Observed, Proposal, signature};
