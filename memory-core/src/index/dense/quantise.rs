//! From vectors to codes, and how far a score of codes can be from the true one.
//!
//! With eight bits, a row x is kept as codes c in −127..=127 and one scale s = max|x|/127, standing for x̂ = s·c; the
//! query likewise. For the inner product, with Cauchy-Schwarz,
//!
//! ```text
//! x·q − x̂·q̂ = (x − x̂)·q + x̂·(q − q̂),   so   |x·q − x̂·q̂| ≤ |x − x̂|·|q| + |x̂|·|q − q̂|
//! ```
//!
//! which [`Window::margin`] computes from two numbers kept per row. On unit vectors of 384
//! dimensions it is about .015; the actual error is some twenty times smaller. Four bits: [`coarse`].

use super::coarse;
use super::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
use super::kernel::{CoarseQuery, FineQuery, LANES, ROWS};
use super::pages::HUGE_PAGE;
use super::slab::Reach;
use std::cmp::Ordering;

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
    /// The 4-bit codes of a slab fill one huge page, but for less than a block.
    pub(super) fn new(dims: usize) -> Result<Self, DenseError> {
        if dims == 0 || dims > DIMENSION_LIMIT {
            return Err(DenseError::Shape { dims });
        }
        let width = dims.next_multiple_of(LANES);
        Ok(Self { dims, width, slab_blocks: (HUGE_PAGE / (width / 2 * ROWS)).max(1) })
    }

    /// The codes of a checked vector, of four bits and of eight.
    pub(super) fn coded(self, vector: &[f32]) -> [Coded; 2] {
        [Coded::coarse(vector, self.width), Coded::fine(vector, self.width)]
    }

    /// Rows of a slab.
    pub(super) fn slab_rows(self) -> usize {
        self.slab_blocks * ROWS
    }

    /// Bytes of the 4-bit codes of a block.
    pub(super) fn block_bytes(self) -> usize {
        self.width / 2 * ROWS
    }

    /// Checks a vector and gives its norm.
    ///
    /// Errors: [`DenseError::Dimensions`], [`DenseError::NotFinite`], [`DenseError::Norm`].
    pub(super) fn check(self, vector: &[f32]) -> Result<f64, DenseError> {
        if vector.len() != self.dims {
            return Err(DenseError::Dimensions { expected: self.dims, got: vector.len() });
        }
        // Squares of finite numbers add up to a finite one.
        let norm = length(vector.iter().copied().map(f64::from));
        if !norm.is_finite() {
            let at = vector.iter().position(|value| !value.is_finite());
            return Err(DenseError::NotFinite { at: at.unwrap_or_default() });
        }
        if norm != 0.0 && !(NORM_MIN..=NORM_MAX).contains(&norm) {
            return Err(DenseError::Norm { norm });
        }
        Ok(norm)
    }
}

/// A vector as codes.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    /// Codes as they are stored; those beyond the vector, up to the padded width, meet zeros of the query.
    pub(super) bytes: Vec<u8>,
    /// Value of one code step; 0 for a zero vector.
    pub(super) scale: f32,
    /// |x − x̂|, rounded up.
    pub(super) error: f32,
    /// |x̂|, rounded up.
    pub(super) norm: f32,
}

impl Coded {
    /// Codes a checked vector with eight bits a dimension, stored with 128 added. Cost: under a
    /// microsecond at 384.
    pub(super) fn fine(vector: &[f32], width: usize) -> Self {
        let Signed { codes, step, missed } = Signed::of(&padded(vector, width), 127);
        let norm = length(codes.iter().map(|&code| f64::from(code))) * f64::from(step);
        // Flipping the top bit of a signed byte adds 128.
        let bytes = codes.iter().map(|code| code.cast_unsigned() ^ 0x80).collect();
        Self { bytes, scale: step, error: rounded_up(missed), norm: rounded_up(norm) }
    }
}

/// A vector with zeros up to the width.
fn padded(vector: &[f32], width: usize) -> Vec<f64> {
    let mut padded: Vec<f64> = vector.iter().copied().map(f64::from).collect();
    padded.resize(width, 0.0);
    padded
}

/// The nearest integer of a float within ±127, ties to even.
///
/// Adding 1.5·2²³ leaves the integer in the low bits of the mantissa: `f32::round` would be a call
/// into the C library on processors without a rounding instruction in the baseline.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is the integer")]
pub(super) fn nearest(value: f32) -> i8 {
    (value + 12_582_912.0).to_bits() as i8
}

/// Values as signed codes.
pub(super) struct Signed {
    /// Within the limit.
    pub(super) codes: Vec<i8>,
    /// Value of a step.
    pub(super) step: f32,
    /// Length of what the codes leave out.
    pub(super) missed: f64,
}

impl Signed {
    /// Codes of `values`, a multiple of [`EIGHT`] of them, with steps of max|v| / `limit`.
    #[expect(clippy::cast_possible_truncation, reason = "what is missed is of what comes out")]
    pub(super) fn of(values: &[f64], limit: i8) -> Self {
        let limit = f32::from(limit);
        let values = values.as_chunks::<EIGHT>().0;
        let mut largest = [0.0_f64; EIGHT];
        for eight in values {
            for (largest, value) in largest.iter_mut().zip(eight) {
                *largest = if value.abs() > *largest { value.abs() } else { *largest };
            }
        }
        let largest = largest.into_iter().fold(0.0, f64::max) as f32;
        let steps = if largest > 0.0 { limit / largest } else { 0.0 };
        let step = largest / limit;
        let mut codes = Vec::with_capacity(values.len() * EIGHT);
        let mut squares = [0.0_f64; EIGHT];
        for eight in values {
            let near = eight.map(|value| nearest((value as f32 * steps).clamp(-limit, limit)));
            for ((square, value), code) in squares.iter_mut().zip(eight).zip(near) {
                let missed = value - f64::from(code) * f64::from(step);
                *square += missed * missed;
            }
            codes.extend_from_slice(&near);
        }
        Self { codes, step, missed: squares.iter().sum::<f64>().sqrt() }
    }

    /// Σ codes.
    pub(super) fn total(&self) -> f64 {
        f64::from(self.codes.iter().map(|&code| i32::from(code)).sum::<i32>())
    }
}

/// Sums side by side, as one would wait for itself.
const EIGHT: usize = 8;

/// Σ left · right, of two of the same length.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0_f64; EIGHT];
    let (lefts, left) = left.as_chunks::<EIGHT>();
    let (rights, right) = right.as_chunks::<EIGHT>();
    for (left, right) in lefts.iter().zip(rights) {
        add(&mut sums, left, right);
    }
    add(&mut sums, left, right);
    sums.iter().sum()
}

/// Adds products.
fn add(sums: &mut [f64; EIGHT], left: &[f64], right: &[f64]) {
    for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
        *sum += left * right;
    }
}

/// √Σ v².
pub(super) fn length(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    dot(&values, &values).sqrt()
}

/// A non-negative number as `f32`, not below it.
#[expect(clippy::cast_possible_truncation, reason = "rounded up beforehand")]
pub(super) fn rounded_up(value: f64) -> f32 {
    (value * (1.0 + 1e-6)) as f32
}

/// A checked query in the forms the search reads.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// For the scan of 4-bit codes.
    pub(super) coarse: CoarseQuery,
    /// For the bound of its scores.
    pub(super) coarse_window: Window,
    /// For single rows of 8-bit codes.
    pub(super) fine: FineQuery,
    /// For the bound of their scores.
    pub(super) fine_window: Window,
    /// For exact scores: `width` numbers.
    pub(super) exact: Vec<f64>,
}

impl Query {
    /// Prepares a query for kernels with codes up to `limit`. Cost: two microseconds at 384.
    ///
    /// Errors as [`Shape::check`].
    pub(super) fn new(vector: &[f32], shape: Shape, limit: i8) -> Result<Self, DenseError> {
        let norm = shape.check(vector)?;
        let exact = padded(vector, shape.width);
        let (coarse, coarse_window) = coarse::query(&exact, norm, limit);
        let Signed { codes, step: scale, missed } = Signed::of(&exact, limit);
        let fine_window = Window::new(norm, missed, ROUNDING);
        let offset = 128 * codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        let fine = FineQuery { codes, offset, scale };
        Ok(Self { coarse, coarse_window, fine, fine_window, exact })
    }

    /// Whether every score of the query is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.fine.scale == 0.0
    }
}

/// Rounds of [`Window::reaching`].
const ROUNDS: usize = 4;

/// How far a score of codes can be from the exact score, for one query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    norm: f32,
    gap: f32,
}

impl Window {
    /// For a query of length `norm` whose codes stand for one at the distance `gap`, in scores whose
    /// roundings are within `rounding` of |x̂|·|q̂|.
    pub(super) fn new(norm: f64, gap: f64, rounding: f64) -> Self {
        Self {
            norm: rounded_up(norm * (1.0 + rounding)),
            gap: rounded_up(gap * (1.0 + rounding) + (norm + gap) * rounding),
        }
    }

    /// Bound of |score of codes − exact score| for rows with |x − x̂| ≤ `error`, |x̂| ≤ `norm`.
    ///
    /// `score + margin` and `score − margin` computed in `f32` still bound the exact score.
    pub(super) fn margin(self, error: f32, norm: f32) -> f32 {
        error * self.norm + norm * self.gap
    }

    /// The margin of a row, or of all rows that a reach bounds.
    pub(super) fn of(self, reach: Reach) -> f32 {
        self.margin(reach.error, reach.norm)
    }

    /// What |x − x̂| and |x̂| weigh in a margin.
    pub(super) fn weights(self) -> [f32; 2] {
        [self.norm, self.gap]
    }

    /// The window for rows whose x − x̂ is at right angles to x̂, where only those matter whose score of codes
    /// plus its margin reaches `floor`. `worst` bounds the error and the norm of every row.
    ///
    /// A row of score s meets x − x̂ with √(|q|² − (s/|x̂|)²) of the query at most (see [`coarse`]), which falls
    /// with s: what bounds the rows from one score on bounds those that reach the floor, and so gives a
    /// higher score from which on it has to. Each round is sound; they converge fast.
    pub(super) fn reaching(self, floor: f32, worst: Reach) -> Self {
        let [query, gap, norm] = [self.norm, self.gap, worst.norm].map(f64::from);
        let mut across = query;
        for _ in 0..ROUNDS {
            // Scores below this one cannot reach the floor.
            let least = f64::from(floor) - f64::from(worst.error) * across - norm * gap;
            if least.partial_cmp(&0.0) != Some(Ordering::Greater) {
                break;
            }
            // The codes' score is within |x̂|·gap of q·x̂.
            let along = (least / norm - gap).max(0.0);
            across = (query * query - along * along).max(0.0).sqrt();
        }
        Self { norm: rounded_up(across), gap: self.gap }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coded, Query, Reach, Shape, nearest};
    use crate::index::dense::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
    use crate::index::dense::kernel::{Blocks, GROUP, portable};
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

    /// Scores of both kinds of codes with their margins, by the portable kernels.
    fn scores(row: &[f32], query: &Query, shape: Shape) -> [(f32, f32); 2] {
        let [fine, coarse] = [Coded::fine(row, shape.width), Coded::coarse(row, shape.width)];
        let sum = (portable::KERNELS.sum)(&query.fine.codes, &fine.bytes) - query.fine.offset;
        #[expect(clippy::cast_precision_loss, reason = "as a search does")]
        let by_fine = sum as f32 * fine.scale * query.fine.scale;
        // One row of a block, whose others are zeros.
        let mut codes = vec![0; shape.block_bytes()];
        for (group, four) in
            codes.as_chunks_mut::<GROUP>().0.iter_mut().zip(coarse.bytes.as_chunks::<4>().0)
        {
            group[..4].copy_from_slice(four);
        }
        let mut scales = [0.0; ROWS];
        scales[0] = coarse.scale;
        let mut by_coarse = [0.0; ROWS];
        let blocks = Blocks { codes: &codes, scales: &scales, floor: 0.0 };
        (portable::KERNELS.scan)(&query.coarse, blocks, &mut by_coarse, &mut [0]);
        let window = query.coarse_window;
        [
            (by_fine, query.fine_window.margin(fine.error, fine.norm)),
            (by_coarse[0], window.margin(coarse.error, coarse.norm)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn margins_bound_the_errors_of_scores_of_codes(
            (row, query) in vectors(),
            like in -2.0_f32..2.0,
            below in 1e-7..0.5,
            worse in 1.0_f32..1.5,
            limit in prop_oneof![Just(63_i8), Just(127)],
        ) {
            let shape = Shape::new(row.len()).unwrap();
            // Also queries that lie nearly along the row.
            let mixed: Vec<f32> = row.iter().zip(&query).map(|(x, q)| x * like + q).collect();
            for query in [&query, &mixed] {
                let (Ok(_), Ok(forms)) = (shape.check(&row), Query::new(query, shape, limit)) else {
                    return Ok(());
                };
                let exact: f64 =
                    row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let by_codes = scores(&row, &forms, shape);
                for (score, margin) in by_codes {
                    prop_assert!(f64::from(score + margin) >= exact);
                    prop_assert!(f64::from(score - margin) <= exact);
                }
                // A row whose exact score is the floor is never ruled out.
                #[expect(clippy::cast_possible_truncation, reason = "a floor below it")]
                let floor = (exact - exact.abs() * below) as f32;
                let Coded { error, norm, .. } = Coded::coarse(&row, shape.width);
                let worst = Reach { error: error * worse, norm: norm * worse };
                let window = forms.coarse_window.reaching(floor, worst);
                prop_assert!(by_codes[1].0 + window.margin(error, norm) >= floor);
            }
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
