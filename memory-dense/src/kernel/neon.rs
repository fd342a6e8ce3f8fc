//! Kernels for 64-bit Arm: NEON, which every such processor has, and `sdot` where it has that too.
//!
//! There is no product of unsigned and signed bytes: the top bit of the unsigned ones is flipped,
//! which subtracts 128, and what that subtracts from a sum is added back.
#![expect(unsafe_code, reason = "loads through pointers, one instruction without intrinsic")]

use std::arch::aarch64::{
    int8x16_t, int32x4_t, uint8x16_t, vaddq_s32, vaddvq_s32, vandq_u8, vcvt_f64_f32, vdupq_n_f64,
    vdupq_n_s32, vdupq_n_u8, veorq_u8, vfmaq_f64, vget_high_s8, vget_low_s8, vld1_f32, vld1q_f64,
    vld1q_s8, vld1q_u8, vmull_s8, vpadalq_s16, vpaddq_s32, vreinterpretq_s8_s32,
    vreinterpretq_s8_u8, vshrq_n_u8, vst1q_f64, vst1q_s32,
};
use std::arch::asm;

use super::portable::{self, BlockSums};
use super::table::{Kernels, LANES, ROWS, ScanQuery, TOGETHER};

static NEON: Kernels = Kernels {
    name: "neon",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        let taken = taken(query);
        portable::scan_by(query, blocks, scores, hits, |query, block| {
            sums_widening(query, block, taken)
        });
    },
    // NEON is in the baseline, so these are what the compiler makes of the portable loops.
    rotate: portable::rotate,
    quantize: portable::KERNELS.quantize,
    quantize_wide: portable::KERNELS.quantize_wide,
    select: portable::select,
    byte_dots: |query, rows, sums| {
        for (place, row) in sums.iter_mut().zip(rows) {
            *place = byte_dot(query, row);
        }
    },
    dot: |query, row| {
        // SAFETY: NEON is part of every 64-bit Arm target.
        unsafe { dot(query, row) }
    },
    prefetch: |_, _| (),
};

static DOTPROD: Kernels = Kernels {
    name: "neon-dotprod",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        let taken = taken(query);
        portable::scan_by(query, blocks, scores, hits, |query, block| {
            // SAFETY: the table is only handed out by `available`, after the feature was detected.
            unsafe { sums_dotprod(query, block, taken) }
        });
    },
    rotate: NEON.rotate,
    quantize: NEON.quantize,
    quantize_wide: NEON.quantize_wide,
    select: NEON.select,
    byte_dots: NEON.byte_dots,
    dot: NEON.dot,
    prefetch: NEON.prefetch,
};

/// Returns the tables this processor can run, best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let dotprod = std::arch::is_aarch64_feature_detected!("dotprod");
    [(dotprod, &DOTPROD), (true, &NEON)]
        .into_iter()
        .filter_map(|(runs, table)| runs.then_some(table))
}

/// Repeats four query codes four times.
#[inline]
fn repeated(four: [i8; TOGETHER]) -> int8x16_t {
    let four = i32::from_le_bytes(four.map(i8::cast_unsigned));
    // SAFETY: NEON is part of every 64-bit Arm target.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(four)) }
}

/// Flips the top bit of sixteen bytes, which subtracts 128.
#[inline]
fn flipped_bytes(bytes: uint8x16_t) -> int8x16_t {
    // SAFETY: NEON is part of every 64-bit Arm target.
    unsafe { vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80))) }
}

/// Loads sixteen bytes of a group or row.
#[inline]
fn loaded(part: &[u8; 16]) -> uint8x16_t {
    // SAFETY: `part` is 16 bytes; NEON is part of every 64-bit Arm target.
    unsafe { vld1q_u8(part.as_ptr()) }
}

/// Calls `add` with the codes of four rows and the codes of the query that they are multiplied
/// with: the kind of sum, the number of the four rows in the block, both codes.
#[inline]
fn each_product(
    query: &ScanQuery,
    block: &[u8],
    mut add: impl FnMut(usize, usize, int8x16_t, [i8; TOGETHER]),
) {
    let [bytes, halves, quarters] = query.sections(block);
    let parts = query.parts();
    for (group, four) in bytes.iter().zip(parts.bytes) {
        for (at, part) in group.as_chunks::<16>().0.iter().enumerate() {
            add(0, at, flipped_bytes(loaded(part)), *four);
        }
    }
    for (group, (a, b)) in halves.iter().zip(parts.whole.iter().zip(parts.low)) {
        for (at, part) in group.as_chunks::<16>().0.iter().enumerate() {
            let codes = loaded(part);
            add(1, at, flipped_bytes(codes), *a);
            // SAFETY: NEON is part of every 64-bit Arm target.
            let low = unsafe { vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(15))) };
            add(2, at, low, *b);
        }
    }
    let [first, second, third, fourth] = parts.quarters;
    let fours = first.iter().zip(second).zip(third.iter().zip(fourth));
    for (group, ((a, b), (c, d))) in quarters.iter().zip(fours) {
        for (at, part) in group.as_chunks::<16>().0.iter().enumerate() {
            let codes = loaded(part);
            // SAFETY: NEON is part of every 64-bit Arm target.
            let cut = |codes| unsafe { vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(3))) };
            // SAFETY: as above.
            let [second, third, fourth] =
                unsafe { [vshrq_n_u8::<2>(codes), vshrq_n_u8::<4>(codes), vshrq_n_u8::<6>(codes)] };
            add(3, at, cut(codes), *a);
            add(3, at, cut(second), *b);
            add(3, at, cut(third), *c);
            add(3, at, cut(fourth), *d);
        }
    }
}

/// Returns 128 · Σ codes: what flipping the top bits subtracted from a sum.
#[inline]
fn flipped(codes: impl Iterator<Item = i8>) -> i32 {
    128 * codes.map(i32::from).sum::<i32>()
}

/// Returns what flipping the top bits subtracted from each kind of sum.
fn taken(query: &ScanQuery) -> [int32x4_t; 4] {
    let parts = query.parts();
    let [bytes, whole] =
        [parts.bytes, parts.whole].map(|codes| flipped(codes.as_flattened().iter().copied()));
    // SAFETY: NEON is part of every 64-bit Arm target.
    [bytes, whole, 0, 0].map(|taken| unsafe { vdupq_n_s32(taken) })
}

/// Returns the sums of every row, with `taken` added to each kind.
#[inline]
fn stored(sums: [[int32x4_t; 4]; 4], taken: [int32x4_t; 4]) -> BlockSums {
    let mut out = [[0_i32; ROWS]; 4];
    for ((out, sums), taken) in out.iter_mut().zip(sums).zip(taken) {
        for (four, sum) in out.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
            // SAFETY: `four` is room for four integers; NEON is part of every 64-bit Arm target.
            unsafe { vst1q_s32(four.as_mut_ptr(), vaddq_s32(sum, taken)) };
        }
    }
    out
}

/// Sums by widening multiplies (|128·127| fits 16 bits), pairs added into 32 bits: the two sums of
/// a row are joined at the end.
#[expect(clippy::indexing_slicing, reason = "four kinds of sums, four times four rows")]
fn sums_widening(query: &ScanQuery, block: &[u8], taken: [int32x4_t; 4]) -> BlockSums {
    // SAFETY: NEON is part of every 64-bit Arm target.
    let zero = unsafe { vdupq_n_s32(0) };
    let mut sums = [[(zero, zero); 4]; 4];
    each_product(query, block, |kind, at, codes, four| {
        let (first, second) = &mut sums[kind][at];
        // SAFETY: as above; no pointer is involved here.
        unsafe {
            let query = vget_low_s8(repeated(four));
            *first = vpadalq_s16(*first, vmull_s8(vget_low_s8(codes), query));
            *second = vpadalq_s16(*second, vmull_s8(vget_high_s8(codes), query));
        }
    });
    // SAFETY: as above.
    stored(sums.map(|sums| sums.map(|(first, second)| unsafe { vpaddq_s32(first, second) })), taken)
}

/// Sums by `sdot`: four rows × four bytes in one instruction.
///
/// # Safety
///
/// The processor must have the dot product extension (`dotprod`).
#[target_feature(enable = "neon,dotprod")]
#[expect(clippy::indexing_slicing, reason = "four kinds of sums, four times four rows")]
fn sums_dotprod(query: &ScanQuery, block: &[u8], taken: [int32x4_t; 4]) -> BlockSums {
    let mut sums = [[vdupq_n_s32(0); 4]; 4];
    each_product(query, block, |kind, at, codes, four| {
        let sum = &mut sums[kind][at];
        *sum = sdot(*sum, codes, repeated(four));
    });
    stored(sums, taken)
}

/// Adds four products to each lane.
///
/// # Safety
///
/// The processor must have the dot product extension (`dotprod`).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut sum: int32x4_t, left: int8x16_t, right: int8x16_t) -> int32x4_t {
    // SAFETY: reads and writes the three named registers only; the feature is enabled for this
    // function.
    // (The intrinsic `vdotq_s32` is unstable, rust-lang/rust#117224.)
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {left:v}.16b, {right:v}.16b",
            sum = inout(vreg) sum,
            left = in(vreg) left,
            right = in(vreg) right,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// Multiplies sixteen codes at a time; rows are a multiple of 32 long.
fn byte_dot(query: &[i8], row: &[u8]) -> i32 {
    // SAFETY: sixteen bytes are read of sixteen; NEON is part of every 64-bit Arm target.
    unsafe {
        let mut sum = vdupq_n_s32(0);
        for (query, row) in query.as_chunks::<16>().0.iter().zip(row.as_chunks::<16>().0) {
            let query = vld1q_s8(query.as_ptr());
            let row = flipped_bytes(loaded(row));
            sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(row), vget_low_s8(query)));
            sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(row), vget_high_s8(query)));
        }
        vaddvq_s32(sum) + flipped(query.iter().copied())
    }
}

/// Sums in sixteen registers of two lanes.
///
/// # Safety
///
/// The processor must have NEON.
#[target_feature(enable = "neon")]
fn dot(query: &[f64], row: &[f32]) -> f64 {
    let mut sums = [vdupq_n_f64(0.0); LANES / 2];
    let chunks = row.as_chunks::<LANES>().0.iter();
    for (query, row) in query.as_chunks::<LANES>().0.iter().zip(chunks) {
        let parts = query.as_chunks::<2>().0.iter().zip(row.as_chunks::<2>().0);
        for (sum, (query, row)) in sums.iter_mut().zip(parts) {
            // SAFETY: two numbers each; no alignment is needed.
            let (query, row) = unsafe { (vld1q_f64(query.as_ptr()), vld1_f32(row.as_ptr())) };
            *sum = vfmaq_f64(*sum, query, vcvt_f64_f32(row));
        }
    }
    let mut lanes = [0.0; LANES];
    for (two, sum) in lanes.as_chunks_mut::<2>().0.iter_mut().zip(sums) {
        // SAFETY: `two` is room for two numbers.
        unsafe { vst1q_f64(two.as_mut_ptr(), sum) };
    }
    portable::fold(lanes)
}
