//! From the scores of the indexes to one score for each unit.

use super::query::Strength;
use crate::index::{Contents, LexicalScores, Mask, UnitNo};

/// Share of a short query's information that a unit must hold to be a strong or a weak hit.
const STRONG_COVERAGE: f32 = 0.6;
const WEAK_COVERAGE: f32 = 0.25;

/// Information that makes a strong or a weak hit of a unit, whatever the share: a pasted issue is never
/// covered by what helps with it. Sum of idf, in nats; a rare word has about 6.
const STRONG_MASS: f32 = 60.0;
const WEAK_MASS: f32 = 20.0;

/// Share of its neighbours' scores that a turn of a conversation earns: an answer often lies beside the
/// words that were asked for.
const NEIGHBOUR_SHARE: f32 = 0.3;

/// The best units by fused score, best first, equal scores by number: the `n_best` of the index and the
/// neighbours of those.
///
/// A list is divided by its best score for the query, so that lists of different measures can be summed.
pub(super) fn fuse(
    contents: &Contents,
    lexical: &LexicalScores,
    mask: &Mask,
    n_best: usize,
) -> Vec<(UnitNo, f32)> {
    let best = lexical.best();
    if best <= 0.0 {
        return Vec::new();
    }
    let top = lexical.top(n_best);
    let neighbours = top.iter().flat_map(|(unit, _)| contents.columns.neighbours(*unit)).flatten();
    let mut units: Vec<UnitNo> = neighbours.filter(|unit| mask.contains(*unit)).collect();
    units.extend(top.iter().map(|(unit, _)| *unit));
    units.sort_unstable();
    units.dedup();
    let score = |unit: UnitNo| {
        let beside = contents.columns.neighbours(unit).into_iter().flatten();
        let beside: f32 = beside.map(|unit| lexical.get(unit)).sum();
        (unit, (lexical.get(unit) + NEIGHBOUR_SHARE * beside) / best)
    };
    let mut scored: Vec<(UnitNo, f32)> = units.into_iter().map(score).collect();
    scored.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scored
}

/// How sure it is that a unit is about what was asked; a turn beside a sure one is weak at least.
pub(super) fn strength(contents: &Contents, lexical: &LexicalScores, unit: UnitNo) -> Strength {
    let own = own_strength(lexical, unit);
    if own > Strength::Any {
        return own;
    }
    let beside = contents.columns.neighbours(unit).into_iter().flatten();
    beside.map(|unit| own_strength(lexical, unit).min(Strength::Weak)).max().unwrap_or(own)
}

fn own_strength(lexical: &LexicalScores, unit: UnitNo) -> Strength {
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
