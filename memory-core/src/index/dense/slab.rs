//! A fixed number of rows: their codes in blocks, their vectors, and what the scan needs beside.

use super::codes::{Coarse, Fine};
use super::kernel::ROWS;
use super::pages::Pages;
use super::quantise::{Coded, Shape};
use super::rows::{Buffer, Rows};
use crate::index::mask::Mask;
use std::io;

/// Mark of a slot without unit, and of a block whose units are not consecutive.
pub(super) const NONE: u32 = u32::MAX;

/// The rows of a slab, filled from the front.
#[derive(Debug)]
pub(super) struct Slab {
    shape: Shape,
    /// Rows in use.
    used: usize,
    /// Number of the last write to it, counted over the index.
    version: u64,
    /// What is scanned.
    pub(super) coarse: Coarse,
    /// What is looked at next.
    pub(super) fine: Fine,
    /// Vectors, padded to the width.
    pub(super) rows: Rows,
    /// Unit of each row, [`NONE`] out of use.
    pub(super) units: Vec<u32>,
    /// First unit of a block whose units in use are consecutive, else [`NONE`]; derived.
    runs: Vec<u32>,
}

impl Slab {
    /// A slab without rows. Errors: no memory.
    pub(super) fn new(shape: Shape) -> io::Result<Self> {
        let rows = shape.slab_rows();
        Ok(Self {
            shape,
            used: 0,
            version: 0,
            coarse: Coarse::new(shape)?,
            fine: Fine::new(shape)?,
            rows: Rows::Held(Pages::zeroed(rows * shape.width)?),
            units: vec![NONE; rows],
            runs: vec![NONE; shape.slab_blocks],
        })
    }

    /// A copy to change while others read this one. Errors: no memory.
    pub(super) fn copy(&self) -> io::Result<Self> {
        Ok(Self {
            shape: self.shape,
            used: self.used,
            version: self.version,
            coarse: self.coarse.copy(self.blocks(), self.shape)?,
            fine: self.fine.copy(self.used)?,
            rows: self.rows.copy(self.used, self.shape.width)?,
            units: self.units.clone(),
            runs: self.runs.clone(),
        })
    }

    /// Number of the last write.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Rows in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Blocks with a row in use.
    pub(super) fn blocks(&self) -> usize {
        self.used.div_ceil(ROWS)
    }

    /// The vector of `row`, padded to the width. Errors: it cannot be read from its file.
    pub(super) fn row<'a>(&'a self, row: usize, buffer: &'a mut Buffer) -> io::Result<&'a [f32]> {
        self.rows.read(row, self.shape.width, buffer)
    }

    /// The vector of `row`, padded to the width, where it is in memory.
    pub(super) fn held_row(&self, row: usize) -> Option<&[f32]> {
        self.rows.held(row, self.shape.width)
    }

    /// The unit of `row`, [`NONE`] out of use.
    pub(super) fn unit(&self, row: usize) -> u32 {
        self.units.get(row).copied().unwrap_or(NONE)
    }

    /// Bits of the rows of `block` that are in use and, with a mask, whose unit is in it.
    pub(super) fn lanes(&self, block: usize, mask: Option<&Mask>) -> u16 {
        let used = self.used.saturating_sub(block * ROWS).min(ROWS);
        let live = u16::try_from((1_u32 << used) - 1).unwrap_or(u16::MAX);
        let Some(mask) = mask else { return live };
        match self.runs.get(block) {
            Some(&first) if first != NONE => mask.sixteen(first) & live,
            _ => {
                let units = self.units.iter().skip(block * ROWS).take(used);
                units
                    .enumerate()
                    .fold(0, |bits, (lane, &unit)| bits | u16::from(mask.contains(unit)) << lane)
            }
        }
    }

    /// Writes `unit` with its vector and codes into `row`, at most the first row out of use.
    ///
    /// `version` is the number of this write.
    pub(super) fn write(
        &mut self,
        version: u64,
        row: usize,
        unit: u32,
        vector: &[f32],
        [coarse, fine]: &[Coded; 2],
    ) {
        self.used = self.used.max(row + 1);
        self.version = version;
        self.rows.write(row, self.shape.width, vector);
        self.coarse.put(row, coarse, self.shape);
        self.fine.put(row, fine);
        self.set_unit(row, unit);
    }

    /// Takes `rows` rows into use whose columns, codes and vectors were filled from outside.
    pub(super) fn adopt(&mut self, rows: usize) {
        self.used = rows;
        for block in 0..self.blocks() {
            self.derive(block);
        }
    }

    /// Takes over codes for all rows.
    pub(super) fn take_codes(&mut self, coarse: Coarse, shape: Shape) {
        (self.coarse, self.shape) = (coarse, shape);
    }

    /// Memory that it takes, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        let columns = 5 * size_of::<f32>() + size_of::<u32>();
        self.blocks() * (self.shape.block_bytes() + ROWS * (self.shape.width + columns))
            + self.rows.size_bytes(self.used, self.shape.width)
    }

    /// Takes the last row in use out of use.
    pub(super) fn pop(&mut self) {
        let Some(row) = self.used.checked_sub(1) else {
            return;
        };
        self.used = row;
        self.coarse.clear(row);
        self.fine.clear(row);
        self.set_unit(row, NONE);
    }

    /// Sets the unit of a row, and derives what is kept per block.
    fn set_unit(&mut self, row: usize, unit: u32) {
        if let Some(slot) = self.units.get_mut(row) {
            *slot = unit;
        }
        self.derive(row / ROWS);
    }

    /// Derives the run of `block` from its rows.
    fn derive(&mut self, block: usize) {
        let rows = block * ROWS..(block * ROWS + ROWS).min(self.used);
        let units = self.units.get(rows).unwrap_or_default();
        let first = units.first().copied().unwrap_or(NONE);
        let consecutive = units.iter().zip(first..).all(|(unit, next)| *unit == next);
        if let Some(run) = self.runs.get_mut(block) {
            *run = if consecutive { first } else { NONE };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coded, NONE, ROWS, Shape, Slab};
    use crate::index::dense::coarse::Coder;
    use crate::index::dense::kernel::portable;
    use crate::index::mask::Mask;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_lanes_of_a_block_are_its_units_in_the_mask(
            units in prop_oneof![
                prop::collection::vec(0_u32..200, 1..40),
                (0_u32..150, 1_u32..40).prop_map(|(first, rows)| (first..first + rows).collect()),
            ],
            mask in prop::collection::vec(0_u32..200, 0..100),
            pops in 0_usize..5,
        ) {
            let shape = Shape::new(3).unwrap();
            let mask: Mask = mask.into_iter().collect();
            let mut slab = Slab::new(shape).unwrap();
            let vector = [1.0, -2.0, 3.0];
            let (padded, kernels) = (shape.padded(&vector), &portable::KERNELS);
            let coarse = Coder::plain(shape.width).code(&padded, 3.8, kernels);
            let coded = [coarse, Coded::fine(&padded, kernels)];
            for (row, &unit) in units.iter().enumerate() {
                slab.write(1, row, unit, &vector, &coded);
            }
            for _ in 0..pops {
                slab.pop();
            }
            let left = units.len().saturating_sub(pops);
            prop_assert_eq!(slab.used(), left);
            let padding = slab.blocks() * ROWS - left;
            let rows = units.iter().take(left).map(Some).chain(std::iter::repeat_n(None, padding));
            for (row, unit) in rows.enumerate() {
                let live = unit.is_some();
                let (block, lane) = (row / ROWS, row % ROWS);
                prop_assert_eq!(slab.unit(row) != NONE, live);
                prop_assert_eq!(slab.lanes(block, None) >> lane & 1 == 1, live);
                let survives = unit.is_some_and(|&unit| mask.contains(unit));
                prop_assert_eq!(slab.lanes(block, Some(&mask)) >> lane & 1 == 1, survives);
            }
        }
    }
}
