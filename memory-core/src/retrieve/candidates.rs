//! Asks the indexes for the units that fit, and gathers them by record.

use rustc_hash::FxHashMap;

use super::dates::Dates;
use super::fuse::{Fusion, Scored};
use super::hit::Signals;
use super::query::{Query, Strength};
use super::semantic::{QueryVector, SemanticScores, meant_speakers, named_speakers, words};
use super::strength::Judge;
use super::weights::Weights;
use crate::index::{Conditions, Contents, LexicalQuery, LexicalScores, Mask, RecordNo, UnitNo};
use crate::model::{HitKind, RecordId};

/// Units that are looked at more closely, at least; the best are certainly among them.
const MIN_UNITS: usize = 256;

/// Units per wanted hit that are looked at more closely: an episode may fill several places.
const UNITS_PER_HIT: usize = 16;

/// Share of each further unit's score that an episode earns on top of its best one, halved from
/// unit to unit.
const NEXT_UNIT_SHARE: f32 = 0.1;

/// Units that came about on the days that the query names, per unit of the best: a month holds
/// many.
const DATED_PER_BEST: usize = 4;

/// A query as the indexes take it.
pub(super) struct Asked<'a> {
    pub(super) text: &'a str,
    pub(super) vector: Option<&'a QueryVector>,
    pub(super) dates: &'a Dates,
    /// Most records that the caller will take.
    pub(super) limit: usize,
}

/// A record that may be a hit.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) record: RecordNo,
    pub(crate) id: RecordId,
    pub(crate) kind: HitKind,
    /// Its best unit.
    pub(crate) unit: UnitNo,
    pub(crate) score: f64,
    pub(crate) strength: Strength,
    pub(crate) step_idx: Option<u32>,
    pub(crate) signals: Signals,
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
        except: query.except.clone(),
    }
}

/// Finds the records with the best units, in no particular order.
///
/// Cost: the mask is linear in the units, the words cost the postings of the query's terms, the
/// vectors a scan of the codes that pass the mask.
pub(super) fn find(
    contents: &Contents,
    query: &Query,
    asked: &Asked<'_>,
    weights: &Weights,
) -> Vec<Candidate> {
    let Asked { text, vector, dates, limit } = *asked;
    let mask = contents.columns.mask(&conditions(contents, query));
    let n_best = MIN_UNITS.max(limit.saturating_mul(UNITS_PER_HIT));
    let mut lexical = LexicalScores::new();
    let words_asked = LexicalQuery::new(text);
    contents.lexical.score(&words_asked, Some(&mask), &mut lexical);
    let dated = dated(contents, &mask, dates, &lexical, n_best * DATED_PER_BEST);
    let semantic = vector.and_then(|vector| SemanticScores::find(contents, &mask, vector, n_best));
    let semantic = semantic.as_ref();
    let fusion = Fusion {
        contents,
        mask: &mask,
        lexical: &lexical,
        semantic,
        named: &named_speakers(&contents.columns, text),
        meant: &meant_speakers(&contents.columns, text),
        dates,
        dated: &dated,
        n_words: words(text).count(),
        in_pairs: words_asked.is_in_pairs(),
        weights,
    };
    let in_pairs = words_asked.is_in_pairs();
    let judge = Judge { contents, lexical: &lexical, semantic, dates, in_pairs };
    gather(&judge, &fusion.fuse(n_best))
}

/// The units that came about near the days that a query names; of too many, those that hold most of
/// its words, then the nearest.
///
/// Cost: linear in the records, for a query that names a day.
fn dated(
    contents: &Contents,
    mask: &Mask,
    dates: &Dates,
    lexical: &LexicalScores,
    n_best: usize,
) -> Vec<UnitNo> {
    if dates.is_empty() {
        return Vec::new();
    }
    let mut near = contents.columns.units_near(|at| dates.nearness(at));
    near.retain(|(unit, _)| mask.contains(*unit));
    if near.len() > n_best {
        let order = |(left, l): &(UnitNo, f32), (right, r): &(UnitNo, f32)| {
            let by_words = lexical.get(*right).total_cmp(&lexical.get(*left));
            by_words.then(r.total_cmp(l)).then(left.cmp(right))
        };
        near.select_nth_unstable_by(n_best, order);
        near.truncate(n_best);
    }
    near.into_iter().map(|(unit, _)| unit).collect()
}

/// Units to records: the best unit counts, the next ones a little.
fn gather(judge: &Judge<'_>, units: &[Scored]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut place_of: FxHashMap<RecordNo, (usize, f32)> = FxHashMap::default();
    for scored in units {
        let columns = &judge.contents.columns;
        let Some(place) = columns.place(scored.unit) else { continue };
        let strength = judge.strength(scored.unit);
        if let Some((at, share)) = place_of.get_mut(&place.record)
            && let Some(candidate) = found.get_mut(*at)
        {
            let more = f64::from(scored.score * *share);
            *share /= 2.0;
            candidate.score += more;
            candidate.strength = candidate.strength.max(strength);
            match candidate.terms.last_mut() {
                Some((name, sum)) if *name == "more_units" => *sum += more,
                _ => candidate.terms.push(("more_units", more)),
            }
        } else if let Some(facts) = columns.facts(place.record) {
            place_of.insert(place.record, (found.len(), NEXT_UNIT_SHARE));
            found.push(Candidate {
                record: place.record,
                id: facts.id,
                kind: facts.kind,
                unit: scored.unit,
                score: f64::from(scored.score),
                strength,
                step_idx: place.part.step_idx(),
                signals: signals(judge, scored.unit),
                terms: terms(scored),
            });
        }
    }
    found
}

/// Terms of a unit's score; those that are nothing are left out.
fn terms(scored: &Scored) -> Vec<(&'static str, f64)> {
    let Scored { bm25, dense, speaker, date, exact, session, .. } = *scored;
    let terms = [
        ("bm25", bm25),
        ("dense", dense),
        ("speaker", speaker),
        ("date", date),
        ("exact", exact),
        ("session", session),
    ];
    let terms = terms.into_iter().filter(|(_, value)| *value != 0.0);
    terms.map(|(name, value)| (name, f64::from(value))).collect()
}

fn signals(judge: &Judge<'_>, unit: UnitNo) -> Signals {
    Signals {
        cosine: judge.semantic.and_then(|semantic| semantic.cosine(unit)).map(f64::from),
        coverage: f64::from(judge.lexical.coverage(unit)),
    }
}
