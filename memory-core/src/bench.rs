//! What the benches reach of the engine's inside; only with the feature `bench`, which no product asks
//! for. Nothing here is stable.

use crate::memory::Memory;

pub use crate::index::dense::bench::{DenseIndex, KernelBench, UnitMask};
pub use crate::learn::bench::{
    LearnBench, Observed, Proposal, ReplayedPlaybook, signature, step_name,
};
pub use crate::retrieve::Weights;

impl Memory {
    /// The memory with other weights: what a recall finds then says what a term is worth.
    #[must_use]
    pub fn with_weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }
}
