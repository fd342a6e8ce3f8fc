//! Association of something with success, as callers see it.

use crate::stats::Effect;

/// Difference in success between episodes with something and comparable ones without it.
///
/// An association adjusted for the task, not a causal effect: a Mantel-Haenszel risk difference
/// over strata that have both kinds of episodes, weighted by their overlap, so that it is not that
/// of all episodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Association {
    /// Difference of the success rates, in [−1, 1].
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Number of episodes in strata that can be compared.
    pub n: f64,
    /// Name of the strata: `task`, `task type` or `domain`.
    pub within: &'static str,
    /// False discovery rate among all that were tested together and are at least as clear
    /// (Benjamini and Hochberg); `None` for a single test.
    pub q: Option<f64>,
}

impl Association {
    /// Takes the figures of an effect.
    pub(super) fn new(effect: &Effect, q: Option<f64>) -> Self {
        Self {
            difference: effect.difference,
            interval: (effect.lower, effect.upper),
            n: effect.n,
            within: effect.stratum.name(),
            q,
        }
    }
}
