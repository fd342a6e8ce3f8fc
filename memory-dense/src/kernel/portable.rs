//! Kernels in plain Rust: the oracle of the others, and the fallback of processors without them.

use std::ops::AddAssign;

use super::table::{
    Cutoff, GROUP, Kernels, LANES, Quantized, ROWS, ScanBlocks, ScanQuery, TOGETHER,
};

/// Kernels that run everywhere.
pub(crate) static KERNELS: Kernels = Kernels {
    name: "portable",
    query_limit: 127,
    scan,
    rotate,
    quantize,
    quantize_wide,
    select,
    byte_dots,
    dot,
    prefetch: |_, _| (),
};

fn scan(query: &ScanQuery, blocks: ScanBlocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    scan_by(query, blocks, scores, hits, integer_sums);
}

/// Integer sums of the sixteen rows of a block: of 8-bit codes, whole bytes, low halves and 2-bit
/// codes.
pub(super) type BlockSums = [[i32; ROWS]; 4];

/// Scans blocks whose integer sums `sums` computes: the part that instruction sets may share.
#[inline]
pub(super) fn scan_by(
    query: &ScanQuery,
    blocks: ScanBlocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
    sums: impl Fn(&ScanQuery, &[u8]) -> BlockSums,
) {
    let codes = blocks.codes.chunks_exact(query.block_bytes());
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        *hits = finish(&sums(query, block), query, scales, blocks.floor, scores);
    }
}

fn integer_sums(query: &ScanQuery, block: &[u8]) -> BlockSums {
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
            *total += byte_dot(query, &bytes.map(code));
        }
    }
}

/// Converts integer sums into scores, by the roundings that every kernel makes in this order, and
/// returns the bits of the rows whose score is at least `floor`.
#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
fn finish(
    sums: &BlockSums,
    query: &ScanQuery,
    scales: &[f32; ROWS],
    floor: f32,
    scores: &mut [f32; ROWS],
) -> u16 {
    let mut hits = 0;
    let [by_bytes, by_whole, by_low, by_quarters] = sums;
    let [byte_step, whole_step, low_step, quarter_step] = query.steps;
    let rows = by_bytes.iter().zip(by_whole).zip(by_low).zip(by_quarters);
    let rows = rows.zip(scores.iter_mut().zip(scales)).enumerate();
    for (row, ((((bytes, whole), low), quarters), (score, scale))) in rows {
        let (bytes, whole) = (*bytes as f32 * byte_step, *whole as f32 * whole_step);
        let (low, quarters) = (*low as f32 * low_step, *quarters as f32 * quarter_step);
        *score = ((bytes + whole) + (low + quarters) - query.offset) * scale;
        hits |= u16::from(*score >= floor) << row;
    }
    hits
}

#[expect(clippy::cast_precision_loss, reason = "one of the roundings of the bound")]
pub(super) fn rotate(matrix: &[i16], vector: &[i16], scale: f32, rotated: &mut [f32]) {
    let rows = matrix.chunks_exact(vector.len().max(1));
    for (row, value) in rows.zip(rotated) {
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

/// Splits codes of two bytes into chunks of 64 bytes.
pub(super) fn wide(codes: &[i16]) -> &[[i16; 2 * ROWS]] {
    codes.as_chunks().0
}

fn quantize(values: &[f32], limit: i8, codes: &mut [i8]) -> Quantized {
    #[expect(clippy::cast_possible_truncation, reason = "the low byte is the integer")]
    quantize_by(values, f32::from(limit), codes, |bits| bits as i8)
}

fn quantize_wide(values: &[f32], limit: i16, codes: &mut [i16]) -> Quantized {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the integer")]
    quantize_by(values, f32::from(limit), codes, |bits| bits as i16)
}

/// Quantizes values; `code` takes a code from the bits of the value to which 1.5·2²³ was added:
/// the nearest integer is then in the low bits of the mantissa.
#[inline]
fn quantize_by<T>(
    values: &[f32],
    limit: f32,
    codes: &mut [T],
    code: impl Fn(u32) -> T,
) -> Quantized {
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
            let gap = value - (shifted - WHOLE) * step;
            *square += gap * gap;
        }
    }
    Quantized { step, error: fold(squares).sqrt() }
}

/// Returns the steps per unit, and the value of a step. Of values next to zero all codes are 0.
#[inline]
pub(super) fn steps_of(largest: f32, limit: f32) -> (f32, f32) {
    (if largest > 1e-30 { limit / largest } else { 0.0 }, largest / limit)
}

#[expect(clippy::indexing_slicing, reason = "`found` has room for every row")]
#[inline]
pub(super) fn select(scores: &[f32], cutoff: Cutoff<'_>, first: u32, found: &mut [u32]) -> usize {
    let [scores, errors] = [scores, cutoff.errors].map(|all| all.as_chunks::<ROWS>().0);
    let mut n_found = 0;
    for (((scores, errors), bits), block) in scores.iter().zip(errors).zip(cutoff.bits).zip(0..) {
        let rows = scores.iter().zip(errors).zip(0..);
        let mut hits = rows.fold(0_u16, |hits, ((score, error), row)| {
            hits | u16::from(score + error * cutoff.weight >= cutoff.floor) << row
        }) & bits;
        while hits != 0 {
            found[n_found] = first + block * u16::BITS + hits.trailing_zeros();
            n_found += 1;
            hits &= hits - 1;
        }
    }
    n_found
}

fn byte_dots(query: &[i8], rows: &[&[u8]], sums: &mut [i32]) {
    for (place, row) in sums.iter_mut().zip(rows) {
        *place = byte_dot(query, row);
    }
}

/// Returns Σ code·query of one row.
pub(super) fn byte_dot(query: &[i8], row: &[u8]) -> i32 {
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
    lanes.first().copied().unwrap_or_default() // zero lanes sum up to zero
}
