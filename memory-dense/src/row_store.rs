//! Rows of an index: slabs filled one after the other, and what belongs to all rows.
#![expect(
    clippy::indexing_slicing,
    reason = "a slot below `n_rows` lies in a slab, and a block in use as well"
)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::arithmetic::dot;
use crate::error::Error;
use crate::kernel::{self, Kernels, ROWS};
use crate::query::Query;
use crate::row_codes::RowCodes;
use crate::row_format::RowFormat;
use crate::scan_quantizer::ScanQuantizer;
use crate::slab::Slab;
use crate::vectors::ReadBuffer;

/// Rows by slot, their number from 0 on. Removing one moves the last row into its place, so that
/// there are no holes.
///
/// A clone shares the slabs, which are then copied before they are changed.
#[derive(Debug, Clone)]
pub(crate) struct RowStore {
    pub(crate) format: RowFormat,
    pub(crate) kernels: &'static Kernels,
    /// Quantizer of the codes that are scanned.
    pub(crate) quantizer: Arc<ScanQuantizer>,
    /// Number of rows when principal axes were last computed.
    pub(crate) n_rows_at_axes: usize,
    /// Slabs, full but for the last.
    pub(crate) slabs: Vec<Arc<Slab>>,
    pub(crate) n_rows: usize,
    /// Σ of the vectors, for the mean score of a query.
    pub(crate) sum: Vec<f64>,
    pub(crate) damage: Damage,
}

/// Mark that a vector could not be read, shared between an index and its frozen copies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Damage(Arc<AtomicBool>);

impl Damage {
    /// Marks the rows as damaged, and logs the first reason.
    pub(crate) fn record(&self, error: &io::Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "a vector cannot be read from its file");
        }
    }

    /// Returns true if a vector could not be read.
    pub(crate) fn is_recorded(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RowStore {
    /// Returns a store without rows, whose codes are plain.
    pub(crate) fn new(format: RowFormat, kernels: &'static Kernels) -> Self {
        Self {
            format,
            kernels,
            quantizer: Arc::new(ScanQuantizer::plain(format.width)),
            n_rows_at_axes: 0,
            slabs: Vec::new(),
            n_rows: 0,
            sum: vec![0.0; format.n_dims],
            damage: Damage::default(),
        }
    }

    /// Returns a store of that dimension without rows, with the best kernels.
    pub(crate) fn of_dims(n_dims: usize) -> Result<Self, Error> {
        Ok(Self::new(RowFormat::new(n_dims)?, kernel::best()))
    }

    /// Returns the slab of a slot, and its row in that.
    pub(crate) fn place(&self, slot: u32) -> (&Slab, usize) {
        debug_assert!((slot as usize) < self.n_rows);
        let n_rows = self.format.slab_rows();
        (&self.slabs[slot as usize / n_rows], slot as usize % n_rows)
    }

    /// Returns the slab of a block, counted over all slabs, and its number in that.
    pub(crate) fn block(&self, block: usize) -> (&Slab, usize) {
        let n_blocks = self.format.slab_blocks;
        (&self.slabs[block / n_blocks], block % n_blocks)
    }

    /// Returns the slab of a slot for changes, and its row in that; the slab is copied first if
    /// somebody else reads it, and its codes come into memory. Errors: no memory, or they cannot be
    /// read.
    pub(crate) fn place_mut(&mut self, slot: u32) -> io::Result<(&mut Slab, usize)> {
        let n_rows = self.format.slab_rows();
        let slab = &mut self.slabs[slot as usize / n_rows];
        if Arc::get_mut(slab).is_none() {
            *slab = Arc::new(slab.copy()?);
        }
        let Some(slab) = Arc::get_mut(slab) else {
            return Err(io::Error::other("a slab is shared right after it was copied"));
        };
        slab.hold()?;
        Ok((slab, slot as usize % n_rows))
    }

    /// Returns the id of a slot.
    pub(crate) fn id(&self, slot: u32) -> u32 {
        let (slab, row) = self.place(slot);
        slab.ids[row]
    }

    /// Returns the vector of a slot. Errors: it cannot be read.
    pub(crate) fn vector(&self, slot: u32) -> io::Result<Vec<f32>> {
        let (slab, row) = self.place(slot);
        let mut buffer = ReadBuffer::default();
        Ok(slab.vector(row, &mut buffer)?[..self.format.n_dims].to_vec())
    }

    /// Returns the number of blocks with a row in use.
    pub(crate) fn n_blocks(&self) -> usize {
        self.n_rows.div_ceil(ROWS)
    }

    /// Prepares a query. Errors as [`Query::new`].
    pub(crate) fn query(&self, vector: &[f32]) -> Result<Query, Error> {
        Query::new(vector, self.format, &self.quantizer, self.kernels)
    }

    /// Returns the codes of a checked vector of that norm: those that are scanned, and those of
    /// eight bits.
    pub(crate) fn codes(&self, vector: &[f32], norm: f64) -> [RowCodes; 2] {
        let padded = self.format.padded(vector);
        let scan = self.quantizer.code(&padded, norm, self.kernels);
        [scan, RowCodes::bytes_of(&padded, self.kernels)]
    }

    /// Returns the mean score over all rows; 0 without rows.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean is reported in single precision"
    )]
    pub(crate) fn mean_score(&self, query: &Query) -> f32 {
        let query = &query.exact[..self.format.n_dims];
        (dot(&self.sum, query) / self.n_rows.max(1) as f64) as f32
    }
}
