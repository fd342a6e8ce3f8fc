//! Codes of the rows of a slab: in blocks for the scan, and row by row for single scores.
#![expect(
    clippy::indexing_slicing,
    reason = "the columns are made for all rows of a slab, and every row is below their number"
)]

use std::io;

use crate::code_bytes::CodeBytes;
use crate::error_bound::{RowStats, WorstRow};
use crate::kernel::{GROUP, ROWS, TOGETHER};
use crate::pages::Pages;
use crate::row_codes::RowCodes;
use crate::row_format::RowFormat;

/// Codes of few bits, which are scanned.
#[derive(Debug)]
pub(crate) struct ScanCodes {
    /// Codes in blocks, as [`crate::kernel::ScanBlocks`] lays them out.
    pub(crate) bytes: CodeBytes,
    /// Value of a code step of each row; 0 for rows out of use.
    pub(crate) steps: Vec<f32>,
    /// [`RowStats::shared_error`] of each row.
    pub(crate) errors: Vec<f32>,
    /// Bounds the errors and norms of all rows; kept when rows leave.
    pub(crate) worst: WorstRow,
}

impl ScanCodes {
    /// Allocates the rows of a slab. Errors: no memory.
    pub(crate) fn new(format: RowFormat) -> io::Result<Self> {
        let zeros = || vec![0.0; format.slab_rows()];
        let bytes = CodeBytes::Held(Pages::zeroed(format.slab_blocks * format.block_bytes())?);
        Ok(Self { bytes, steps: zeros(), errors: zeros(), worst: WorstRow::default() })
    }

    /// Copies the first `n_blocks` blocks. Errors: no memory.
    pub(crate) fn copy(&self, n_blocks: usize, format: RowFormat) -> io::Result<Self> {
        let bytes = self.bytes.copy(n_blocks * format.block_bytes())?;
        Ok(Self { bytes, steps: self.steps.clone(), errors: self.errors.clone(), ..*self })
    }

    /// Sets the codes of a row.
    pub(crate) fn put(&mut self, row: usize, codes: &RowCodes, format: RowFormat) {
        let start = row / ROWS * format.block_bytes();
        let block = &mut self.bytes.held_mut()[start..start + format.block_bytes()];
        let groups = block.as_chunks_mut::<GROUP>().0.iter_mut();
        let fours = codes.bytes.as_chunks::<TOGETHER>().0;
        debug_assert_eq!(groups.len(), fours.len());
        for (group, four) in groups.zip(fours) {
            group.as_chunks_mut::<TOGETHER>().0[row % ROWS] = *four;
        }
        let RowStats { step, norm, .. } = codes.stats;
        let error = codes.stats.shared_error();
        self.worst = self.worst.max(WorstRow { error, norm });
        self.steps[row] = step;
        self.errors[row] = error;
    }

    /// Takes a row out of use.
    pub(crate) fn clear(&mut self, row: usize) {
        self.steps[row] = 0.0;
        self.errors[row] = 0.0;
    }
}

/// Codes of eight bits.
#[derive(Debug)]
pub(crate) struct ByteCodes {
    width: usize,
    /// Codes row by row, with 128 added.
    pub(crate) bytes: CodeBytes,
    /// Numbers by which the codes of each row are turned into a score.
    pub(crate) stats: Vec<RowStats>,
}

impl ByteCodes {
    /// Allocates the rows of a slab. Errors: no memory.
    pub(crate) fn new(format: RowFormat) -> io::Result<Self> {
        let (n_rows, width) = (format.slab_rows(), format.width);
        let stats = vec![RowStats::default(); n_rows];
        Ok(Self { width, bytes: CodeBytes::Held(Pages::zeroed(n_rows * width)?), stats })
    }

    /// Copies the first `n_used` rows. Errors: no memory.
    pub(crate) fn copy(&self, n_used: usize) -> io::Result<Self> {
        let bytes = self.bytes.copy(n_used * self.width)?;
        Ok(Self { width: self.width, bytes, stats: self.stats.clone() })
    }

    /// Sets the codes of a row.
    pub(crate) fn put(&mut self, row: usize, codes: &RowCodes) {
        let place = &mut self.bytes.held_mut()[row * self.width..(row + 1) * self.width];
        place.copy_from_slice(&codes.bytes);
        self.stats[row] = codes.stats;
    }

    /// Takes a row out of use.
    pub(crate) fn clear(&mut self, row: usize) {
        self.stats[row] = RowStats::default();
    }

    /// Returns the codes of a row, if all are in memory.
    pub(crate) fn held_row(&self, row: usize) -> Option<&[u8]> {
        let CodeBytes::Held(bytes) = &self.bytes else { return None };
        Some(&bytes[row * self.width..(row + 1) * self.width])
    }

    /// Returns the codes of a row, in `buffer` if they had to be read. Errors as
    /// [`CodeBytes::read`].
    pub(crate) fn row<'a>(&'a self, row: usize, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        Ok(&self.bytes.read(row, 1, self.width, buffer)?[..self.width])
    }
}
