//! Bounded-exact search: scan codes, then score exactly whatever could belong to the best `k`.
//!
//! The scan gives every row an interval [score − margin, score + margin] that holds its exact score
//! (see [`super::quantise`]). The k-th best lower end so far is a floor: rows whose upper end is below
//! it are out. What is left is scored exactly by falling upper end, until the next upper end is below
//! the k-th best exact score: the threshold algorithm of Fagin, Lotem and Naor (2003). The answer is
//! the one a full scan would give; on embeddings some tens of rows are read.

use super::kernel::{Blocks, Kernels, ROWS};
use super::quantise::Query;
use super::survivors::{Lanes, STRIDE, Survivors};
use super::topk::{TopK, key, unkey};
use super::{Dense, Ranking};
use std::collections::BinaryHeap;

/// Blocks of the first call. Without a floor every row is a hit, so the first calls are short.
const FIRST_STRIDE: usize = 2;

/// Rows hinted at before they are read.
pub(super) const AHEAD: usize = 4;

/// From how large a share 1/n of the rows asked for the scan of codes is not worth its time.
const MOST: usize = 8;

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
}

/// What the scan of codes leaves.
struct Scanned {
    /// Keys of (upper end, slot) of the rows that may belong to the best k.
    candidates: Vec<u64>,
    /// The best lower ends.
    floor: TopK,
    /// Σ score of codes, by lane; [`Scanned::settle_sums`] has moved them to `sum` after each stride.
    sums: [f32; ROWS],
    /// Σ score of codes.
    sum: f64,
}

impl Search<'_> {
    /// Ranks the survivors; with `by_unit`, writes a score for each of them at its unit number.
    ///
    /// Scores written are within the margin of the exact ones; slots of other units are left alone.
    pub(super) fn run(&self, survivors: &Survivors, by_unit: Option<&mut [f32]>) -> Ranking {
        let survivor_count = survivors.count(self.dense);
        let few = self.k.saturating_mul(MOST) >= survivor_count;
        match survivors {
            Survivors::All | Survivors::Blocks(_) if !few && !self.query.is_zero() => {
                let scanned = self.scan(survivors, by_unit);
                let sum = scanned.sum;
                let top = self.settle(scanned);
                self.ranking(top, sum, survivor_count)
            }
            _ => {
                let (top, sum) = self.read(&survivors.slots(self.dense), by_unit);
                self.ranking(top, sum, survivor_count)
            }
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean is reported in single precision"
    )]
    pub(super) fn ranking(&self, top: TopK, sum: f64, count: usize) -> Ranking {
        Ranking {
            top: top.into_ranked(),
            mean: if count == self.dense.len() {
                self.dense.mean(self.query)
            } else {
                (sum / count.max(1) as f64) as f32
            },
        }
    }

    /// Scores the rows of `slots` exactly.
    fn read(&self, slots: &[u32], mut by_unit: Option<&mut [f32]>) -> (TopK, f64) {
        let mut top = TopK::new(self.k);
        let mut sum = 0.0;
        for (at, &slot) in slots.iter().enumerate() {
            if let Some(&soon) = slots.get(at + AHEAD) {
                self.prefetch(soon);
            }
            let (unit, score) = self.exact(slot);
            sum += f64::from(score);
            top.push(score, unit);
            if let Some(place) = by_unit.as_mut().and_then(|all| all.get_mut(unit as usize)) {
                *place = score;
            }
        }
        (top, sum)
    }

    /// Hints that the vector of `slot` is read soon.
    pub(super) fn prefetch(&self, slot: u32) {
        let (slab, row) = self.dense.place(slot);
        if let Some(slab) = slab {
            (self.kernels.prefetch)(slab.row(row));
        }
    }

    /// Unit and exact score of a slot in use.
    pub(super) fn exact(&self, slot: u32) -> (u32, f32) {
        let (slab, row) = self.dense.place(slot);
        slab.map_or((super::slab::NONE, 0.0), |slab| (slab.unit(row), self.score(slab.row(row))))
    }

    /// Exact score of a vector: the `f64` inner product, rounded.
    #[expect(clippy::cast_possible_truncation, reason = "the score by definition")]
    pub(super) fn score(&self, row: &[f32]) -> f32 {
        (self.kernels.dot)(&self.query.exact, row) as f32
    }

    /// Scans the codes of blocks.
    fn scan(&self, survivors: &Survivors, mut by_unit: Option<&mut [f32]>) -> Scanned {
        let mut scanned = Scanned {
            candidates: Vec::new(),
            floor: TopK::new(self.k),
            sums: [0.0; ROWS],
            sum: 0.0,
        };
        let mut scores = [0.0; STRIDE * ROWS];
        survivors.strides(self.dense, FIRST_STRIDE, |lanes| {
            self.stride(lanes, &mut scores, &mut scanned);
            if let Some(all) = by_unit.as_mut() {
                self.publish(lanes, &scores, all);
            }
        });
        scanned
    }

    /// Scores consecutive blocks of one slab and keeps the rows that may belong to the best k.
    fn stride(&self, lanes: &[Lanes], scores: &mut [f32], scanned: &mut Scanned) {
        let Some(first) = lanes.first() else { return };
        let shape = self.dense.shape;
        let Some(slab) = self.dense.slabs.get(first.block / shape.slab_blocks) else {
            return;
        };
        let start = first.block % shape.slab_blocks;
        let reaches = slab.reaches.get(start..).unwrap_or_default();
        let mut floors = [f32::INFINITY; STRIDE];
        let window = self.query.window;
        for (floor, reach) in floors.iter_mut().zip(reaches) {
            *floor = scanned.floor.floor() - window.margin(reach.error, reach.norm);
        }
        let mut hits = [0_u16; STRIDE];
        let hits = hits.get_mut(..lanes.len()).unwrap_or_default();
        let blocks = Blocks {
            codes: slab.codes.get().get(start * shape.block_bytes()..).unwrap_or_default(),
            scales: slab.scales.get(start * ROWS..).unwrap_or_default(),
            floors: &floors,
        };
        (self.kernels.scan)(&self.query.coded, blocks, scores, hits);
        for ((lanes, hits), scores) in lanes.iter().zip(hits).zip(scores.as_chunks::<ROWS>().0) {
            scanned.add(scores, lanes.bits);
            let mut bits = *hits & lanes.bits;
            while bits != 0 {
                let lane = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let row = lanes.block % shape.slab_blocks * ROWS + lane;
                let margin = window.margin(
                    slab.errors.get(row).copied().unwrap_or_default(),
                    slab.norms.get(row).copied().unwrap_or_default(),
                );
                let score = scores.get(lane).copied().unwrap_or_default();
                scanned.meet(score, margin, lanes.block * ROWS + lane);
            }
        }
        scanned.settle_sums();
    }

    /// Writes scores of codes at the unit numbers of their rows.
    fn publish(&self, lanes: &[Lanes], scores: &[f32], by_unit: &mut [f32]) {
        let shape = self.dense.shape;
        for (lanes, scores) in lanes.iter().zip(scores.as_chunks::<ROWS>().0) {
            let Some(slab) = self.dense.slabs.get(lanes.block / shape.slab_blocks) else {
                continue;
            };
            let start = lanes.block % shape.slab_blocks * ROWS;
            if lanes.bits == u16::MAX
                && let Some(first) = slab.run(lanes.block % shape.slab_blocks)
                && let Some(places) = by_unit.get_mut(first as usize..)
                && let Some(places) = places.first_chunk_mut::<ROWS>()
            {
                *places = *scores;
                continue;
            }
            let units = slab.units.get(start..).unwrap_or_default();
            for (lane, (score, unit)) in scores.iter().zip(units).enumerate() {
                if lanes.bits >> lane & 1 == 1
                    && let Some(place) = by_unit.get_mut(*unit as usize)
                {
                    *place = *score;
                }
            }
        }
    }

    /// Scores candidates exactly by falling upper end until none can come in any more.
    fn settle(&self, scanned: Scanned) -> TopK {
        let mut top = TopK::new(self.k);
        let floor = scanned.floor.floor();
        let mut candidates: Vec<u64> = scanned.candidates;
        candidates.retain(|&candidate| unkey(candidate).0 >= floor);
        let mut candidates = BinaryHeap::from(candidates);
        loop {
            // A few at a time, so that they come from memory together.
            let taken = std::iter::from_fn(|| candidates.pop()).take(AHEAD);
            let slots: Vec<u32> = taken
                .map(unkey)
                .take_while(|(upper, _)| *upper >= top.floor())
                .map(|(_, slot)| slot)
                .collect();
            if slots.is_empty() {
                return top;
            }
            for &slot in &slots {
                self.prefetch(slot);
            }
            for &slot in &slots {
                let (unit, score) = self.exact(slot);
                top.push(score, unit);
            }
        }
    }
}

impl Scanned {
    /// Adds the scores whose bit is set: sixteen sums side by side, as one would wait for itself.
    fn add(&mut self, scores: &[f32; ROWS], bits: u16) {
        if bits == u16::MAX {
            for (sum, score) in self.sums.iter_mut().zip(scores) {
                *sum += score;
            }
        } else {
            for (lane, (sum, score)) in self.sums.iter_mut().zip(scores).enumerate() {
                *sum += if bits >> lane & 1 == 1 { *score } else { 0.0 };
            }
        }
    }

    /// Moves the sums of a stride to the total, which needs more digits.
    fn settle_sums(&mut self) {
        self.sum += f64::from(self.sums.iter().sum::<f32>());
        self.sums = [0.0; ROWS];
    }

    /// Considers a row; drops candidates that fell below the floor when many have piled up.
    fn meet(&mut self, score: f32, margin: f32, slot: usize) {
        let (upper, lower) = (score + margin, score - margin);
        if upper < self.floor.floor() {
            return;
        }
        if self.candidates.len() == self.candidates.capacity() {
            let floor = self.floor.floor();
            self.candidates.retain(|&candidate| unkey(candidate).0 >= floor);
            // Room for as many again, so that dropping stays linear in what comes in.
            self.candidates.reserve(self.candidates.len().max(256));
        }
        let slot = u32::try_from(slot).unwrap_or(super::slab::NONE);
        self.candidates.push(key(upper, slot));
        self.floor.push(lower, slot);
    }
}
