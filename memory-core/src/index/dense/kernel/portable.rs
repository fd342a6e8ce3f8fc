//! Kernels in plain Rust: the oracle of the others, and the fallback of processors without them.

use super::{
    Blocks, CodedQuery, Kernels, LANES, ROWS, SKETCH_ROWS, SketchQuery, Sketches, TOGETHER,
};

/// Runs everywhere.
pub(in super::super) static KERNELS: Kernels =
    Kernels { name: "portable", query_limit: 127, scan, dot, estimate, prefetch: |_| () };

fn scan(query: &CodedQuery, blocks: Blocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    let bytes = query.words.len() * TOGETHER * ROWS;
    let codes = blocks.codes.chunks_exact(bytes.max(1));
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    for ((((block, scales), floor), scores), hits) in
        codes.zip(scales).zip(blocks.floors).zip(scores).zip(hits)
    {
        let sums = integer_sums(query, block);
        *hits = finish(&sums, query.offset, query.scale, scales, *floor, scores);
    }
}

/// Σ code·query of the sixteen rows of a block.
fn integer_sums(query: &CodedQuery, block: &[u8]) -> [i32; ROWS] {
    let mut sums = [0_i32; ROWS];
    let groups = block.as_chunks::<{ ROWS * TOGETHER }>().0;
    for (group, word) in groups.iter().zip(&query.words) {
        let [a, b, c, d] = word.to_le_bytes().map(|code| i32::from(code.cast_signed()));
        for (sum, &[e, f, g, h]) in sums.iter_mut().zip(group.as_chunks::<TOGETHER>().0) {
            *sum += a * i32::from(e) + b * i32::from(f) + c * i32::from(g) + d * i32::from(h);
        }
    }
    sums
}

/// Turns integer sums into scores, by the three roundings that every kernel makes in this order,
/// and gives the bits of the rows whose score is at least `floor`.
#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
pub(super) fn finish(
    sums: &[i32; ROWS],
    offset: i32,
    query_scale: f32,
    scales: &[f32; ROWS],
    floor: f32,
    scores: &mut [f32; ROWS],
) -> u16 {
    let mut hits = 0;
    for (row, ((score, sum), scale)) in scores.iter_mut().zip(sums).zip(scales).enumerate() {
        *score = (sum - offset) as f32 * scale * query_scale;
        hits |= u16::from(*score >= floor) << row;
    }
    hits
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
