//! Kernels for 64-bit Arm: NEON, which every such processor has, and `sdot` where it has that too.
//!
//! There is no product of unsigned and signed bytes: the top bit of the unsigned ones is flipped, which
//! takes 128 away, and what that takes from a sum is given back.
#![expect(unsafe_code, reason = "loads through pointers, one instruction without intrinsic")]

use super::{CoarseQuery, GROUP, Kernels, LANES, ROWS, portable};
use std::arch::aarch64::{
    int8x16_t, int32x4_t, vaddq_s32, vaddvq_s32, vandq_u8, vcvt_f64_f32, vdupq_n_f64, vdupq_n_s32,
    vdupq_n_u8, veorq_u8, vfmaq_f64, vget_high_s8, vget_low_s8, vld1_f32, vld1q_f64, vld1q_s8,
    vld1q_u8, vmull_s8, vpadalq_s16, vpaddq_s32, vreinterpretq_s8_s32, vreinterpretq_s8_u8,
    vst1q_f64, vst1q_s32,
};
use std::arch::asm;

static NEON: Kernels = Kernels {
    name: "neon",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        let taken = correction(query);
        portable::scan_by(query, blocks, scores, hits, |query, block| {
            sums_widening(query, block, taken)
        });
    },
    reaching: portable::reaching,
    sum,
    dot: |query, row| {
        // SAFETY: NEON is part of every 64-bit Arm target.
        unsafe { dot(query, row) }
    },
    // NEON is in the baseline, so the compiler counts bits by `cnt` in the portable loop.
    estimate: portable::estimate,
    prefetch: |_, _| (),
};

static DOTPROD: Kernels = Kernels {
    name: "neon-dotprod",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        let taken = correction(query);
        portable::scan_by(query, blocks, scores, hits, |query, block| {
            // SAFETY: the table is only handed out by `available`, after the feature was detected.
            unsafe { sums_dotprod(query, block, taken) }
        });
    },
    reaching: NEON.reaching,
    sum: NEON.sum,
    dot: NEON.dot,
    estimate: NEON.estimate,
    prefetch: NEON.prefetch,
};

/// The tables this processor can run, best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let dotprod = std::arch::is_aarch64_feature_detected!("dotprod");
    [(dotprod, &DOTPROD), (true, &NEON)]
        .into_iter()
        .filter_map(|(runs, table)| runs.then_some(table))
}

/// Four query codes, four times.
#[inline]
fn repeated(word: u32) -> int8x16_t {
    // SAFETY: NEON is part of every 64-bit Arm target.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(word.cast_signed())) }
}

/// Sixteen bytes of a block: with their top bit flipped, which takes 128 away, and their low halves.
#[inline]
fn parts(part: &[u8; 16]) -> [int8x16_t; 2] {
    // SAFETY: `part` is 16 bytes; NEON is part of every 64-bit Arm target.
    unsafe {
        let bytes = vld1q_u8(part.as_ptr());
        let flipped = veorq_u8(bytes, vdupq_n_u8(0x80));
        let low = vandq_u8(bytes, vdupq_n_u8(0x0f));
        [vreinterpretq_s8_u8(flipped), vreinterpretq_s8_u8(low)]
    }
}

/// 128 · Σ codes: what flipping the top bits took from a sum.
#[inline]
fn flipped(codes: impl Iterator<Item = i8>) -> i32 {
    128 * codes.map(i32::from).sum::<i32>()
}

/// What flipping the top bits took from the sums of whole bytes.
#[inline]
fn correction(query: &CoarseQuery) -> int32x4_t {
    let codes = query.words.iter().flat_map(|[word, _]| word.to_le_bytes());
    let taken = flipped(codes.map(u8::cast_signed));
    // SAFETY: NEON is part of every 64-bit Arm target.
    unsafe { vdupq_n_s32(taken) }
}

#[inline]
fn stored(sums: [int32x4_t; 4]) -> [i32; ROWS] {
    let mut out = [0_i32; ROWS];
    for (four, sum) in out.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
        // SAFETY: `four` is room for four integers; NEON is part of every 64-bit Arm target.
        unsafe { vst1q_s32(four.as_mut_ptr(), sum) };
    }
    out
}

/// Widening multiplies (|128·127| fits 16 bits), pairs added into 32 bits: the two sums of a row
/// are joined at the end.
fn sums_widening(query: &CoarseQuery, block: &[u8], taken: int32x4_t) -> [[i32; ROWS]; 2] {
    // SAFETY: NEON is part of every 64-bit Arm target; no pointer is involved here.
    unsafe {
        let zero = vdupq_n_s32(0);
        let mut sums = [[(zero, zero); 4]; 2];
        for (group, words) in block.as_chunks::<GROUP>().0.iter().zip(&query.words) {
            for (at, part) in group.as_chunks::<16>().0.iter().enumerate() {
                for ((sums, word), bytes) in sums.iter_mut().zip(words).zip(parts(part)) {
                    let query = vget_low_s8(repeated(*word));
                    if let Some((first, second)) = sums.get_mut(at) {
                        *first = vpadalq_s16(*first, vmull_s8(vget_low_s8(bytes), query));
                        *second = vpadalq_s16(*second, vmull_s8(vget_high_s8(bytes), query));
                    }
                }
            }
        }
        let [whole, low] = sums.map(|sums| sums.map(|(first, second)| vpaddq_s32(first, second)));
        [stored(whole.map(|sum| vaddq_s32(sum, taken))), stored(low)]
    }
}

/// `sdot`: four rows × four bytes in one instruction.
///
/// # Safety
///
/// The processor must have the dot product extension (`dotprod`).
#[target_feature(enable = "neon,dotprod")]
fn sums_dotprod(query: &CoarseQuery, block: &[u8], taken: int32x4_t) -> [[i32; ROWS]; 2] {
    let mut sums = [[vdupq_n_s32(0); 4]; 2];
    for (group, words) in block.as_chunks::<GROUP>().0.iter().zip(&query.words) {
        for (at, part) in group.as_chunks::<16>().0.iter().enumerate() {
            for ((sums, word), bytes) in sums.iter_mut().zip(words).zip(parts(part)) {
                if let Some(sum) = sums.get_mut(at) {
                    *sum = sdot(*sum, bytes, repeated(*word));
                }
            }
        }
    }
    let [whole, low] = sums;
    [stored(whole.map(|sum| vaddq_s32(sum, taken))), stored(low)]
}

/// Adds four products to each lane.
///
/// # Safety
///
/// The processor must have the dot product extension (`dotprod`).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut sum: int32x4_t, left: int8x16_t, right: int8x16_t) -> int32x4_t {
    // SAFETY: reads and writes the three named registers only; the feature is enabled for this function.
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

/// Sixteen codes at a time; rows are a multiple of 32 long.
fn sum(query: &[i8], row: &[u8]) -> i32 {
    // SAFETY: sixteen bytes are read of sixteen; NEON is part of every 64-bit Arm target.
    unsafe {
        let mut sum = vdupq_n_s32(0);
        for (query, row) in query.as_chunks::<16>().0.iter().zip(row.as_chunks::<16>().0) {
            let query = vld1q_s8(query.as_ptr());
            let [row, _] = parts(row);
            sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(row), vget_low_s8(query)));
            sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(row), vget_high_s8(query)));
        }
        vaddvq_s32(sum) + flipped(query.iter().copied())
    }
}

/// Sixteen registers of two lanes.
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
