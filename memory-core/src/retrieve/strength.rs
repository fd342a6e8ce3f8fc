//! How sure it is that a unit is about what was asked.

use super::dates::Dates;
use super::meaning::Meaning;
use super::query::Strength;
use crate::index::{Contents, LexicalScores, UnitNo};

/// Share of a short query's information that makes a strong or a weak hit of a unit by words alone.
const STRONG_COVERAGE: f32 = 0.6;
const WEAK_COVERAGE: f32 = 0.22;

/// Information that makes a strong or a weak hit of a unit, whatever the share: a pasted issue is never
/// covered by what helps with it. Sum of idf, in nats; a rare word has about 6.
const STRONG_MASS: f32 = 60.0;
const WEAK_MASS: f32 = 14.0;

/// Cosine that makes a strong or a weak hit of a unit, whatever its words.
const STRONG_COSINE: f32 = 0.7;
const WEAK_COSINE: f32 = 0.35;

/// Where meaning is known as well, words make a strong hit only if they are nearly all there and the unit
/// is about something like it: a long text on the same subject holds most words of any question.
const SURE_COVERAGE: f32 = 0.9;
const SURE_COSINE: f32 = 0.45;

/// What is known for the verdict on a unit.
pub(super) struct Judge<'a> {
    pub(super) contents: &'a Contents,
    pub(super) lexical: &'a LexicalScores,
    pub(super) meaning: Option<&'a Meaning<'a>>,
    pub(super) dates: &'a Dates,
    /// Whether the query's terms are mostly overlapping pairs of characters.
    pub(super) in_pairs: bool,
}

impl Judge<'_> {
    /// The verdict on a unit; a turn beside a sure one is weak at least, and so is what came about on days
    /// that the query singles out.
    pub(super) fn strength(&self, unit: UnitNo) -> Strength {
        let own = self.own(unit);
        if own > Strength::Any {
            return own;
        }
        if self.contents.columns.instant(unit).is_some_and(|at| self.dates.singles_out(at)) {
            return Strength::Weak;
        }
        let beside = self.contents.columns.neighbours(unit).into_iter().flatten();
        beside.map(|unit| self.own(unit).min(Strength::Weak)).max().unwrap_or(own)
    }

    fn own(&self, unit: UnitNo) -> Strength {
        let query_mass = self.lexical.query_mass();
        let mass = self.lexical.coverage(unit) * query_mass;
        // One other character breaks two pairs: sharing half as many says as much.
        let ease = if self.in_pairs { 0.5 } else { 1.0 };
        let at_least =
            |coverage: f32, limit: f32| mass >= (coverage * query_mass).min(limit) * ease;
        let cosine = self.meaning.and_then(|meaning| meaning.cosine(unit));
        let strong = match cosine {
            None => at_least(STRONG_COVERAGE, STRONG_MASS),
            Some(cosine) => {
                cosine >= STRONG_COSINE
                    || (cosine >= SURE_COSINE && at_least(SURE_COVERAGE, STRONG_MASS))
            }
        };
        if strong {
            Strength::Strong
        } else if at_least(WEAK_COVERAGE, WEAK_MASS) || cosine.is_some_and(|c| c >= WEAK_COSINE) {
            Strength::Weak
        } else {
            Strength::Any
        }
    }
}
