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
//! dimensions it is about .015; the actual error is some twenty times smaller. Fewer bits: [`super::coarse`].

use super::coarse::Coder;
use super::codes::{Reach, SHARE};
use super::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
use super::kernel::{CoarseQuery, FineQuery, GROUP, Kernels, LANES, Layout, ROWS};
use super::pages::HUGE_PAGE;
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
    /// Groups of each section of the codes that are scanned.
    pub(super) layout: Layout,
}

impl Shape {
    /// Plain codes of a slab fill one huge page, but for less than a block.
    pub(super) fn new(dims: usize) -> Result<Self, DenseError> {
        if dims == 0 || dims > DIMENSION_LIMIT {
            return Err(DenseError::Shape { dims });
        }
        let width = dims.next_multiple_of(LANES);
        let layout = Coder::plain(width).layout();
        Ok(Self { dims, width, slab_blocks: (HUGE_PAGE / (width / 2 * ROWS)).max(1), layout })
    }

    /// Rows of a slab.
    pub(super) fn slab_rows(self) -> usize {
        self.slab_blocks * ROWS
    }

    /// Bytes of the codes of a block that are scanned.
    pub(super) fn block_bytes(self) -> usize {
        self.layout.iter().sum::<usize>() * GROUP
    }

    /// A vector with zeros up to the width.
    pub(super) fn padded(self, vector: &[f32]) -> Vec<f32> {
        let mut padded = Vec::with_capacity(self.width);
        padded.extend_from_slice(vector);
        padded.resize(self.width, 0.0);
        padded
    }

    /// Checks a vector and gives its norm.
    ///
    /// Errors: [`DenseError::Dimensions`], [`DenseError::NotFinite`], [`DenseError::Norm`].
    pub(super) fn check(self, vector: &[f32]) -> Result<f64, DenseError> {
        if vector.len() != self.dims {
            return Err(DenseError::Dimensions { expected: self.dims, got: vector.len() });
        }
        // Squares of finite numbers add up to a finite one.
        let norm = square(vector).sqrt();
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
    /// What they stand for.
    pub(super) meaning: Meaning,
}

/// What the codes of a row stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Meaning {
    /// Value of one code step; 0 for a zero vector.
    pub(super) scale: f32,
    /// |x − x̂|, rounded up.
    pub(super) error: f32,
    /// |x̂|, rounded up.
    pub(super) norm: f32,
}

impl Coded {
    /// Codes a checked and padded vector with eight bits a dimension, stored with 128 added. Cost: a tenth of
    /// a microsecond at 384.
    pub(super) fn fine(padded: &[f32], kernels: &Kernels) -> Self {
        let (codes, scale, missed) = fine_codes(padded, 127, kernels);
        let norm = length(codes.iter().map(|&code| f64::from(code))) * f64::from(scale);
        // Flipping the top bit of a signed byte adds 128.
        let bytes = codes.iter().map(|code| code.cast_unsigned() ^ 0x80).collect();
        let meaning = Meaning { scale, error: rounded_up(missed), norm: rounded_up(norm) };
        Self { bytes, meaning }
    }
}

/// Codes of eight bits, the value of a step, and the length of what they miss.
fn fine_codes(padded: &[f32], limit: i8, kernels: &Kernels) -> (Vec<i8>, f32, f64) {
    let mut codes = vec![0; padded.len()];
    let stepped = (kernels.quantise)(padded, limit, &mut codes);
    (codes, stepped.step, stepped.missed(padded.len(), f32::from(limit)))
}

/// Σ v².
pub(super) fn square(values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; EIGHT];
    let (eights, rest) = values.as_chunks::<EIGHT>();
    for values in eights.iter().map(<[f32; EIGHT]>::as_slice).chain([rest]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    sums.iter().sum()
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
    /// For the scan.
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
    /// Prepares a query. Cost: two microseconds at 384, and some more where it is turned.
    ///
    /// Errors as [`Shape::check`].
    pub(super) fn new(
        vector: &[f32],
        shape: Shape,
        by: &Coder,
        kernels: &Kernels,
    ) -> Result<Self, DenseError> {
        let norm = shape.check(vector)?;
        let padded = shape.padded(vector);
        let exact = padded.iter().copied().map(f64::from).collect();
        let (coarse, coarse_window) = by.query(&padded, norm, kernels);
        let (codes, scale, missed) = fine_codes(&padded, kernels.query_limit, kernels);
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
    /// What rows miss is at right angles to their codes.
    is_square: bool,
}

impl Window {
    /// For a query of length `norm` whose codes stand for one at the distance `gap`, in scores whose
    /// roundings are within `rounding` of |x̂|·|q̂|.
    pub(super) fn new(norm: f64, gap: f64, rounding: f64) -> Self {
        Self {
            norm: rounded_up(norm * (1.0 + rounding)),
            gap: rounded_up(gap * (1.0 + rounding) + (norm + gap) * rounding),
            is_square: true,
        }
    }

    /// The same for rows that may be off in every direction, as turning leaves them.
    pub(super) fn of_turned(self) -> Self {
        Self { is_square: false, ..self }
    }

    /// Bound of |score of codes − exact score| for rows with |x − x̂| ≤ `error`, |x̂| ≤ `norm`.
    ///
    /// `score + margin` and `score − margin` computed in `f32` still bound the exact score.
    pub(super) fn margin(self, error: f32, norm: f32) -> f32 {
        error * self.norm + norm * self.gap
    }

    /// A weight and a lower floor: no row whose score and margin reach `floor` is below that once its error
    /// ([`super::codes::Coarse::errors`]) times the weight is added to its score, if `worst` bounds its norm.
    pub(super) fn below(self, floor: f32, worst: Reach) -> (f32, f32) {
        let least = f64::from(floor) - f64::from(worst.norm) * f64::from(self.unshared());
        #[expect(clippy::cast_possible_truncation, reason = "rounded down beforehand")]
        let least = (least - least.abs() * 1e-6) as f32;
        (self.norm, least)
    }

    /// What of the gap is not in the errors.
    fn unshared(self) -> f32 {
        (self.gap - self.norm * SHARE * (1.0 - f32::EPSILON)).max(0.0)
    }

    /// Bound of the margins of rows within that reach.
    #[cfg(test)]
    pub(super) fn of(self, reach: Reach) -> f32 {
        reach.error * self.norm + reach.norm * self.unshared()
    }

    /// The window where x − x̂ of all rows is at right angles to x̂ (else this one), and only those matter whose score of codes
    /// plus its margin reaches `floor`. `worst` bounds the error and the norm of every row.
    ///
    /// A row of score s meets x − x̂ with √(|q|² − (s/|x̂|)²) of the query at most (see [`super::coarse`]), which falls
    /// with s: what bounds the rows from one score on bounds those that reach the floor, and so gives a
    /// higher score from which on it has to. Each round is sound; they converge fast.
    pub(super) fn reaching(self, floor: f32, worst: Reach) -> Self {
        if !self.is_square {
            return self;
        }
        let [query, gap, norm] = [self.norm, self.gap, worst.norm].map(f64::from);
        let mut across = query;
        for _ in 0..ROUNDS {
            // Scores below this one cannot reach the floor.
            let unshared = (gap - across * f64::from(SHARE)).max(0.0);
            let least = f64::from(floor) - f64::from(worst.error) * across - norm * unshared;
            if least.partial_cmp(&0.0) != Some(Ordering::Greater) {
                break;
            }
            // The codes' score is within |x̂|·gap of q·x̂.
            let along = (least / norm - gap).max(0.0);
            across = (query * query - along * along).max(0.0).sqrt();
        }
        Self { norm: rounded_up(across), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coded, Query, Reach, SHARE, Shape, square};
    use crate::index::dense::axes::Axes;
    use crate::index::dense::coarse::Coder;
    use crate::index::dense::error::{DIMENSION_LIMIT, DenseError, NORM_MAX, NORM_MIN};
    use crate::index::dense::kernel::{Blocks, CoarseQuery, GROUP, Kernels, LANES, ROWS, portable};
    use proptest::prelude::*;

    fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        let value = || prop_oneof![-1.0_f32..1.0, Just(0.0), Just(1.0), -1e-6_f32..1e-6];
        let dims = prop_oneof![5 => 1_usize..80, 1 => 96_usize..200];
        (dims, -11_i32..10, -11_i32..10).prop_flat_map(move |(dims, left, right)| {
            let scaled = move |exponent: i32| {
                prop::collection::vec(value(), dims).prop_map(move |values| {
                    values.iter().map(|v| v * 10_f32.powi(exponent)).collect()
                })
            };
            (scaled(left), scaled(right))
        })
    }

    /// Codes along axes of vectors as these, which need not be worth it.
    fn along(vectors: &[&[f32]], shape: Shape) -> Option<Coder> {
        let unit = |vector: &&[f32]| -> Vec<f32> {
            let norm = square(vector).sqrt();
            #[expect(clippy::cast_possible_truncation, reason = "a sample")]
            let unit: Vec<f32> =
                vector.iter().map(|value| (f64::from(*value) / norm) as f32).collect();
            if norm > 0.0 { shape.padded(&unit) } else { Vec::new() }
        };
        let sample: Vec<f32> = vectors.iter().flat_map(unit).collect();
        let axes = Axes::found(&sample, shape.width, &|| true);
        axes.map(|(axes, _)| Coder::along(axes))
    }

    /// Scores of both kinds of codes with their margins.
    fn scores(row: &[f32], query: &Query, by: &Coder, shape: Shape) -> [(f32, f32); 2] {
        let kernels = &portable::KERNELS;
        let padded = shape.padded(row);
        let fine = Coded::fine(&padded, kernels);
        let mut sum = [0];
        (kernels.sums)(&query.fine.codes, &[&fine.bytes], &mut sum);
        let sum = sum[0] - query.fine.offset;
        #[expect(clippy::cast_precision_loss, reason = "as a search does")]
        let by_fine = sum as f32 * fine.meaning.scale * query.fine.scale;
        // One row of a block, whose others are zeros.
        let coarse = by.code(&padded, square(&padded).sqrt(), kernels);
        let mut codes = vec![0; shape.block_bytes()];
        for (group, four) in
            codes.as_chunks_mut::<GROUP>().0.iter_mut().zip(coarse.bytes.as_chunks::<4>().0)
        {
            group[..4].copy_from_slice(four);
        }
        let mut scales = [0.0; ROWS];
        scales[0] = coarse.meaning.scale;
        let mut by_coarse = [0.0; ROWS];
        let blocks = Blocks { codes: &codes, scales: &scales, floor: 0.0 };
        (kernels.scan)(&query.coarse, blocks, &mut by_coarse, &mut [0]);
        let margin = |window: super::Window, of: super::Meaning| window.margin(of.error, of.norm);
        [
            (by_fine, margin(query.fine_window, fine.meaning)),
            (by_coarse[0], margin(query.coarse_window, coarse.meaning)),
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
            at in any::<prop::sample::Index>(),
            query_limit in prop_oneof![Just(63_i8), Just(127)],
        ) {
            let plain = Shape::new(row.len()).unwrap();
            let kernels = Kernels { query_limit, ..portable::KERNELS };
            // Also queries that lie nearly along the row.
            let mixed: Vec<f32> = row.iter().zip(&query).map(|(x, q)| x * like + q).collect();
            prop_assume!(plain.check(&row).is_ok());
            let mut elsewhere = vec![0.0; row.len()];
            elsewhere[at.index(row.len())] = 1.0;
            let coders = [
                Some(Coder::plain(plain.width)),
                along(&[&row, &query], plain),
                // Most of the vectors is at right angles to these axes.
                along(&[&elsewhere], plain),
            ];
            for by in coders.into_iter().flatten() {
                let shape = Shape { layout: by.layout(), ..plain };
                for query in [&query, &mixed] {
                    let Ok(forms) = Query::new(query, shape, &by, &kernels) else { continue };
                    let exact: f64 =
                        row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    let by_codes = scores(&row, &forms, &by, shape);
                    for (score, margin) in by_codes {
                        prop_assert!(f64::from(score + margin) >= exact);
                        prop_assert!(f64::from(score - margin) <= exact);
                    }
                    // A row whose exact score is the floor is never ruled out.
                    #[expect(clippy::cast_possible_truncation, reason = "a floor below it")]
                    let floor = (exact - exact.abs() * below) as f32;
                    let padded = shape.padded(&row);
                    let meaning = by.code(&padded, square(&padded).sqrt(), &kernels).meaning;
                    let error = (meaning.error + meaning.norm * SHARE) * (1.0 + f32::EPSILON);
                    let worst = Reach { error: error * worse, norm: meaning.norm * worse };
                    let window = forms.coarse_window.reaching(floor, worst);
                    let (weight, least) = window.below(floor, worst);
                    prop_assert!(by_codes[1].0 + error * weight >= least);
                }
            }
        }
    }

    #[test]
    fn a_high_floor_narrows_the_window_of_plain_codes_and_never_that_of_turned_ones() {
        let shape = Shape::new(128).unwrap();
        let vector: Vec<f32> = (0..128_u8).map(|dim| (f32::from(dim) * 1.7).sin() / 8.0).collect();
        let worst = Reach { error: 0.2, norm: 1.0 };
        let weight = |by: &Coder| {
            let shape = Shape { layout: by.layout(), ..shape };
            let window = Query::new(&vector, shape, by, &portable::KERNELS).unwrap().coarse_window;
            [window, window.reaching(0.9, worst)].map(|window| window.below(0.9, worst).0)
        };
        let [whole, narrowed] = weight(&Coder::plain(shape.width));
        assert!(narrowed < whole * 0.9, "{narrowed} of {whole}");
        let [whole, kept] = weight(&along(&[&vector], shape).unwrap());
        assert_eq!(kept.to_bits(), whole.to_bits());
    }

    #[test]
    fn what_the_codes_of_a_query_miss_is_within_the_margin_of_a_row_that_lies_along_it() {
        let (dims, kernels) = (64_u16, &portable::KERNELS);
        let shape = Shape::new(usize::from(dims)).unwrap();
        let by = Coder::plain(shape.width);
        for seed in 0..100_u16 {
            let query: Vec<f32> =
                (0..dims).map(|dim| (f32::from(seed) + f32::from(dim) * 1.7).sin()).collect();
            let forms = Query::new(&query, shape, &by, kernels).unwrap();
            let CoarseQuery { codes, steps: [_, whole, low, _], .. } = &forms.coarse;
            let (lows, wholes) = codes.split_at(codes.len() / 2);
            let low_values =
                lows.iter().zip(wholes).map(|(l, w)| f32::from(*l) * low + f32::from(*w) * whole);
            let high_values = wholes.iter().map(|w| f32::from(*w) * whole * 16.0);
            // Codes of equal magnitude miss nothing of this row.
            let values = low_values.chain(high_values).zip(&query);
            let row: Vec<f32> = values.map(|(value, query)| (query - value).signum()).collect();
            let exact: f64 =
                row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
            let [_, (score, margin)] = scores(&row, &forms, &by, shape);
            let off = (exact - f64::from(score)).abs();
            assert!(off <= f64::from(margin), "{seed}: {off} {margin}");
            assert!(
                off * 2.0 > f64::from(margin),
                "{seed}: the margin is tight here: {off} {margin}"
            );
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
