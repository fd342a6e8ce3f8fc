//! Multi-head self-attention of one text, in `f32`.
//!
//! Written once over [`Vector`] and compiled for each instruction set. Unlike the loops of
//! [`rows`](super::rows) its two products need their running sums held in registers, which the
//! compiler does not find by itself.

use super::rows::{LANES, softmax_unscaled};
use crate::packed_format::{HEADS, HIDDEN};

/// Components of one head.
const HEAD: usize = HIDDEN / HEADS;
/// `1 / √HEAD`, by which scores are scaled (Vaswani et al. 2017).
const SCORE_SCALE: f32 = 0.176_776_7;
/// Width of a row of projections: query, key and value of every head.
const ROW: usize = 3 * HIDDEN;

/// [`LANES`] numbers in the registers of an instruction set.
pub(super) trait Vector: Copy {
    /// All zero.
    ///
    /// # Safety
    /// The processor must have the instruction set; so for the other methods.
    unsafe fn zero() -> Self;

    /// # Safety
    /// As for [`Vector::zero`].
    unsafe fn load(from: &[f32; LANES]) -> Self;

    /// # Safety
    /// As for [`Vector::zero`].
    unsafe fn store(self, to: &mut [f32; LANES]);

    /// `self + factor · other`, lane by lane.
    ///
    /// # Safety
    /// As for [`Vector::zero`].
    unsafe fn add_product(self, factor: f32, other: Self) -> Self;
}

/// Buffers of [`attend`], kept between calls.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    /// Keys of one head, transposed: `HEAD` rows of as many columns as there are (padded) tokens.
    keys: Vec<f32>,
    /// Scores of a few queries against all (padded) tokens, one row per query.
    scores: Vec<f32>,
}

/// `context = softmax(Q·Kᵀ / √HEAD)·V` for every head of a text of `n` tokens.
///
/// `projections` is `n` rows of `3 · HIDDEN` (queries, keys, values, each head by head); `context`
/// is `n` rows of `HIDDEN`. `QUERIES` are handled together, so that each loaded key or value serves
/// all of them. Cost: `2 · n² · HIDDEN` multiply-adds.
///
/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn attend<V: Vector, const QUERIES: usize>(
    projections: &[f32],
    context: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let tokens = projections.len() / ROW;
    let padded = tokens.next_multiple_of(LANES);
    let AttentionScratch { keys, scores } = scratch;
    keys.clear();
    keys.resize(HEAD * padded, 0.0);
    scores.clear();
    scores.resize(QUERIES * padded, 0.0);
    for at in (0..HIDDEN).step_by(HEAD) {
        transpose_keys(projections, HIDDEN + at, keys, padded);
        let queries = projections.chunks(QUERIES * ROW);
        for (queries, context) in queries.zip(context.chunks_mut(QUERIES * HIDDEN)) {
            // SAFETY: the caller vouches for the instruction set.
            unsafe { score::<V, QUERIES>(queries, at, keys, scores, padded) };
            let mut inverse = [0.0; QUERIES];
            for (row, inverse) in scores.chunks_exact_mut(padded).zip(&mut inverse) {
                // Padding takes part in no softmax: its weight underflows to nothing.
                if let Some(padding) = row.get_mut(tokens..) {
                    padding.fill(f32::MIN / 2.0);
                }
                *inverse = softmax_unscaled(row);
            }
            for part in (at..at + HEAD).step_by(LANES) {
                // SAFETY: the caller vouches for the instruction set.
                let sums = unsafe {
                    weighted_values::<V, QUERIES>(projections, 2 * HIDDEN + part, scores, padded)
                };
                for ((row, sums), inverse) in
                    context.chunks_exact_mut(HIDDEN).zip(sums).zip(inverse)
                {
                    if let Some(row) = lanes_mut(row, part) {
                        *row = sums.map(|sum| sum * inverse);
                    }
                }
            }
        }
    }
}

/// The [`LANES`] numbers from `at` on.
#[inline(always)]
fn lanes(row: &[f32], at: usize) -> Option<&[f32; LANES]> {
    row.get(at..).and_then(<[f32]>::first_chunk)
}

/// The [`LANES`] numbers from `at` on.
#[inline(always)]
fn lanes_mut(row: &mut [f32], at: usize) -> Option<&mut [f32; LANES]> {
    row.get_mut(at..).and_then(<[f32]>::first_chunk_mut)
}

/// Copies the keys of the head at component `at` into columns.
#[inline(always)]
fn transpose_keys(projections: &[f32], at: usize, keys: &mut [f32], padded: usize) {
    for (token, row) in projections.chunks_exact(ROW).enumerate() {
        let key = row.iter().skip(at).take(HEAD);
        for (out, &value) in keys.iter_mut().skip(token).step_by(padded).zip(key) {
            *out = value;
        }
    }
}

/// `scores[q][t] = query q · key t / √HEAD` for up to `QUERIES` rows of `queries`.
///
/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
unsafe fn score<V: Vector, const QUERIES: usize>(
    queries: &[f32],
    at: usize,
    keys: &[f32],
    scores: &mut [f32],
    padded: usize,
) {
    let mut scaled = [[0.0; QUERIES]; HEAD];
    for (number, row) in queries.chunks_exact(ROW).enumerate() {
        for (out, &value) in scaled.iter_mut().zip(row.iter().skip(at)) {
            if let Some(out) = out.get_mut(number) {
                *out = value * SCORE_SCALE;
            }
        }
    }
    for start in (0..padded).step_by(LANES) {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let mut sums = [V::zero(); QUERIES];
            for (values, keys) in scaled.iter().zip(keys.chunks_exact(padded)) {
                let Some(keys) = lanes(keys, start) else {
                    continue;
                };
                let keys = V::load(keys);
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum = sum.add_product(value, keys);
                }
            }
            for (row, sum) in scores.chunks_exact_mut(padded).zip(sums) {
                if let Some(row) = lanes_mut(row, start) {
                    sum.store(row);
                }
            }
        }
    }
}

/// Sums of the values at components `at..at + LANES`, weighted by each row of `weights`.
///
/// # Safety
/// The processor must have the instruction set of `V`.
#[inline(always)]
unsafe fn weighted_values<V: Vector, const QUERIES: usize>(
    projections: &[f32],
    at: usize,
    weights: &[f32],
    padded: usize,
) -> [[f32; LANES]; QUERIES] {
    let mut rows = weights.chunks_exact(padded);
    let rows: [&[f32]; QUERIES] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let mut results = [[0.0; LANES]; QUERIES];
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let mut sums = [V::zero(); QUERIES];
        for (token, row) in projections.chunks_exact(ROW).enumerate() {
            let Some(values) = lanes(row, at) else {
                continue;
            };
            let values = V::load(values);
            for (sum, weights) in sums.iter_mut().zip(rows) {
                let weight = weights.get(token).copied().unwrap_or_default();
                *sum = sum.add_product(weight, values);
            }
        }
        for (result, sum) in results.iter_mut().zip(sums) {
            sum.store(result);
        }
    }
    results
}
