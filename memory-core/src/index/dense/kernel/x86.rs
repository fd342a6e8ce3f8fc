//! Kernels for x86-64: AVX-512 VNNI, and AVX2 with FMA.
#![expect(unsafe_code, reason = "loads through pointers, calls after run-time detection")]
#![expect(clippy::cast_ptr_alignment, reason = "the loads used need no alignment")]

use super::{
    Blocks, CoarseQuery, Ends, GROUP, Kernels, LANES, ROWS, SKETCH_ROWS, SketchQuery, Sketches,
    portable,
};
use std::arch::x86_64::{
    __m256i, __m512i, _CMP_GE_OQ, _MM_HINT_NTA, _MM_HINT_T0, _mm_add_pd, _mm_add_ps, _mm_add_sd,
    _mm_cvtepi32_ps, _mm_cvtsd_f64, _mm_loadu_ps, _mm_mul_ps, _mm_prefetch, _mm_set1_ps,
    _mm_storeu_ps, _mm_sub_ps, _mm_unpackhi_pd, _mm256_add_epi8, _mm256_add_epi32,
    _mm256_add_epi64, _mm256_add_pd, _mm256_add_ps, _mm256_and_si256, _mm256_castpd256_pd128,
    _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_cvtps_pd,
    _mm256_extractf128_pd, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_ps, _mm256_mul_ps,
    _mm256_permutevar8x32_epi32, _mm256_sad_epu8, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_ps, _mm256_setr_epi8, _mm256_setr_epi32,
    _mm256_setzero_pd, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi64,
    _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi64, _mm256_sub_ps,
    _mm512_add_epi32, _mm512_add_epi64, _mm512_add_pd, _mm512_add_ps, _mm512_and_si512,
    _mm512_castpd512_pd256, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_cvtepi64_epi32,
    _mm512_cvtps_pd, _mm512_dpbusd_epi32, _mm512_extractf64x4_pd, _mm512_fmadd_pd, _mm512_loadu_pd,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_popcnt_epi64,
    _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_si512, _mm512_slli_epi64, _mm512_storeu_ps,
    _mm512_sub_epi64, _mm512_sub_ps,
};

static AVX512: Kernels = Kernels {
    name: "avx512-vnni",
    query_limit: 127,
    scan: |query, blocks, scores, hits| {
        // SAFETY: the table is only handed out by `available`, after the features were detected.
        unsafe { scan_avx512(query, blocks, scores, hits) }
    },
    reaching: |scores, ends, hits| {
        // SAFETY: as above.
        unsafe { reaching_avx512(scores, ends, hits) }
    },
    sum: |query, row| {
        // SAFETY: as above.
        unsafe { sum_avx512(query, row) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { dot_avx512(query, row) }
    },
    estimate: |query, sketches, scores| {
        if is_x86_feature_detected!("avx512vpopcntdq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: as above, and the further features were detected just now.
            unsafe { estimate_avx512(query, sketches, scores) }
        } else {
            // SAFETY: processors with AVX-512 have AVX2, and `available` checks it.
            unsafe { estimate_avx2(query, sketches, scores) }
        }
    },
    prefetch,
};

static AVX2: Kernels = Kernels {
    name: "avx2",
    query_limit: 63,
    scan: |query, blocks, scores, hits| {
        // SAFETY: as above.
        unsafe { scan_avx2(query, blocks, scores, hits) }
    },
    reaching: |scores, ends, hits| {
        // SAFETY: as above.
        unsafe { reaching_avx2(scores, ends, hits) }
    },
    sum: |query, row| {
        // SAFETY: as above.
        unsafe { sum_avx2(query, row) }
    },
    dot: |query, row| {
        // SAFETY: as above.
        unsafe { dot_avx2(query, row) }
    },
    estimate: |query, sketches, scores| {
        // SAFETY: as above.
        unsafe { estimate_avx2(query, sketches, scores) }
    },
    prefetch,
};

/// The tables this processor can run, best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni");
    [(avx512, &AVX512), (avx2, &AVX2)].into_iter().filter_map(|(runs, table)| runs.then_some(table))
}

/// How many bytes ahead codes are asked for.
///
/// Of 4, 6, 8, 12, 16 and 24 KiB, eight was best: 10,000 rows 17.8 → 15.7 µs, 20,000 38 → 32 µs, 100,000
/// 250 → 215 µs.
const CODES_AHEAD: usize = 8 << 10;

/// Two `vpdpbusd` per group; four sums of each kind hide their latency.
///
/// A code is read once per query: asked for as such (`prefetchnta`), it does not push out of the
/// second-level cache what is read again.
///
/// # Safety
///
/// The processor must have AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn scan_avx512(query: &CoarseQuery, blocks: Blocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    let codes = blocks.codes.chunks_exact((query.words.len() * GROUP).max(1));
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    let words = query.words.as_chunks::<4>().0;
    // Not by `map`, which is a call from here.
    let [whole_step, low_step] = query.steps;
    let (whole_step, low_step) = (_mm512_set1_ps(whole_step), _mm512_set1_ps(low_step));
    let (offset, floor) = (_mm512_set1_ps(query.offset), _mm512_set1_ps(blocks.floor));
    let low_half = _mm512_set1_epi8(15);
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        let mut sums = [(_mm512_setzero_si512(), _mm512_setzero_si512()); 4];
        for (groups, words) in block.as_chunks::<{ 4 * GROUP }>().0.iter().zip(words) {
            let groups = groups.as_chunks::<GROUP>().0;
            for (((whole, low), group), [a, b]) in sums.iter_mut().zip(groups).zip(words) {
                // SAFETY: `group` is 64 bytes; the load needs no alignment.
                let codes = unsafe { _mm512_loadu_si512(group.as_ptr().cast::<__m512i>()) };
                let soon = group.as_ptr().wrapping_add(CODES_AHEAD);
                _mm_prefetch::<_MM_HINT_NTA>(soon.cast());
                let (a, b) =
                    (_mm512_set1_epi32(a.cast_signed()), _mm512_set1_epi32(b.cast_signed()));
                *whole = _mm512_dpbusd_epi32(*whole, codes, a);
                *low = _mm512_dpbusd_epi32(*low, _mm512_and_si512(codes, low_half), b);
            }
        }
        let [a, b, c, d] = sums;
        let whole = _mm512_add_epi32(_mm512_add_epi32(a.0, b.0), _mm512_add_epi32(c.0, d.0));
        let low = _mm512_add_epi32(_mm512_add_epi32(a.1, b.1), _mm512_add_epi32(c.1, d.1));
        let whole = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), whole_step);
        let low = _mm512_mul_ps(_mm512_cvtepi32_ps(low), low_step);
        // SAFETY: `scales` and `scores` are 16 floats each; no alignment is needed.
        let scales = unsafe { _mm512_loadu_ps(scales.as_ptr()) };
        let sum = _mm512_add_ps(whole, low);
        let score = _mm512_mul_ps(_mm512_sub_ps(sum, offset), scales);
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), score) };
        *hits = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(score, floor);
    }
}

/// One comparison a block.
///
/// # Safety
///
/// The processor must have AVX-512 F.
#[target_feature(enable = "avx512f")]
fn reaching_avx512(scores: &[f32], ends: Ends<'_>, hits: &mut [u16]) {
    let floor = _mm512_set1_ps(ends.floor);
    let [error, norm] = ends.weights;
    let (error, norm) = (_mm512_set1_ps(error), _mm512_set1_ps(norm));
    let (scores, errors) = (scores.as_chunks::<ROWS>().0, ends.errors.as_chunks::<ROWS>().0);
    let ends = errors.iter().zip(ends.norms.as_chunks::<ROWS>().0);
    for ((scores, (errors, norms)), hits) in scores.iter().zip(ends).zip(hits) {
        // SAFETY: sixteen floats; the load needs no alignment.
        let scores = unsafe { _mm512_loadu_ps(scores.as_ptr()) };
        // SAFETY: as above.
        let (errors, norms) =
            unsafe { (_mm512_loadu_ps(errors.as_ptr()), _mm512_loadu_ps(norms.as_ptr())) };
        let margins = _mm512_add_ps(_mm512_mul_ps(errors, error), _mm512_mul_ps(norms, norm));
        *hits = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(_mm512_add_ps(scores, margins), floor);
    }
}

/// 64 codes at a time; rows are a multiple of 32 long.
///
/// # Safety
///
/// The processor must have AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sum_avx512(query: &[i8], row: &[u8]) -> i32 {
    let mut sums = [_mm512_setzero_si512(); 2];
    let (queries, query_rest) = query.as_chunks::<128>();
    let (rows, row_rest) = row.as_chunks::<128>();
    for (query, row) in queries.iter().zip(rows) {
        let halves = query.as_chunks::<64>().0.iter().zip(row.as_chunks::<64>().0);
        for (sum, (query, row)) in sums.iter_mut().zip(halves) {
            // SAFETY: 64 bytes each; the loads need no alignment.
            let (query, row) = unsafe {
                (
                    _mm512_loadu_si512(query.as_ptr().cast::<__m512i>()),
                    _mm512_loadu_si512(row.as_ptr().cast::<__m512i>()),
                )
            };
            *sum = _mm512_dpbusd_epi32(*sum, row, query);
        }
    }
    let [a, b] = sums;
    _mm512_reduce_add_epi32(_mm512_add_epi32(a, b)) + portable::sum(query_rest, row_rest)
}

/// Four registers of eight lanes.
///
/// # Safety
///
/// The processor must have AVX-512 F.
#[target_feature(enable = "avx512f")]
fn dot_avx512(query: &[f64], row: &[f32]) -> f64 {
    let mut sums = [_mm512_setzero_pd(); 4];
    let chunks = row.as_chunks::<LANES>().0.iter();
    for (query, row) in query.as_chunks::<LANES>().0.iter().zip(chunks) {
        let parts = query.as_chunks::<8>().0.iter().zip(row.as_chunks::<8>().0);
        for (sum, (query, row)) in sums.iter_mut().zip(parts) {
            // SAFETY: eight numbers each; no alignment is needed.
            let (query, row) =
                unsafe { (_mm512_loadu_pd(query.as_ptr()), _mm256_loadu_ps(row.as_ptr())) };
            *sum = _mm512_fmadd_pd(query, _mm512_cvtps_pd(row), *sum);
        }
    }
    let [a, b, c, d] = sums;
    let eight = _mm512_add_pd(_mm512_add_pd(a, c), _mm512_add_pd(b, d));
    let four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd::<1>(eight));
    let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

/// `vpmaddubsw` (two products in 16 bits), then `vpmaddwd` by ones; a block is two halves of
/// eight rows. Query codes within ±63, or the 16-bit sums of whole bytes saturate.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
fn scan_avx2(query: &CoarseQuery, blocks: Blocks<'_>, scores: &mut [f32], hits: &mut [u16]) {
    let codes = blocks.codes.chunks_exact((query.words.len() * GROUP).max(1));
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    let [whole_step, low_step] = query.steps.map(|step| _mm256_set1_ps(step));
    let (offset, floor) = (_mm256_set1_ps(query.offset), _mm256_set1_ps(blocks.floor));
    let low_half = _mm256_set1_epi8(15);
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        // Two halves of the rows, each with its two sums.
        let mut sums = [(_mm256_setzero_si256(), _mm256_setzero_si256()); 2];
        for (group, [a, b]) in block.as_chunks::<GROUP>().0.iter().zip(&query.words) {
            let (a, b) = (_mm256_set1_epi32(a.cast_signed()), _mm256_set1_epi32(b.cast_signed()));
            for ((whole, low), half) in sums.iter_mut().zip(group.as_chunks::<32>().0) {
                // SAFETY: `half` is 32 bytes; the load needs no alignment.
                let codes = unsafe { _mm256_loadu_si256(half.as_ptr().cast::<__m256i>()) };
                *whole = _mm256_add_epi32(*whole, fours_avx2(codes, a));
                *low = _mm256_add_epi32(*low, fours_avx2(_mm256_and_si256(codes, low_half), b));
            }
        }
        let mut bits = [0_u16; 2];
        let scales = scales.as_chunks::<8>().0;
        let scores = scores.as_chunks_mut::<8>().0;
        for ((((whole, low), scales), scores), bits) in
            sums.into_iter().zip(scales).zip(scores).zip(&mut bits)
        {
            let whole = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), whole_step);
            let low = _mm256_mul_ps(_mm256_cvtepi32_ps(low), low_step);
            // SAFETY: eight floats each; no alignment is needed.
            let scales = unsafe { _mm256_loadu_ps(scales.as_ptr()) };
            let sum = _mm256_add_ps(whole, low);
            let score = _mm256_mul_ps(_mm256_sub_ps(sum, offset), scales);
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(scores.as_mut_ptr(), score) };
            let above = _mm256_cmp_ps::<_CMP_GE_OQ>(score, floor);
            let [byte, ..] = _mm256_movemask_ps(above).to_le_bytes();
            *bits = u16::from(byte);
        }
        let [low, high] = bits;
        *hits = low | high << 8;
    }
}

/// Sums of four products each, of bytes and codes within ±63.
#[inline]
#[target_feature(enable = "avx2")]
fn fours_avx2(bytes: __m256i, codes: __m256i) -> __m256i {
    _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, codes), _mm256_set1_epi16(1))
}

/// The portable loop, as the compiler makes it of wider registers.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
fn reaching_avx2(scores: &[f32], ends: Ends<'_>, hits: &mut [u16]) {
    portable::reaching(scores, ends, hits);
}

/// 32 codes at a time; query codes within ±63.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
fn sum_avx2(query: &[i8], row: &[u8]) -> i32 {
    let mut sum = _mm256_setzero_si256();
    for (query, row) in query.as_chunks::<32>().0.iter().zip(row.as_chunks::<32>().0) {
        // SAFETY: 32 bytes each; the loads need no alignment.
        let (query, row) = unsafe {
            (
                _mm256_loadu_si256(query.as_ptr().cast::<__m256i>()),
                _mm256_loadu_si256(row.as_ptr().cast::<__m256i>()),
            )
        };
        sum = _mm256_add_epi32(sum, fours_avx2(row, query));
    }
    let mut lanes = [0_i32; 8];
    // SAFETY: eight integers; no alignment is needed.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast::<__m256i>(), sum) };
    lanes.iter().sum()
}

/// Eight registers of four lanes.
///
/// # Safety
///
/// The processor must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(query: &[f64], row: &[f32]) -> f64 {
    let mut sums = [_mm256_setzero_pd(); 8];
    let chunks = row.as_chunks::<LANES>().0.iter();
    for (query, row) in query.as_chunks::<LANES>().0.iter().zip(chunks) {
        let parts = query.as_chunks::<4>().0.iter().zip(row.as_chunks::<4>().0);
        for (sum, (query, row)) in sums.iter_mut().zip(parts) {
            // SAFETY: four numbers each; no alignment is needed.
            let (query, row) =
                unsafe { (_mm256_loadu_pd(query.as_ptr()), _mm_loadu_ps(row.as_ptr())) };
            *sum = _mm256_fmadd_pd(query, _mm256_cvtps_pd(row), *sum);
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let (s0, s1) = (_mm256_add_pd(s0, s4), _mm256_add_pd(s1, s5));
    let (s2, s3) = (_mm256_add_pd(s2, s6), _mm256_add_pd(s3, s7));
    let four = _mm256_add_pd(_mm256_add_pd(s0, s2), _mm256_add_pd(s1, s3));
    let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

/// `vpopcntq` on eight rows at a time, one sum per plane of the query.
///
/// # Safety
///
/// The processor must have AVX-512 F, VL, DQ and VPOPCNTDQ.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512vpopcntdq")]
fn estimate_avx512(query: &SketchQuery, sketches: Sketches<'_>, scores: &mut [f32]) {
    let groups = sketches.bits.chunks_exact((query.planes.len() * SKETCH_ROWS).max(1));
    let factors = sketches.factors.as_chunks::<SKETCH_ROWS>().0;
    let offsets = sketches.offsets.as_chunks::<SKETCH_ROWS>().0;
    let scores = scores.as_chunks_mut::<SKETCH_ROWS>().0;
    for (((group, factors), offsets), scores) in groups.zip(factors).zip(offsets).zip(scores) {
        let mut counts = [_mm512_setzero_si512(); 4];
        let words = group.as_chunks::<SKETCH_ROWS>().0.iter();
        for (words, planes) in words.zip(&query.planes) {
            // SAFETY: eight words; the load needs no alignment.
            let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast::<__m512i>()) };
            for (count, plane) in counts.iter_mut().zip(planes) {
                let both = _mm512_and_si512(words, _mm512_set1_epi64(plane.cast_signed()));
                *count = _mm512_add_epi64(*count, _mm512_popcnt_epi64(both));
            }
        }
        let [ones, twos, fours, eights] = counts;
        let low = _mm512_add_epi64(ones, _mm512_slli_epi64::<1>(twos));
        let high = _mm512_sub_epi64(_mm512_slli_epi64::<2>(fours), _mm512_slli_epi64::<3>(eights));
        let sum = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(_mm512_add_epi64(low, high)));
        // SAFETY: eight floats each; no alignment is needed.
        let (factors, offsets) =
            unsafe { (_mm256_loadu_ps(factors.as_ptr()), _mm256_loadu_ps(offsets.as_ptr())) };
        let product = _mm256_sub_ps(
            _mm256_mul_ps(sum, _mm256_set1_ps(2.0 * query.step)),
            _mm256_set1_ps(query.total),
        );
        let score = _mm256_add_ps(_mm256_mul_ps(factors, product), offsets);
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(scores.as_mut_ptr(), score) };
    }
}

/// Bits counted by a table of sixteen in `vpshufb`, four rows at a time, added up by `vpsadbw`.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
fn estimate_avx2(query: &SketchQuery, sketches: Sketches<'_>, scores: &mut [f32]) {
    let groups = sketches.bits.chunks_exact((query.planes.len() * SKETCH_ROWS).max(1));
    let factors = sketches.factors.as_chunks::<SKETCH_ROWS>().0;
    let offsets = sketches.offsets.as_chunks::<SKETCH_ROWS>().0;
    let scores = scores.as_chunks_mut::<SKETCH_ROWS>().0;
    let zero = _mm256_setzero_si256();
    for (((group, factors), offsets), scores) in groups.zip(factors).zip(offsets).zip(scores) {
        // Of the two halves of the rows: Σ c₀ + 2·c₁ + 4·c₂, and Σ c₃.
        let mut counts = [(zero, zero); 2];
        let words = group.as_chunks::<SKETCH_ROWS>().0.iter();
        for (words, planes) in words.zip(&query.planes) {
            let halves = words.as_chunks::<4>().0.iter();
            for ((positive, negative), half) in counts.iter_mut().zip(halves) {
                // SAFETY: four words; the load needs no alignment.
                let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast::<__m256i>()) };
                let [ones, twos, fours, eights] = planes.map(|plane| {
                    bytes_of_ones(_mm256_and_si256(half, _mm256_set1_epi64x(plane.cast_signed())))
                });
                // At most 8·(1 + 2 + 4) = 56 in a byte.
                let fours = _mm256_add_epi8(fours, fours);
                let twos = _mm256_add_epi8(twos, fours);
                let sum = _mm256_add_epi8(ones, _mm256_add_epi8(twos, twos));
                *positive = _mm256_add_epi64(*positive, _mm256_sad_epu8(sum, zero));
                *negative = _mm256_add_epi64(*negative, _mm256_sad_epu8(eights, zero));
            }
        }
        let factors = factors.as_chunks::<4>().0.iter();
        let offsets = offsets.as_chunks::<4>().0.iter();
        let scores = scores.as_chunks_mut::<4>().0.iter_mut();
        for ((((positive, negative), factors), offsets), scores) in
            counts.into_iter().zip(factors).zip(offsets).zip(scores)
        {
            let sum = _mm256_sub_epi64(positive, _mm256_slli_epi64::<3>(negative));
            let even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
            let sum = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(sum, even));
            let product = _mm_sub_ps(
                _mm_mul_ps(_mm_cvtepi32_ps(sum), _mm_set1_ps(2.0 * query.step)),
                _mm_set1_ps(query.total),
            );
            // SAFETY: four floats each; no alignment is needed.
            let (factors, offsets) =
                unsafe { (_mm_loadu_ps(factors.as_ptr()), _mm_loadu_ps(offsets.as_ptr())) };
            let score = _mm_add_ps(_mm_mul_ps(factors, product), offsets);
            // SAFETY: as above.
            unsafe { _mm_storeu_ps(scores.as_mut_ptr(), score) };
        }
    }
}

/// How many bits of each byte are set.
///
/// # Safety
///
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes_of_ones(bits: __m256i) -> __m256i {
    let table = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3,
        3, 4,
    );
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, nibble));
    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bits), nibble);
    _mm256_add_epi8(low, _mm256_shuffle_epi8(table, high))
}

/// One hint per cache line.
fn prefetch(start: *const u8, n_bytes: usize) {
    for line in (0..n_bytes).step_by(64) {
        // SAFETY: SSE is part of every x86-64 target; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast()) };
    }
}
