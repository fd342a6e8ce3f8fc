//! Lets a hit that says what one before it said step back for one that says something else.
//!
//! Maximal marginal relevance (Carbonell and Goldstein, 1998), with a penalty in proportion to the score:
//! the next hit is the one of the largest `score · (1 − weight · redundancy)`, where redundancy is the
//! largest to a hit before it. So a repetition falls behind what is about as relevant, and never behind
//! what is hardly relevant. Two runs of one task that ended in different ways are no repetition: the best
//! success and the best failure of a task stand side by side. `plans/0012` has the figures.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::candidates::Candidate;
use super::weights::Weights;
use crate::index::unit::Part;
use crate::index::{Contents, Facts, Semantic, UnitNo};
use crate::model::RecordId;

/// Cosine from which the texts of two episodes begin to count as the same, and at which they are.
const SAME_TEXT: (f32, f32) = (0.85, 0.98);

/// The same for notes, where a little difference is often the point: only copies are left.
const SAME_NOTE: (f32, f32) = (0.95, 1.0);

/// Redundancy of two runs of one task of which different parts are shown.
const SAME_TASK: f32 = 0.5;

/// Orders candidates so that the first `limit` are various; `ranked` is sorted by falling score.
///
/// The score of each becomes what it was chosen by, the difference its term `variety`. What follows the
/// first `limit` keeps its order. Cost: some tens of microseconds for 100 candidates; a candidate is
/// compared only when its score alone would make it the next.
pub(super) fn order(
    contents: &Contents,
    ranked: Vec<Candidate>,
    limit: usize,
    weights: &Weights,
) -> Vec<Candidate> {
    if weights.variety <= 0.0 || limit < 2 || ranked.len() < 2 {
        return ranked;
    }
    let comparison = Comparison::new(contents);
    let mut places: Vec<Option<Candidate>> = ranked.into_iter().map(Some).collect();
    let next = |(rank, place): (usize, &Option<Candidate>)| {
        let score = place.as_ref()?.score;
        Some(Next { score, value: score, rank, redundancy: 0.0, n_compared: 0 })
    };
    let mut queue: BinaryHeap<Next> = places.iter().enumerate().filter_map(next).collect();
    let mut chosen: Vec<Candidate> = Vec::with_capacity(places.len());
    while chosen.len() < limit
        && let Some(mut next) = queue.pop()
    {
        let Some(place) = places.get_mut(next.rank) else { continue };
        if next.redundancy < 1.0 && next.n_compared < chosen.len() {
            let Some(candidate) = place.as_ref() else { continue };
            for earlier in chosen.iter().skip(next.n_compared) {
                next.redundancy = next.redundancy.max(comparison.redundancy(candidate, earlier));
            }
            next.n_compared = chosen.len();
            let value = next.score * (1.0 - f64::from(weights.variety * next.redundancy));
            if value < next.value {
                next.value = value;
                queue.push(next);
                continue;
            }
        }
        if let Some(mut candidate) = place.take() {
            if next.value < next.score {
                candidate.terms.push(("variety", next.value - next.score));
                candidate.score = next.value;
            }
            chosen.push(candidate);
        }
    }
    // Not compared, so not known to be better than the last that was.
    let last = chosen.last().map_or(f64::INFINITY, |candidate| candidate.score);
    chosen.extend(places.into_iter().flatten().map(|mut candidate| {
        candidate.score = candidate.score.min(last);
        candidate
    }));
    chosen
}

/// A candidate that waits for its turn.
#[derive(Debug, Clone, Copy)]
struct Next {
    /// Without a penalty.
    score: f64,
    /// At most what it would be chosen by.
    value: f64,
    /// Place by score.
    rank: usize,
    /// Largest redundancy to what it was compared with.
    redundancy: f32,
    /// How many of the chosen it was compared with.
    n_compared: usize,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then(other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Next {}

/// Says how much of one candidate another one says.
struct Comparison<'a> {
    contents: &'a Contents,
    semantic: Option<&'a Semantic>,
}

impl<'a> Comparison<'a> {
    fn new(contents: &'a Contents) -> Self {
        Self { contents, semantic: contents.semantic.as_ref() }
    }

    /// Share of `a` that is said by `b`, 0..=1.
    fn redundancy(&self, a: &Candidate, b: &Candidate) -> f32 {
        let columns = &self.contents.columns;
        let (Some(facts_a), Some(facts_b)) = (columns.facts(a.record), columns.facts(b.record))
        else {
            return 0.0;
        };
        match (a.id, b.id) {
            (RecordId::Note(_), RecordId::Note(_)) => {
                self.cosine(a.unit, b.unit).map_or(0.0, |cosine| share(cosine, SAME_NOTE))
            }
            (RecordId::Episode(_), RecordId::Episode(_)) if facts_a.outcome == facts_b.outcome => {
                self.of_runs((a.unit, facts_a), (b.unit, facts_b))
            }
            _ => 0.0,
        }
    }

    /// Of two episodes that ended in the same way, by what is shown of each.
    fn of_runs(&self, a: (UnitNo, &Facts), b: (UnitNo, &Facts)) -> f32 {
        let shown = self.cosine(a.0, b.0).map_or(0.0, |cosine| share(cosine, SAME_TEXT));
        let (head_a, head_b) = (self.head(a.1), self.head(b.1));
        let task = if a.1.head_hash == b.1.head_hash {
            1.0
        } else if shown >= SAME_TASK {
            0.0
        } else {
            let cosine = head_a.zip(head_b).and_then(|(a, b)| self.cosine(a, b));
            cosine.map_or(0.0, |cosine| share(cosine, SAME_TEXT))
        };
        let both_heads = head_a == Some(a.0) && head_b == Some(b.0);
        shown.max(if both_heads { task } else { task * SAME_TASK })
    }

    /// The unit of an episode's task and result.
    fn head(&self, facts: &Facts) -> Option<UnitNo> {
        let is_head = |unit: &&UnitNo| {
            self.contents.columns.place(**unit).is_some_and(|place| place.part == Part::Head)
        };
        facts.units.iter().find(is_head).copied()
    }

    /// Cosine of two units; `None` where one has no vector.
    fn cosine(&self, a: UnitNo, b: UnitNo) -> Option<f32> {
        let dense = self.semantic?.dense();
        let (a, b) = (dense.vector(a)?, dense.vector(b)?);
        let norms = dot(a, a) * dot(b, b);
        if norms > 0.0 { Some(dot(a, b) / norms.sqrt()) } else { None }
    }
}

/// Inner product in sixteen sums, which the compiler keeps in registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Where a cosine lies between two, 0..=1.
fn share(cosine: f32, (from, to): (f32, f32)) -> f32 {
    ((cosine - from) / (to - from)).clamp(0.0, 1.0)
}
