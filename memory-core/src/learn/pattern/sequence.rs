//! Frequent sequences of moves: contiguous ones, and ones with gaps.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::learn::table::{Learned, Move, NGram, Run, indexed_parts};

/// Maximum number of moves of a sequence with gaps.
const MAX_LENGTH: usize = 5;

/// Maximum number of moves between two of a sequence with gaps.
const MAX_GAP: usize = 2;

/// Minimum number of runs that have a sequence with gaps.
const MIN_GAPPED_SUPPORT: usize = 5;

/// Number of moves that a search for sequences with gaps examines before it stops.
const MAX_WORK: usize = 1_000_000;

/// A sequence and the number of runs that have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence {
    pub(super) moves: Vec<Move>,
    pub(super) n_runs: usize,
}

impl Learned {
    /// Finds the closed contiguous sequences of 2 to 5 moves that at least `min_support` runs of a
    /// scope have: those that no longer sequence with as many runs contains.
    ///
    /// Costs a look at each sequence that occurs. In no particular order.
    pub(super) fn sequences(&self, scope: Option<&str>, min_support: usize) -> Vec<Sequence> {
        let min_support = min_support.max(1);
        let filter = self.scope_filter(scope);
        let mut found: FxHashMap<NGram, Sequence> = FxHashMap::default();
        for (ngram, mut runs) in self.ngrams(min_support) {
            let n_runs = runs.clone().filter(|run| filter.accepts(run)).count();
            if n_runs >= min_support
                && let Some(moves) = runs.next().and_then(|run| ngram.find(&run.moves))
            {
                found.insert(ngram, Sequence { moves: moves.to_vec(), n_runs });
            }
        }
        // It is enough to compare with sequences longer by one: those that contain a sequence by
        // more contain one of these, with at least as many runs.
        let mut contained = FxHashSet::default();
        for Sequence { moves, n_runs } in found.values() {
            let without_first = moves.split_first().map(|(_, rest)| rest);
            let without_last = moves.split_last().map(|(_, rest)| rest);
            for shorter in [without_first, without_last].into_iter().flatten() {
                let shorter = NGram::of(shorter);
                if found.get(&shorter).is_some_and(|sequence| sequence.n_runs == *n_runs) {
                    contained.insert(shorter);
                }
            }
        }
        found.retain(|ngram, _| !contained.contains(ngram));
        found.into_values().collect()
    }

    /// Counts the runs of a scope that have a contiguous sequence of 2 to 5 moves; only those not
    /// older than `since`, if it is given.
    pub(super) fn n_contiguous(
        &self,
        moves: &[Move],
        scope: Option<&str>,
        since: Option<&Run>,
    ) -> usize {
        let filter = self.scope_filter(scope);
        let is_recent = |run: &&Run| since.is_none_or(|since| run.age_key() >= since.age_key());
        let runs = self.runs_with_ngram(NGram::of(moves)).filter(|run| filter.accepts(run));
        runs.filter(is_recent).count()
    }

    /// Finds the closed sequences of 2 to 5 moves with at most two others between each, that at
    /// least `min_support` runs (and five) have. Also returns whether the search was cut off
    /// because it would have taken too long.
    ///
    /// Grows prefixes over the places where they end, the most frequent moves first. Of a run of
    /// more than 500 moves the first and last 250 count.
    /// Source: Pei et al., "`PrefixSpan`", ICDE 2001.
    pub(super) fn gapped_sequences(
        &self,
        runs: &[&Run],
        min_support: usize,
    ) -> (Vec<Sequence>, bool) {
        let parts: Vec<[&[Move]; 2]> = runs.iter().map(|run| indexed_parts(&run.moves)).collect();
        let mut search = PrefixSearch {
            learned: self,
            parts: &parts,
            min_support: min_support.max(MIN_GAPPED_SUPPORT),
            n_examined: 0,
            found: Vec::new(),
        };
        search.grow(&mut Vec::new(), search.first_places());
        let is_cut = search.n_examined > MAX_WORK;
        (closed(search.found), is_cut)
    }
}

/// Place of the last move of a prefix: run, part, move.
type Place = (u32, u8, u32);

/// A sequence, and its runs in ascending order.
type Found = (Vec<Move>, Vec<u32>);

struct PrefixSearch<'a> {
    learned: &'a Learned,
    parts: &'a [[&'a [Move]; 2]],
    min_support: usize,
    n_examined: usize,
    found: Vec<Found>,
}

impl PrefixSearch<'_> {
    /// Finds the sequences that begin with `prefix` and one of the moves of `next`, each with all
    /// places where it follows.
    fn grow(&mut self, prefix: &mut Vec<Move>, next: FxHashMap<Move, Vec<Place>>) {
        let mut next: Vec<(Move, Vec<Place>, Vec<u32>)> = next
            .into_iter()
            .map(|(step, mut places)| {
                places.sort_unstable();
                places.dedup();
                let mut runs: Vec<u32> = places.iter().map(|(run, ..)| *run).collect();
                runs.dedup();
                (step, places, runs)
            })
            .filter(|(_, _, runs)| runs.len() >= self.min_support)
            .collect();
        // Names break ties, so that a search that is cut off finds the same in every table.
        next.sort_by_key(|(step, _, runs)| {
            (std::cmp::Reverse(runs.len()), self.learned.name(step.tool), step.ok)
        });
        for (step, places, runs) in next {
            if self.n_examined > MAX_WORK {
                return;
            }
            prefix.push(step);
            if prefix.len() >= 2 {
                self.found.push((prefix.clone(), runs));
            }
            if prefix.len() < MAX_LENGTH {
                let following = self.places_after(&places);
                self.grow(prefix, following);
            }
            prefix.pop();
        }
    }

    /// Returns all places of all moves.
    fn first_places(&self) -> FxHashMap<Move, Vec<Place>> {
        let mut places: FxHashMap<Move, Vec<Place>> = FxHashMap::default();
        for (run, parts) in (0..).zip(self.parts) {
            for (part, moves) in (0..).zip(parts) {
                for (at, step) in (0..).zip(*moves) {
                    places.entry(*step).or_default().push((run, part, at));
                }
            }
        }
        places
    }

    /// Returns the moves within the allowed gap after each of `ends`, with their places.
    #[expect(clippy::indexing_slicing, reason = "places are those of moves in `parts`")]
    fn places_after(&mut self, ends: &[Place]) -> FxHashMap<Move, Vec<Place>> {
        let mut places: FxHashMap<Move, Vec<Place>> = FxHashMap::default();
        for (run, part, end) in ends {
            let moves = self.parts[*run as usize][usize::from(*part)];
            let following = &moves[*end as usize + 1..];
            for (at, step) in (*end + 1..).zip(following.iter().take(MAX_GAP + 1)) {
                places.entry(*step).or_default().push((*run, *part, at));
                self.n_examined += 1;
            }
        }
        places
    }
}

/// Removes the sequences that a longer sequence in the same runs contains.
fn closed(found: Vec<Found>) -> Vec<Sequence> {
    let mut groups: FxHashMap<Vec<u32>, Vec<Vec<Move>>> = FxHashMap::default();
    for (moves, runs) in found {
        groups.entry(runs).or_default().push(moves);
    }
    let mut closed = Vec::new();
    for (runs, mut group) in groups {
        group.sort_by_key(|moves| std::cmp::Reverse(moves.len()));
        let mut kept: Vec<Vec<Move>> = Vec::new();
        for moves in group {
            let mut longer = kept.iter().filter(|kept| kept.len() > moves.len());
            if !longer.any(|longer| is_subsequence(&moves, longer)) {
                kept.push(moves);
            }
        }
        let n_runs = runs.len();
        closed.extend(kept.into_iter().map(|moves| Sequence { moves, n_runs }));
    }
    closed
}

/// Returns whether the moves of `shorter` occur in `longer` in their order, with any gaps.
fn is_subsequence(shorter: &[Move], longer: &[Move]) -> bool {
    let mut rest = longer.iter();
    shorter.iter().all(|step| rest.any(|other| other == step))
}

/// Returns whether a run has a contiguous sequence.
pub(super) fn has_contiguous(moves: &[Move], sequence: &[Move]) -> bool {
    let length = sequence.len().max(1);
    let parts = indexed_parts(moves);
    parts.iter().any(|part| part.windows(length).any(|window| window == sequence))
}

/// Returns whether a run has a sequence with the gaps that one with gaps may have.
pub(super) fn has_gapped(moves: &[Move], sequence: &[Move]) -> bool {
    let Some((first, rest)) = sequence.split_first() else { return false };
    indexed_parts(moves).iter().any(|part| {
        let mut starts = (1..).zip(*part).filter(|(_, step)| *step == first);
        starts.any(|(next, _)| continues(part.split_at(next).1, rest))
    })
}

/// Returns whether `sequence` continues in `moves`, its first move after at most two others.
fn continues(moves: &[Move], sequence: &[Move]) -> bool {
    let Some((first, rest)) = sequence.split_first() else { return true };
    let mut next = (1..).zip(moves.iter().take(MAX_GAP + 1)).filter(|(_, step)| *step == first);
    next.any(|(next, _)| continues(moves.split_at(next).1, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::{episode, step};
    use proptest::prelude::*;

    type NamedSequence = (Vec<(u8, bool)>, usize);

    fn learned(runs: &[Vec<(u8, bool)>]) -> Learned {
        let mut learned = Learned::default();
        for (n, moves) in (1..).zip(runs) {
            let steps: Vec<_> =
                moves.iter().map(|(tool, ok)| step(&tool.to_string(), "", *ok, "x")).collect();
            learned.put(&episode(n, "a", "b", None), &Digest::of(&steps));
        }
        learned
    }

    fn named(learned: &Learned, sequences: &[Sequence]) -> Vec<NamedSequence> {
        let names = |moves: &[Move]| {
            moves.iter().map(|m| (learned.name(m.tool).parse().unwrap(), m.ok)).collect()
        };
        let mut all: Vec<NamedSequence> =
            sequences.iter().map(|s| (names(&s.moves), s.n_runs)).collect();
        all.sort();
        all
    }

    /// Returns all sequences of up to five moves by trying every choice of places, with their runs.
    fn all(runs: &[Vec<(u8, bool)>], max_gap: usize) -> FxHashMap<Vec<(u8, bool)>, Vec<usize>> {
        fn extend(
            run: &[(u8, bool)],
            at: usize,
            max_gap: usize,
            so_far: &[(u8, bool)],
            out: &mut Vec<Vec<(u8, bool)>>,
        ) {
            let now = [so_far, &[run[at]]].concat();
            for next in at + 1..run.len().min(at + 2 + max_gap) {
                if now.len() < 5 {
                    extend(run, next, max_gap, &now, out);
                }
            }
            out.push(now);
        }
        let mut all: FxHashMap<Vec<(u8, bool)>, Vec<usize>> = FxHashMap::default();
        for (n, run) in runs.iter().enumerate() {
            let mut out = Vec::new();
            (0..run.len()).for_each(|at| extend(run, at, max_gap, &[], &mut out));
            out.sort();
            out.dedup();
            for moves in out.into_iter().filter(|moves| moves.len() >= 2) {
                all.entry(moves).or_default().push(n);
            }
        }
        all
    }

    fn has_window(longer: &[(u8, bool)], shorter: &[(u8, bool)]) -> bool {
        longer.windows(shorter.len()).any(|window| window == shorter)
    }

    fn has_subsequence(longer: &[(u8, bool)], shorter: &[(u8, bool)]) -> bool {
        let mut rest = longer.iter();
        shorter.iter().all(|step| rest.any(|other| other == step))
    }

    fn runs() -> impl Strategy<Value = Vec<Vec<(u8, bool)>>> {
        prop::collection::vec(
            prop::collection::vec((0..3_u8, prop::bool::weighted(0.8)), 0..8),
            0..12,
        )
    }

    proptest! {
        #[test]
        fn contiguous_sequences_are_those_that_counting_everything_finds(
            runs in runs(), min in 1..4_usize,
        ) {
            let learned = learned(&runs);
            let all = all(&runs, 0);
            let is_closed = |moves: &[(u8, bool)], n: usize| !all.iter().any(|(longer, runs)| {
                runs.len() == n && longer.len() > moves.len() && has_window(longer, moves)
            });
            let mut expected: Vec<NamedSequence> = all.iter()
                .filter(|(moves, runs)| runs.len() >= min && is_closed(moves, runs.len()))
                .map(|(moves, runs)| (moves.clone(), runs.len()))
                .collect();
            expected.sort();
            prop_assert_eq!(named(&learned, &learned.sequences(Some("a"), min)), expected);
            prop_assert_eq!(learned.sequences(Some("none"), min), vec![]);
        }

        #[test]
        fn sequences_with_gaps_are_those_that_counting_everything_finds(runs in runs()) {
            let learned = learned(&runs);
            let all = all(&runs, MAX_GAP);
            let is_closed = |moves: &[(u8, bool)], own: &[usize]| !all.iter().any(|(longer, runs)| {
                runs == own && longer.len() > moves.len() && has_subsequence(longer, moves)
            });
            let mut expected: Vec<NamedSequence> = all.iter()
                .filter(|(moves, runs)| runs.len() >= 5 && is_closed(moves, runs))
                .map(|(moves, runs)| (moves.clone(), runs.len()))
                .collect();
            expected.sort();
            let table = learned.runs_in(None);
            let (found, is_cut) = learned.gapped_sequences(&table, 1);
            prop_assert!(!is_cut);
            prop_assert_eq!(named(&learned, &found), expected);
            for sequence in found {
                let moves = &sequence.moves;
                let n_gapped = table.iter().filter(|run| has_gapped(&run.moves, moves)).count();
                prop_assert_eq!(n_gapped, sequence.n_runs);
                let n = table.iter().filter(|run| has_contiguous(&run.moves, moves)).count();
                prop_assert_eq!(n, learned.n_contiguous(moves, Some("a"), None));
            }
        }
    }

    #[test]
    fn a_search_that_would_take_too_long_ends() {
        let tool = |n: u64| {
            let mut hash = crate::learn::hash::StableHash::new();
            hash.update_word(n);
            u8::try_from(hash.finish() % 8).unwrap()
        };
        let run = |run: u64| (0..250).map(|n| (tool(n * 120 + run), true)).collect();
        let learned = learned(&(0..120).map(run).collect::<Vec<_>>());
        let (found, is_cut) = learned.gapped_sequences(&learned.runs_in(None), 5);
        assert!(is_cut && !found.is_empty());
    }
}
