//! Sequences of moves that many runs have.

use rustc_hash::{FxHashMap, FxHashSet};

use super::gram::{Gram, parts};
use super::posting::RunNo;
use super::{Learned, Move, Run};

/// Most moves of a sequence with gaps.
const MAX_LENGTH: usize = 5;

/// Most moves that lie between two of a sequence with gaps.
const MAX_GAP: usize = 2;

/// Fewest runs that have a sequence with gaps.
const MIN_GAPPED_SUPPORT: usize = 5;

/// Moves that a search for sequences with gaps looks at before it gives up.
const MAX_WORK: usize = 1_000_000;

/// A sequence, and how many runs have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence {
    pub(super) moves: Vec<Move>,
    pub(super) n_runs: usize,
}

impl Learned {
    /// Sequences of 2 to 5 moves directly after one another that at least `min_support` runs of a scope
    /// have, without those that a longer one with as many runs contains.
    ///
    /// Costs a look at each sequence that occurs. In no order that means anything.
    pub(super) fn sequences(&self, scope: Option<&str>, min_support: usize) -> Vec<Sequence> {
        let min_support = min_support.max(1);
        let scope = scope.map(|scope| self.name_no(scope).unwrap_or(0));
        let is_in = |no: &&RunNo| {
            let run = self.run_no(**no);
            run.is_some_and(|run| scope.is_none_or(|scope| scope == run.scope))
        };
        let mut found: FxHashMap<Gram, Sequence> = FxHashMap::default();
        for (gram, runs) in self.by_gram().iter().filter(|(_, runs)| runs.len() >= min_support) {
            let n_runs = runs.iter().filter(is_in).count();
            let first = runs.first().and_then(|no| self.run_no(*no));
            if let Some(moves) = first.and_then(|run| gram.find(&run.moves))
                && n_runs >= min_support
            {
                found.insert(*gram, Sequence { moves: moves.to_vec(), n_runs });
            }
        }
        let mut is_contained = FxHashSet::default();
        for Sequence { moves, n_runs } in found.values() {
            let n = moves.len().saturating_sub(1);
            for shorter in [moves.get(..n), moves.get(1..)].into_iter().flatten() {
                let shorter = Gram::of(shorter);
                if found.get(&shorter).is_some_and(|sequence| sequence.n_runs == *n_runs) {
                    is_contained.insert(shorter);
                }
            }
        }
        found.retain(|gram, _| !is_contained.contains(gram));
        found.into_values().collect()
    }

    /// How many runs of a scope have a sequence of 2 to 5 moves directly; of those not older than `since`, if
    /// it is given.
    pub(super) fn n_direct(
        &self,
        moves: &[Move],
        scope: Option<&str>,
        since: Option<&Run>,
    ) -> usize {
        let scope = scope.map(|scope| self.name_no(scope).unwrap_or(0));
        let age = |run: &Run| (run.ended_at, run.id);
        let is_in = |run: &&Run| {
            scope.is_none_or(|scope| scope == run.scope)
                && since.is_none_or(|since| age(run) >= age(since))
        };
        let runs = self.by_gram().runs(&Gram::of(moves)).iter();
        runs.filter_map(|no| self.run_no(*no)).filter(is_in).count()
    }

    /// Sequences of 2 to 5 moves with at most two others between each, that at least `min_support` runs (and
    /// five) have, without those that a longer one in the same runs contains; `true` when the search ended
    /// before all were found, because it would have taken too long.
    ///
    /// Grows prefixes over the places where they end (`PrefixSpan`, Pei and others 2001), the most frequent
    /// moves first. Of a run of more than 500 moves the first and last 250 count.
    pub(super) fn gapped(&self, runs: &[&Run], min_support: usize) -> (Vec<Sequence>, bool) {
        let parts: Vec<[&[Move]; 2]> = runs.iter().map(|run| parts(&run.moves)).collect();
        let mut search = Search {
            learned: self,
            parts: &parts,
            min_support: min_support.max(MIN_GAPPED_SUPPORT),
            work: 0,
            found: Vec::new(),
        };
        search.grow(&mut Vec::new(), &[]);
        let is_cut = search.work > MAX_WORK;
        (closed(search.found), is_cut)
    }
}

/// A place where a prefix ends: run, part, move.
type Place = (u32, u8, u32);

/// A sequence, and its runs in ascending order.
type Found = (Vec<Move>, Vec<u32>);

struct Search<'a> {
    learned: &'a Learned,
    parts: &'a [[&'a [Move]; 2]],
    min_support: usize,
    work: usize,
    found: Vec<Found>,
}

impl Search<'_> {
    /// Finds what begins with `prefix`, which ends at `ends`; everywhere for the empty one.
    fn grow(&mut self, prefix: &mut Vec<Move>, ends: &[Place]) {
        let mut next: FxHashMap<Move, Vec<Place>> = FxHashMap::default();
        if prefix.is_empty() {
            for (run, parts) in (0..).zip(self.parts) {
                for (part, moves) in (0..).zip(parts) {
                    for (at, step) in (0..).zip(*moves) {
                        next.entry(*step).or_default().push((run, part, at));
                    }
                }
            }
        }
        for (run, part, end) in ends {
            let moves = self.parts.get(*run as usize).and_then(|parts| parts.get(*part as usize));
            let window = moves.and_then(|moves| moves.get(*end as usize + 1..)).unwrap_or_default();
            for (at, step) in (*end + 1..).zip(window.iter().take(MAX_GAP + 1)) {
                next.entry(*step).or_default().push((*run, *part, at));
                self.work += 1;
            }
        }
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
        // The names decide between equals, so that a search that is cut finds the same in any table.
        next.sort_by_key(|(step, _, runs)| {
            (std::cmp::Reverse(runs.len()), self.learned.name(step.tool), step.ok)
        });
        for (step, places, runs) in next {
            if self.work > MAX_WORK {
                return;
            }
            prefix.push(step);
            if prefix.len() >= 2 {
                self.found.push((prefix.clone(), runs));
            }
            if prefix.len() < MAX_LENGTH {
                self.grow(prefix, &places);
            }
            prefix.pop();
        }
    }
}

/// Leaves out what a longer sequence in the same runs contains.
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
            let within =
                |longer: &Vec<Move>| longer.len() > moves.len() && contains(longer, &moves);
            if !kept.iter().any(within) {
                kept.push(moves);
            }
        }
        let n_runs = runs.len();
        closed.extend(kept.into_iter().map(|moves| Sequence { moves, n_runs }));
    }
    closed
}

/// Whether the moves of `shorter` occur in `longer` in their order, with anything between.
fn contains(longer: &[Move], shorter: &[Move]) -> bool {
    let mut rest = longer.iter();
    shorter.iter().all(|step| rest.any(|other| other == step))
}

/// Whether a run has a sequence directly.
pub(super) fn occurs(moves: &[Move], sequence: &[Move]) -> bool {
    let is_here = |part: &&[Move]| part.windows(sequence.len().max(1)).any(|at| at == sequence);
    parts(moves).iter().any(is_here)
}

/// Whether a run has a sequence with as many moves between as one with gaps may have.
pub(super) fn occurs_gapped(moves: &[Move], sequence: &[Move]) -> bool {
    let Some((first, rest)) = sequence.split_first() else { return false };
    parts(moves).iter().any(|part| {
        let mut starts = part.iter().enumerate().filter(|(_, step)| *step == first);
        starts.any(|(at, _)| goes_on(part.get(at + 1..).unwrap_or_default(), rest))
    })
}

/// Whether `sequence` goes on in `moves`, its first move after two others at most.
fn goes_on(moves: &[Move], sequence: &[Move]) -> bool {
    let Some((first, rest)) = sequence.split_first() else { return true };
    let mut next = moves.iter().take(MAX_GAP + 1).enumerate().filter(|(_, step)| *step == first);
    next.any(|(at, _)| goes_on(moves.get(at + 1..).unwrap_or_default(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Digest;
    use crate::learn::sample::{episode, step};
    use proptest::prelude::*;

    type Told = (Vec<(u8, bool)>, usize);

    fn learned(runs: &[Vec<(u8, bool)>]) -> Learned {
        let mut learned = Learned::default();
        for (n, moves) in (1..).zip(runs) {
            let steps: Vec<_> =
                moves.iter().map(|(tool, ok)| step(&tool.to_string(), "", *ok, "x")).collect();
            learned.put(&episode(n, "a", "b", None), &Digest::of(&steps));
        }
        learned
    }

    fn told(learned: &Learned, sequences: &[Sequence]) -> Vec<Told> {
        let names = |moves: &[Move]| {
            moves.iter().map(|m| (learned.name(m.tool).parse().unwrap(), m.ok)).collect()
        };
        let mut told: Vec<Told> = sequences.iter().map(|s| (names(&s.moves), s.n_runs)).collect();
        told.sort();
        told
    }

    /// All sequences of up to five moves by trying every choice of places, with the runs that have them.
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
        fn direct_sequences_are_those_that_counting_everything_finds(runs in runs(), min in 1..4_usize) {
            let learned = learned(&runs);
            let all = all(&runs, 0);
            let is_closed = |moves: &[(u8, bool)], n: usize| !all.iter().any(|(longer, runs)| {
                runs.len() == n && longer.len() > moves.len() && has_window(longer, moves)
            });
            let mut expected: Vec<Told> = all.iter()
                .filter(|(moves, runs)| runs.len() >= min && is_closed(moves, runs.len()))
                .map(|(moves, runs)| (moves.clone(), runs.len()))
                .collect();
            expected.sort();
            prop_assert_eq!(told(&learned, &learned.sequences(Some("a"), min)), expected);
            prop_assert_eq!(learned.sequences(Some("none"), min), vec![]);
        }

        #[test]
        fn sequences_with_gaps_are_those_that_counting_everything_finds(runs in runs()) {
            let learned = learned(&runs);
            let all = all(&runs, MAX_GAP);
            let is_closed = |moves: &[(u8, bool)], own: &[usize]| !all.iter().any(|(longer, runs)| {
                runs == own && longer.len() > moves.len() && has_subsequence(longer, moves)
            });
            let mut expected: Vec<Told> = all.iter()
                .filter(|(moves, runs)| runs.len() >= 5 && is_closed(moves, runs))
                .map(|(moves, runs)| (moves.clone(), runs.len()))
                .collect();
            expected.sort();
            let table = learned.runs_in(None);
            let (found, is_cut) = learned.gapped(&table, 1);
            prop_assert!(!is_cut);
            prop_assert_eq!(told(&learned, &found), expected);
            for sequence in found {
                let n_runs = table.iter().filter(|run| occurs_gapped(&run.moves, &sequence.moves)).count();
                prop_assert_eq!(n_runs, sequence.n_runs);
                let n_direct = table.iter().filter(|run| occurs(&run.moves, &sequence.moves)).count();
                prop_assert_eq!(n_direct, learned.n_direct(&sequence.moves, Some("a"), None));
            }
        }
    }

    #[test]
    fn a_search_that_would_take_too_long_ends() {
        let tool = |n: u64| {
            let mut hash = crate::learn::signature::Hash::new();
            hash.take_word(n);
            u8::try_from(hash.finish() % 8).unwrap()
        };
        let run = |run: u64| (0..250).map(|n| (tool(n * 120 + run), true)).collect();
        let learned = learned(&(0..120).map(run).collect::<Vec<_>>());
        let (found, is_cut) = learned.gapped(&learned.runs_in(None), 5);
        assert!(is_cut && !found.is_empty());
    }
}
