//! The dense index and its kernels as the benches drive them; only with the feature `bench`.

use super::coarse::Coder;
use super::kernel::{self, Blocks, Kernels, LANES, ROWS, SketchQuery, Sketches};
use super::pages::Pages;
use super::quantise::{Query, Shape};
use super::{Dense, DenseError};
use crate::error::Error;
use crate::index::mask::Mask;

/// The dense index of one model: see the folder's documentation for what it promises.
#[derive(Debug)]
pub struct DenseIndex(Dense);

impl DenseIndex {
    /// An empty index.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a dimension that cannot be indexed.
    pub fn new(dims: usize) -> Result<Self, Error> {
        Dense::new(dims).map(Self).map_err(invalid)
    }

    /// Gives `unit` a vector.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for one that cannot be indexed.
    pub fn put(&mut self, unit: u32, vector: &[f32]) -> Result<(), Error> {
        self.0.put(unit, vector).map_err(invalid)
    }

    /// Number of vectors.
    #[must_use]
    pub fn n_vectors(&self) -> usize {
        self.0.len()
    }

    /// Name of the instruction set in use.
    #[must_use]
    pub fn kernels(&self) -> &'static str {
        self.0.kernels.name
    }

    /// The best `k` units with their scores, exactly.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a query that cannot be compared.
    pub fn search(&self, query: &[f32], k: usize) -> Result<Vec<(u32, f32)>, Error> {
        Ok(self.0.search(query, k, None).map_err(invalid)?.top)
    }

    /// The same among the units of a mask.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::search`].
    pub fn search_in(
        &self,
        query: &[f32],
        k: usize,
        mask: &UnitMask,
    ) -> Result<Vec<(u32, f32)>, Error> {
        Ok(self.0.search(query, k, Some(&mask.0)).map_err(invalid)?.top)
    }

    /// The same from sketches, where there are any: a few of the best may be missing.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::search`].
    pub fn search_fast(&self, query: &[f32], k: usize) -> Result<Vec<(u32, f32)>, Error> {
        Ok(self.0.search_fast(query, k, None).map_err(invalid)?.top)
    }

    /// The best units up to `n` as a recall asks for them: most by their codes.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::search`].
    pub fn survey(&self, query: &[f32], n: usize) -> Result<Vec<(u32, f32)>, Error> {
        Ok(self.0.survey(query, n, None).map_err(invalid)?.top)
    }

    /// Codes all vectors along their axes, where that is worth it.
    pub fn turn(&mut self) {
        if let Some(found) = self.0.freeze().recoded(&|| true) {
            self.0.adopt_axes(found);
        }
    }

    /// Makes the sketches for [`DenseIndex::search_fast`].
    pub fn sketch(&mut self) {
        let frozen = self.0.freeze();
        if let Some(sketch) = frozen.sketch(&|| true) {
            self.0.adopt_sketch(sketch, &frozen);
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn invalid(error: DenseError) -> Error {
    Error::invalid("vector", error.to_string())
}

/// Which units a search may return.
#[derive(Debug, Clone)]
pub struct UnitMask(Mask);

impl FromIterator<u32> for UnitMask {
    fn from_iter<I: IntoIterator<Item = u32>>(units: I) -> Self {
        Self(units.into_iter().collect())
    }
}

/// One instruction set over rows in memory, to be timed against the speed of memory itself.
#[derive(Debug)]
pub struct KernelBench {
    kernels: &'static Kernels,
    shape: Shape,
    codes: Pages<u8>,
    rows: Pages<f32>,
    n_rows: usize,
    query: Query,
    scales: Vec<f32>,
    scores: Vec<f32>,
    hits: Vec<u16>,
    /// Sign bits of the rows.
    bits: Vec<u64>,
}

impl KernelBench {
    /// One for each instruction set of this processor, over `n_rows` rows (made a multiple of 16).
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a dimension that cannot be indexed, or no memory.
    pub fn all(dims: usize, n_rows: usize) -> Result<Vec<Self>, Error> {
        let each = |kernels: &'static Kernels| Self::new(kernels, dims, n_rows).map_err(invalid);
        kernel::available().into_iter().map(each).collect()
    }

    fn new(kernels: &'static Kernels, dims: usize, n_rows: usize) -> Result<Self, DenseError> {
        let shape = Shape::new(dims)?;
        let n_rows = n_rows.next_multiple_of(ROWS);
        let n_blocks = n_rows / ROWS;
        let mut codes = Pages::zeroed(n_blocks * shape.block_bytes())?;
        let mut rows = Pages::zeroed(n_rows * shape.width)?;
        // Written, or all pages would be the same one of zeros.
        for (at, code) in codes.get_mut().iter_mut().enumerate() {
            *code = u8::try_from(at * 31 % 251).unwrap_or_default();
        }
        for (at, value) in rows.get_mut().iter_mut().enumerate() {
            *value = f32::from(u8::try_from(at * 31 % 251).unwrap_or_default()) / 251.0 - 0.5;
        }
        let vector: Vec<f32> = rows.get().iter().take(dims).copied().collect();
        Ok(Self {
            kernels,
            query: Query::new(&vector, shape, &Coder::plain(shape.width), kernels)?,
            shape,
            codes,
            rows,
            n_rows,
            scales: vec![1e-3; n_rows],
            scores: vec![0.0; n_rows],
            hits: vec![0; n_blocks],
            bits: (0..)
                .take(n_rows * shape.width.div_ceil(64))
                .map(|at| at * 0x9e37_79b9)
                .collect(),
        })
    }

    /// Name of the instruction set.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kernels.name
    }

    /// Scans plain codes of all rows; gives the bytes of codes read.
    pub fn scan(&mut self) -> usize {
        let (codes, floor) = (self.codes.get(), f32::INFINITY);
        let blocks = Blocks { codes, scales: &self.scales, floor };
        (self.kernels.scan)(&self.query.coarse, blocks, &mut self.scores, &mut self.hits);
        codes.len()
    }

    /// Scores all rows exactly; gives the bytes of vectors read and the sum of the scores.
    #[must_use]
    pub fn dot(&self) -> (usize, f64) {
        let rows = self.rows.get().chunks_exact(self.shape.width.max(LANES));
        let sum = rows.map(|row| (self.kernels.dot)(&self.query.exact, row)).sum();
        (self.n_rows * self.shape.width * size_of::<f32>(), sum)
    }

    /// Estimates all rows from sign bits; gives the bytes of bits read.
    pub fn estimate(&mut self) -> usize {
        let words = self.shape.width.div_ceil(64);
        let query = SketchQuery { planes: vec![[3, 5, 9, 17]; words], step: 0.1, total: 0.0 };
        let sketches = Sketches { bits: &self.bits, factors: &self.scales, offsets: &self.scales };
        (self.kernels.estimate)(&query, sketches, &mut self.scores);
        size_of_val(self.bits.as_slice())
    }

    /// Reads the vectors of all rows and does nothing with them but add: the speed of memory on one
    /// thread. Gives the bytes read and the sum.
    #[must_use]
    pub fn read(&self) -> (usize, f32) {
        let rows = self.rows.get();
        let mut sums = [0.0_f32; LANES];
        for chunk in rows.as_chunks::<LANES>().0 {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += value;
            }
        }
        (size_of_val(rows), sums.iter().sum())
    }
}
