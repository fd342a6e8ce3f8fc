//! Exact search: scan codes of few bits, estimate what is near by 8-bit codes, then score exactly
//! what could belong to the best `k`.
//!
//! Codes give every row an interval [score − margin, score + margin] that holds its exact score
//! (see [`crate::error_bound`]). Some more than `k` rows that are best by the scan are scored
//! exactly; the k-th best of them is a floor: rows whose upper end is below it are out, first by
//! the scan, then by 8-bit codes. What remains is scored exactly by falling upper end, until the
//! next upper end is below the k-th best exact score: the threshold algorithm of Fagin, Lotem and
//! Naor (2003). The answer is the one a full scan would give. Of 10,000 embeddings 125 to 200 are
//! estimated by 8-bit codes (medians of real and clustered ones, along principal axes).

use std::cell::RefCell;
use std::collections::BinaryHeap;
use std::io;

use rustc_hash::FxHashSet;

use crate::estimate::{AHEAD, Estimate, Estimator};
use crate::query::Query;
use crate::row_store::RowStore;
use crate::scan::Scan;
use crate::selection::Selection;
use crate::top_k::{TopK, from_sort_key, sort_key};
use crate::vectors::ReadBuffer;

/// Fewest rows that a survey estimates by 8-bit codes; if it returns many, twice as many.
const MIN_LISTED: usize = 512;

/// Most rows in doubt that a survey estimates: they take 15 ns each.
const MAX_ESTIMATED: usize = 4_096;

/// Share 1/n of the rows from which on a scan is not worth its time if so many are asked for.
const MIN_SCAN_RATIO: usize = 8;

thread_local! {
    /// Room for the scores of a scan and the slots near the best: the system would give and clear
    /// it anew for each search.
    static ROOM: RefCell<(Vec<f32>, Vec<u32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Id and score of the best vectors, best first; of equal scores the smaller id first.
    pub top: Vec<(u32, f32)>,
    /// Mean score of all vectors that took part; 0 if none did.
    ///
    /// Without a mask exact but for rounding; with one it may be a mean of scores of codes, off by
    /// some thousandths for unit vectors of 384 dimensions.
    pub mean: f32,
}

/// A search for the best `k` of the selected rows.
pub(crate) struct Search<'a> {
    pub(crate) rows: &'a RowStore,
    pub(crate) query: &'a Query,
    pub(crate) selection: &'a Selection,
    pub(crate) k: usize,
}

/// Rows that are looked at more closely.
struct Candidates<'a> {
    /// Slots of the best by the scan, best first; empty without a scan, or if they are those of
    /// `estimates`.
    listed: Vec<u32>,
    /// Estimates of the rows that may belong to the best `k`.
    estimates: Vec<Estimate>,
    /// The best of some rows that probably do, scored exactly.
    best: ExactBest<'a>,
    /// Σ score of the selected rows, if the scan gave it.
    sum: Option<f64>,
}

/// The best rows among those that were scored exactly.
struct ExactBest<'a> {
    rows: &'a RowStore,
    query: &'a Query,
    top: TopK,
    /// Slots that were scored, ascending.
    seeds: Vec<u32>,
    buffer: ReadBuffer,
}

impl<'a> Search<'a> {
    /// Returns the best `k` of the selected rows. Errors: a vector cannot be read.
    pub(crate) fn exact(&self) -> io::Result<Ranking> {
        let Candidates { estimates, mut best, sum, .. } = self.candidates(None)?;
        best.complete(&estimates)?;
        Ok(self.ranking(best.top.into_ranked(), sum, &estimates))
    }

    /// Returns the best `k` of the selected rows, and after them those up to `n` that are best by
    /// their 8-bit codes. Errors: a vector cannot be read.
    ///
    /// If more than [`MAX_ESTIMATED`] rows are in doubt, only those that the scan lists are looked
    /// at: of so many near duplicates, one of the best may then be missing. Doubt is a bound; codes
    /// are off by a twentieth of it.
    pub(crate) fn survey(&self, n: usize) -> io::Result<Ranking> {
        let n_listed = MIN_LISTED.max(n.saturating_mul(2));
        let Candidates { listed, estimates, mut best, sum } = self.candidates(Some(n_listed))?;
        best.complete(&estimates)?;
        let mut top = best.top.into_ranked();
        let listed = self.estimator().estimate_all(&listed);
        let mut others = TopK::new(n);
        for other in if listed.is_empty() { &estimates } else { &listed } {
            others.push(other.score, other.slot);
        }
        let known: FxHashSet<u32> = top.iter().map(|(id, _)| *id).collect();
        let others = others.into_ranked().into_iter();
        let others = others.map(|(slot, score)| (self.rows.id(slot), score));
        top.extend(others.filter(|(id, _)| !known.contains(id)));
        top.truncate(n);
        Ok(self.ranking(top, sum, &estimates))
    }

    /// Finds what may belong to the best `k`. With `n_listed`, as many of the best by the scan are
    /// listed, and are all that is looked at if too many are in doubt. There is no scan where it
    /// does not pay.
    fn candidates(&self, n_listed: Option<usize>) -> io::Result<Candidates<'a>> {
        let count = self.selection.count(self.rows);
        let most = n_listed.map_or(usize::MAX, |n_listed| n_listed.max(MAX_ESTIMATED));
        let n_listed = n_listed.unwrap_or(self.k);
        let fewest = n_listed.saturating_mul(2).max(self.k.saturating_mul(MIN_SCAN_RATIO));
        if fewest >= count || matches!(self.selection, Selection::Slots(_)) {
            return self.candidates_without_scan();
        }
        let scan = Scan { rows: self.rows, query: self.query, selection: self.selection };
        let (mut scores, mut room) = ROOM.take();
        // Some more than asked for, as not all of the best by codes are among the best.
        let n_seeds = self.k + self.k / 4;
        let (listed, sum) = scan.run(n_listed.max(n_seeds), &mut scores);
        let best = self.exact_best(listed.iter().copied().take(n_seeds).collect())?;
        let near = scan.above(&scores, best.top.floor(), most, &mut room);
        let (listed, estimates) = if near.len() > most {
            (Vec::new(), self.estimator().estimate_all(&listed))
        } else {
            let estimates = self.estimator().estimate_all(near);
            (listed, estimates)
        };
        ROOM.set((scores, room));
        Ok(Candidates { listed, estimates, best, sum: Some(sum) })
    }

    /// Estimates all selected rows.
    fn candidates_without_scan(&self) -> io::Result<Candidates<'a>> {
        let estimates = self.estimator().estimate_all(&self.selection.slots(self.rows));
        let mut seeds = TopK::new(self.k);
        for estimate in &estimates {
            seeds.push(estimate.score, estimate.slot);
        }
        let best = self.exact_best(seeds.into_numbers())?;
        Ok(Candidates { listed: Vec::new(), estimates, best, sum: None })
    }

    /// Scores these rows exactly.
    fn exact_best(&self, seeds: Vec<u32>) -> io::Result<ExactBest<'a>> {
        let mut best = ExactBest {
            rows: self.rows,
            query: self.query,
            top: TopK::new(self.k),
            seeds: Vec::new(),
            buffer: ReadBuffer::default(),
        };
        for few in seeds.chunks(AHEAD) {
            best.score(few)?;
        }
        best.seeds = seeds;
        best.seeds.sort_unstable();
        Ok(best)
    }

    const fn estimator(&self) -> Estimator<'a> {
        Estimator { rows: self.rows, query: self.query }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean is reported in single precision"
    )]
    fn ranking(&self, top: Vec<(u32, f32)>, sum: Option<f64>, estimates: &[Estimate]) -> Ranking {
        let count = self.selection.count(self.rows);
        if count == self.rows.n_rows {
            return Ranking { top, mean: self.rows.mean_score(self.query) };
        }
        let of_estimates = || estimates.iter().map(|estimate| f64::from(estimate.score)).sum();
        let sum: f64 = sum.unwrap_or_else(of_estimates);
        Ranking { top, mean: (sum / count.max(1) as f64) as f32 }
    }
}

impl ExactBest<'_> {
    /// Scores the estimated rows exactly by falling upper end, until none can be among the best
    /// any more.
    fn complete(&mut self, estimates: &[Estimate]) -> io::Result<()> {
        let floor = self.top.floor();
        let mut upper_ends: BinaryHeap<u64> = estimates
            .iter()
            .filter(|estimate| estimate.score + estimate.margin >= floor)
            .filter(|estimate| self.seeds.binary_search(&estimate.slot).is_err())
            .map(|estimate| sort_key(estimate.score + estimate.margin, estimate.slot))
            .collect();
        loop {
            // A few at a time, so that they come from memory together.
            let floor = self.top.floor();
            let few: Vec<u32> = std::iter::from_fn(|| upper_ends.pop())
                .take(AHEAD)
                .map(from_sort_key)
                .take_while(|(upper_end, _)| *upper_end >= floor)
                .map(|(_, slot)| slot)
                .collect();
            if few.is_empty() {
                return Ok(());
            }
            self.score(&few)?;
        }
    }

    /// Offers a few slots with their exact scores: the `f64` inner product, rounded.
    fn score(&mut self, slots: &[u32]) -> io::Result<()> {
        let kernels = self.rows.kernels;
        for &slot in slots {
            let (slab, row) = self.rows.place(slot);
            if let Some(vector) = slab.held_vector(row) {
                (kernels.prefetch)(vector.as_ptr().cast(), size_of_val(vector));
            }
        }
        for &slot in slots {
            let (slab, row) = self.rows.place(slot);
            let vector = slab.vector(row, &mut self.buffer)?;
            #[expect(clippy::cast_possible_truncation, reason = "the score by definition")]
            let score = (kernels.dot)(&self.query.exact, vector) as f32;
            self.top.push(score, self.rows.id(slot));
        }
        Ok(())
    }
}
