//! Which rows a query has to look at, and in which order it is cheapest to read them.

use super::Dense;
use super::kernel::ROWS;
use super::slab::NONE;
use crate::index::mask::Mask;

/// A block and the bits of its rows that take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Number of the block over all slabs.
    block: usize,
    /// Bit r is set when row r takes part; not 0.
    bits: u16,
}

/// Consecutive blocks of one slab, not none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride<'a> {
    /// Number of the first over all slabs.
    pub(super) start: usize,
    /// Bits of the rows of each that take part.
    pub(super) bits: &'a [u16],
}

/// The rows that take part in a query.
#[derive(Debug)]
pub(super) enum Survivors {
    /// Every row: nothing to list.
    All,
    /// Dense or contiguous: scan the codes of these blocks, ascending.
    Blocks(Vec<Lanes>),
    /// Scattered: look at these slots one by one.
    Rows(Vec<u32>),
}

/// Most blocks of a stride: their scores stay in the first-level cache.
pub(super) const STRIDE: usize = 128;

/// What a byte of a row of 8-bit codes costs, which is read wherever it lies, in bytes of a block, which are
/// read in order. Measured with plain codes at 10,000 and 100,000 × 384, scattered at random: blocks and rows
/// meet near 20 % survivors, 3.4 rows a touched block.
const ROW_BYTE: f64 = 2.35;

impl Survivors {
    /// The rows of `dense` whose unit is in `mask` (all without one).
    ///
    /// Cost with a mask: two nanoseconds a block, or a few per unit of it when that is less.
    pub(super) fn of(dense: &Dense, mask: Option<&Mask>) -> Self {
        let Some(mask) = mask else { return Self::All };
        let lanes = if mask.count() < dense.len().div_ceil(ROWS) {
            lanes_of_units(dense, mask)
        } else {
            lanes_of_blocks(dense, mask)
        };
        Self::choose(dense, lanes)
    }

    /// Rows when a filter leaves few rows in each block it touches.
    #[expect(clippy::cast_precision_loss, reason = "a rule of thumb")]
    fn choose(dense: &Dense, lanes: Vec<Lanes>) -> Self {
        let survivors = count(&lanes);
        let (block, row) = (dense.shape.block_bytes() as f64, dense.shape.width as f64 * ROW_BYTE);
        let scattered = (survivors as f64) * row < lanes.len() as f64 * block;
        // A last block with few rows is not scattered, it is all there is.
        if survivors == dense.len() || !scattered {
            return Self::Blocks(lanes);
        }
        Self::Rows(lanes.iter().flat_map(|lanes| lanes.slots()).collect())
    }

    /// How many rows take part.
    pub(super) fn count(&self, dense: &Dense) -> usize {
        match self {
            Self::All => dense.len(),
            Self::Blocks(lanes) => count(lanes),
            Self::Rows(slots) => slots.len(),
        }
    }

    /// How many blocks the strides visit.
    pub(super) fn n_blocks(&self, dense: &Dense) -> usize {
        match self {
            Self::All => dense.slabs.iter().map(|slab| slab.blocks()).sum(),
            Self::Blocks(lanes) => lanes.len(),
            Self::Rows(_) => 0,
        }
    }

    /// The slots of the rows, in storage order.
    pub(super) fn slots(&self, dense: &Dense) -> Vec<u32> {
        match self {
            Self::All => (0..u32::try_from(dense.len()).unwrap_or(NONE)).collect(),
            Self::Blocks(lanes) => lanes.iter().flat_map(|lanes| lanes.slots()).collect(),
            Self::Rows(slots) => slots.clone(),
        }
    }

    /// Visits the blocks in strides: consecutive blocks of one slab, [`STRIDE`] at most. Scattered rows are in
    /// no stride.
    pub(super) fn strides(&self, dense: &Dense, mut visit: impl FnMut(Stride<'_>)) {
        let slab_blocks = dense.shape.slab_blocks;
        let mut room = [u16::MAX; STRIDE];
        match self {
            Self::All => {
                for (number, slab) in dense.slabs.iter().enumerate() {
                    let mut at = 0;
                    while at < slab.blocks() {
                        let bits =
                            room.get_mut(..STRIDE.min(slab.blocks() - at)).unwrap_or_default();
                        at += bits.len();
                        // Only the last block of a slab may have rows out of use.
                        if let Some(last) = bits.last_mut() {
                            *last = slab.lanes(at - 1, None);
                        }
                        visit(Stride { start: number * slab_blocks + at - bits.len(), bits });
                        bits.fill(u16::MAX);
                    }
                }
            }
            Self::Blocks(lanes) => {
                let mut rest = lanes.as_slice();
                while let Some(start) = rest.first().map(|lanes| lanes.block) {
                    let slab_end = (start / slab_blocks + 1) * slab_blocks;
                    let blocks = start..slab_end.min(start + STRIDE);
                    let run = rest.iter().zip(blocks);
                    let run = run.take_while(|(lanes, block)| lanes.block == *block);
                    let (now, later) = rest.split_at(run.count().max(1));
                    let bits = room.get_mut(..now.len()).unwrap_or_default();
                    for (bits, lanes) in bits.iter_mut().zip(now) {
                        *bits = lanes.bits;
                    }
                    visit(Stride { start, bits });
                    rest = later;
                }
            }
            Self::Rows(_) => {}
        }
    }
}

impl Stride<'_> {
    /// Slot of the first row of the first block.
    pub(super) fn first_slot(&self) -> u32 {
        slot(self.start)
    }

    /// Visits the rows that take part and whose bit is set in `hits`: slot, and number in the stride.
    pub(super) fn each_hit(&self, hits: &[u16], mut visit: impl FnMut(u32, usize)) {
        // Whether four blocks have any cannot be predicted, so those that do are listed first, without a branch.
        let mut found = [(0_u16, 0_u64); STRIDE / WORD];
        let mut n_found = 0;
        let words = self.bits.chunks(WORD).zip(hits.chunks(WORD));
        for (at, (bits, hits)) in (0..).zip(words) {
            let left = word(bits) & word(hits);
            if let Some(place) = found.get_mut(n_found) {
                *place = (at, left);
            }
            n_found += usize::from(left != 0);
        }
        let first = self.first_slot();
        for &(at, mut left) in found.iter().take(n_found) {
            while left != 0 {
                let row = u32::from(at) * u64::BITS + left.trailing_zeros();
                visit(first + row, row as usize);
                left &= left - 1;
            }
        }
    }
}

/// Blocks whose bits fill a word.
const WORD: usize = 4;

/// The bits of up to four blocks.
fn word(bits: &[u16]) -> u64 {
    if let [a, b, c, d] = *bits {
        return u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48;
    }
    bits.iter().rev().fold(0, |word, bits| word << 16 | u64::from(*bits))
}

impl Lanes {
    /// The slots whose bits are set.
    fn slots(self) -> impl Iterator<Item = u32> {
        let first = slot(self.block);
        let mut left = self.bits;
        std::iter::from_fn(move || {
            let lane = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(first.saturating_add(lane))
        })
    }
}

/// Slot of the first row of a block.
fn slot(block: usize) -> u32 {
    u32::try_from(block * ROWS).unwrap_or(NONE)
}

fn count(lanes: &[Lanes]) -> usize {
    lanes.iter().map(|lanes| lanes.bits.count_ones() as usize).sum()
}

/// Block by block over the whole index.
fn lanes_of_blocks(dense: &Dense, mask: &Mask) -> Vec<Lanes> {
    let mut found = Vec::with_capacity(dense.len().div_ceil(ROWS));
    let mut first = 0;
    for slab in &dense.slabs {
        for at in 0..slab.blocks() {
            let bits = slab.lanes(at, Some(mask));
            if bits != 0 {
                let block = first + at;
                found.push(Lanes { block, bits });
            }
        }
        first += dense.shape.slab_blocks;
    }
    found
}

/// Unit by unit of a small mask.
fn lanes_of_units(dense: &Dense, mask: &Mask) -> Vec<Lanes> {
    let mut slots: Vec<u32> = mask.iter().filter_map(|unit| dense.slot(unit)).collect();
    // Units in the order they were put need no sorting, which the sort notices.
    slots.sort_unstable();
    let mut found: Vec<Lanes> = Vec::new();
    for slot in slots {
        let (block, bit) = (slot as usize / ROWS, 1 << (slot as usize % ROWS));
        match found.last_mut() {
            Some(last) if last.block == block => last.bits |= bit,
            _ => found.push(Lanes { block, bits: bit }),
        }
    }
    found
}
