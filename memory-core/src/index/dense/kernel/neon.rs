//! Kernels for 64-bit Arm: NEON, which every such processor has, and `sdot` where it has that too.
//!
//! Row codes carry an offset of 128; flipping their top bit gives `code − 128` as a signed byte, so
//! these sums need no correction by the query's offset.
#![expect(unsafe_code, reason = "loads through pointers, one instruction without intrinsic")]

use super::{Blocks, CodedQuery, Kernels, LANES, ROWS, TOGETHER, portable};
use std::arch::aarch64::{
    int8x16_t, int32x4_t, vcvt_f64_f32, vdupq_n_f64, vdupq_n_s32, vdupq_n_u8, veorq_u8, vfmaq_f64,
    vget_high_s8, vget_low_s8, vld1_f32, vld1q_f64, vld1q_u8, vmull_s8, vpadalq_s16, vpaddq_s32,
    vreinterpretq_s8_s32, vreinterpretq_s8_u8, vst1q_f64, vst1q_s32,
};
use std::arch::asm;

static NEON: Kernels = Kernels {
    name: "neon",
    query_limit: 127,
    scan: |query, blocks, scores, hits| scan(query, blocks, scores, hits, sums_widening),
    dot: |query, row| {
        // SAFETY: NEON is part of every 64-bit Arm target.
        unsafe { dot(query, row) }
    },
    // NEON is in the baseline, so the compiler counts bits by `cnt` in the portable loop.
    estimate: portable::estimate,
    prefetch: |_| (),
};

static DOTPROD: Kernels = Kernels {
    name: "neon-dotprod",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        scan(query, blocks, scores, hits, |query, block| {
            // SAFETY: the table is only handed out by `available`, after the feature was detected.
            unsafe { sums_dotprod(query, block) }
        });
    },
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

/// The part that both scans share; `sums` gives Σ (code − 128)·query of the rows of a block.
#[inline]
fn scan(
    query: &CodedQuery,
    blocks: Blocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
    sums: impl Fn(&CodedQuery, &[u8]) -> [i32; ROWS],
) {
    let bytes = query.words.len() * TOGETHER * ROWS;
    let codes = blocks.codes.chunks_exact(bytes.max(1));
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    for ((((block, scales), floor), scores), hits) in
        codes.zip(scales).zip(blocks.floors).zip(scores).zip(hits)
    {
        let sums = sums(query, block);
        *hits = portable::finish(&sums, 0, query.scale, scales, *floor, scores);
    }
}

/// Sixteen row codes of a block as signed bytes.
#[inline]
fn signed(part: &[u8; 16]) -> int8x16_t {
    // SAFETY: `part` is 16 bytes; NEON is part of every 64-bit Arm target.
    unsafe { vreinterpretq_s8_u8(veorq_u8(vld1q_u8(part.as_ptr()), vdupq_n_u8(0x80))) }
}

/// Four query codes, four times.
#[inline]
fn repeated(word: u32) -> int8x16_t {
    // SAFETY: NEON is part of every 64-bit Arm target.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(word.cast_signed())) }
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

/// Widening multiplies (|127·127| fits 16 bits), pairs added into 32 bits: the two sums of a row
/// are joined at the end.
fn sums_widening(query: &CodedQuery, block: &[u8]) -> [i32; ROWS] {
    // SAFETY: NEON is part of every 64-bit Arm target; no pointer is involved here.
    unsafe {
        let mut sums = [(vdupq_n_s32(0), vdupq_n_s32(0)); 4];
        let groups = block.as_chunks::<{ ROWS * TOGETHER }>().0;
        for (group, word) in groups.iter().zip(&query.words) {
            let query = vget_low_s8(repeated(*word));
            for ((low, high), part) in sums.iter_mut().zip(group.as_chunks::<16>().0) {
                let codes = signed(part);
                *low = vpadalq_s16(*low, vmull_s8(vget_low_s8(codes), query));
                *high = vpadalq_s16(*high, vmull_s8(vget_high_s8(codes), query));
            }
        }
        stored(sums.map(|(low, high)| vpaddq_s32(low, high)))
    }
}

/// `sdot`: four rows × four dimensions in one instruction.
///
/// # Safety
///
/// The processor must have the dot product extension (`dotprod`).
#[target_feature(enable = "neon,dotprod")]
fn sums_dotprod(query: &CodedQuery, block: &[u8]) -> [i32; ROWS] {
    let mut sums = [vdupq_n_s32(0); 4];
    let groups = block.as_chunks::<{ ROWS * TOGETHER }>().0;
    for (group, word) in groups.iter().zip(&query.words) {
        let query = repeated(*word);
        for (sum, part) in sums.iter_mut().zip(group.as_chunks::<16>().0) {
            let codes = signed(part);
            // SAFETY: reads and writes the three named registers only; the feature is enabled for
            // this function. (The intrinsic `vdotq_s32` is unstable, rust-lang/rust#117224.)
            unsafe {
                asm!(
                    "sdot {sum:v}.4s, {codes:v}.16b, {query:v}.16b",
                    sum = inout(vreg) *sum,
                    codes = in(vreg) codes,
                    query = in(vreg) query,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
        }
    }
    stored(sums)
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
