//! From the scores of the indexes to one score for each unit.

use super::query::Strength;
use crate::index::{LexicalScores, UnitNo};

/// Share of a short query's information that a unit must hold to be a strong or a weak hit.
const STRONG_COVERAGE: f32 = 0.6;
const WEAK_COVERAGE: f32 = 0.25;

/// Information that makes a strong or a weak hit of a unit, whatever the share: a pasted issue is never
/// covered by what helps with it. Sum of idf, in nats; a rare word has about 6.
const STRONG_MASS: f32 = 60.0;
const WEAK_MASS: f32 = 20.0;

/// The `n_best` units by fused score in (0, 1], best first; equal scores by number.
///
/// A list is divided by its best score for the query, so that lists of different measures can be summed.
pub(super) fn fuse(lexical: &LexicalScores, n_best: usize) -> Vec<(UnitNo, f32)> {
    let best = lexical.best();
    let mut units = lexical.top(n_best);
    for (_, score) in &mut units {
        *score /= best;
    }
    units
}

/// How sure it is that a unit is about what was asked.
pub(super) fn strength(lexical: &LexicalScores, unit: UnitNo) -> Strength {
    let query_mass = lexical.query_mass();
    let mass = lexical.coverage(unit) * query_mass;
    if mass >= (STRONG_COVERAGE * query_mass).min(STRONG_MASS) {
        Strength::Strong
    } else if mass >= (WEAK_COVERAGE * query_mass).min(WEAK_MASS) {
        Strength::Weak
    } else {
        Strength::Any
    }
}
