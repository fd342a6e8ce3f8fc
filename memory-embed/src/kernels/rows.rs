//! Arithmetic on rows of `f32`, written once and compiled for each instruction set.
//!
//! Every function is a plain loop that compiles to vectors when inlined into a function that
//! enables AVX-512 or AVX2. What is done to each number by itself is a loop over the row; what
//! combines them keeps a running value for each of [`LANES`] lanes, as the compiler may not reorder
//! a float sum. The two kinds are never mixed in one loop: the compiler then vectorises across
//! groups, by gathering.
//!
//! Products are rounded before they are added, never fused (`mul_add`), on any processor. With the
//! same order of sums everywhere that makes every instruction set give the same bits, so that a
//! vector does not depend on the machine that computed it. Fusing would save a few hundredths of
//! the time.

use super::RowScale;

/// Numbers handled together: one 512-bit vector.
pub(super) const LANES: usize = 16;

/// Epsilon of the model's layer normalisations (`layer_norm_eps` of its configuration).
const NORM_EPSILON: f32 = 1e-12;

/// The larger of two numbers, as one instruction: `f32::max` spends more on NaN, which none of
/// these rows holds.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller of two numbers, like [`larger`].
#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Combines `row`, whose length is a multiple of [`LANES`], into one number: `each` prepares a
/// number, `combine` joins two.
#[inline(always)]
fn reduce(
    row: &[f32],
    start: f32,
    each: impl Fn(f32) -> f32,
    combine: impl Fn(f32, f32) -> f32,
) -> f32 {
    // Two groups of lanes, so that one need not wait for the other's last result.
    let mut even = [start; LANES];
    let mut odd = [start; LANES];
    let (pairs, rest) = row.as_chunks::<{ 2 * LANES }>();
    for pair in pairs {
        let (first, second) = pair.split_at(LANES);
        for (lane, &value) in even.iter_mut().zip(first) {
            *lane = combine(*lane, each(value));
        }
        for (lane, &value) in odd.iter_mut().zip(second) {
            *lane = combine(*lane, each(value));
        }
    }
    for (lane, &value) in even.iter_mut().zip(rest) {
        *lane = combine(*lane, each(value));
    }
    for (lane, value) in even.iter_mut().zip(odd) {
        *lane = combine(*lane, value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = even.split_at_mut(width);
        for (a, b) in low.iter_mut().zip(high) {
            *a = combine(*a, *b);
        }
        width /= 2;
    }
    even[0]
}

/// Adding and subtracting this rounds a number below 2²² to the nearest integer, which then stands
/// in the low bits of the sum.
const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³

/// `eˣ` for `x ≤ 0`, relative error below `3e-7`; below −87 as for −87.
///
/// `x = n·ln 2 + f` with `|f| ≤ ½ ln 2`; polynomial for `e^f` and the two-part `ln 2` from `expf`
/// of Cephes (Moshier 1989); `2ⁿ` by adding `n` to the exponent bits.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = larger(x, -87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let f = n * -0.693_359_4 + x;
    let f = n * 2.121_944_4e-4 + f;
    let mut p = 1.987_569_2e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * f + c;
    }
    let p = p * f * f + (f + 1.0);
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Beyond this [`gelu`] takes the normal distribution's tail for nothing.
const GELU_LIMIT: f32 = 4.4;
/// Coefficients of [`gelu`]'s polynomial in `x²`, highest power first.
const GELU_POLYNOMIAL: [f32; 9] = [
    3.572_575_4e-11,
    -3.756_583_5e-9,
    1.741_691_7e-7,
    -4.726_371e-6,
    8.430_842e-5,
    -1.055_083_7e-3,
    9.643_324e-3,
    -6.607_689e-2,
    3.987_618_5e-1,
];

/// `gelu(x) = x·Φ(x)`, Φ the normal distribution (Hendrycks and Gimpel 2016, the exact form with
/// erf), absolute error below `5e-5` within ±8, a hundredth of a step of the 8-bit codes that the
/// result becomes.
///
/// `Φ(x) − ½ = x·P(x²)` within ±[`GELU_LIMIT`]; `P` is our own fit: least squares at Chebyshev
/// nodes, reweighted until the largest error of `gelu` was flat.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let near = smaller(larger(x, -GELU_LIMIT), GELU_LIMIT);
    let square = near * near;
    let mut p = 0.0;
    for c in GELU_POLYNOMIAL {
        p = p * square + c;
    }
    x * (p * near + 0.5)
}

/// Apply [`gelu`] to a row.
#[inline(always)]
pub(super) fn gelu_row(row: &mut [f32]) {
    for value in row {
        *value = gelu(*value);
    }
}

/// Write `row` as 8-bit codes so that `row[i] ≈ scale · (codes[i] − 128) + centre`, with the whole
/// range of codes spread over the row's range of values.
///
/// Half a step of error at most: `scale / 2`, and `scale = (max − min) / 255`. A row's own range,
/// not one symmetric about zero, because GELU's results are nearly all on one side.
#[inline(always)]
pub(super) fn quantise_row(row: &[f32], codes: &mut [u8]) -> RowScale {
    let first = row.first().copied().unwrap_or(0.0);
    let low = reduce(row, first, |value| value, smaller);
    let high = reduce(row, first, |value| value, larger);
    let scale = larger((high - low) / 255.0, 1e-9);
    let inverse = 1.0 / scale;
    for (&value, code) in row.iter().zip(codes) {
        let rounded = (value - low) * inverse + ROUND;
        #[expect(clippy::cast_possible_truncation, reason = "the code is the low 8 bits")]
        let low_bits = rounded.to_bits() as u8;
        *code = low_bits;
    }
    RowScale { scale, centre: low + 128.0 * scale }
}

/// `row = normalise(row + added) · gain + bias`: layer normalisation (Ba, Kiros, Hinton 2016) of a
/// residual sum.
#[inline(always)]
pub(super) fn add_norm(row: &mut [f32], added: &[f32], gain: &[f32], bias: &[f32]) {
    #[expect(clippy::cast_precision_loss, reason = "rows have 384 numbers")]
    let count = row.len() as f32;
    for (value, &added) in row.iter_mut().zip(added) {
        *value += added;
    }
    let mean = reduce(row, 0.0, |value| value, |a, b| a + b) / count;
    let squares = reduce(row, 0.0, |value| (value - mean) * (value - mean), |a, b| a + b);
    let inverse = 1.0 / (squares / count + NORM_EPSILON).sqrt();
    for ((value, &gain), &bias) in row.iter_mut().zip(gain).zip(bias) {
        *value = (*value - mean) * inverse * gain + bias;
    }
}

/// `row = e^(row − max)`, giving the inverse of its sum: a softmax that leaves the division to
/// whoever uses the row next.
#[inline(always)]
pub(super) fn softmax_unscaled(row: &mut [f32]) -> f32 {
    let highest = reduce(row, f32::MIN, |value| value, larger);
    for value in row.iter_mut() {
        *value = exp(*value - highest);
    }
    1.0 / reduce(row, 0.0, |value| value, |a, b| a + b)
}
