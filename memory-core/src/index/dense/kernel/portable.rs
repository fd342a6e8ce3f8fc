//! Kernels in plain Rust: the oracle of the others, and the fallback of processors without them.

use super::{
    Blocks, CoarseQuery, Ends, GROUP, Kernels, LANES, ROWS, SKETCH_ROWS, SketchQuery, Sketches,
    Stepped, TOGETHER,
};
use std::ops::AddAssign;

/// Runs everywhere.
pub(in super::super) static KERNELS: Kernels = Kernels {
    name: "portable",
    query_limit: 127,
    scan,
    turn,
    quantise,
    quantise_wide,
    reaching,
    sums,
    dot,
    estimate,
    prefetch: |_, _| (),
};

fn scan(query: &CoarseQuery, blocks: Blocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    scan_by(query, blocks, scores, hits, integer_sums);
}

/// Integer sums of the sixteen rows of a block: of 8-bit codes, whole bytes, low halves and 2-bit codes.
pub(super) type BlockSums = [[i32; ROWS]; 4];

/// The part of a scan that its instruction sets may share; `sums` gives the sums of each row.
#[inline]
pub(super) fn scan_by(
    query: &CoarseQuery,
    blocks: Blocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
    sums: impl Fn(&CoarseQuery, &[u8]) -> BlockSums,
) {
    let codes = blocks.codes.chunks_exact(query.block_bytes());
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        *hits = finish(&sums(query, block), query, scales, blocks.floor, scores);
    }
}

fn integer_sums(query: &CoarseQuery, block: &[u8]) -> BlockSums {
    let [bytes, halves, quarters] = query.sections(block);
    let parts = query.parts();
    let mut sums = [[0_i32; ROWS]; 4];
    let [by_bytes, whole, low, by_quarters] = &mut sums;
    add_products(by_bytes, bytes, parts.bytes, |byte| byte);
    add_products(whole, halves, parts.whole, |byte| byte);
    add_products(low, halves, parts.low, |byte| byte % 16);
    for (codes, shift) in parts.quarters.into_iter().zip([0, 2, 4, 6]) {
        add_products(by_quarters, quarters, codes, |byte| byte >> shift & 3);
    }
    sums
}

/// Adds the products of the codes in bytes and those of a query to the sum of each row.
fn add_products(
    sums: &mut [i32; ROWS],
    groups: &[[u8; GROUP]],
    query: &[[i8; TOGETHER]],
    code: impl Fn(u8) -> u8 + Copy,
) {
    for (group, query) in groups.iter().zip(query) {
        for (total, bytes) in sums.iter_mut().zip(group.as_chunks::<TOGETHER>().0) {
            *total += sum(query, &bytes.map(code));
        }
    }
}

/// Turns integer sums into scores, by the roundings that every kernel makes in this order, and gives the
/// bits of the rows whose score is at least `floor`.
#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
fn finish(
    sums: &BlockSums,
    query: &CoarseQuery,
    scales: &[f32; ROWS],
    floor: f32,
    scores: &mut [f32; ROWS],
) -> u16 {
    let mut hits = 0;
    for (row, (score, scale)) in scores.iter_mut().zip(scales).enumerate() {
        let mut parts = [0.0; 4];
        for ((part, sums), step) in parts.iter_mut().zip(sums).zip(query.steps) {
            *part = sums.get(row).copied().unwrap_or_default() as f32 * step;
        }
        let [bytes, whole, low, quarters] = parts;
        *score = ((bytes + whole) + (low + quarters) - query.offset) * scale;
        hits |= u16::from(*score >= floor) << row;
    }
    hits
}

#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
pub(super) fn turn(matrix: &[i16], vector: &[i16], scale: f32, turned: &mut [f32]) {
    let rows = matrix.chunks_exact(vector.len().max(1));
    for (row, value) in rows.zip(turned) {
        let mut lanes = [0_i32; ROWS];
        for (row, vector) in wide(row).iter().zip(wide(vector)) {
            let pairs = row.as_chunks::<2>().0.iter().zip(vector.as_chunks::<2>().0);
            for (lane, ([a, b], [x, y])) in lanes.iter_mut().zip(pairs) {
                *lane += i32::from(*a) * i32::from(*x) + i32::from(*b) * i32::from(*y);
            }
        }
        *value = fold(lanes.map(|lane| lane as f32)) * scale;
    }
}

/// Codes of two bytes, 64 bytes each.
pub(super) fn wide(codes: &[i16]) -> &[[i16; 2 * ROWS]] {
    codes.as_chunks().0
}

fn quantise(values: &[f32], limit: i8, codes: &mut [i8]) -> Stepped {
    #[expect(clippy::cast_possible_truncation, reason = "the low byte is the integer")]
    quantise_by(values, f32::from(limit), codes, |bits| bits as i8)
}

fn quantise_wide(values: &[f32], limit: i16, codes: &mut [i16]) -> Stepped {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the integer")]
    quantise_by(values, f32::from(limit), codes, |bits| bits as i16)
}

/// Adding 1.5·2²³ leaves the nearest integer in the low bits of the mantissa.
#[inline]
fn quantise_by<T>(values: &[f32], limit: f32, codes: &mut [T], code: impl Fn(u32) -> T) -> Stepped {
    const WHOLE: f32 = 12_582_912.0;
    let values = values.as_chunks::<ROWS>().0;
    let mut largest = [0.0_f32; ROWS];
    for values in values {
        for (largest, value) in largest.iter_mut().zip(values) {
            *largest = largest.max(value.abs());
        }
    }
    let largest = largest.into_iter().fold(0.0, f32::max);
    let (steps, step) = steps_of(largest, limit);
    let mut squares = [0.0_f32; ROWS];
    for (values, codes) in values.iter().zip(codes.as_chunks_mut::<ROWS>().0) {
        for ((square, value), place) in squares.iter_mut().zip(values).zip(codes) {
            let shifted = value * steps + WHOLE;
            *place = code(shifted.to_bits());
            let missed = value - (shifted - WHOLE) * step;
            *square += missed * missed;
        }
    }
    Stepped { step, missed: fold(squares).sqrt() }
}

/// Steps per unit, and the value of a step. Of values that are next to nothing all codes are 0.
#[inline]
pub(super) fn steps_of(largest: f32, limit: f32) -> (f32, f32) {
    (if largest > 1e-30 { limit / largest } else { 0.0 }, largest / limit)
}

#[inline]
pub(super) fn reaching(scores: &[f32], ends: Ends<'_>, first: u32, found: &mut [u32]) -> usize {
    let [scores, errors] = [scores, ends.errors].map(|all| all.as_chunks::<ROWS>().0);
    let mut n_found = 0;
    for (((scores, errors), bits), block) in scores.iter().zip(errors).zip(ends.bits).zip(0..) {
        let rows = scores.iter().zip(errors).zip(0..);
        let mut hits = rows.fold(0_u16, |hits, ((score, error), row)| {
            hits | u16::from(score + error * ends.weight >= ends.floor) << row
        }) & bits;
        while hits != 0 {
            if let Some(place) = found.get_mut(n_found) {
                *place = first + block * u16::BITS + hits.trailing_zeros();
            }
            n_found += 1;
            hits &= hits - 1;
        }
    }
    n_found
}

fn sums(query: &[i8], rows: &[&[u8]], sums: &mut [i32]) {
    for (place, row) in sums.iter_mut().zip(rows) {
        *place = sum(query, row);
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

/// Folds a power of two of lanes in halves, down to one.
#[inline]
pub(super) fn fold<T: Copy + AddAssign + Default, const N: usize>(mut lanes: [T; N]) -> T {
    let mut half = N / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
    lanes.first().copied().unwrap_or_default()
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
