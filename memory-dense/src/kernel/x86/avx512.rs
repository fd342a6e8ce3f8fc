//! AVX-512 with VNNI.
#![expect(unsafe_code, reason = "loads through pointers")]
#![expect(clippy::cast_ptr_alignment, reason = "the loads and stores used need no alignment")]

use std::arch::x86_64::{
    __m128, __m128i, __m256, __m512, __m512i, _CMP_GE_OQ, _MM_HINT_NTA, _mm_add_epi32, _mm_add_pd,
    _mm_add_ps, _mm_add_sd, _mm_cvtsd_f64, _mm_movehl_ps, _mm_movelh_ps, _mm_mul_ps, _mm_prefetch,
    _mm_set1_ps, _mm_storeu_ps, _mm_storeu_si128, _mm_unpackhi_pd, _mm_unpackhi_ps,
    _mm_unpacklo_ps, _mm256_add_epi32, _mm256_add_pd, _mm256_add_ps, _mm256_castpd_ps,
    _mm256_castpd256_pd128, _mm256_castps256_ps128, _mm256_castsi256_si128, _mm256_extractf128_pd,
    _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_loadu_ps, _mm256_storeu_si256,
    _mm512_abs_ps, _mm512_add_epi32, _mm512_add_pd, _mm512_add_ps, _mm512_and_si512,
    _mm512_castpd512_pd256, _mm512_castps_pd, _mm512_castps512_ps256, _mm512_castsi512_si256,
    _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_epi16, _mm512_cvtepi32_ps,
    _mm512_cvtps_epi32, _mm512_cvtps_pd, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32,
    _mm512_extractf64x4_pd, _mm512_extracti64x4_epi64, _mm512_fmadd_pd, _mm512_loadu_pd,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_maskz_compress_epi32, _mm512_max_ps, _mm512_mul_ps,
    _mm512_reduce_add_epi32, _mm512_reduce_max_ps, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_setzero_si512,
    _mm512_srli_epi16, _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_ps, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use crate::kernel::portable;
use crate::kernel::table::{
    Cutoff, GROUP, LANES, Quantized, ROWS, ScanBlocks, ScanQuery, TOGETHER,
};

/// Distance in bytes at which codes are asked for ahead.
///
/// Of 4, 6, 8, 12, 16 and 24 KiB, eight was best: 10,000 rows 17.8 → 15.7 µs, 20,000 38 → 32 µs,
/// 100,000 250 → 215 µs.
const CODES_AHEAD: usize = 8 << 10;

/// Scans with a `vpdpbusd` for each code of a byte; four sums side by side hide their latency.
///
/// A code is read once per query: asked for as such (`prefetchnta`), it does not evict from the
/// second-level cache what is read again.
///
/// # Safety
///
/// The processor must have AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn scan(
    query: &ScanQuery,
    blocks: ScanBlocks<'_>,
    scores: &mut [f32],
    hits: &mut [u16],
) {
    let codes = blocks.codes.chunks_exact(query.block_bytes());
    let scales = blocks.scales.as_chunks::<ROWS>().0;
    let scores = scores.as_chunks_mut::<ROWS>().0;
    // Not by `map`, which is a call from here.
    let [byte_step, whole_step, low_step, quarter_step] = query.steps;
    let (byte_step, whole_step) = (_mm512_set1_ps(byte_step), _mm512_set1_ps(whole_step));
    let (low_step, quarter_step) = (_mm512_set1_ps(low_step), _mm512_set1_ps(quarter_step));
    let (offset, floor) = (_mm512_set1_ps(query.offset), _mm512_set1_ps(blocks.floor));
    let (low_half, quarter) = (_mm512_set1_epi8(15), _mm512_set1_epi8(3));
    let zero = _mm512_setzero_si512();
    let part = |sum: __m512i, step: __m512| _mm512_mul_ps(_mm512_cvtepi32_ps(sum), step);
    let parts = query.parts();
    let (byte_codes, low_codes) = (parts.bytes.as_chunks::<4>().0, parts.low.as_chunks::<4>().0);
    let whole_codes = parts.whole.as_chunks::<4>().0;
    let [first, second, third, fourth] = parts.quarters;
    for (((block, scales), scores), hits) in codes.zip(scales).zip(scores).zip(hits) {
        let [bytes, halves, quarters] = query.sections(block);
        let mut by_bytes = [zero; 4];
        for (groups, fours) in bytes.as_chunks::<4>().0.iter().zip(byte_codes) {
            for ((sum, group), four) in by_bytes.iter_mut().zip(groups).zip(fours) {
                *sum = _mm512_dpbusd_epi32(*sum, loaded(group), spread(*four));
            }
        }
        let mut by_halves = [(zero, zero); 4];
        let fours = low_codes.iter().zip(whole_codes);
        for (groups, (low_fours, whole_fours)) in halves.as_chunks::<4>().0.iter().zip(fours) {
            let fours = low_fours.iter().zip(whole_fours);
            for (((whole, low), group), (b, a)) in by_halves.iter_mut().zip(groups).zip(fours) {
                let codes = loaded(group);
                *whole = _mm512_dpbusd_epi32(*whole, codes, spread(*a));
                let halves = _mm512_and_si512(codes, low_half);
                *low = _mm512_dpbusd_epi32(*low, halves, spread(*b));
            }
        }
        let mut by_quarters = [zero; 4];
        let fours = first.iter().zip(second).zip(third.iter().zip(fourth));
        for (group, ((a, b), (c, d))) in quarters.iter().zip(fours) {
            let codes = loaded(group);
            // The bits that come from the next byte are cut off.
            let shifted = [
                codes,
                _mm512_srli_epi16::<2>(codes),
                _mm512_srli_epi16::<4>(codes),
                _mm512_srli_epi16::<6>(codes),
            ];
            for ((sum, codes), four) in by_quarters.iter_mut().zip(shifted).zip([a, b, c, d]) {
                let codes = _mm512_and_si512(codes, quarter);
                *sum = _mm512_dpbusd_epi32(*sum, codes, spread(*four));
            }
        }
        let [a, b, c, d] = by_halves;
        let whole = part(total([a.0, b.0, c.0, d.0]), whole_step);
        let low = part(total([a.1, b.1, c.1, d.1]), low_step);
        let bytes = part(total(by_bytes), byte_step);
        let quarters = part(total(by_quarters), quarter_step);
        // SAFETY: `scales` and `scores` are 16 floats each; no alignment is needed.
        let scales = unsafe { _mm512_loadu_ps(scales.as_ptr()) };
        let sum = _mm512_add_ps(_mm512_add_ps(bytes, whole), _mm512_add_ps(low, quarters));
        let score = _mm512_mul_ps(_mm512_sub_ps(sum, offset), scales);
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), score) };
        *hits = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(score, floor);
    }
}

/// Loads the bytes of a group; asks for those that follow.
#[inline]
#[target_feature(enable = "avx512f")]
fn loaded(group: &[u8; GROUP]) -> __m512i {
    _mm_prefetch::<_MM_HINT_NTA>(group.as_ptr().wrapping_add(CODES_AHEAD).cast());
    // SAFETY: `group` is 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(group.as_ptr().cast::<__m512i>()) }
}

/// Repeats four codes of a query for every row.
#[inline]
#[target_feature(enable = "avx512f")]
fn spread(codes: [i8; TOGETHER]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(codes.map(i8::cast_unsigned)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn total([a, b, c, d]: [__m512i; 4]) -> __m512i {
    _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d))
}

/// Rotates by `vpdpwssd` on two times 32 codes, of four rows side by side.
///
/// # Safety
///
/// The processor must have AVX-512 F and VNNI.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn rotate(matrix: &[i16], vector: &[i16], scale: f32, rotated: &mut [f32]) {
    let width = vector.len().max(1);
    let (places, last) = rotated.as_chunks_mut::<4>();
    let fours = matrix.chunks_exact(4 * width);
    let rest = fours.remainder();
    for (rows, place) in fours.zip(places) {
        let (first, second) = rows.split_at(2 * width);
        let ((a, b), (c, d)) = (first.split_at(width), second.split_at(width));
        let mut sums = [_mm512_setzero_si512(); 4];
        let rows = portable::wide(a)
            .iter()
            .zip(portable::wide(b))
            .zip(portable::wide(c).iter().zip(portable::wide(d)));
        for (((a, b), (c, d)), vector) in rows.zip(portable::wide(vector)) {
            let vector = loaded_wide(vector);
            for (sum, row) in sums.iter_mut().zip([a, b, c, d]) {
                *sum = _mm512_dpwssd_epi32(*sum, loaded_wide(row), vector);
            }
        }
        let [a, b, c, d] = sums;
        let (a, b, c, d) = (folded(a), folded(b), folded(c), folded(d));
        // The first, second, third and fourth lanes of all.
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let (first, second) = (_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
        let (ab, cd) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        let (third, fourth) = (_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
        let total = _mm_add_ps(_mm_add_ps(first, third), _mm_add_ps(second, fourth));
        // SAFETY: four floats; no alignment is needed.
        unsafe { _mm_storeu_ps(place.as_mut_ptr(), _mm_mul_ps(total, _mm_set1_ps(scale))) };
    }
    portable::rotate(rest, vector, scale, last);
}

#[inline]
#[target_feature(enable = "avx512f")]
fn loaded_wide(codes: &[i16; 2 * ROWS]) -> __m512i {
    // SAFETY: 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(codes.as_ptr().cast::<__m512i>()) }
}

/// Folds sixteen lanes, as floats, to four.
#[inline]
#[target_feature(enable = "avx512f")]
fn folded(lanes: __m512i) -> __m128 {
    let sixteen = _mm512_cvtepi32_ps(lanes);
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sixteen), upper(sixteen));
    _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight))
}

/// Returns the last eight of sixteen lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn upper(sixteen: __m512) -> __m256 {
    _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sixteen)))
}

/// Quantizes to codes of one byte.
///
/// # Safety
///
/// The processor must have AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) fn quantize(values: &[f32], limit: i8, codes: &mut [i8]) -> Quantized {
    let places = codes.as_chunks_mut::<ROWS>().0.iter_mut();
    quantize_by(values, f32::from(limit), places, |place, codes| {
        // SAFETY: sixteen bytes; no alignment is needed.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(codes)) };
    })
}

/// Quantizes to codes of two bytes.
///
/// # Safety
///
/// The processor must have AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) fn quantize_wide(values: &[f32], limit: i16, codes: &mut [i16]) -> Quantized {
    let places = codes.as_chunks_mut::<ROWS>().0.iter_mut();
    quantize_by(values, f32::from(limit), places, |place, codes| {
        // SAFETY: 32 bytes; no alignment is needed.
        unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(codes)) };
    })
}

/// Quantizes sixteen values at a time.
#[inline]
#[target_feature(enable = "avx512f")]
fn quantize_by<P>(
    values: &[f32],
    limit: f32,
    places: impl Iterator<Item = P>,
    store: impl Fn(P, __m512i),
) -> Quantized {
    let values = values.as_chunks::<ROWS>().0;
    // SAFETY: sixteen floats; no alignment is needed.
    let load = |values: &[f32; ROWS]| unsafe { _mm512_loadu_ps(values.as_ptr()) };
    let mut largest = _mm512_setzero_ps();
    for values in values {
        largest = _mm512_max_ps(largest, _mm512_abs_ps(load(values)));
    }
    let (steps, step) = portable::steps_of(_mm512_reduce_max_ps(largest), limit);
    let (many, one) = (_mm512_set1_ps(steps), _mm512_set1_ps(step));
    let mut squares = _mm512_setzero_ps();
    for (values, place) in values.iter().zip(places) {
        let values = load(values);
        let codes = _mm512_cvtps_epi32(_mm512_mul_ps(values, many));
        store(place, codes);
        let gap = _mm512_sub_ps(values, _mm512_mul_ps(_mm512_cvtepi32_ps(codes), one));
        squares = _mm512_add_ps(squares, _mm512_mul_ps(gap, gap));
    }
    let eight = _mm256_add_ps(_mm512_castps512_ps256(squares), upper(squares));
    let mut four = [0.0; 4];
    // SAFETY: four floats; no alignment is needed.
    unsafe {
        _mm_storeu_ps(
            four.as_mut_ptr(),
            _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)),
        );
    }
    Quantized { step, error: portable::fold(four).sqrt() }
}

/// Makes one comparison a block and lists its hits in one go (`vpcompressd`), so that no branch
/// depends on them.
///
/// # Safety
///
/// The processor must have AVX-512 F and POPCNT.
#[target_feature(enable = "avx512f,popcnt")]
#[expect(clippy::indexing_slicing, reason = "`found` has room for every row")]
pub(super) fn select(scores: &[f32], cutoff: Cutoff<'_>, first: u32, found: &mut [u32]) -> usize {
    let (weight, floor) = (_mm512_set1_ps(cutoff.weight), _mm512_set1_ps(cutoff.floor));
    let mut rows = _mm512_add_epi32(
        _mm512_set1_epi32(first.cast_signed()),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    );
    let (scores, errors) = (scores.as_chunks::<ROWS>().0, cutoff.errors.as_chunks::<ROWS>().0);
    let mut n_found = 0;
    for ((scores, errors), bits) in scores.iter().zip(errors).zip(cutoff.bits) {
        // SAFETY: sixteen floats each; the loads need no alignment.
        let (scores, errors) =
            unsafe { (_mm512_loadu_ps(scores.as_ptr()), _mm512_loadu_ps(errors.as_ptr())) };
        let upper = _mm512_add_ps(scores, _mm512_mul_ps(errors, weight));
        let hits = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(upper, floor) & bits;
        let place = &mut found[n_found..n_found + ROWS];
        // SAFETY: room for sixteen integers; no alignment is needed.
        unsafe {
            let listed = _mm512_maskz_compress_epi32(hits, rows);
            _mm512_storeu_si512(place.as_mut_ptr().cast::<__m512i>(), listed);
        }
        n_found += hits.count_ones() as usize;
        rows = _mm512_add_epi32(rows, _mm512_set1_epi32(16));
    }
    n_found
}

/// Multiplies four rows at a time, 64 codes of each with the same codes of the query.
///
/// # Safety
///
/// The processor must have AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn byte_dots(query: &[i8], rows: &[&[u8]], sums: &mut [i32]) {
    let (queries, query_rest) = query.as_chunks::<64>();
    let (places, last) = sums.as_chunks_mut::<4>();
    let (fours, others) = rows.as_chunks::<4>();
    for (rows, place) in fours.iter().zip(places) {
        let mut totals = [_mm512_setzero_si512(); 4];
        let [(a, _), (b, _), (c, _), (d, _)] = rows.map(<[u8]>::as_chunks::<64>);
        let codes = a.iter().zip(b).zip(c.iter().zip(d));
        for (query, ((a, b), (c, d))) in queries.iter().zip(codes) {
            // SAFETY: 64 bytes; the load needs no alignment.
            let query = unsafe { _mm512_loadu_si512(query.as_ptr().cast::<__m512i>()) };
            for (total, codes) in totals.iter_mut().zip([a, b, c, d]) {
                // SAFETY: as above.
                let codes = unsafe { _mm512_loadu_si512(codes.as_ptr().cast::<__m512i>()) };
                *total = _mm512_dpbusd_epi32(*total, codes, query);
            }
        }
        // SAFETY: four integers; no alignment is needed.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), added_up(totals)) };
        for (place, row) in place.iter_mut().zip(rows) {
            let rest = row.as_chunks::<64>().1;
            *place += portable::byte_dot(query_rest, rest);
        }
    }
    for (place, row) in last.iter_mut().zip(others) {
        *place = byte_dot(query, row);
    }
}

/// Returns the sum of the lanes of each register.
#[inline]
#[target_feature(enable = "avx512f")]
fn added_up([a, b, c, d]: [__m512i; 4]) -> __m128i {
    // In each quarter: a₀ + a₂, b₀ + b₂, a₁ + a₃, b₁ + b₃.
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
    _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half))
}

/// Multiplies 64 codes at a time; rows are a multiple of 32 long.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn byte_dot(query: &[i8], row: &[u8]) -> i32 {
    let mut total = _mm512_setzero_si512();
    let (queries, query_rest) = query.as_chunks::<64>();
    let (rows, row_rest) = row.as_chunks::<64>();
    for (query, row) in queries.iter().zip(rows) {
        // SAFETY: 64 bytes each; the loads need no alignment.
        let (query, row) = unsafe {
            (
                _mm512_loadu_si512(query.as_ptr().cast::<__m512i>()),
                _mm512_loadu_si512(row.as_ptr().cast::<__m512i>()),
            )
        };
        total = _mm512_dpbusd_epi32(total, row, query);
    }
    _mm512_reduce_add_epi32(total) + portable::byte_dot(query_rest, row_rest)
}

/// Sums in four registers of eight lanes.
///
/// # Safety
///
/// The processor must have AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) fn dot(query: &[f64], row: &[f32]) -> f64 {
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
