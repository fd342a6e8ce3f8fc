//! How sure it is that a unit is about what was asked.

use super::meaning::Meaning;
use super::query::Strength;
use crate::index::{Contents, LexicalScores, UnitNo};

/// Share of a short query's information that a unit must hold to be a strong or a weak hit.
const STRONG_COVERAGE: f32 = 0.6;
const WEAK_COVERAGE: f32 = 0.25;

/// Information that makes a strong or a weak hit of a unit, whatever the share: a pasted issue is never
/// covered by what helps with it. Sum of idf, in nats; a rare word has about 6.
const STRONG_MASS: f32 = 60.0;
const WEAK_MASS: f32 = 20.0;

/// Cosine that makes a strong or a weak hit of a unit, whatever its words.
const STRONG_COSINE: f32 = 0.6;
const WEAK_COSINE: f32 = 0.35;

/// What is known for the verdict on a unit.
pub(super) struct Judge<'a> {
    pub(super) contents: &'a Contents,
    pub(super) lexical: &'a LexicalScores,
    pub(super) meaning: Option<&'a Meaning>,
}

impl Judge<'_> {
    /// The verdict on a unit; a turn beside a sure one is weak at least.
    pub(super) fn strength(&self, unit: UnitNo) -> Strength {
        let own = self.own(unit);
        if own > Strength::Any {
            return own;
        }
        let beside = self.contents.columns.neighbours(unit).into_iter().flatten();
        beside.map(|unit| self.own(unit).min(Strength::Weak)).max().unwrap_or(own)
    }

    fn own(&self, unit: UnitNo) -> Strength {
        let query_mass = self.lexical.query_mass();
        let mass = self.lexical.coverage(unit) * query_mass;
        let cosine = self.meaning.and_then(|meaning| meaning.cosine(unit)).unwrap_or(0.0);
        if mass >= (STRONG_COVERAGE * query_mass).min(STRONG_MASS) || cosine >= STRONG_COSINE {
            Strength::Strong
        } else if mass >= (WEAK_COVERAGE * query_mass).min(WEAK_MASS) || cosine >= WEAK_COSINE {
            Strength::Weak
        } else {
            Strength::Any
        }
    }
}
