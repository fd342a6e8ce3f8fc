//! Lets a hit that says what one before it said step back for one that says something else.
//!
//! Maximal marginal relevance (Carbonell and Goldstein, 1998), with a penalty in proportion to the
//! score: the next hit is the one of the largest `score · (1 − weight · redundancy)`, where
//! redundancy is the largest to a hit before it. So a repetition falls behind what is about as
//! relevant, and never behind what is hardly relevant. Two runs of one task that ended in different
//! ways are no repetition: the best success and the best failure of a task stand side by side.
//! `plans/0012` has the figures.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::candidates::Candidate;
use super::weights::Weights;
use crate::index::unit::Part;
use crate::index::{Contents, Facts, Semantic, UnitNo};
use crate::model::{HitKind, NoteKind, RecordId};

/// Cosine from which the texts of two episodes begin to count as the same, and at which they are.
const SAME_TEXT: (f32, f32) = (0.85, 0.98);

/// The same for notes, where a small difference is often the point: only copies are repetitions.
const SAME_NOTE: (f32, f32) = (0.98, 1.0);

/// Redundancy of two runs of one task of which different parts are shown.
const SAME_TASK: f32 = 0.6;

/// Redundancy of two runs of different tasks of which the same is shown.
const OTHER_TASK: f32 = 0.5;

/// Hits that are chosen for variety; in a longer answer a repetition so far down disturbs nobody,
/// and the comparisons grow with its square.
const MAX_CHOSEN: usize = 50;

/// Orders candidates so that the first `limit` are various; `ranked` is sorted by falling score.
///
/// The score of each becomes what it was chosen by, the difference its term `variety`. What follows
/// the first `limit` keeps its order. Cost for ten hits of 100 candidates: some 20 µs; a candidate
/// is compared only when its score alone would make it the next.
pub(super) fn order(
    contents: &Contents,
    ranked: Vec<Candidate>,
    limit: usize,
    weights: &Weights,
) -> Vec<Candidate> {
    if weights.variety <= 0.0 || limit < 2 || ranked.len() < 2 {
        return ranked;
    }
    let (semantic, directions) = (contents.semantic.as_ref(), RefCell::default());
    let comparison = Comparison { contents, semantic, directions };
    let scores: Vec<f64> = ranked.iter().map(|candidate| candidate.score).collect();
    let choice = choose(&scores, limit.min(MAX_CHOSEN), weights.variety, |a, b| {
        let pair = ranked.get(a).zip(ranked.get(b));
        pair.map_or(0.0, |(a, b)| comparison.redundancy(a, b))
    });
    let mut places: Vec<Option<Candidate>> = ranked.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(places.len());
    for (rank, value) in &choice {
        let Some(mut candidate) = places.get_mut(*rank).and_then(Option::take) else { continue };
        if *value < candidate.score {
            candidate.terms.push(("variety", value - candidate.score));
            candidate.score = *value;
        }
        ordered.push(candidate);
    }
    // Not compared, so not known to be better than the last that was.
    let last = choice.last().map_or(f64::INFINITY, |(_, value)| *value);
    ordered.extend(places.into_iter().flatten().map(|mut candidate| {
        candidate.score = candidate.score.min(last);
        candidate
    }));
    ordered
}

/// Greedy choice of `limit` places, each with the value it was chosen by; the values fall.
///
/// Values only shrink as more is chosen, so the largest of them is the next as soon as it is up to
/// date (lazy evaluation, Minoux 1978): most places are never compared with anything.
fn choose(
    scores: &[f64],
    limit: usize,
    weight: f32,
    redundancy: impl Fn(usize, usize) -> f32,
) -> Vec<(usize, f64)> {
    let wait = |(rank, score): (usize, &f64)| Waiting {
        score: *score,
        value: *score,
        rank,
        redundancy: 0.0,
        n_compared: 0,
    };
    let mut queue: BinaryHeap<Waiting> = scores.iter().enumerate().map(wait).collect();
    let mut chosen: Vec<(usize, f64)> = Vec::with_capacity(limit.min(scores.len()));
    while chosen.len() < limit
        && let Some(mut next) = queue.pop()
    {
        // More than wholly redundant it cannot get.
        if next.redundancy < 1.0 && next.n_compared < chosen.len() {
            for (earlier, _) in chosen.iter().skip(next.n_compared) {
                next.redundancy = next.redundancy.max(redundancy(next.rank, *earlier));
            }
            next.n_compared = chosen.len();
            let value = next.score * (1.0 - f64::from(weight * next.redundancy));
            if value < next.value {
                next.value = value;
                queue.push(next);
                continue;
            }
        }
        chosen.push((next.rank, next.value));
    }
    chosen
}

/// A candidate that waits for its turn.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Without a penalty.
    score: f64,
    /// At most what it would be chosen by.
    value: f64,
    /// Place by score.
    rank: usize,
    /// Largest redundancy to what it was compared with.
    redundancy: f32,
    /// Number of the chosen that it was compared with.
    n_compared: usize,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then(other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

/// Says how much of one candidate another one says.
struct Comparison<'a> {
    contents: &'a Contents,
    semantic: Option<&'a Semantic>,
    directions: RefCell<FxHashMap<UnitNo, Rc<[f32]>>>,
}

impl Comparison<'_> {
    /// Share of `a` that is said by `b`, 0..=1.
    fn redundancy(&self, a: &Candidate, b: &Candidate) -> f32 {
        let columns = &self.contents.columns;
        let (Some(facts_a), Some(facts_b)) = (columns.facts(a.record), columns.facts(b.record))
        else {
            return 0.0;
        };
        match (a.id, b.id) {
            // What was said twice was said at two times.
            _ if [facts_a, facts_b].iter().any(|f| f.kind == HitKind::Note(NoteKind::Turn)) => 0.0,
            (RecordId::Note(_), RecordId::Note(_)) if facts_a.head_hash == facts_b.head_hash => 1.0,
            (RecordId::Note(_), RecordId::Note(_)) => {
                self.cosine(a.unit, b.unit).map_or(0.0, |cosine| share(cosine, SAME_NOTE))
            }
            (RecordId::Episode(_), RecordId::Episode(_)) if facts_a.outcome == facts_b.outcome => {
                self.of_runs((a.unit, facts_a), (b.unit, facts_b))
            }
            _ => 0.0,
        }
    }

    /// Of two episodes that ended in the same way: by what is shown of each, less so where their
    /// tasks differ, as the same few steps are part of many tasks; at least a share of how far
    /// their tasks are the same.
    fn of_runs(&self, a: (UnitNo, &Facts), b: (UnitNo, &Facts)) -> f32 {
        let same = |a: Option<UnitNo>, b: Option<UnitNo>| {
            let cosine = a.zip(b).and_then(|(a, b)| self.cosine(a, b));
            cosine.map_or(0.0, |cosine| share(cosine, SAME_TEXT))
        };
        let (head_a, head_b) = (self.head(a.1), self.head(b.1));
        let both_heads = head_a == Some(a.0) && head_b == Some(b.0);
        let same_head = a.1.head_hash == b.1.head_hash;
        let task = if same_head { 1.0 } else { same(head_a, head_b) };
        let shown = if both_heads { task } else { same(Some(a.0), Some(b.0)) };
        (shown * (OTHER_TASK + (1.0 - OTHER_TASK) * task)).max(task * SAME_TASK)
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
        let (a, b) = (self.direction(a), self.direction(b));
        if a.is_empty() || b.is_empty() { None } else { Some(dot(&a, &b)) }
    }

    /// The vector of a unit at length one, empty where it has none; fetched once.
    fn direction(&self, unit: UnitNo) -> Rc<[f32]> {
        let fetch = || self.semantic?.dense().direction(unit);
        let mut directions = self.directions.borrow_mut();
        let known = directions.entry(unit).or_insert_with(|| fetch().unwrap_or_default().into());
        Rc::clone(known)
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

/// Returns the position of a cosine between two, in 0..=1.
fn share(cosine: f32, (from, to): (f32, f32)) -> f32 {
    ((cosine - from) / (to - from)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{choose, dot, share};

    /// The definition, evaluated anew for every choice: the slow twin.
    fn naive(scores: &[f64], limit: usize, weight: f32, matrix: &[Vec<f32>]) -> Vec<(usize, f64)> {
        let mut chosen: Vec<(usize, f64)> = Vec::new();
        while chosen.len() < limit.min(scores.len()) {
            let left = (0..scores.len()).filter(|i| chosen.iter().all(|(rank, _)| rank != i));
            let value = |i: usize| {
                let most = chosen.iter().map(|(j, _)| matrix[i][*j]).fold(0.0_f32, f32::max);
                (i, scores[i] * (1.0 - f64::from(weight * most)))
            };
            let best = left.map(value).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            chosen.extend(best);
        }
        chosen
    }

    proptest! {
        #[test]
        fn the_choice_is_that_of_the_definition(
            (mut scores, values) in (0_usize..14).prop_flat_map(|n| (
                prop::collection::vec(0_u8..20, n),
                prop::collection::vec(0_u8..=4, n * n),
            )),
            limit in 0_usize..16,
            weight in 0_u8..=4,
        ) {
            scores.sort_unstable_by(|a, b| b.cmp(a));
            let n = scores.len();
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let at = |i: usize, j: usize| f32::from(values[i.min(j) * n + i.max(j)]) / 4.0;
            let row = |i| (0..n).map(|j| at(i, j)).collect();
            let matrix: Vec<Vec<f32>> = (0..n).map(row).collect();
            let weight = f32::from(weight) / 4.0;
            let found = choose(&scores, limit, weight, |i, j| matrix[i][j]);
            prop_assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
            prop_assert_eq!(found, naive(&scores, limit, weight, &matrix));
        }
    }

    proptest! {
        #[test]
        fn a_dot_is_the_sum_of_products(
            pairs in prop::collection::vec((-8_i8..8, -8_i8..8), 0..70),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) =
                pairs.iter().map(|(a, b)| (f32::from(*a), f32::from(*b))).unzip();
            let expected: i32 = pairs.iter().map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            #[expect(clippy::cast_precision_loss, reason = "small whole numbers")]
            let expected = expected as f32;
            prop_assert!((dot(&a, &b) - expected).abs() < 0.5);
        }
    }

    #[test]
    fn what_is_far_off_shares_nothing_and_what_is_the_same_all() {
        let shares = [-1.0, 0.8, 0.9, 1.0, 1.1].map(|cosine| share(cosine, (0.8, 1.0)));
        assert!(
            shares
                .iter()
                .zip([0.0, 0.0, 0.5, 1.0, 1.0])
                .all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5)
        );
    }
}
