//! Scores of one query over the units, reusable from query to query.

use std::cmp::Ordering;

/// BM25 scores by unit number, with what each unit matched.
///
/// Clearing costs what the last query touched; the memory is 16 bytes per unit number and stays.
#[derive(Debug, Default)]
pub(crate) struct LexicalScores {
    cells: Vec<Cell>,
    touched: Vec<u32>,
    idf_mass: f32,
    /// Idf mass of each of the first [`MAX_HELD`] terms.
    masses: Vec<f32>,
    pub(super) matches: Vec<Match>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    score: f32,
    idf_mass: f32,
    /// Bits of the first [`MAX_HELD`] terms that the unit holds.
    held: u64,
}

/// Terms of a query of which is known which unit holds them.
const MAX_HELD: usize = u64::BITS as usize;

/// A term of the query: what holding it is worth in coverage, and in score before saturation, and
/// its bit among those held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    mass: f32,
    score: f32,
    bit: u64,
}

/// A unit that holds the term at hand, and its term frequency after saturation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) unit: u32,
    pub(super) saturation: f32,
}

impl LexicalScores {
    /// No scores, no memory yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The unit's score; 0 when it matches no term of the query.
    pub(crate) fn get(&self, unit: u32) -> f32 {
        self.cell(unit).score
    }

    /// Best score; 0 when nothing matches.
    #[cfg(test)]
    pub(crate) fn best(&self) -> f32 {
        self.touched.iter().map(|unit| self.get(*unit)).fold(0.0, f32::max)
    }

    /// Units with a score above 0, in no particular order.
    #[cfg(test)]
    pub(crate) fn matched(&self) -> &[u32] {
        &self.touched
    }

    /// Share of the query's idf mass whose terms the unit holds, 0..=1.
    ///
    /// A term that no unit holds counts as missing with the idf of an unseen term: a query about
    /// something never recorded is covered by nothing.
    pub(crate) fn coverage(&self, unit: u32) -> f32 {
        if self.idf_mass > 0.0 { (self.cell(unit).idf_mass / self.idf_mass).min(1.0) } else { 0.0 }
    }

    /// Idf mass of the query: what a unit with all of its terms would hold.
    pub(crate) const fn query_mass(&self) -> f32 {
        self.idf_mass
    }

    /// The units that match, in no particular order, each with the terms that it holds as bits.
    pub(crate) fn held(&self) -> impl Iterator<Item = (u32, u64)> {
        self.touched.iter().map(|unit| (*unit, self.cell(*unit).held))
    }

    /// Share of the query's idf mass whose terms are among these, 0..=1: what several units hold
    /// together.
    pub(crate) fn coverage_of(&self, held: u64) -> f32 {
        let among = |(at, _): &(usize, &f32)| held >> at & 1 == 1;
        let masses = self.masses.iter().take(MAX_HELD).enumerate();
        let mass: f32 = masses.filter(among).map(|(_, mass)| mass).sum();
        if self.idf_mass > 0.0 { (mass / self.idf_mass).min(1.0) } else { 0.0 }
    }

    /// The `k` best (unit, score): highest score first, ties by smaller unit number.
    ///
    /// Cost: linear in the matched units, plus sorting the `k`.
    pub(crate) fn top(&self, k: usize) -> Vec<(u32, f32)> {
        if k == 0 {
            return Vec::new();
        }
        let mut hits: Vec<(u32, f32)> =
            Vec::with_capacity(k.saturating_mul(2).min(self.touched.len()));
        let mut floor = 0.0;
        for &unit in &self.touched {
            let score = self.get(unit);
            if score < floor {
                continue;
            }
            hits.push((unit, score));
            if hits.len() == k.saturating_mul(2) {
                let (_, least, _) = hits.select_nth_unstable_by(k - 1, by_rank);
                floor = least.1;
                hits.truncate(k);
            }
        }
        hits.sort_unstable_by(by_rank);
        hits.truncate(k);
        hits
    }

    fn cell(&self, unit: u32) -> Cell {
        self.cells.get(unit as usize).copied().unwrap_or_default()
    }

    /// Forgets the last query and makes room for units below `unit_bound`.
    pub(super) fn reset(&mut self, unit_bound: usize) {
        for &unit in &self.touched {
            if let Some(cell) = self.cells.get_mut(unit as usize) {
                *cell = Cell::default();
            }
        }
        self.touched.clear();
        self.idf_mass = 0.0;
        self.masses.clear();
        if self.cells.len() < unit_bound {
            self.cells.resize(unit_bound, Cell::default());
        }
    }

    /// Takes a term into account before the units that hold it.
    pub(super) fn expect(&mut self, weight: f32, idf: f32) -> Term {
        self.expect_ranked(weight, idf, idf)
    }

    /// The same with another idf for the score than for the coverage.
    pub(super) fn expect_ranked(&mut self, weight: f32, idf: f32, ranking_idf: f32) -> Term {
        let mass = weight * idf;
        self.idf_mass += mass;
        let bit = if self.masses.len() < MAX_HELD { 1 << self.masses.len() } else { 0 };
        self.masses.push(mass);
        Term { mass, score: weight * ranking_idf, bit }
    }

    /// Adds a term's contribution to a unit that holds it.
    #[inline]
    pub(super) fn add(&mut self, found: Match, term: Term) {
        if let Some(cell) = self.cells.get_mut(found.unit as usize) {
            if cell.idf_mass == 0.0 {
                self.touched.push(found.unit);
            }
            cell.score += term.score * found.saturation;
            cell.idf_mass += term.mass;
            cell.held |= term.bit;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that the sorts of std ask for")]
fn by_rank(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LexicalScores, Match};

    proptest! {
        #[test]
        fn what_units_hold_together_is_the_share_of_their_terms(
            masses in prop::collection::vec(1_u8..9, 1..80),
            held in prop::collection::vec(prop::collection::vec(any::<bool>(), 80), 1..4),
        ) {
            let mut scores = LexicalScores::new();
            scores.reset(held.len());
            for (term, mass) in masses.iter().enumerate() {
                let holds = |unit: &u32| held[*unit as usize][term];
                let units = (0..).take(held.len()).filter(holds);
                let of = |unit| Match { unit, saturation: 1.0 };
                let matches: Vec<Match> = units.map(of).collect();
                let expected = scores.expect(1.0, f32::from(*mass));
                for found in matches {
                    scores.add(found, expected);
                }
            }
            let together = scores.held().fold(0, |all, (_, held)| all | held);
            let total: f32 = masses.iter().map(|mass| f32::from(*mass)).sum();
            let known = masses.iter().take(64).enumerate();
            let any = known.filter(|(term, _)| held.iter().any(|unit| unit[*term]));
            let expected: f32 = any.map(|(_, mass)| f32::from(*mass)).sum::<f32>() / total;
            prop_assert!((scores.coverage_of(together) - expected).abs() < 1e-4);
        }

        #[test]
        fn the_top_is_the_head_of_the_full_order_and_ties_go_to_smaller_units(
            queries in prop::collection::vec(
                prop::collection::btree_map(0_u32..60, 1_u8..5, 0..60), 1..4),
            k in 0_usize..70,
        ) {
            let mut scores = LexicalScores::new();
            for found in queries {
                let matches: Vec<Match> = found
                    .iter()
                    .map(|(&unit, &saturation)| Match { unit, saturation: saturation.into() })
                    .collect();
                scores.reset(60);
                let mass = scores.expect(1.0, 1.0);
                for found in matches {
                    scores.add(found, mass);
                }
                let mut expected: Vec<(u8, u32)> = found.iter().map(|(&u, &s)| (s, u)).collect();
                expected.sort_by_key(|&(score, unit)| (std::cmp::Reverse(score), unit));
                let expected: Vec<u32> = expected.into_iter().take(k).map(|(_, u)| u).collect();
                let top: Vec<u32> = scores.top(k).into_iter().map(|(unit, _)| unit).collect();
                prop_assert_eq!(top, expected);
            }
        }
    }
}
