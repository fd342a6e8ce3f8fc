//! Kernels for x86-64: AVX-512 VNNI, and AVX2 with FMA.
#![expect(unsafe_code, reason = "calls after run-time detection, hints")]

mod avx2;
mod avx512;

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use super::portable;
use super::table::Kernels;

static AVX512: Kernels = Kernels {
    name: "avx512-vnni",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        // SAFETY: the table is only handed out by `available`, after the features were detected.
        unsafe { avx512::scan(query, blocks, scores, hits) }
    },
    rotate: |matrix, vector, scale, rotated| {
        // SAFETY: as above.
        unsafe { avx512::rotate(matrix, vector, scale, rotated) }
    },
    quantize: |values, limit, codes| {
        // SAFETY: as above.
        unsafe { avx512::quantize(values, limit, codes) }
    },
    quantize_wide: |values, limit, codes| {
        // SAFETY: as above.
        unsafe { avx512::quantize_wide(values, limit, codes) }
    },
    select: |scores, cutoff, first, found| {
        // SAFETY: as above.
        unsafe { avx512::select(scores, cutoff, first, found) }
    },
    byte_dots: |query, rows, sums| {
        // SAFETY: as above.
        unsafe { avx512::byte_dots(query, rows, sums) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { avx512::dot(query, row) }
    },
    prefetch,
};

static AVX2: Kernels = Kernels {
    name: "avx2",
    query_limit: 63,
    scan: |query, blocks, scores, hits| {
        // SAFETY: as above.
        unsafe { avx2::scan(query, blocks, scores, hits) }
    },
    rotate: |matrix, vector, scale, rotated| {
        // SAFETY: as above.
        unsafe { avx2::rotate(matrix, vector, scale, rotated) }
    },
    quantize: portable::KERNELS.quantize,
    quantize_wide: portable::KERNELS.quantize_wide,
    select: |scores, cutoff, first, found| {
        // SAFETY: as above.
        unsafe { avx2::select(scores, cutoff, first, found) }
    },
    byte_dots: |query, rows, sums| {
        // SAFETY: as above.
        unsafe { avx2::byte_dots(query, rows, sums) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { avx2::dot(query, row) }
    },
    prefetch,
};

/// Returns the tables this processor can run, best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("popcnt");
    [(avx512, &AVX512), (avx2, &AVX2)].into_iter().filter_map(|(runs, table)| runs.then_some(table))
}

/// Gives one hint per cache line.
fn prefetch(start: *const u8, n_bytes: usize) {
    for line in (0..n_bytes).step_by(64) {
        // SAFETY: SSE is part of every x86-64 target; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast()) };
    }
}
