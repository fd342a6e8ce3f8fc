//! Rows that take part in a search, in the order in which they are cheapest to read.
#![expect(
    clippy::indexing_slicing,
    reason = "a run has at most `MAX_RUN` blocks, which is the length of the arrays for it"
)]

use crate::kernel::ROWS;
use crate::mask::Mask;
use crate::row_store::RowStore;
use crate::slab::NONE;
use crate::slot_table::SlotTable;

/// Most blocks of a run: their scores stay in the first-level cache.
pub(crate) const MAX_RUN: usize = 128;

/// Cost of a byte of a row of 8-bit codes, which is read wherever it lies, in bytes of a block,
/// which are read in order. Measured with plain codes at 10,000 and 100,000 × 384, scattered at
/// random: blocks and rows cost the same near 20 % selected, 3.4 rows a touched block.
const ROW_BYTE_COST: f64 = 2.35;

/// Blocks whose bits fill a word.
const WORD: usize = 4;

/// A block and the bits of its selected rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockRows {
    /// Number of the block over all slabs.
    block: usize,
    /// Bit r is set if row r is selected; not 0.
    bits: u16,
}

/// Consecutive blocks of one slab, not none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockRun<'a> {
    /// Number of the first block over all slabs.
    pub(crate) start: usize,
    /// Bits of the selected rows of each block.
    pub(crate) bits: &'a [u16],
}

/// The rows that take part in a search.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Every row: nothing to list.
    All,
    /// Dense or contiguous rows, whose blocks are scanned: these blocks, ascending.
    Blocks(Vec<BlockRows>),
    /// Scattered rows, which are scored one by one: these slots, ascending.
    Slots(Vec<u32>),
}

impl Selection {
    /// Returns the rows whose id is in `mask` (all without one).
    ///
    /// Cost with a mask: two nanoseconds a block, or a few per id of it when that is less.
    pub(crate) fn of(rows: &RowStore, slots: &SlotTable, mask: Option<&Mask>) -> Self {
        let Some(mask) = mask else { return Self::All };
        let blocks = if mask.count() < rows.n_blocks() {
            blocks_by_id(slots, mask)
        } else {
            blocks_in_order(rows, mask)
        };
        Self::of_blocks(rows, blocks)
    }

    /// Returns slots where a filter leaves few rows in each block that it touches, else blocks.
    #[expect(clippy::cast_precision_loss, reason = "a rule of thumb")]
    fn of_blocks(rows: &RowStore, blocks: Vec<BlockRows>) -> Self {
        let n_selected = count(&blocks);
        let block_cost = rows.format.block_bytes() as f64;
        let row_cost = rows.format.width as f64 * ROW_BYTE_COST;
        let is_scattered = (n_selected as f64) * row_cost < blocks.len() as f64 * block_cost;
        // A last block with few rows is not scattered, it is all there is.
        if n_selected == rows.n_rows || !is_scattered {
            return Self::Blocks(blocks);
        }
        Self::Slots(blocks.iter().flat_map(|block| block.slots()).collect())
    }

    /// Returns the number of selected rows.
    pub(crate) fn count(&self, rows: &RowStore) -> usize {
        match self {
            Self::All => rows.n_rows,
            Self::Blocks(blocks) => count(blocks),
            Self::Slots(slots) => slots.len(),
        }
    }

    /// Returns the number of blocks of all runs.
    pub(crate) fn n_blocks(&self, rows: &RowStore) -> usize {
        match self {
            Self::All => rows.n_blocks(),
            Self::Blocks(blocks) => blocks.len(),
            Self::Slots(_) => 0,
        }
    }

    /// Returns the slots of the selected rows, in storage order.
    pub(crate) fn slots(&self, rows: &RowStore) -> Vec<u32> {
        match self {
            Self::All => (0..).take(rows.n_rows).collect(),
            Self::Blocks(blocks) => blocks.iter().flat_map(|block| block.slots()).collect(),
            Self::Slots(slots) => slots.clone(),
        }
    }

    /// Visits the blocks in runs: consecutive blocks of one slab, [`MAX_RUN`] at most. Slots are in
    /// no run.
    pub(crate) fn for_each_run(&self, rows: &RowStore, mut visit: impl FnMut(BlockRun<'_>)) {
        let slab_blocks = rows.format.slab_blocks;
        let mut room = [u16::MAX; MAX_RUN];
        match self {
            Self::All => {
                for (number, slab) in rows.slabs.iter().enumerate() {
                    let mut at = 0;
                    while at < slab.n_blocks() {
                        let n = MAX_RUN.min(slab.n_blocks() - at);
                        // Only the last block of a slab may have rows out of use.
                        room[n - 1] = slab.selected(at + n - 1, None);
                        visit(BlockRun { start: number * slab_blocks + at, bits: &room[..n] });
                        room[n - 1] = u16::MAX;
                        at += n;
                    }
                }
            }
            Self::Blocks(blocks) => {
                let mut rest = blocks.as_slice();
                while let Some(start) = rest.first().map(|first| first.block) {
                    let slab_end = (start / slab_blocks + 1) * slab_blocks;
                    let numbers = start..slab_end.min(start + MAX_RUN);
                    let run = rest.iter().zip(numbers);
                    let n = run.take_while(|(block, number)| block.block == *number).count();
                    let (now, later) = rest.split_at(n);
                    for (bits, block) in room.iter_mut().zip(now) {
                        *bits = block.bits;
                    }
                    visit(BlockRun { start, bits: &room[..n] });
                    rest = later;
                }
            }
            Self::Slots(_) => {}
        }
    }
}

impl BlockRun<'_> {
    /// Returns the slot of the first row of the first block.
    pub(crate) fn first_slot(&self) -> u32 {
        slot(self.start)
    }

    /// Visits the selected rows whose bit is set in `hits`: slot, and number in the run.
    pub(crate) fn for_each_hit(&self, hits: &[u16], mut visit: impl FnMut(u32, usize)) {
        debug_assert_eq!(self.bits.len(), hits.len());
        // Whether four blocks have any hit cannot be predicted, so those that do are listed first,
        // without a branch.
        let mut found = [(0_u16, 0_u64); MAX_RUN / WORD];
        let mut n_found = 0;
        let words = self.bits.chunks(WORD).zip(hits.chunks(WORD));
        for (at, (bits, hits)) in (0..).zip(words) {
            let left = word(bits) & word(hits);
            found[n_found] = (at, left);
            n_found += usize::from(left != 0);
        }
        let first = self.first_slot();
        for &(at, mut left) in &found[..n_found] {
            while left != 0 {
                let row = u32::from(at) * u64::BITS + left.trailing_zeros();
                visit(first + row, row as usize);
                left &= left - 1;
            }
        }
    }
}

/// Joins the bits of up to four blocks.
fn word(bits: &[u16]) -> u64 {
    if let [a, b, c, d] = *bits {
        return u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48;
    }
    bits.iter().rev().fold(0, |word, bits| word << 16 | u64::from(*bits))
}

impl BlockRows {
    /// Returns the slots whose bits are set.
    fn slots(self) -> impl Iterator<Item = u32> {
        let first = slot(self.block);
        let mut left = self.bits;
        std::iter::from_fn(move || {
            let row = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(first + row)
        })
    }
}

/// Returns the slot of the first row of a block.
fn slot(block: usize) -> u32 {
    let slot = u32::try_from(block * ROWS);
    debug_assert!(slot.is_ok(), "there are fewer rows than ids, which are below 2^26");
    slot.unwrap_or(NONE)
}

fn count(blocks: &[BlockRows]) -> usize {
    blocks.iter().map(|block| block.bits.count_ones() as usize).sum()
}

/// Lists the blocks with selected rows, block by block over the whole store.
fn blocks_in_order(rows: &RowStore, mask: &Mask) -> Vec<BlockRows> {
    let mut found = Vec::with_capacity(rows.n_blocks());
    let mut first = 0;
    for slab in &rows.slabs {
        for at in 0..slab.n_blocks() {
            let bits = slab.selected(at, Some(mask));
            if bits != 0 {
                let block = first + at;
                found.push(BlockRows { block, bits });
            }
        }
        first += rows.format.slab_blocks;
    }
    found
}

/// Lists the blocks with selected rows, id by id of a small mask.
fn blocks_by_id(slots: &SlotTable, mask: &Mask) -> Vec<BlockRows> {
    let mut slots: Vec<u32> = mask.iter().filter_map(|id| slots.get(id)).collect();
    // Ids in the order they were put need no sorting, which the sort notices.
    slots.sort_unstable();
    let mut found: Vec<BlockRows> = Vec::new();
    for slot in slots {
        let (block, bit) = (slot as usize / ROWS, 1 << (slot as usize % ROWS));
        match found.last_mut() {
            Some(last) if last.block == block => last.bits |= bit,
            _ => found.push(BlockRows { block, bits: bit }),
        }
    }
    found
}
