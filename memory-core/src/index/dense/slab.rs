//! A fixed number of rows: their codes in blocks, their vectors, and what the scan needs beside.

use super::kernel::{ROWS, TOGETHER};
use super::pages::Pages;
use super::quantise::{Coded, Shape};
use super::rows::{Buffer, Rows};
use crate::index::mask::Mask;
use std::io;

/// Mark of a slot without unit, and of a block whose units are not consecutive.
pub(super) const NONE: u32 = u32::MAX;

/// Largest |x − x̂| and |x̂| of the rows of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reach {
    /// Largest |x − x̂|.
    pub(super) error: f32,
    /// Largest |x̂|.
    pub(super) norm: f32,
}

/// The rows of a slab, filled from the front.
#[derive(Debug)]
pub(super) struct Slab {
    shape: Shape,
    /// Rows in use.
    used: usize,
    /// Number of the last write to it, counted over the index.
    version: u64,
    /// Code + 128 of row r and dimension j at
    /// `(r / 16) · 16 · width + (j / 4) · 64 + (r % 16) · 4 + j % 4`.
    pub(super) codes: Pages<u8>,
    /// Vectors, padded to the width.
    pub(super) rows: Rows,
    /// Value of a code step of each row; 0 for slots out of use.
    pub(super) scales: Vec<f32>,
    /// |x − x̂| of each row, rounded up.
    pub(super) errors: Vec<f32>,
    /// |x̂| of each row, rounded up.
    pub(super) norms: Vec<f32>,
    /// Unit of each row, [`NONE`] out of use.
    pub(super) units: Vec<u32>,
    /// Per block, derived.
    pub(super) reaches: Vec<Reach>,
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
            codes: Pages::zeroed(shape.slab_blocks * shape.block_bytes())?,
            rows: Rows::Held(Pages::zeroed(rows * shape.width)?),
            scales: vec![0.0; rows],
            errors: vec![0.0; rows],
            norms: vec![0.0; rows],
            units: vec![NONE; rows],
            reaches: vec![Reach::default(); shape.slab_blocks],
            runs: vec![NONE; shape.slab_blocks],
        })
    }

    /// A copy to change while others read this one. Errors: no memory.
    pub(super) fn copy(&self) -> io::Result<Self> {
        Ok(Self {
            shape: self.shape,
            used: self.used,
            version: self.version,
            codes: self.codes.copy(self.blocks() * self.shape.block_bytes())?,
            rows: self.rows.copy(self.used, self.shape.width)?,
            scales: self.scales.clone(),
            errors: self.errors.clone(),
            norms: self.norms.clone(),
            units: self.units.clone(),
            reaches: self.reaches.clone(),
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

    /// The codes of a row, four dimensions at a time.
    pub(super) fn codes_of(&self, row: usize) -> impl Iterator<Item = [i16; 4]> {
        let block = self.shape.block_bytes();
        let codes = self.codes.get().get(row / ROWS * block..).unwrap_or_default();
        let groups = codes.get(..block).unwrap_or_default();
        groups.chunks_exact(ROWS * 4).filter_map(move |group| {
            let at = row % ROWS * 4;
            let codes: [u8; 4] = group.get(at..at + 4)?.try_into().ok()?;
            Some(codes.map(|code| i16::from(code) - 128))
        })
    }

    /// The unit of `row`, [`NONE`] out of use.
    pub(super) fn unit(&self, row: usize) -> u32 {
        self.units.get(row).copied().unwrap_or(NONE)
    }

    /// First unit of a block whose units in use are consecutive.
    pub(super) fn run(&self, block: usize) -> Option<u32> {
        self.runs.get(block).copied().filter(|&first| first != NONE)
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
        coded: &Coded,
    ) {
        self.used = self.used.max(row + 1);
        self.version = version;
        self.rows.write(row, self.shape.width, vector);
        let block = row / ROWS * self.shape.block_bytes();
        if let Some(block) = self.codes.get_mut().get_mut(block..block + self.shape.block_bytes()) {
            let lanes = block.as_chunks_mut::<{ ROWS * TOGETHER }>().0.iter_mut();
            let lanes = lanes.filter_map(|group| {
                let lane = group.as_chunks_mut::<TOGETHER>().0.get_mut(row % ROWS)?;
                Some(lane)
            });
            for (stored, codes) in lanes.zip(coded.codes.as_chunks::<TOGETHER>().0) {
                // Flipping the top bit of a signed byte adds 128.
                *stored = codes.map(|code| code.cast_unsigned() ^ 0x80);
            }
        }
        self.describe(row, unit, coded.scale, coded.error, coded.norm);
    }

    /// Takes `rows` rows into use whose columns, codes and vectors were filled from outside.
    pub(super) fn adopt(&mut self, rows: usize) {
        self.used = rows;
        for block in 0..self.blocks() {
            self.derive(block);
        }
    }

    /// Memory that it takes, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        let columns = 3 * size_of::<f32>() + size_of::<u32>();
        self.blocks() * (self.shape.block_bytes() + ROWS * columns)
            + self.rows.size_bytes(self.used, self.shape.width)
    }

    /// Takes the last row in use out of use.
    pub(super) fn pop(&mut self) {
        let Some(row) = self.used.checked_sub(1) else {
            return;
        };
        self.used = row;
        self.describe(row, NONE, 0.0, 0.0, 0.0);
    }

    /// Sets what is kept per row, and derives what is kept per block.
    fn describe(&mut self, row: usize, unit: u32, scale: f32, error: f32, norm: f32) {
        for (values, value) in
            [(&mut self.scales, scale), (&mut self.errors, error), (&mut self.norms, norm)]
        {
            if let Some(slot) = values.get_mut(row) {
                *slot = value;
            }
        }
        if let Some(slot) = self.units.get_mut(row) {
            *slot = unit;
        }
        self.derive(row / ROWS);
    }

    /// Derives the reach and the run of `block` from its rows.
    fn derive(&mut self, block: usize) {
        let rows = block * ROWS..(block * ROWS + ROWS).min(self.used);
        let errors = self.errors.get(rows.clone()).unwrap_or_default();
        let norms = self.norms.get(rows.clone()).unwrap_or_default();
        if let Some(reach) = self.reaches.get_mut(block) {
            *reach = Reach {
                error: errors.iter().copied().fold(0.0, f32::max),
                norm: norms.iter().copied().fold(0.0, f32::max),
            };
        }
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
    use super::{NONE, ROWS, Slab};
    use crate::index::dense::quantise::{Coded, Shape};
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
            for (row, &unit) in units.iter().enumerate() {
                slab.write(1, row, unit, &vector, &Coded::new(&vector, shape.width, 127));
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
