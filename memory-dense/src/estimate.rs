//! Scores of single rows by their 8-bit codes.
#![expect(
    clippy::indexing_slicing,
    reason = "one list of codes and one of numbers, as long as that of the slots"
)]

use crate::error_bound::RowStats;
use crate::query::Query;
use crate::row_store::RowStore;

/// Rows that are prefetched before they are scored.
pub(crate) const AHEAD: usize = 16;

/// Score of a row by its 8-bit codes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) slot: u32,
    pub(crate) score: f32,
    /// Bound of |score − exact score|.
    pub(crate) margin: f32,
}

/// A query and the rows that it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Estimator<'a> {
    pub(crate) rows: &'a RowStore,
    pub(crate) query: &'a Query,
}

impl<'a> Estimator<'a> {
    /// Scores one row.
    pub(crate) fn estimate(&self, slot: u32) -> Estimate {
        let (slab, row) = self.rows.place(slot);
        let (mut sum, mut buffer) = ([0], Vec::new());
        match slab.bytes.row(row, &mut buffer) {
            Ok(codes) => {
                (self.rows.kernels.byte_dots)(&self.query.bytes.codes, &[codes], &mut sum);
            }
            // The search fails by this mark.
            Err(error) => self.rows.damage.record(&error),
        }
        self.of_sum(slot, slab.bytes.stats[row], sum[0])
    }

    /// Scores many rows.
    pub(crate) fn estimate_all(&self, slots: &[u32]) -> Vec<Estimate> {
        let mut room = Vec::new();
        let codes = self.codes(slots, &mut room);
        let mut stats = Vec::with_capacity(slots.len());
        for &slot in slots {
            let (slab, row) = self.rows.place(slot);
            stats.push(&slab.bytes.stats[row]);
        }
        let mut estimates = Vec::with_capacity(slots.len());
        self.prefetch(&codes, &stats, 0);
        for start in (0..slots.len()).step_by(AHEAD) {
            // The next few come from memory while these are scored.
            self.prefetch(&codes, &stats, start + AHEAD);
            let few = &codes[start..(start + AHEAD).min(slots.len())];
            let mut sums = [0; AHEAD];
            let sums = &mut sums[..few.len()];
            (self.rows.kernels.byte_dots)(&self.query.bytes.codes, few, sums);
            for (at, sum) in (start..).zip(sums) {
                estimates.push(self.of_sum(slots[at], *stats[at], *sum));
            }
        }
        estimates
    }

    /// Returns the codes of rows; in `room` if some have to be read from a file. What cannot be
    /// read leaves the mark of damage.
    fn codes<'r>(&self, slots: &[u32], room: &'r mut Vec<u8>) -> Vec<&'r [u8]>
    where
        'a: 'r,
    {
        let width = self.rows.format.width;
        if self.rows.slabs.iter().all(|slab| slab.is_held()) {
            let rows: &'a RowStore = self.rows;
            let places = slots.iter().map(|slot| rows.place(*slot));
            return places.filter_map(|(slab, row)| slab.bytes.held_row(row)).collect();
        }
        room.resize(slots.len() * width, 0);
        let mut buffer = Vec::new();
        for (slot, place) in slots.iter().zip(room.chunks_mut(width)) {
            let (slab, row) = self.rows.place(*slot);
            match slab.bytes.row(row, &mut buffer) {
                Ok(codes) => place.copy_from_slice(codes),
                Err(error) => self.rows.damage.record(&error),
            }
        }
        room.chunks(width).collect()
    }

    /// Asks for the codes and numbers of [`AHEAD`] rows from `start` on.
    fn prefetch(&self, codes: &[&[u8]], stats: &[&RowStats], start: usize) {
        for at in start..(start + AHEAD).min(codes.len()) {
            (self.rows.kernels.prefetch)(codes[at].as_ptr(), codes[at].len());
            (self.rows.kernels.prefetch)(std::ptr::from_ref(stats[at]).cast(), 1);
        }
    }

    /// Turns the inner product of codes into a score.
    #[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
    fn of_sum(&self, slot: u32, stats: RowStats, sum: i32) -> Estimate {
        let query = &self.query.bytes;
        let score = (sum - query.offset) as f32 * stats.step * query.step;
        Estimate { slot, score, margin: query.bound.margin(stats.error, stats.norm) }
    }
}
