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

/// Fewest episodes in informative strata of which a difference is told: of fewer, its interval
/// spans half of all there is, and a reader takes the number for more than it is.
const MIN_EPISODES: f64 = 10.0;

impl Association {
    /// Takes the figures of an effect; `None` where too few episodes can be compared.
    pub(super) fn of(effect: &Effect, q: Option<f64>) -> Option<Self> {
        (effect.n >= MIN_EPISODES).then(|| Self {
            difference: effect.difference,
            interval: (effect.lower, effect.upper),
            n: effect.n,
            within: effect.stratum.name(),
            q,
        })
    }
}
