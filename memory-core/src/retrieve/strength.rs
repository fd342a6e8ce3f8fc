//! Strength of a hit: the certainty that a unit is about what was asked.
//!
//! Input: a unit's coverage of the query by words, its cosine, its date; output: strong, weak or
//! any. Only what was understood counts: a cosine makes a strong hit by itself if the model can
//! read (nearly) all of the query, and words do if the unit holds enough of all of its words.

use super::dates::Dates;
use super::query::Strength;
use super::semantic::SemanticScores;
use crate::index::{Contents, LexicalScores, UnitNo};

/// Share of a short query's information that makes a strong or a weak hit of a unit by words alone.
const STRONG_COVERAGE: f32 = 0.6;
const WEAK_COVERAGE: f32 = 0.22;

/// Information that makes a strong or a weak hit of a unit, whatever the share: a pasted issue is
/// never covered by what helps with it. Sum of idf, in nats; a rare word has about 6.
const STRONG_MASS: f32 = 60.0;
const WEAK_MASS: f32 = 14.0;

/// Cosine that makes a strong or a weak hit of a unit, whatever its words.
const STRONG_COSINE: f32 = 0.7;
const WEAK_COSINE: f32 = 0.35;

/// Coverage and cosine that make a strong hit together, where the cosine is known: a long text on
/// the same subject holds most words of any question.
const SURE_COVERAGE: f32 = 0.9;
const SURE_COSINE: f32 = 0.45;

/// Least share of a query's letters that the model reads for a cosine to be sure by itself: of a
/// query that is half in another script, its vector stands for the other half alone.
const SURE_READABLE: f32 = 0.9;

/// Facts for the verdict on the units of one query.
pub(super) struct Judge<'a> {
    pub(super) contents: &'a Contents,
    pub(super) lexical: &'a LexicalScores,
    pub(super) semantic: Option<&'a SemanticScores<'a>>,
    pub(super) dates: &'a Dates,
    /// Set if the query's terms are mostly pairs of characters that each say something.
    pub(super) in_pairs: bool,
}

impl Judge<'_> {
    /// Returns the verdict on a unit; a turn beside a sure one is weak at least, and so is what
    /// happened on days that the query singles out.
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
        let cosine = self.semantic.and_then(|semantic| semantic.cosine(unit));
        let is_read = self.semantic.is_some_and(|semantic| semantic.readable() >= SURE_READABLE);
        let strong = match cosine {
            None => at_least(STRONG_COVERAGE, STRONG_MASS),
            Some(cosine) => {
                (is_read && cosine >= STRONG_COSINE)
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
