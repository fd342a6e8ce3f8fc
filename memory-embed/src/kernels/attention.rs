//! Multi-head self-attention of one text, in `f32`.
//!
//! Written once and compiled for each instruction set, like [`rows`](super::rows).

use super::rows::{LANES, fused, soften};
use crate::packed_format::{HEADS, HIDDEN};

/// Components of one head.
pub(crate) const HEAD: usize = HIDDEN / HEADS;
/// `1 / √HEAD`, by which scores are scaled (Vaswani et al. 2017).
const SCORE_SCALE: f32 = 0.176_776_7;
/// Queries handled together: each loaded key or value then serves all of them.
const QUERIES: usize = 4;
/// Width of a row of projections: query, key and value of every head.
const ROW: usize = 3 * HIDDEN;

/// Buffers of [`attend`], kept between calls.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    /// Keys of one head, transposed: `HEAD` rows of as many columns as there are (padded) tokens.
    keys: Vec<f32>,
    /// Scores of [`QUERIES`] queries against all (padded) tokens.
    scores: Vec<f32>,
}

/// `context = softmax(Q·Kᵀ / √HEAD)·V` for every head of a text of `n` tokens.
///
/// `projections` is `n` rows of `3 · HIDDEN` (queries, keys, values, each head by head); `context` is
/// `n` rows of `HIDDEN`. Cost: `2 · n² · HIDDEN` multiply-adds.
#[inline(always)]
pub(super) fn attend<const FMA: bool>(
    projections: &[f32],
    context: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let tokens = projections.len() / ROW;
    let padded = tokens.next_multiple_of(LANES);
    scratch.keys.clear();
    scratch.keys.resize(HEAD * padded, 0.0);
    scratch.scores.clear();
    scratch.scores.resize(QUERIES * padded, 0.0);
    for head in 0..HEADS {
        let at = head * HEAD;
        transpose_keys(projections, HIDDEN + at, &mut scratch.keys, padded);
        let queries = projections.chunks(QUERIES * ROW);
        for (queries, context) in queries.zip(context.chunks_mut(QUERIES * HIDDEN)) {
            score::<FMA>(queries, at, &scratch.keys, &mut scratch.scores, padded);
            let mut inverse = [0.0; QUERIES];
            for (row, inverse) in scratch.scores.chunks_exact_mut(padded).zip(&mut inverse) {
                // Padding takes part in no softmax: its weight underflows to nothing.
                if let Some(padding) = row.get_mut(tokens..) {
                    padding.fill(f32::MIN / 2.0);
                }
                *inverse = soften::<FMA>(row);
            }
            let sums = mix::<FMA>(projections, 2 * HIDDEN + at, &scratch.scores, padded);
            let rows = context.chunks_exact_mut(HIDDEN).zip(sums).zip(inverse);
            for ((row, sums), inverse) in rows {
                for (out, sum) in row.iter_mut().skip(at).zip(sums) {
                    *out = sum * inverse;
                }
            }
        }
    }
}

/// Copy the keys of the head at component `at` into columns.
#[inline(always)]
fn transpose_keys(projections: &[f32], at: usize, keys: &mut [f32], padded: usize) {
    for (token, row) in projections.chunks_exact(ROW).enumerate() {
        let key = row.iter().skip(at).take(HEAD);
        for (out, &value) in keys.iter_mut().skip(token).step_by(padded).zip(key) {
            *out = value;
        }
    }
}

/// `scores[q][t] = query q · key t / √HEAD` for up to [`QUERIES`] rows of `queries`.
#[inline(always)]
fn score<const FMA: bool>(
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
        let mut sums = [[0.0_f32; LANES]; QUERIES];
        for (values, keys) in scaled.iter().zip(keys.chunks_exact(padded)) {
            let Some(keys) = keys.get(start..).and_then(<[f32]>::first_chunk::<LANES>) else {
                continue;
            };
            for (sums, &value) in sums.iter_mut().zip(values) {
                for (sum, &key) in sums.iter_mut().zip(keys) {
                    *sum = fused::<FMA>(value, key, *sum);
                }
            }
        }
        for (row, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
            if let Some(row) = row
                .get_mut(start..)
                .and_then(<[f32]>::first_chunk_mut::<LANES>)
            {
                *row = *sums;
            }
        }
    }
}

/// Sum of the values of the head at component `at`, weighted by each row of `weights`.
#[inline(always)]
fn mix<const FMA: bool>(
    projections: &[f32],
    at: usize,
    weights: &[f32],
    padded: usize,
) -> [[f32; HEAD]; QUERIES] {
    let mut sums = [[0.0_f32; HEAD]; QUERIES];
    let mut rows = weights.chunks_exact(padded);
    let rows: [&[f32]; QUERIES] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let [a, b, c, d] = rows;
    let weights = a.iter().zip(b).zip(c).zip(d);
    for (row, (((&a, &b), &c), &d)) in projections.chunks_exact(ROW).zip(weights) {
        let Some(values) = row.get(at..).and_then(<[f32]>::first_chunk::<HEAD>) else {
            continue;
        };
        for (sums, weight) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = fused::<FMA>(weight, value, *sum);
            }
        }
    }
    sums
}
