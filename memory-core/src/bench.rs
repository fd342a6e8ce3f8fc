//! The part of the engine's inside that the benches reach; only with the feature `bench`, which no
//! product asks for. Nothing here is stable.

use crate::memory::Memory;

pub use crate::learn::bench::{
    End, ErrorKind, LearnBench, Observed, Proposal, ReplayedPlaybook, signature, step_name,
};
pub use crate::predict::bench::{
    Asked, BenchForecast, BenchOdds, PredictBench, anomaly_scores, change_points, clusters,
    forecast, rate,
};
pub use crate::retrieve::Weights;

impl Memory {
    /// Returns the memory with other weights; recalls then show the effect of a term.
    #[must_use]
    pub fn with_weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }
}
