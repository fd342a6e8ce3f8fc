//! Asks the indexes for the units that fit, and gathers them by record.

use rustc_hash::FxHashMap;

use super::fuse;
use super::query::{Query, Strength};
use crate::index::{Conditions, Contents, LexicalQuery, LexicalScores, RecordNo, UnitNo};
use crate::model::RecordId;

/// Units that are looked at more closely, at least; the best are certainly among them.
const MIN_UNITS: usize = 256;

/// Units per wanted hit that are looked at more closely: an episode may fill several places.
const UNITS_PER_HIT: usize = 16;

/// Share of each further unit's score that an episode earns on top of its best one, halved from unit to
/// unit.
const NEXT_UNIT_SHARE: f32 = 0.1;

/// A record that may be a hit.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) record: RecordNo,
    pub(crate) id: RecordId,
    pub(crate) score: f64,
    pub(crate) strength: Strength,
    pub(crate) step_idx: Option<u32>,
    pub(crate) terms: Vec<(&'static str, f64)>,
}

/// A query's conditions in the index's numbers; a name that the index does not know passes nothing.
pub(super) fn conditions(contents: &Contents, query: &Query) -> Conditions {
    let columns = &contents.columns;
    let name = |name: &str| columns.known_name(name.trim());
    Conditions {
        scope: query.scope.as_ref().map(|scope| columns.known_name(scope.as_str())),
        kinds: query.kinds.clone(),
        outcome: query.outcome,
        task_type: query.task_type.as_deref().map(name),
        language: query.language.as_deref().map(name),
        tags: query.tags.iter().map(|tag| name(tag)).collect(),
        since: query.since,
        until: query.until,
    }
}

/// Finds the records with the best units, in no particular order.
///
/// Cost: the mask is linear in the units, the scores in the postings of the query's terms.
pub(super) fn find(contents: &Contents, query: &Query, text: &str) -> Vec<Candidate> {
    let mask = contents.columns.mask(&conditions(contents, query));
    let lexical_query = LexicalQuery::new(text);
    let mut lexical = LexicalScores::new();
    contents.lexical.score(&lexical_query, Some(&mask), &mut lexical);
    let n_units = MIN_UNITS.max(query.limit.unwrap_or_default().saturating_mul(UNITS_PER_HIT));
    gather(contents, &fuse::fuse(&lexical, n_units), &lexical)
}

/// Units to records: the best unit counts, the next ones a little.
fn gather(contents: &Contents, units: &[(UnitNo, f32)], lexical: &LexicalScores) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut place_of: FxHashMap<RecordNo, (usize, f32)> = FxHashMap::default();
    for (unit, score) in units {
        let Some(place) = contents.columns.place(*unit) else { continue };
        let strength = fuse::strength(lexical, *unit);
        if let Some((at, share)) = place_of.get_mut(&place.record)
            && let Some(candidate) = found.get_mut(*at)
        {
            let more = f64::from(score * *share);
            *share /= 2.0;
            candidate.score += more;
            candidate.strength = candidate.strength.max(strength);
            match candidate.terms.last_mut() {
                Some((name, sum)) if *name == "more_units" => *sum += more,
                _ => candidate.terms.push(("more_units", more)),
            }
        } else if let Some(facts) = contents.columns.facts(place.record) {
            place_of.insert(place.record, (found.len(), NEXT_UNIT_SHARE));
            let score = f64::from(*score);
            found.push(Candidate {
                record: place.record,
                id: facts.id,
                score,
                strength,
                step_idx: place.part.step_idx(),
                terms: vec![("bm25", score), ("coverage", lexical.coverage(*unit).into())],
            });
        }
    }
    found
}
