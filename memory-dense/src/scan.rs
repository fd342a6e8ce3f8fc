//! Scan of the codes of few bits: a score for every row of the selected blocks.
#![expect(
    clippy::indexing_slicing,
    reason = "scores have room for all blocks that are visited, and a run is within its slab"
)]

use crate::error_bound::WorstRow;
use crate::kernel::{Cutoff, ROWS, ScanBlocks};
use crate::query::Query;
use crate::row_store::RowStore;
use crate::selection::{BlockRun, MAX_RUN, Selection};
use crate::top_k::TopK;

/// Groups of blocks of a run whose best rows give the first floor.
const PEAK_GROUPS: usize = 4;

/// A query, and the rows that are scanned.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    pub(crate) rows: &'a RowStore,
    pub(crate) query: &'a Query,
    pub(crate) selection: &'a Selection,
}

impl Scan<'_> {
    /// Scores all rows of the selected blocks. Returns the slots of the `n_best` best, best first,
    /// and Σ score of the selected rows where only some are selected (else 0).
    ///
    /// `scores` becomes the scores of the rows in the order of the runs.
    pub(crate) fn run(&self, n_best: usize, scores: &mut Vec<f32>) -> (Vec<u32>, f64) {
        scores.resize(self.selection.n_blocks(self.rows) * ROWS, 0.0);
        let mut rest = scores.as_mut_slice();
        let mut best = TopK::new(n_best);
        let (mut sum, mut buffer) = (0.0, Vec::new());
        let needs_sum = matches!(self.selection, Selection::Blocks(_));
        self.selection.for_each_run(self.rows, |run| {
            let (now, later) = std::mem::take(&mut rest).split_at_mut(run.bits.len() * ROWS);
            rest = later;
            self.score_run(run, now, &mut best, &mut buffer);
            if needs_sum {
                // A total needs more digits than the sum of a run.
                sum += f64::from(sum_of_run(run.bits, now));
            }
        });
        let mut best = best.into_numbers();
        best.truncate(n_best);
        (best, sum)
    }

    /// Scores consecutive blocks of one slab and keeps the best rows; codes that have to be read
    /// are put into `buffer`. Those that cannot be read leave the mark of damage.
    fn score_run(
        &self,
        run: BlockRun<'_>,
        scores: &mut [f32],
        best: &mut TopK,
        buffer: &mut Vec<u8>,
    ) {
        let (slab, start) = self.rows.block(run.start);
        let block_bytes = self.rows.format.block_bytes();
        let codes = match slab.scan.bytes.read(start, run.bits.len(), block_bytes, buffer) {
            Ok(codes) => codes,
            Err(error) => return self.rows.damage.record(&error),
        };
        let mut hits = [0_u16; MAX_RUN];
        let hits = &mut hits[..run.bits.len()];
        let blocks =
            ScanBlocks { codes, scales: &slab.scan.steps[start * ROWS..], floor: best.floor() };
        (self.rows.kernels.scan)(&self.query.scan, blocks, scores, hits);
        if best.floor() == f32::NEG_INFINITY && run.bits == [u16::MAX; MAX_RUN] {
            // In the first run every row is a hit: a floor from its own scores leaves few.
            let floor = nth_peak(scores, best.k());
            let cutoff = Cutoff { bits: run.bits, errors: scores, weight: 0.0, floor };
            let mut found = [0; MAX_RUN * ROWS];
            let n_found = (self.rows.kernels.select)(scores, cutoff, 0, &mut found);
            for &row in &found[..n_found] {
                best.push(scores[row as usize], run.first_slot() + row);
            }
            return;
        }
        run.for_each_hit(hits, |slot, row| best.push(scores[row], slot));
    }

    /// Lists the slots whose score plus its margin reaches `floor`; more than `most` slots, but not
    /// all, if there are more. `scores` are those of [`Scan::run`]; `room` is where they are put.
    pub(crate) fn above<'r>(
        &self,
        mut scores: &[f32],
        floor: f32,
        most: usize,
        room: &'r mut Vec<u32>,
    ) -> &'r [u32] {
        let worst_rows = self.rows.slabs.iter().map(|slab| slab.scan.worst);
        let worst = worst_rows.fold(WorstRow::default(), WorstRow::max);
        let bound = self.query.scan_bound.narrowed(floor, worst);
        let mut n_found = 0;
        self.selection.for_each_run(self.rows, |run| {
            let (now, later) = scores.split_at(run.bits.len() * ROWS);
            scores = later;
            if n_found > most {
                return;
            }
            let (slab, start) = self.rows.block(run.start);
            let (weight, floor) = bound.cutoff(floor, slab.scan.worst);
            let errors = &slab.scan.errors[start * ROWS..];
            let cutoff = Cutoff { bits: run.bits, errors, weight, floor };
            if room.len() < n_found + MAX_RUN * ROWS {
                room.resize(2 * (n_found + MAX_RUN * ROWS), 0);
            }
            let select = self.rows.kernels.select;
            n_found += select(now, cutoff, run.first_slot(), &mut room[n_found..]);
        });
        &room[..n_found]
    }
}

/// Returns a score that at least `n` of a run of scores reach: the n-th best of the largest of
/// every sixteen; −∞ for large `n`.
fn nth_peak(scores: &[f32], n: usize) -> f32 {
    let mut peaks = [[f32::NEG_INFINITY; ROWS]; PEAK_GROUPS];
    let groups = scores.as_chunks::<ROWS>().0.chunks(MAX_RUN / PEAK_GROUPS);
    for (peaks, blocks) in peaks.iter_mut().zip(groups) {
        for scores in blocks {
            for (peak, score) in peaks.iter_mut().zip(scores) {
                *peak = if *score > *peak { *score } else { *peak };
            }
        }
    }
    let peaks = peaks.as_flattened_mut();
    if n == 0 || n > peaks.len() / 2 {
        return f32::NEG_INFINITY;
    }
    *peaks.select_nth_unstable_by(n - 1, |left, right| right.total_cmp(left)).1
}

/// Returns the sum of the scores whose bit is set: sixteen sums side by side, as one would wait for
/// its own last addition.
fn sum_of_run(bits: &[u16], scores: &[f32]) -> f32 {
    let mut sums = [0.0_f32; ROWS];
    for (bits, scores) in bits.iter().zip(scores.as_chunks::<ROWS>().0) {
        for (row, (sum, score)) in sums.iter_mut().zip(scores).enumerate() {
            *sum += if bits >> row & 1 == 1 { *score } else { 0.0 };
        }
    }
    sums.iter().sum()
}
