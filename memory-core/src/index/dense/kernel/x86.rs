//! Kernels for x86-64: AVX-512 VNNI, and AVX2 with FMA.
#![expect(unsafe_code, reason = "calls after run-time detection, hints")]

mod avx2;
mod avx512;

use super::{Kernels, portable};
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

static AVX512: Kernels = Kernels {
    name: "avx512-vnni",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        // SAFETY: the table is only handed out by `available`, after the features were detected.
        unsafe { avx512::scan(query, blocks, scores, hits) }
    },
    turn: |matrix, vector, scale, turned| {
        // SAFETY: as above.
        unsafe { avx512::turn(matrix, vector, scale, turned) }
    },
    quantise: |values, limit, codes| {
        // SAFETY: as above.
        unsafe { avx512::quantise(values, limit, codes) }
    },
    quantise_wide: |values, limit, codes| {
        // SAFETY: as above.
        unsafe { avx512::quantise_wide(values, limit, codes) }
    },
    reaching: |scores, ends, first, found| {
        // SAFETY: as above.
        unsafe { avx512::reaching(scores, ends, first, found) }
    },
    sums: |query, rows, sums| {
        // SAFETY: as above.
        unsafe { avx512::sums(query, rows, sums) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { avx512::dot(query, row) }
    },
    estimate: |query, sketches, scores| {
        if is_x86_feature_detected!("avx512vpopcntdq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: as above, and the further features were detected just now.
            unsafe { avx512::estimate(query, sketches, scores) }
        } else {
            // SAFETY: processors with AVX-512 have AVX2, and `available` checks it.
            unsafe { avx2::estimate(query, sketches, scores) }
        }
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
    turn: |matrix, vector, scale, turned| {
        // SAFETY: as above.
        unsafe { avx2::turn(matrix, vector, scale, turned) }
    },
    quantise: portable::KERNELS.quantise,
    quantise_wide: portable::KERNELS.quantise_wide,
    reaching: |scores, ends, first, found| {
        // SAFETY: as above.
        unsafe { avx2::reaching(scores, ends, first, found) }
    },
    sums: |query, rows, sums| {
        // SAFETY: as above.
        unsafe { avx2::sums(query, rows, sums) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { avx2::dot(query, row) }
    },
    estimate: |query, sketches, scores| {
        // SAFETY: as above.
        unsafe { avx2::estimate(query, sketches, scores) }
    },
    prefetch,
};

/// The tables this processor can run, best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("popcnt");
    [(avx512, &AVX512), (avx2, &AVX2)].into_iter().filter_map(|(runs, table)| runs.then_some(table))
}

/// One hint per cache line.
fn prefetch(start: *const u8, n_bytes: usize) {
    for line in (0..n_bytes).step_by(64) {
        // SAFETY: SSE is part of every x86-64 target; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast()) };
    }
}
