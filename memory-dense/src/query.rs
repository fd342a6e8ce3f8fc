//! A query in the forms that a search reads.

use crate::error::Error;
use crate::error_bound::ErrorBound;
use crate::kernel::{Kernels, ScanQuery};
use crate::row_codes::quantized;
use crate::row_format::RowFormat;
use crate::scan_quantizer::ScanQuantizer;

/// Relative room for the roundings of `f32` in scores and margins of 8-bit codes.
///
/// A score takes three roundings (relative 2⁻²⁴ each, no underflow within the norms allowed), a
/// margin four, the comparison of their sum one: 2⁻²⁰ would do, this is four times that.
const ROUNDING: f64 = 1.0 / (1 << 18) as f64;

/// A query as it is compared with single rows of 8-bit codes.
#[derive(Debug, Clone)]
pub(crate) struct ByteQuery {
    /// Signed codes, `width` of them.
    pub(crate) codes: Vec<i8>,
    /// Sum that the offset of the row codes adds to every inner product: 128 · Σ codes.
    pub(crate) offset: i32,
    /// Value of one code step.
    pub(crate) step: f32,
    /// Bound of the scores.
    pub(crate) bound: ErrorBound,
}

/// A checked query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Codes for the scan.
    pub(crate) scan: ScanQuery,
    /// Bound of the scores of the scan.
    pub(crate) scan_bound: ErrorBound,
    /// Codes for single rows.
    pub(crate) bytes: ByteQuery,
    /// Numbers for exact scores, `width` of them.
    pub(crate) exact: Vec<f64>,
}

impl Query {
    /// Prepares a query. Cost: two microseconds at 384 dimensions, and as much again where it is
    /// rotated.
    ///
    /// Errors as [`RowFormat::check`].
    pub(crate) fn new(
        vector: &[f32],
        format: RowFormat,
        quantizer: &ScanQuantizer,
        kernels: &Kernels,
    ) -> Result<Self, Error> {
        let norm = format.check(vector)?;
        let padded = format.padded(vector);
        let exact = padded.iter().copied().map(f64::from).collect();
        let (scan, scan_bound) = quantizer.query(&padded, norm, kernels);
        let (codes, step, error) = quantized(&padded, kernels.query_limit, kernels);
        let offset = 128 * codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        let bound = ErrorBound::new(norm, error, ROUNDING);
        Ok(Self { scan, scan_bound, bytes: ByteQuery { codes, offset, step, bound }, exact })
    }
}
