//! From vectors to 8-bit codes, and how far a score of codes can be from the true one.
//!
//! A row x is kept as codes c in −127..=127 and one scale s = max|x|/127, standing for x̂ = s·c; the
//! query likewise. For the inner product, with Cauchy-Schwarz,
//!
//! ```text
//! x·q − x̂·q̂ = (x − x̂)·q + x̂·(q − q̂),   so   |x·q − x̂·q̂| ≤ |x − x̂|·|q| + |x̂|·|q − q̂|
//! ```
//!
//! which [`Window::margin`] computes from two numbers kept per row. On unit vectors of 384
//! dimensions it is about .015; the actual error is some twenty times smaller.

use super::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
use super::kernel::{CodedQuery, LANES, ROWS, TOGETHER};
use super::pages::HUGE_PAGE;

/// Relative room for the roundings of `f32` in scores and margins.
///
/// A score takes three roundings (relative 2⁻²⁴ each, no underflow within the norms allowed), a
/// margin four, the comparison of their sum one: 2⁻²⁰ would do, this is four times that.
const ROUNDING: f64 = 1.0 / (1 << 18) as f64;

/// Sizes of an index that follow from its dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Dimensions of the vectors.
    pub(super) dims: usize,
    /// Dimensions as stored: `dims` padded by zeros to a multiple of [`LANES`].
    pub(super) width: usize,
    /// Blocks of [`ROWS`] rows in a slab.
    pub(super) slab_blocks: usize,
}

impl Shape {
    /// A slab's codes fill one huge page, but for less than a block.
    pub(super) fn new(dims: usize) -> Result<Self, DenseError> {
        if dims == 0 || dims > DIMENSION_LIMIT {
            return Err(DenseError::Shape { dims });
        }
        let width = dims.next_multiple_of(LANES);
        Ok(Self { dims, width, slab_blocks: (HUGE_PAGE / (width * ROWS)).max(1) })
    }

    /// Rows of a slab.
    pub(super) fn slab_rows(self) -> usize {
        self.slab_blocks * ROWS
    }

    /// Bytes of the codes of a block.
    pub(super) fn block_bytes(self) -> usize {
        self.width * ROWS
    }

    /// Checks a vector and gives its norm.
    ///
    /// Errors: [`DenseError::Dimensions`], [`DenseError::NotFinite`], [`DenseError::Norm`].
    pub(super) fn check(self, vector: &[f32]) -> Result<f64, DenseError> {
        if vector.len() != self.dims {
            return Err(DenseError::Dimensions { expected: self.dims, got: vector.len() });
        }
        if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
            return Err(DenseError::NotFinite { at });
        }
        let norm = square(vector.iter().copied().map(f64::from)).sqrt();
        if norm != 0.0 && !(NORM_MIN..=NORM_MAX).contains(&norm) {
            return Err(DenseError::Norm { norm });
        }
        Ok(norm)
    }
}

/// The 8-bit form of a vector.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    /// Codes within ± the limit given; zeros beyond the vector up to the padded width.
    pub(super) codes: Vec<i8>,
    /// Value of one code step; 0 for a zero vector.
    pub(super) scale: f32,
    /// |x − x̂|, rounded up.
    pub(super) error: f32,
    /// |x̂|, rounded up.
    pub(super) norm: f32,
}

impl Coded {
    /// Codes a checked vector with steps of max|x| / `limit`. Cost: under a microsecond at 384.
    pub(super) fn new(vector: &[f32], width: usize, limit: i8) -> Self {
        let limit = f32::from(limit);
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = largest / limit;
        let steps = if largest > 0.0 { limit / largest } else { 0.0 };
        let mut codes = vec![0_i8; width];
        for (code, value) in codes.iter_mut().zip(vector) {
            *code = nearest((value * steps).clamp(-limit, limit));
        }
        let step = f64::from(scale);
        let error = square(
            codes
                .iter()
                .zip(vector)
                .map(|(&code, &value)| f64::from(value) - step * f64::from(code)),
        );
        let norm = square(codes.iter().map(|&code| f64::from(code))).sqrt() * step;
        Self { codes, scale, error: rounded_up(error.sqrt()), norm: rounded_up(norm) }
    }
}

/// The nearest integer of a float within ±127, ties to even.
///
/// Adding 1.5·2²³ leaves the integer in the low bits of the mantissa: `f32::round` would be a call
/// into the C library on processors without a rounding instruction in the baseline.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is the integer")]
fn nearest(value: f32) -> i8 {
    (value + 12_582_912.0).to_bits() as i8
}

/// Σ v², in four sums.
fn square(values: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0_f64; 4];
    for (at, value) in values.enumerate() {
        if let Some(sum) = sums.get_mut(at % 4) {
            *sum += value * value;
        }
    }
    let [a, b, c, d] = sums;
    (a + b) + (c + d)
}

/// A non-negative number as `f32`, not below it.
#[expect(clippy::cast_possible_truncation, reason = "rounded up beforehand")]
fn rounded_up(value: f64) -> f32 {
    (value * (1.0 + 1e-6)) as f32
}

/// A checked query in the forms the search reads.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// For the scan.
    pub(super) coded: CodedQuery,
    /// For exact scores: `width` numbers.
    pub(super) exact: Vec<f64>,
    /// For the bound of a score of codes.
    pub(super) window: Window,
}

impl Query {
    /// Prepares a query for kernels with codes up to `limit`.
    ///
    /// Errors as [`Shape::check`].
    pub(super) fn new(vector: &[f32], shape: Shape, limit: i8) -> Result<Self, DenseError> {
        let norm = shape.check(vector)?;
        let coded = Coded::new(vector, shape.width, limit);
        let gap = f64::from(coded.error);
        let mut exact: Vec<f64> = vector.iter().copied().map(f64::from).collect();
        exact.resize(shape.width, 0.0);
        Ok(Self {
            window: Window {
                norm: rounded_up(norm * (1.0 + ROUNDING)),
                gap: rounded_up(gap * (1.0 + ROUNDING) + (norm + gap) * ROUNDING),
            },
            coded: CodedQuery {
                words: coded
                    .codes
                    .as_chunks::<TOGETHER>()
                    .0
                    .iter()
                    .map(|four| u32::from_le_bytes(four.map(i8::cast_unsigned)))
                    .collect(),
                offset: 128 * coded.codes.iter().map(|&code| i32::from(code)).sum::<i32>(),
                scale: coded.scale,
            },
            exact,
        })
    }

    /// Whether every score of the query is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.coded.scale == 0.0
    }
}

/// How far the score of codes can be from the exact score, for one query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    norm: f32,
    gap: f32,
}

impl Window {
    /// Bound of |score of codes − exact score| for rows with |x − x̂| ≤ `error`, |x̂| ≤ `norm`.
    ///
    /// `score + margin` and `score − margin` computed in `f32` still bound the exact score.
    pub(super) fn margin(self, error: f32, norm: f32) -> f32 {
        error * self.norm + norm * self.gap
    }
}

#[cfg(test)]
mod tests {
    use super::{Coded, Query, Shape, nearest};
    use crate::index::dense::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
    use crate::index::dense::kernel::{LANES, ROWS};
    use proptest::prelude::*;

    fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        let value = || prop_oneof![-1.0_f32..1.0, Just(0.0), Just(1.0), -1e-6_f32..1e-6];
        (1_usize..80, -11_i32..10, -11_i32..10).prop_flat_map(move |(dims, left, right)| {
            let scaled = move |exponent: i32| {
                prop::collection::vec(value(), dims).prop_map(move |values| {
                    values.iter().map(|v| v * 10_f32.powi(exponent)).collect()
                })
            };
            (scaled(left), scaled(right))
        })
    }

    proptest! {
        #[test]
        fn the_margin_bounds_the_error_of_the_score_of_codes(
            (row, query) in vectors(),
            limit in prop_oneof![Just(63_i8), Just(127)],
        ) {
            let shape = Shape::new(row.len()).unwrap();
            let (Ok(_), Ok(query_forms)) = (shape.check(&row), Query::new(&query, shape, limit))
            else {
                return Ok(());
            };
            let coded = Coded::new(&row, shape.width, 127);
            let window = Coded::new(&query, shape.width, limit);
            let sum: i32 = coded.codes.iter().zip(&window.codes)
                .map(|(&left, &right)| i32::from(left) * i32::from(right)).sum();
            #[expect(clippy::cast_precision_loss, reason = "as the kernels do")]
            let score = sum as f32 * coded.scale * window.scale;
            let exact: f64 = row.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let margin = query_forms.window.margin(coded.error, coded.norm);
            prop_assert!(f64::from(score + margin) >= exact);
            prop_assert!(f64::from(score - margin) <= exact);
        }

        #[test]
        fn nearest_is_rounding_to_even(value in -127.0_f32..=127.0) {
            #[expect(clippy::cast_possible_truncation, reason = "within range")]
            let expected = value.round_ties_even() as i8;
            prop_assert_eq!(nearest(value), expected);
        }
    }

    #[test]
    fn the_codes_of_a_slab_fit_a_huge_page() {
        for dims in [1, 31, 32, 384, 768, 1536, DIMENSION_LIMIT] {
            let shape = Shape::new(dims).unwrap();
            assert!(shape.slab_blocks * shape.block_bytes() <= super::HUGE_PAGE);
            assert!(shape.width >= dims && shape.width < dims + LANES);
            assert_eq!(shape.slab_rows() % ROWS, 0);
        }
    }

    #[test]
    fn what_has_no_score_is_refused() {
        let shape = Shape::new(2).unwrap();
        assert!(matches!(Shape::new(0), Err(DenseError::Shape { .. })));
        assert!(matches!(Shape::new(DIMENSION_LIMIT + 1), Err(DenseError::Shape { .. })));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(matches!(shape.check(&[0.0, bad]), Err(DenseError::NotFinite { at: 1 })));
        }
        for bad in [1e-20_f32, 1e20, f32::MAX] {
            assert!(matches!(shape.check(&[bad, bad]), Err(DenseError::Norm { .. })));
        }
        assert!(matches!(shape.check(&[1.0]), Err(DenseError::Dimensions { .. })));
        assert!(shape.check(&[0.0, 0.0]).is_ok());
        assert!(shape.check(&[1e-11, 1e11]).is_ok());
        const { assert!(NORM_MIN < NORM_MAX) };
    }
}
