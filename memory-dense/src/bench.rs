//! Single kernels, for the benches of this repository; only with the feature `bench`. Nothing here
//! is stable.

use crate::Error;
use crate::kernel::{self, Kernels, LANES, ROWS, ScanBlocks};
use crate::pages::Pages;
use crate::query::Query;
use crate::row_format::RowFormat;
use crate::scan_quantizer::ScanQuantizer;

/// One instruction set over rows in memory, to be timed against the speed of memory itself.
#[derive(Debug)]
pub struct KernelBench {
    kernels: &'static Kernels,
    format: RowFormat,
    codes: Pages<u8>,
    rows: Pages<f32>,
    query: Query,
    scales: Vec<f32>,
    scores: Vec<f32>,
    hits: Vec<u16>,
}

impl KernelBench {
    /// Returns one for each instruction set of this processor, over `n_rows` rows (made a multiple
    /// of 16).
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedDimension`], [`Error::Memory`].
    pub fn all(n_dims: usize, n_rows: usize) -> Result<Vec<Self>, Error> {
        kernel::available().into_iter().map(|kernels| Self::new(kernels, n_dims, n_rows)).collect()
    }

    fn new(kernels: &'static Kernels, n_dims: usize, n_rows: usize) -> Result<Self, Error> {
        let format = RowFormat::new(n_dims)?;
        let n_blocks = n_rows.div_ceil(ROWS);
        let n_rows = n_blocks * ROWS;
        let mut codes = Pages::zeroed(n_blocks * format.block_bytes()).map_err(Error::Memory)?;
        let mut rows = Pages::zeroed(n_rows * format.width).map_err(Error::Memory)?;
        // Written, or all pages would be the same one of zeros.
        for (code, value) in codes.iter_mut().zip((0..251).cycle()) {
            *code = value;
        }
        for (place, value) in rows.iter_mut().zip((0..251_u8).cycle()) {
            *place = f32::from(value) / 251.0 - 0.5;
        }
        let vector: Vec<f32> = rows.iter().take(n_dims).copied().collect();
        let quantizer = ScanQuantizer::plain(format.width);
        Ok(Self {
            kernels,
            query: Query::new(&vector, format, &quantizer, kernels)?,
            format,
            codes,
            rows,
            scales: vec![1e-3; n_rows],
            scores: vec![0.0; n_rows],
            hits: vec![0; n_blocks],
        })
    }

    /// Returns the name of the instruction set.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kernels.name
    }

    /// Scans plain codes of all rows; returns the bytes of codes read.
    pub fn scan(&mut self) -> usize {
        let blocks = ScanBlocks { codes: &self.codes, scales: &self.scales, floor: f32::INFINITY };
        (self.kernels.scan)(&self.query.scan, blocks, &mut self.scores, &mut self.hits);
        self.codes.len()
    }

    /// Scores all rows exactly; returns the bytes of vectors read and the sum of the scores.
    #[must_use]
    pub fn dot(&self) -> (usize, f64) {
        let rows = self.rows.chunks_exact(self.format.width);
        let sum = rows.map(|row| (self.kernels.dot)(&self.query.exact, row)).sum();
        (size_of_val(&*self.rows), sum)
    }

    /// Reads the vectors of all rows and does nothing with them but add: the speed of memory on one
    /// thread. Returns the bytes read and the sum.
    #[must_use]
    pub fn read(&self) -> (usize, f32) {
        let mut sums = [0.0_f32; LANES];
        for chunk in self.rows.as_chunks::<LANES>().0 {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += value;
            }
        }
        (size_of_val(&*self.rows), sums.iter().sum())
    }
}
