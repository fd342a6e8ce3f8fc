//! Kernels in plain Rust: the oracle of the others, and the fallback of processors without them.

use super::{
    Blocks, CoarseQuery, Ends, GROUP, Kernels, LANES, ROWS, SKETCH_ROWS, SketchQuery, Sketches,
    TOGETHER,
};

/// Runs everywhere.
pub(in super::super) static KERNELS: Kernels = Kernels {
    name: "portable",
    query_limit: 127,
    scan,
    reaching,
    sum,
    dot,
    estimate,
    prefetch: |_, _| (),
};

fn scan(query: &CoarseQuery, blocks: Blocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    scan_by(query, blocks, scores, hits, integer_sums);
}

/// The part of a scan that its instruction sets may share; `sums` gives the two sums of each row.
#[inline]
pub(super) fn scan_by(
    query: &CoarseQuery,
    blocks: Blocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
    sums: impl Fn(&CoarseQuery, &[u8]) -> [[i32; ROWS]; 2],
) {
    let codes = blocks.codes.chunks_exact((query.words.len() * GROUP).max(1));
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        *hits = finish(&sums(query, block), query, scales, blocks.floor, scores);
    }
}

/// Σ v·a and Σ (v mod 16)·b of the sixteen rows of a block.
fn integer_sums(query: &CoarseQuery, block: &[u8]) -> [[i32; ROWS]; 2] {
    let mut sums = [[0_i32; ROWS]; 2];
    for (group, words) in block.as_chunks::<GROUP>().0.iter().zip(&query.words) {
        for ((sums, word), mask) in sums.iter_mut().zip(words).zip([255, 15]) {
            let codes = word.to_le_bytes().map(u8::cast_signed);
            for (total, bytes) in sums.iter_mut().zip(group.as_chunks::<TOGETHER>().0) {
                *total += sum(&codes, &bytes.map(|byte| byte & mask));
            }
        }
    }
    sums
}

/// Turns integer sums into scores, by the roundings that every kernel makes in this order, and gives the
/// bits of the rows whose score is at least `floor`.
#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
fn finish(
    [whole, low]: &[[i32; ROWS]; 2],
    query: &CoarseQuery,
    scales: &[f32; ROWS],
    floor: f32,
    scores: &mut [f32; ROWS],
) -> u16 {
    let [whole_step, low_step] = query.steps;
    let mut hits = 0;
    let rows = scores.iter_mut().zip(whole.iter().zip(low)).zip(scales);
    for (row, ((score, (whole, low)), scale)) in rows.enumerate() {
        let sum = *whole as f32 * whole_step + *low as f32 * low_step;
        *score = (sum - query.offset) * scale;
        hits |= u16::from(*score >= floor) << row;
    }
    hits
}

#[inline]
pub(super) fn reaching(scores: &[f32], ends: Ends<'_>, hits: &mut [u16]) {
    let [error_weight, norm_weight] = ends.weights;
    let [scores, errors, norms] =
        [scores, ends.errors, ends.norms].map(|all| all.as_chunks::<ROWS>().0);
    for (((scores, errors), norms), hits) in scores.iter().zip(errors).zip(norms).zip(hits) {
        let rows = scores.iter().zip(errors).zip(norms).zip(0..);
        *hits = rows.fold(0, |bits, (((score, error), norm), row)| {
            let upper = score + (error * error_weight + norm * norm_weight);
            bits | u16::from(upper >= ends.floor) << row
        });
    }
}

pub(super) fn sum(query: &[i8], row: &[u8]) -> i32 {
    query.iter().zip(row).map(|(query, code)| i32::from(*query) * i32::from(*code)).sum()
}

fn dot(query: &[f64], row: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let chunks = row.as_chunks::<LANES>().0.iter();
    for (query, row) in query.as_chunks::<LANES>().0.iter().zip(chunks) {
        for ((lane, query), value) in lanes.iter_mut().zip(query).zip(row) {
            *lane += query * f64::from(*value);
        }
    }
    fold(lanes)
}

/// Folds lanes in halves: 32 → 16 → 8 → 4 → 2 → 1.
pub(super) fn fold(mut lanes: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
    let [total, ..] = lanes;
    total
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts and sums of some thousands"
)]
pub(super) fn estimate(query: &SketchQuery, sketches: Sketches<'_>, scores: &mut [f32]) {
    let words = query.planes.len();
    let groups = sketches.bits.chunks_exact((words * SKETCH_ROWS).max(1));
    let factors = sketches.factors.as_chunks::<SKETCH_ROWS>().0;
    let offsets = sketches.offsets.as_chunks::<SKETCH_ROWS>().0;
    let scores = scores.as_chunks_mut::<SKETCH_ROWS>().0;
    for (((group, factors), offsets), scores) in groups.zip(factors).zip(offsets).zip(scores) {
        let mut counts = [[0_u64; SKETCH_ROWS]; 4];
        for (words, planes) in group.as_chunks::<SKETCH_ROWS>().0.iter().zip(&query.planes) {
            for (counts, plane) in counts.iter_mut().zip(planes) {
                for (count, bits) in counts.iter_mut().zip(words) {
                    *count += u64::from((bits & plane).count_ones());
                }
            }
        }
        let mut sums = [0_i32; SKETCH_ROWS];
        for (counts, weight) in counts.iter().zip([1, 2, 4, -8]) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += weight * *count as i32;
            }
        }
        let rows = scores.iter_mut().zip(sums).zip(factors).zip(offsets);
        for (((score, sum), factor), offset) in rows {
            *score = factor * (sum as f32 * (2.0 * query.step) - query.total) + offset;
        }
    }
}
