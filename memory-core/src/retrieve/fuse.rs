//! Fusion: one score for each unit from those of the indexes, its neighbours, speaker, date and
//! session.
//!
//! A list of scores is divided by its best, so that lists of different measures can be summed
//! (score sums beat reciprocal ranks on every development set). The constants were chosen on those
//! sets with one rule for all of them; `plans/0009` has the figures.

use rustc_hash::{FxHashMap, FxHashSet};

use super::dates::Dates;
use super::semantic::SemanticScores;
use super::weights::Weights;
use crate::index::{Contents, LexicalScores, Mask, NameNo, UnitNo};

/// Weight of the neighbour that fits less than the other one: between two turns that fit a little,
/// none need be the answer.
const LESSER_NEIGHBOUR: f32 = 0.5;

/// Number of turns of a session that count as its best.
const SESSION_BEST: usize = 3;

/// Weight of the vectors elsewhere, for a query of eight words.
const WEIGHT: f32 = 0.76;

/// Loss of that weight with each doubling of the query's length: many words say more by themselves.
const WEIGHT_PER_DOUBLING: f32 = 0.09;

/// A query of fewer words names something rather than describing it: words count more.
const MIN_DESCRIBING_WORDS: usize = 4;

/// Share of the query's information from which on a unit earns for holding all of it.
const EXACT_FROM: f32 = 0.8;

/// Bounds of that weight.
const WEIGHTS: std::ops::RangeInclusive<f32> = 0.45..=0.85;

/// A unit with its score and what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) unit: UnitNo,
    pub(super) score: f32,
    pub(super) bm25: f32,
    pub(super) dense: f32,
    pub(super) speaker: f32,
    pub(super) date: f32,
    pub(super) exact: f32,
    pub(super) session: f32,
}

/// Scores of the indexes for the units that pass the mask, and what else the query says.
pub(super) struct Fusion<'a> {
    pub(super) contents: &'a Contents,
    pub(super) mask: &'a Mask,
    pub(super) lexical: &'a LexicalScores,
    pub(super) semantic: Option<&'a SemanticScores<'a>>,
    /// Speakers that the query names.
    pub(super) named: &'a FxHashSet<NameNo>,
    /// Speakers that it means by “I” and “you”.
    pub(super) meant: &'a FxHashSet<NameNo>,
    /// Days that the query names.
    pub(super) dates: &'a Dates,
    /// Units of records from near those days.
    pub(super) dated: &'a [UnitNo],
    /// Words of the query.
    pub(super) n_words: usize,
    /// Set if its terms are mostly pairs of characters.
    pub(super) in_pairs: bool,
    pub(super) weights: &'a Weights,
}

/// One list of scores: of a unit alone, and with its neighbours.
#[derive(Clone, Copy, Default)]
struct Pair {
    own: f32,
    smooth: f32,
}

/// Best of a list, over all units and over turns.
#[derive(Default)]
struct Best {
    own: f32,
    turn_own: f32,
    turn_smooth: f32,
}

impl Best {
    fn see(&mut self, pair: Pair, turn: bool) {
        self.own = self.own.max(pair.own);
        if turn {
            self.turn_own = self.turn_own.max(pair.own);
            self.turn_smooth = self.turn_smooth.max(pair.smooth);
        }
    }

    /// The pair as a share of the best, within 0 and 1; the best turn keeps its place among all
    /// units.
    ///
    /// A score below the mean is not counted against a unit: where all are alike, a little less
    /// than the mean would be many times the best.
    fn share(&self, pair: Pair, turn: bool) -> f32 {
        let share = if self.own <= 0.0 {
            0.0
        } else if turn && self.turn_smooth > 0.0 {
            pair.smooth / self.turn_smooth * (self.turn_own / self.own)
        } else {
            pair.own / self.own
        };
        share.max(0.0)
    }
}

impl Fusion<'_> {
    /// The best units by fused score, best first, equal scores by number: the `n_best` of each
    /// index and the neighbours of those.
    pub(super) fn fuse(&self, n_best: usize) -> Vec<Scored> {
        let units = self.units(n_best);
        // Any two sentences share some pairs of characters: what stands beside a unit says nothing
        // about it then.
        let neighbour_share = if self.in_pairs { 0.0 } else { self.weights.neighbour_share };
        let (mut best_words, mut best_meaning) = (Best::default(), Best::default());
        let mut pairs = Vec::with_capacity(units.len());
        for unit in units {
            let [before, after] = self.contents.columns.neighbours(unit);
            let turn = before.is_some() || after.is_some();
            let around = [before, after].into_iter().flatten();
            let pair = |score: &dyn Fn(UnitNo) -> Option<f32>| {
                let own = score(unit)?;
                let (more, less) = best_two(around.clone().filter_map(score));
                let beside = more + LESSER_NEIGHBOUR * less;
                Some(Pair { own, smooth: own + neighbour_share * beside })
            };
            let words = pair(&|unit| Some(self.lexical.get(unit))).unwrap_or_default();
            let meaning =
                self.semantic.and_then(|semantic| pair(&|unit| semantic.above_mean(unit)));
            best_words.see(words, turn);
            best_meaning.see(meaning.unwrap_or_default(), turn);
            pairs.push((unit, turn, words, meaning));
        }
        let weight = self.weight();
        let mut scored: Vec<Scored> = pairs
            .into_iter()
            .map(|(unit, turn, words, meaning)| {
                // A unit that waits for its vector is judged by its words alone.
                let weight = match meaning {
                    None => 0.0,
                    Some(_) if turn => weight.min(self.weights.turn_weight),
                    Some(_) => weight,
                };
                let bm25 = (1.0 - weight) * best_words.share(words, turn);
                let dense = weight * best_meaning.share(meaning.unwrap_or_default(), turn);
                let speaker = self.speaker(unit);
                let at = self.contents.columns.instant(unit);
                let near = at.map_or(0.0, |at| self.dates.nearness(at));
                let date = self.weights.date_bonus * near;
                let coverage = self.lexical.coverage(unit);
                let exact = self.weights.exact_bonus
                    * ((coverage - EXACT_FROM) / (1.0 - EXACT_FROM)).max(0.0);
                let score = bm25 + dense + speaker + date + exact;
                Scored { unit, score, bm25, dense, speaker, date, exact, session: 0.0 }
            })
            .collect();
        sort(&mut scored);
        self.add_sessions(&mut scored);
        scored
    }

    /// The units that are looked at.
    fn units(&self, n_best: usize) -> Vec<UnitNo> {
        let mut units: Vec<UnitNo> = self.lexical.top(n_best).into_iter().map(|(u, _)| u).collect();
        if let Some(semantic) = self.semantic {
            units.extend(semantic.top().iter().map(|(unit, _)| *unit));
        }
        units.extend(self.dated);
        let neighbours = units.iter().flat_map(|unit| self.contents.columns.neighbours(*unit));
        let neighbours: Vec<UnitNo> =
            neighbours.flatten().filter(|unit| self.mask.contains(*unit)).collect();
        units.extend(neighbours);
        units.sort_unstable();
        units.dedup();
        units
    }

    /// Weight of the vectors, by the length of the query and the share of it that the model can
    /// read.
    #[expect(clippy::cast_precision_loss, reason = "a number of words")]
    fn weight(&self) -> f32 {
        let Some(semantic) = self.semantic else { return 0.0 };
        if let Some(weight) = self.weights.fixed_weight {
            return weight;
        }
        let doublings = (self.n_words.max(1) as f32 / 8.0).log2();
        let weight = if self.n_words < MIN_DESCRIBING_WORDS {
            *WEIGHTS.start()
        } else {
            WEIGHT - WEIGHT_PER_DOUBLING * doublings
        };
        weight.clamp(*WEIGHTS.start(), *WEIGHTS.end()) * semantic.readable()
    }

    /// Bonus of a turn for who said it.
    fn speaker(&self, unit: UnitNo) -> f32 {
        match self.contents.columns.place(unit) {
            Some(place) if self.named.contains(&place.speaker) => self.weights.speaker_bonus,
            Some(place) if self.meant.contains(&place.speaker) => self.weights.pronoun_bonus,
            _ => 0.0,
        }
    }

    /// Adds to each turn what its session earns; `scored` is sorted before and after.
    ///
    /// A session speaks for its turns by its best ones, and by the words of the query that it holds
    /// anywhere: what a question asks for is seldom said in one turn.
    fn add_sessions(&self, scored: &mut [Scored]) {
        let session =
            |unit: UnitNo| self.contents.columns.place(unit).and_then(|place| place.session);
        let mut sessions: FxHashMap<u32, Session> = FxHashMap::default();
        for scored in scored.iter() {
            if let Some(session) = session(scored.unit) {
                let best = sessions.entry(session).or_default();
                if best.n < SESSION_BEST {
                    best.n += 1;
                    best.sum += scored.score;
                }
            }
        }
        if sessions.is_empty() {
            return;
        }
        for (unit, held) in self.lexical.held() {
            if let Some(session) = session(unit).and_then(|session| sessions.get_mut(&session)) {
                session.held |= held;
            }
        }
        for session in sessions.values_mut() {
            // A session with fewer turns earns less: what is not there is worth nothing.
            #[expect(clippy::cast_precision_loss, reason = "three")]
            let share = self.weights.session_share * session.sum / SESSION_BEST as f32;
            let coverage = self.lexical.coverage_of(session.held);
            session.earned = share + self.weights.session_coverage * coverage;
        }
        for scored in scored.iter_mut() {
            if let Some(session) = session(scored.unit).and_then(|s| sessions.get(&s)) {
                scored.session = session.earned;
                scored.score += session.earned;
            }
        }
        sort(scored);
    }
}

/// Sums over the turns of a session.
#[derive(Default)]
struct Session {
    /// Number of its best turns in `sum`.
    n: usize,
    sum: f32,
    /// Terms of the query that its turns hold, as bits.
    held: u64,
    /// Bonus of each of its turns.
    earned: f32,
}

/// The larger score and the other one; what is missing or below zero counts as zero.
fn best_two(scores: impl Iterator<Item = f32>) -> (f32, f32) {
    scores.fold((0.0, 0.0), |(more, less), score| (score.max(more), score.min(more).max(less)))
}

fn sort(scored: &mut [Scored]) {
    scored.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.unit.cmp(&b.unit)));
}
