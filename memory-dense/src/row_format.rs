//! Sizes of the rows of an index, and the vectors that fit into one.

use crate::arithmetic::squared_norm;
use crate::error::{DIMENSION_LIMIT, Error, NORM_MAX, NORM_MIN};
use crate::kernel::{GROUP, LANES, ROWS, ScanLayout, TOGETHER};
use crate::pages::HUGE_PAGE;

/// Sizes that follow from the number of dimensions and from how rows are coded for the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowFormat {
    /// Dimensions of the vectors.
    pub(crate) n_dims: usize,
    /// Dimensions as stored: `n_dims` padded by zeros to a multiple of [`LANES`].
    pub(crate) width: usize,
    /// Blocks of [`ROWS`] rows in a slab.
    pub(crate) slab_blocks: usize,
    /// Groups of each section of the scanned codes.
    pub(crate) scan_layout: ScanLayout,
}

impl RowFormat {
    /// Returns the format of plain 4-bit codes; those of a slab fill one huge page, but for less
    /// than a block.
    ///
    /// Errors: [`Error::UnsupportedDimension`].
    pub(crate) fn new(n_dims: usize) -> Result<Self, Error> {
        if n_dims == 0 || n_dims > DIMENSION_LIMIT {
            return Err(Error::UnsupportedDimension { n_dims });
        }
        let width = n_dims.next_multiple_of(LANES);
        let slab_blocks = (HUGE_PAGE / (width / 2 * ROWS)).max(1);
        Ok(Self { n_dims, width, slab_blocks, scan_layout: plain_layout(width) })
    }

    /// Returns the number of rows of a slab.
    pub(crate) fn slab_rows(self) -> usize {
        self.slab_blocks * ROWS
    }

    /// Returns the bytes of the scanned codes of a block.
    pub(crate) fn block_bytes(self) -> usize {
        self.scan_layout.iter().sum::<usize>() * GROUP
    }

    /// Returns the bytes of a stored vector.
    pub(crate) fn vector_bytes(self) -> usize {
        self.width * size_of::<f32>()
    }

    /// Returns the vector with zeros appended up to the width.
    pub(crate) fn padded(self, vector: &[f32]) -> Vec<f32> {
        let mut padded = Vec::with_capacity(self.width);
        padded.extend_from_slice(vector);
        padded.resize(self.width, 0.0);
        padded
    }

    /// Checks a vector and returns its norm.
    ///
    /// Errors: [`Error::DimensionMismatch`], [`Error::NotFinite`], [`Error::NormOutOfRange`].
    pub(crate) fn check(self, vector: &[f32]) -> Result<f64, Error> {
        if vector.len() != self.n_dims {
            return Err(Error::DimensionMismatch { expected: self.n_dims, got: vector.len() });
        }
        let norm = squared_norm(vector).sqrt();
        // Squares of finite `f32` add up to a finite `f64`, so an infinite norm has a culprit.
        if let Some(position) = (!norm.is_finite())
            .then(|| vector.iter().position(|value| !value.is_finite()))
            .flatten()
        {
            return Err(Error::NotFinite { position });
        }
        if norm != 0.0 && !(NORM_MIN..=NORM_MAX).contains(&norm) {
            return Err(Error::NormOutOfRange { norm });
        }
        Ok(norm)
    }
}

/// Returns the layout of plain codes: four bits for every dimension.
pub(crate) fn plain_layout(width: usize) -> ScanLayout {
    [0, width / (2 * TOGETHER), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_a_slab_fit_a_huge_page() {
        for n_dims in [1, 31, 32, 384, 768, 1536, 3072, DIMENSION_LIMIT] {
            let format = RowFormat::new(n_dims).unwrap();
            assert!(format.slab_blocks * format.block_bytes() <= HUGE_PAGE);
            assert!(format.width >= n_dims && format.width < n_dims + LANES);
            assert_eq!(format.slab_rows() % ROWS, 0);
        }
    }

    #[test]
    fn a_vector_without_a_score_is_refused() {
        let format = RowFormat::new(2).unwrap();
        for n_dims in [0, DIMENSION_LIMIT + 1] {
            let refused = RowFormat::new(n_dims);
            assert!(matches!(refused, Err(Error::UnsupportedDimension { .. })));
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refused = format.check(&[0.0, bad]);
            assert!(matches!(refused, Err(Error::NotFinite { position: 1 })));
        }
        for bad in [1e-20_f32, 1e20, f32::MAX] {
            assert!(matches!(format.check(&[bad, bad]), Err(Error::NormOutOfRange { .. })));
        }
        assert!(matches!(format.check(&[1.0]), Err(Error::DimensionMismatch { .. })));
        assert!(format.check(&[0.0, 0.0]).is_ok());
        assert!(format.check(&[1e-11, 1e11]).is_ok());
        const { assert!(NORM_MIN < NORM_MAX) };
    }
}
