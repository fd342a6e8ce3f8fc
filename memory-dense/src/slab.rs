//! Slab: a fixed number of rows with their codes, their vectors and their ids.
#![expect(
    clippy::indexing_slicing,
    reason = "the columns are made for all rows of a slab, and every row is below their number"
)]

use std::io;

use crate::codes::{ByteCodes, ScanCodes};
use crate::kernel::ROWS;
use crate::mask::Mask;
use crate::pages::Pages;
use crate::row_codes::RowCodes;
use crate::row_format::RowFormat;
use crate::vectors::{ReadBuffer, Vectors};

/// Mark of a row without id, and of a block whose ids are not consecutive.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows, filled from the front.
#[derive(Debug)]
pub(crate) struct Slab {
    format: RowFormat,
    /// Number of rows in use.
    n_used: usize,
    /// Number of the last write to the slab, counted over the index.
    version: u64,
    /// Codes that are scanned.
    pub(crate) scan: ScanCodes,
    /// Codes by which single rows are scored.
    pub(crate) bytes: ByteCodes,
    /// Vectors, padded to the width.
    pub(crate) vectors: Vectors,
    /// Id of each row, [`NONE`] out of use.
    pub(crate) ids: Vec<u32>,
    /// First id of each block whose ids in use are consecutive, else [`NONE`]; derived from `ids`.
    runs: Vec<u32>,
}

impl Slab {
    /// Allocates a slab without rows in use. Errors: no memory.
    pub(crate) fn new(format: RowFormat) -> io::Result<Self> {
        let n_rows = format.slab_rows();
        Ok(Self {
            format,
            n_used: 0,
            version: 0,
            scan: ScanCodes::new(format)?,
            bytes: ByteCodes::new(format)?,
            vectors: Vectors::Held(Pages::zeroed(n_rows * format.width)?),
            ids: vec![NONE; n_rows],
            runs: vec![NONE; format.slab_blocks],
        })
    }

    /// Copies the slab, to be changed while others read this one. Errors: no memory.
    pub(crate) fn copy(&self) -> io::Result<Self> {
        Ok(Self {
            format: self.format,
            n_used: self.n_used,
            version: self.version,
            scan: self.scan.copy(self.n_blocks(), self.format)?,
            bytes: self.bytes.copy(self.n_used)?,
            vectors: self.vectors.copy(self.n_used, self.format.width)?,
            ids: self.ids.clone(),
            runs: self.runs.clone(),
        })
    }

    /// Returns the number of the last write.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Returns the number of rows in use.
    pub(crate) const fn n_used(&self) -> usize {
        self.n_used
    }

    /// Returns true if every row is in use.
    pub(crate) fn is_full(&self) -> bool {
        self.n_used == self.format.slab_rows()
    }

    /// Returns the number of blocks with a row in use.
    pub(crate) fn n_blocks(&self) -> usize {
        self.n_used.div_ceil(ROWS)
    }

    /// Returns the vector of `row`, padded to the width. Errors: it cannot be read from its file.
    pub(crate) fn vector<'a>(
        &'a self,
        row: usize,
        buffer: &'a mut ReadBuffer,
    ) -> io::Result<&'a [f32]> {
        debug_assert!(row < self.n_used);
        self.vectors.read(row, self.format.width, buffer)
    }

    /// Returns the vector of `row`, padded to the width, if it is in memory.
    pub(crate) fn held_vector(&self, row: usize) -> Option<&[f32]> {
        self.vectors.held(row, self.format.width)
    }

    /// Returns the bits of the rows of `block` that are in use and, with a mask, whose id is in it.
    pub(crate) fn selected(&self, block: usize, mask: Option<&Mask>) -> u16 {
        let n_used = self.n_used.saturating_sub(block * ROWS).min(ROWS);
        let used = u16::try_from((1_u32 << n_used) - 1).unwrap_or(u16::MAX);
        let Some(mask) = mask else { return used };
        let first = self.runs[block];
        if first != NONE {
            return mask.sixteen(first) & used;
        }
        let ids = self.ids[block * ROWS..block * ROWS + n_used].iter().enumerate();
        ids.fold(0, |bits, (row, &id)| bits | u16::from(mask.contains(id)) << row)
    }

    /// Writes `id` with its vector and codes into `row`, at most the first row out of use.
    ///
    /// `version` is the number of this write.
    pub(crate) fn write(
        &mut self,
        version: u64,
        row: usize,
        id: u32,
        vector: &[f32],
        [scan, bytes]: &[RowCodes; 2],
    ) {
        debug_assert!(row <= self.n_used);
        self.n_used = self.n_used.max(row + 1);
        self.version = version;
        self.vectors.write(row, self.format.width, vector);
        self.scan.put(row, scan, self.format);
        self.bytes.put(row, bytes);
        self.set_id(row, id);
    }

    /// Returns true if all codes are in memory.
    pub(crate) const fn is_held(&self) -> bool {
        self.scan.bytes.is_held() && self.bytes.bytes.is_held()
    }

    /// Brings all codes into memory. Errors: they cannot be read, or no memory.
    pub(crate) fn hold(&mut self) -> io::Result<()> {
        self.scan.bytes.hold(self.format.block_bytes())?;
        self.bytes.bytes.hold(self.format.width)
    }

    /// Takes the first `n_rows` rows into use, whose ids, codes and vectors were filled from
    /// outside.
    pub(crate) fn set_used(&mut self, n_rows: usize) {
        self.n_used = n_rows;
        for block in 0..self.n_blocks() {
            self.update_run(block);
        }
    }

    /// Replaces the scanned codes of all rows.
    pub(crate) fn replace_scan_codes(&mut self, codes: ScanCodes, format: RowFormat) {
        (self.scan, self.format) = (codes, format);
    }

    /// Returns the memory that the slab takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let columns = 5 * size_of::<f32>() + size_of::<u32>();
        let codes = self.format.block_bytes() + ROWS * self.format.width;
        let held = if self.is_held() { codes } else { 0 };
        self.n_blocks() * (held + ROWS * columns)
            + self.vectors.size_bytes(self.n_used, self.format.width)
    }

    /// Takes the last row in use out of use.
    pub(crate) fn pop(&mut self) {
        debug_assert!(self.n_used > 0);
        let row = self.n_used - 1;
        self.n_used = row;
        self.scan.clear(row);
        self.bytes.clear(row);
        self.set_id(row, NONE);
    }

    fn set_id(&mut self, row: usize, id: u32) {
        self.ids[row] = id;
        self.update_run(row / ROWS);
    }

    /// Derives the run of `block` from the ids of its rows.
    fn update_run(&mut self, block: usize) {
        let end = ((block + 1) * ROWS).min(self.n_used).max(block * ROWS);
        let ids = &self.ids[block * ROWS..end];
        let first = ids.first().copied().unwrap_or(NONE);
        let is_consecutive = ids.iter().zip(first..).all(|(id, next)| *id == next);
        self.runs[block] = if is_consecutive { first } else { NONE };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::portable;
    use crate::scan_quantizer::ScanQuantizer;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_selected_rows_of_a_block_are_those_whose_id_is_in_the_mask(
            ids in prop_oneof![
                prop::collection::vec(0_u32..200, 1..40),
                (0_u32..150, 1_u32..40).prop_map(|(first, rows)| (first..first + rows).collect()),
            ],
            mask in prop::collection::vec(0_u32..200, 0..100),
            pops in 0_usize..5,
        ) {
            let format = RowFormat::new(3).unwrap();
            let mask: Mask = mask.into_iter().collect();
            let mut slab = Slab::new(format).unwrap();
            let vector = [1.0, -2.0, 3.0];
            let (padded, kernels) = (format.padded(&vector), &portable::KERNELS);
            let scan = ScanQuantizer::plain(format.width).code(&padded, 3.8, kernels);
            let codes = [scan, RowCodes::bytes_of(&padded, kernels)];
            for (row, &id) in ids.iter().enumerate() {
                slab.write(1, row, id, &vector, &codes);
            }
            let pops = pops.min(ids.len());
            for _ in 0..pops {
                slab.pop();
            }
            let left = ids.len() - pops;
            prop_assert_eq!(slab.n_used(), left);
            let padding = slab.n_blocks() * ROWS - left;
            let rows = ids.iter().take(left).map(Some).chain(std::iter::repeat_n(None, padding));
            for (row, id) in rows.enumerate() {
                let is_used = id.is_some();
                let (block, bit) = (row / ROWS, row % ROWS);
                prop_assert_eq!(slab.ids[row] != NONE, is_used);
                prop_assert_eq!(slab.selected(block, None) >> bit & 1 == 1, is_used);
                let is_selected = id.is_some_and(|&id| mask.contains(id));
                prop_assert_eq!(slab.selected(block, Some(&mask)) >> bit & 1 == 1, is_selected);
            }
        }
    }
}
