//! From the scores of the indexes to one score for each unit.

use super::query::Strength;
use crate::index::{LexicalScores, UnitNo};

/// Share of the query's information that a unit must hold to be a strong hit.
const STRONG_COVERAGE: f32 = 0.6;

/// Share of the query's information that a unit must hold to be a weak hit.
const WEAK_COVERAGE: f32 = 0.25;

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
    match lexical.coverage(unit) {
        coverage if coverage >= STRONG_COVERAGE => Strength::Strong,
        coverage if coverage >= WEAK_COVERAGE => Strength::Weak,
        _ => Strength::Any,
    }
}
