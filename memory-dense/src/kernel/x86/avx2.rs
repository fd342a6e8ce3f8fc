//! AVX2 with FMA.
#![expect(unsafe_code, reason = "loads through pointers")]
#![expect(clippy::cast_ptr_alignment, reason = "the loads and stores used need no alignment")]

use std::arch::x86_64::{
    __m256i, _mm_add_pd, _mm_add_sd, _mm_cvtsd_f64, _mm_loadu_ps, _mm_unpackhi_pd,
    _mm256_add_epi32, _mm256_add_pd, _mm256_add_ps, _mm256_and_si256, _mm256_castpd256_pd128,
    _mm256_cvtepi32_ps, _mm256_cvtps_pd, _mm256_extractf128_pd, _mm256_fmadd_pd, _mm256_loadu_pd,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_pd, _mm256_setzero_si256,
    _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256,
};

use crate::kernel::portable;
use crate::kernel::table::{Cutoff, GROUP, LANES, ROWS, ScanBlocks, ScanQuery, TOGETHER};

/// Scans by `vpmaddubsw` (two products in 16 bits), then `vpmaddwd` by ones; a block is two halves
/// of eight rows. Query codes are within ±63, or the 16-bit sums of whole bytes would saturate.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn scan(
    query: &ScanQuery,
    blocks: ScanBlocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
) {
    portable::scan_by(query, blocks, scores, hits, |query, block| block_sums(query, block));
}

/// Returns the integer sums of a block.
///
/// # Safety
///
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
fn block_sums(query: &ScanQuery, block: &[u8]) -> portable::BlockSums {
    let [bytes, halves, quarters] = query.sections(block);
    let parts = query.parts();
    let (low_half, quarter) = (_mm256_set1_epi8(15), _mm256_set1_epi8(3));
    // Of each kind, one for each half of the rows.
    let mut sums = [[_mm256_setzero_si256(); 2]; 4];
    let [by_bytes, whole, low, by_quarters] = &mut sums;
    for (group, four) in bytes.iter().zip(parts.bytes) {
        for (sum, codes) in by_bytes.iter_mut().zip(loaded(group)) {
            *sum = add_fours(*sum, codes, *four);
        }
    }
    for (group, (a, b)) in halves.iter().zip(parts.whole.iter().zip(parts.low)) {
        for ((whole, low), codes) in whole.iter_mut().zip(low.iter_mut()).zip(loaded(group)) {
            *whole = add_fours(*whole, codes, *a);
            *low = add_fours(*low, _mm256_and_si256(codes, low_half), *b);
        }
    }
    let [first, second, third, fourth] = parts.quarters;
    let fours = first.iter().zip(second).zip(third.iter().zip(fourth));
    for (group, ((a, b), (c, d))) in quarters.iter().zip(fours) {
        for (sum, codes) in by_quarters.iter_mut().zip(loaded(group)) {
            // The bits that come from the next byte are cut off.
            let shifted = [
                codes,
                _mm256_srli_epi16::<2>(codes),
                _mm256_srli_epi16::<4>(codes),
                _mm256_srli_epi16::<6>(codes),
            ];
            for (codes, four) in shifted.into_iter().zip([a, b, c, d]) {
                *sum = add_fours(*sum, _mm256_and_si256(codes, quarter), *four);
            }
        }
    }
    let mut out = [[0_i32; ROWS]; 4];
    for (out, sums) in out.iter_mut().zip(sums) {
        for (eight, sum) in out.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
            // SAFETY: eight integers; no alignment is needed.
            unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast::<__m256i>(), sum) };
        }
    }
    out
}

/// Loads the two halves of a group.
#[inline]
#[target_feature(enable = "avx2")]
fn loaded(group: &[u8; GROUP]) -> [__m256i; 2] {
    let start = group.as_ptr().cast::<__m256i>();
    // SAFETY: 64 bytes; the loads need no alignment.
    unsafe { [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))] }
}

/// Adds to each lane the four products of its bytes and the codes of a query.
#[inline]
#[target_feature(enable = "avx2")]
fn add_fours(sum: __m256i, codes: __m256i, four: [i8; TOGETHER]) -> __m256i {
    let four = _mm256_set1_epi32(i32::from_le_bytes(four.map(i8::cast_unsigned)));
    _mm256_add_epi32(sum, fours(codes, four))
}

/// Rotates by `vpmaddwd` on two times sixteen codes.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn rotate(matrix: &[i16], vector: &[i16], scale: f32, rotated: &mut [f32]) {
    for (row, place) in matrix.chunks_exact(vector.len().max(1)).zip(rotated) {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (row, vector) in portable::wide(row).iter().zip(portable::wide(vector)) {
            let halves = row.as_chunks::<ROWS>().0.iter().zip(vector.as_chunks::<ROWS>().0);
            for (sum, (row, vector)) in sums.iter_mut().zip(halves) {
                // SAFETY: 32 bytes each; the loads need no alignment.
                let (row, vector) = unsafe {
                    (
                        _mm256_loadu_si256(row.as_ptr().cast::<__m256i>()),
                        _mm256_loadu_si256(vector.as_ptr().cast::<__m256i>()),
                    )
                };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(row, vector));
            }
        }
        let [low, high] = sums;
        let eight = _mm256_add_ps(_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high));
        let mut lanes = [0.0_f32; 8];
        // SAFETY: eight floats; no alignment is needed.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), eight) };
        *place = portable::fold(lanes) * scale;
    }
}

/// Returns sums of four products each, of bytes and codes within ±63.
#[inline]
#[target_feature(enable = "avx2")]
fn fours(bytes: __m256i, codes: __m256i) -> __m256i {
    _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, codes), _mm256_set1_epi16(1))
}

/// Runs the portable loop, which the compiler vectorizes with wider registers.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn select(scores: &[f32], cutoff: Cutoff<'_>, first: u32, found: &mut [u32]) -> usize {
    portable::select(scores, cutoff, first, found)
}

/// Multiplies one row after the other.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn byte_dots(query: &[i8], rows: &[&[u8]], sums: &mut [i32]) {
    for (place, row) in sums.iter_mut().zip(rows) {
        *place = byte_dot(query, row);
    }
}

/// Multiplies 32 codes at a time; query codes are within ±63.
///
/// # Safety
///
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
fn byte_dot(query: &[i8], row: &[u8]) -> i32 {
    let mut sum = _mm256_setzero_si256();
    for (query, row) in query.as_chunks::<32>().0.iter().zip(row.as_chunks::<32>().0) {
        // SAFETY: 32 bytes each; the loads need no alignment.
        let (query, row) = unsafe {
            (
                _mm256_loadu_si256(query.as_ptr().cast::<__m256i>()),
                _mm256_loadu_si256(row.as_ptr().cast::<__m256i>()),
            )
        };
        sum = _mm256_add_epi32(sum, fours(row, query));
    }
    let mut lanes = [0_i32; 8];
    // SAFETY: eight integers; no alignment is needed.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast::<__m256i>(), sum) };
    lanes.iter().sum()
}

/// Sums in eight registers of four lanes.
///
/// # Safety
///
/// The processor must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn dot(query: &[f64], row: &[f32]) -> f64 {
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
