//! Exact search: scan codes of few bits, look at what is near by 8-bit codes, then score exactly what could
//! belong to the best `k`.
//!
//! Codes give every row an interval [score − margin, score + margin] that holds its exact score (see
//! [`super::quantise`]). Some more than `k` rows that are best by the scan are scored exactly; the k-th best of
//! them is a floor: rows whose upper end is below it are out, first by the scan, then by 8-bit codes.
//! What remains is scored exactly by falling upper end, until the next upper end is below the k-th best
//! exact score: the threshold algorithm of Fagin, Lotem and Naor (2003). The answer is the one a full scan
//! would give. Of 10,000 embeddings 125 to 200 are looked at by 8-bit codes (medians of real and clustered
//! ones, along axes).

use super::codes::Reach;
use super::kernel::{Blocks, Ends, Kernels, ROWS};
use super::quantise::{Meaning, Query};
use super::rows::Buffer;
use super::sketch::Sketch;
use super::slab::{NONE, Slab};
use super::survivors::{STRIDE, Stride, Survivors};
use super::topk::{TopK, key, unkey};
use super::{Dense, Ranking};
use rustc_hash::FxHashSet;
use std::cell::RefCell;
use std::collections::BinaryHeap;

/// Groups of blocks of a stride whose best rows give the first floor.
const PEAK_GROUPS: usize = 4;

/// Rows that a survey looks at by 8-bit codes, at least; if it gives many, twice as many as it gives.
const LISTED: usize = 512;

/// Most rows in doubt that a survey looks at: they take 15 ns each.
const MOST_NEAR: usize = 4_096;

/// Rows hinted at before they are read.
const AHEAD: usize = 16;

/// From how large a share 1/n of the rows asked for the scan of codes is not worth its time.
const MOST: usize = 8;

thread_local! {
    /// Room for the scores of a scan and the slots near the best: the system would give and clear it anew for
    /// each search.
    static ROOM: RefCell<(Vec<f32>, Vec<u32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Everything one search needs.
pub(super) struct Search<'a> {
    /// The index.
    pub(super) dense: &'a Dense,
    /// Instruction set.
    pub(super) kernels: &'static Kernels,
    /// The query.
    pub(super) query: &'a Query,
    /// How many rows to rank.
    pub(super) k: usize,
    /// For rows that lie in a file.
    pub(super) buffer: RefCell<Buffer>,
}

/// What is looked at more closely.
pub(super) struct Drawn {
    /// Slots of the best by the scan, best first; empty if there was none, or if they are what is near.
    pub(super) listed: Vec<u32>,
    /// What may belong to the best `k`.
    pub(super) near: Vec<Met>,
    /// Some that probably do.
    pub(super) seeds: Seeds,
    /// Σ score of the rows that take part, if the scan gave it.
    pub(super) sum: Option<f64>,
}

/// A slot with its score by 8-bit codes, and how far that can be off.
#[derive(Clone, Copy)]
pub(super) struct Met {
    slot: u32,
    score: f32,
    margin: f32,
}

/// Slots that were scored exactly, ascending, and the best of them by unit.
pub(super) struct Seeds {
    slots: Vec<u32>,
    pub(super) top: TopK,
}

impl Search<'_> {
    /// The best `k` of the survivors.
    #[cfg(any(test, feature = "bench"))]
    pub(super) fn run(&self, survivors: &Survivors, sketch: Option<&Sketch>) -> Ranking {
        let Drawn { near, seeds, sum, .. } = self.draw(survivors, sketch, None);
        self.ranking(self.rank(&near, seeds), survivors, sum, &near)
    }

    /// The best `k` of the survivors, and after them those up to `n` that are best by their 8-bit codes.
    ///
    /// Only what is listed by the scan is looked at if more than [`MOST_NEAR`] rows are in doubt: of so many near
    /// duplicates, one of the best may then be missing. Doubt is a bound; codes are off by a twentieth of it.
    pub(super) fn survey(
        &self,
        survivors: &Survivors,
        sketch: Option<&Sketch>,
        n: usize,
    ) -> Ranking {
        let n_listed = LISTED.max(n.saturating_mul(2));
        let Drawn { listed, near, seeds, sum } = self.draw(survivors, sketch, Some(n_listed));
        let mut top = self.rank(&near, seeds);
        let mut others = TopK::new(n);
        let listed = self.by_codes(&listed);
        for other in if listed.is_empty() { &near } else { &listed } {
            others.push(other.score, other.slot);
        }
        let known: FxHashSet<u32> = top.iter().map(|(unit, _)| *unit).collect();
        let others = others.into_ranked().into_iter().map(|(slot, score)| (self.unit(slot), score));
        top.extend(others.filter(|(unit, _)| !known.contains(unit)));
        top.truncate(n);
        self.ranking(top, survivors, sum, &near)
    }

    /// What may belong to the best `k`. With `n_listed`, that many of the best by a scan are listed, and are all
    /// that is looked at if too many are in doubt. Without a scan where that does not pay.
    fn draw(
        &self,
        survivors: &Survivors,
        sketch: Option<&Sketch>,
        n_listed: Option<usize>,
    ) -> Drawn {
        let count = survivors.count(self.dense);
        let most = n_listed.map_or(usize::MAX, |n_listed| n_listed.max(MOST_NEAR));
        let n_listed = n_listed.unwrap_or(self.k);
        let least = n_listed.saturating_mul(2).max(self.k.saturating_mul(MOST));
        let few = least >= count || matches!(survivors, Survivors::Rows(_));
        let sketched = sketch.filter(|_| !few);
        if let Some(drawn) = sketched.and_then(|s| self.draw_sketched(survivors, s, n_listed)) {
            return drawn;
        }
        if few {
            let near = self.by_codes(&survivors.slots(self.dense));
            let mut best = TopK::new(self.k);
            for met in &near {
                best.push(met.score, met.slot);
            }
            let best: Vec<u32> = best.into_ranked().into_iter().map(|(slot, _)| slot).collect();
            let seeds = self.seeds(&best);
            return Drawn { listed: Vec::new(), near, seeds, sum: None };
        }
        let (mut scores, mut room) = ROOM.take();
        let (listed, sum) = self.scan(survivors, n_listed.max(self.n_seeds()), &mut scores);
        let seeds = self.seeds(listed.get(..self.n_seeds()).unwrap_or(&listed));
        let near = self.near(survivors, &scores, seeds.top.floor(), most, &mut room);
        let (listed, near) =
            if near.len() > most { (Vec::new(), listed.as_slice()) } else { (listed, near) };
        let near = self.by_codes(near);
        ROOM.set((scores, room));
        Drawn { listed, near, seeds, sum: Some(sum) }
    }

    /// How many are scored exactly before any other: some more than asked for, as not all of the best by codes
    /// are among the best.
    fn n_seeds(&self) -> usize {
        self.k + self.k / 4
    }

    /// Scores `slots` exactly.
    pub(super) fn seeds(&self, slots: &[u32]) -> Seeds {
        let mut top = TopK::new(self.k);
        for few in slots.chunks(AHEAD) {
            self.score_all(few, &mut top);
        }
        let mut slots = slots.to_vec();
        slots.sort_unstable();
        Seeds { slots, top }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean is reported in single precision"
    )]
    fn ranking(
        &self,
        top: Vec<(u32, f32)>,
        survivors: &Survivors,
        sum: Option<f64>,
        met: &[Met],
    ) -> Ranking {
        let count = survivors.count(self.dense);
        let sum = || sum.unwrap_or_else(|| met.iter().map(|met| f64::from(met.score)).sum());
        let mean = if count == self.dense.len() {
            self.dense.mean(self.query)
        } else {
            (sum() / count.max(1) as f64) as f32
        };
        Ranking { top, mean }
    }

    /// Hints that the vector of `slot` is read soon.
    fn prefetch(&self, slot: u32) {
        let (slab, row) = self.dense.place(slot);
        if let Some(row) = slab.and_then(|slab| slab.held_row(row)) {
            (self.kernels.prefetch)(row.as_ptr().cast(), size_of_val(row));
        }
    }

    /// Unit and exact score of a slot in use.
    ///
    /// A vector that cannot be read marks the index as damaged, so that the search ends in an error.
    pub(super) fn exact(&self, slot: u32) -> (u32, f32) {
        let (slab, row) = self.dense.place(slot);
        let Some(slab) = slab else { return (NONE, 0.0) };
        let mut buffer = self.buffer.borrow_mut();
        let score = match slab.row(row, &mut buffer) {
            Ok(vector) => self.score(vector),
            Err(error) => self.dense.damaged_by(&error, 0.0),
        };
        (slab.unit(row), score)
    }

    /// Unit of a slot in use.
    fn unit(&self, slot: u32) -> u32 {
        let (slab, row) = self.dense.place(slot);
        slab.map_or(NONE, |slab| slab.unit(row))
    }

    /// Exact score of a vector: the `f64` inner product, rounded.
    #[expect(clippy::cast_possible_truncation, reason = "the score by definition")]
    pub(super) fn score(&self, row: &[f32]) -> f32 {
        (self.kernels.dot)(&self.query.exact, row) as f32
    }

    /// Scans the codes of blocks: scores of their rows in the order of the strides, the slots of the
    /// `n_listed` best, and Σ score of the rows that take part, where it is needed.
    fn scan(
        &self,
        survivors: &Survivors,
        n_listed: usize,
        scores: &mut Vec<f32>,
    ) -> (Vec<u32>, f64) {
        scores.resize(survivors.n_blocks(self.dense) * ROWS, 0.0);
        let mut rest = scores.as_mut_slice();
        let mut best = TopK::new(n_listed);
        let mut sums = [0.0_f32; ROWS];
        let mut sum = 0.0;
        let has_sum = matches!(survivors, Survivors::Blocks(_));
        survivors.strides(self.dense, |stride| {
            let taken = std::mem::take(&mut rest);
            let (now, later) = taken.split_at_mut((stride.bits.len() * ROWS).min(taken.len()));
            rest = later;
            self.stride(stride, now, &mut best);
            if has_sum {
                for (bits, scores) in stride.bits.iter().zip(now.as_chunks::<ROWS>().0) {
                    add(&mut sums, scores, *bits);
                }
                // A total needs more digits.
                sum += f64::from(std::mem::take(&mut sums).iter().sum::<f32>());
            }
        });
        let best = best.into_ranked().into_iter().map(|(slot, _)| slot);
        (best.take(n_listed).collect(), sum)
    }

    /// Scores consecutive blocks of one slab and keeps the best rows.
    fn stride(&self, stride: Stride<'_>, scores: &mut [f32], best: &mut TopK) {
        let Some((slab, start)) = self.block(stride.start) else { return };
        let mut hits = [0_u16; STRIDE];
        let hits = hits.get_mut(..stride.bits.len()).unwrap_or_default();
        let (codes, block_bytes) = (&slab.coarse, self.dense.shape.block_bytes());
        let blocks = Blocks {
            codes: codes.bytes.get().get(start * block_bytes..).unwrap_or_default(),
            scales: codes.scales.get(start * ROWS..).unwrap_or_default(),
            floor: best.floor(),
        };
        (self.kernels.scan)(&self.query.coarse, blocks, scores, hits);
        if best.floor() == f32::NEG_INFINITY && stride.bits == [u16::MAX; STRIDE] {
            // All are hits as yet.
            let (floor, bits) = (nth_peak(scores, best.k()), stride.bits);
            let ends = Ends { bits, errors: scores, weight: 0.0, floor };
            let mut found = [0; STRIDE * ROWS];
            let n_found = (self.kernels.reaching)(scores, ends, 0, &mut found);
            for &row in found.iter().take(n_found) {
                if let Some(score) = scores.get(row as usize) {
                    best.push(*score, stride.first_slot() + row);
                }
            }
            return;
        }
        stride.each_hit(hits, |slot, row| {
            if let Some(score) = scores.get(row) {
                best.push(*score, slot);
            }
        });
    }

    /// Slab of a block, and its number in that.
    fn block(&self, block: usize) -> Option<(&Slab, usize)> {
        let per_slab = self.dense.shape.slab_blocks;
        Some((self.dense.slabs.get(block / per_slab)?, block % per_slab))
    }

    /// The slots whose upper end by the scan reaches the floor; more than `most` if there are more.
    fn near<'r>(
        &self,
        survivors: &Survivors,
        mut scores: &[f32],
        floor: f32,
        most: usize,
        near: &'r mut Vec<u32>,
    ) -> &'r [u32] {
        let worsts = self.dense.slabs.iter().map(|slab| slab.coarse.worst);
        let worst = worsts.fold(Reach::default(), Reach::or);
        let window = self.query.coarse_window.reaching(floor, worst);
        let mut n_near = 0;
        survivors.strides(self.dense, |stride| {
            let (now, later) = scores.split_at((stride.bits.len() * ROWS).min(scores.len()));
            scores = later;
            if n_near > most {
                return;
            }
            let Some((slab, start)) = self.block(stride.start) else { return };
            let (weight, floor) = window.below(floor, slab.coarse.worst);
            let errors = slab.coarse.errors.get(start * ROWS..).unwrap_or_default();
            let ends = Ends { bits: stride.bits, errors, weight, floor };
            if near.len() < n_near + STRIDE * ROWS {
                near.resize(2 * (n_near + STRIDE * ROWS), 0);
            }
            let room = near.get_mut(n_near..).unwrap_or_default();
            n_near += (self.kernels.reaching)(now, ends, stride.first_slot(), room);
        });
        near.get(..n_near).unwrap_or_default()
    }

    /// Score of a slot by its 8-bit codes, and how far it can be off.
    pub(super) fn by_fine_codes(&self, slot: u32) -> Option<(f32, f32)> {
        let (slab, row) = self.dense.place(slot);
        let mut sum = [0];
        let (codes, meaning) = slab?.fine.row(row)?;
        (self.kernels.sums)(&self.query.fine.codes, &[codes], &mut sum);
        Some(self.fine_score(*meaning, sum[0]))
    }

    /// Score of a row whose codes give that sum, and how far it can be off.
    #[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
    fn fine_score(&self, row: Meaning, sum: i32) -> (f32, f32) {
        let query = &self.query.fine;
        let score = (sum - query.offset) as f32 * row.scale * query.scale;
        (score, self.query.fine_window.margin(row.error, row.norm))
    }

    /// Slots by their 8-bit codes.
    pub(super) fn by_codes(&self, slots: &[u32]) -> Vec<Met> {
        let mut rows = Vec::with_capacity(slots.len());
        let mut others = Vec::with_capacity(slots.len());
        for &slot in slots {
            let (slab, row) = self.dense.place(slot);
            if let Some((codes, meaning)) = slab.and_then(|slab| slab.fine.row(row)) {
                rows.push(codes);
                others.push((slot, meaning));
            }
        }
        let few = || rows.chunks(AHEAD).zip(others.chunks(AHEAD));
        let mut soon = few();
        let mut hint = || {
            for (codes, (_, meaning)) in soon.next().into_iter().flat_map(|(a, b)| a.iter().zip(b))
            {
                (self.kernels.prefetch)(codes.as_ptr(), codes.len());
                (self.kernels.prefetch)(std::ptr::from_ref(*meaning).cast(), 1);
            }
        };
        hint();
        let mut met = Vec::with_capacity(slots.len());
        for (rows, others) in few() {
            hint();
            let mut sums = [0; AHEAD];
            let places = sums.get_mut(..rows.len()).unwrap_or_default();
            (self.kernels.sums)(&self.query.fine.codes, rows, places);
            met.extend(others.iter().zip(sums).map(|(&(slot, meaning), sum)| {
                let (score, margin) = self.fine_score(*meaning, sum);
                Met { slot, score, margin }
            }));
        }
        met
    }

    /// The best `k` of the seeds and of those that were met, by falling upper end until none can come in any
    /// more.
    fn rank(&self, met: &[Met], Seeds { slots: known, mut top }: Seeds) -> Vec<(u32, f32)> {
        let reaching = met.iter().filter(|met| met.score + met.margin >= top.floor());
        let others = reaching.filter(|met| known.binary_search(&met.slot).is_err());
        let mut others: BinaryHeap<u64> =
            others.map(|met| key(met.score + met.margin, met.slot)).collect();
        loop {
            // A few at a time, so that they come from memory together.
            let taken = std::iter::from_fn(|| others.pop()).take(AHEAD);
            let slots: Vec<u32> = taken
                .map(unkey)
                .take_while(|(upper, _)| *upper >= top.floor())
                .map(|(_, slot)| slot)
                .collect();
            if slots.is_empty() {
                return top.into_ranked();
            }
            self.score_all(&slots, &mut top);
        }
    }

    /// Offers a few slots with their exact scores.
    fn score_all(&self, slots: &[u32], top: &mut TopK) {
        for &slot in slots {
            self.prefetch(slot);
        }
        for &slot in slots {
            let (unit, score) = self.exact(slot);
            top.push(score, unit);
        }
    }
}

/// A score that at least `n` of a stride of scores reach: the n-th best of the largest of every sixteen; −∞ for
/// many.
fn nth_peak(scores: &[f32], n: usize) -> f32 {
    let mut peaks = [[f32::NEG_INFINITY; ROWS]; PEAK_GROUPS];
    let groups = scores.as_chunks::<ROWS>().0.chunks(STRIDE / PEAK_GROUPS);
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

/// Adds the scores whose bit is set: sixteen sums side by side, as one would wait for itself.
fn add(sums: &mut [f32; ROWS], scores: &[f32; ROWS], bits: u16) {
    for (lane, (sum, score)) in sums.iter_mut().zip(scores).enumerate() {
        *sum += if bits >> lane & 1 == 1 { *score } else { 0.0 };
    }
}
