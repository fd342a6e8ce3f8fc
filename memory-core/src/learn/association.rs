//! How success goes with something, as callers are told.

use super::evidence::Effect;

/// By how much oftener episodes with something succeed than comparable ones without it.
///
/// Associated, adjusted for the task; never a cause. The Mantel-Haenszel risk difference over strata with
/// both kinds of episodes weighs these by their overlap, so it is not that of all episodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Association {
    /// The difference, in [−1, 1].
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Episodes in the strata that can be compared.
    pub n: f64,
    /// What they are compared within: `task`, `task type` or `domain`.
    pub within: &'static str,
    /// Expected share of chance finds among those at least as clear that were looked at together; `None`
    /// for a single one.
    pub q: Option<f64>,
}

impl Association {
    /// Takes an effect.
    pub(crate) fn new(effect: &Effect, q: Option<f64>) -> Self {
        Self {
            difference: effect.difference,
            interval: (effect.lower, effect.upper),
            n: effect.n,
            within: effect.stratum.name(),
            q,
        }
    }
}
