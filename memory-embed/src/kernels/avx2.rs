//! Kernels for AVX2, and for AVX2 with the 256-bit form of VNNI (Intel's processors without
//! AVX-512 since Alder Lake).

use super::attention::Vector;
use super::rows::LANES;
use super::{CodedRows, Kernels, RowScale, compile_rows_for};
use crate::weights::Linear;
use std::arch::x86_64::{
    __m256, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi8_epi16,
    _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_hadd_epi32, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_permute4x64_epi64,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_slli_epi32, _mm256_storeu_ps, _mm256_sub_epi32,
};

/// The version for AVX2.
pub(super) static KERNELS: Kernels =
    Kernels { name: "avx2", multiply, quantise, gelu, add_norm, attend };
/// The version for AVX2 with 256-bit VNNI.
pub(super) static VNNI_KERNELS: Kernels =
    Kernels { name: "avxvnni", multiply: multiply_vnni, quantise, gelu, add_norm, attend };

compile_rows_for!("avx2", vector: [__m256; 2], queries: 4);

/// True if this processor can run [`KERNELS`].
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2")
}

/// True if this processor can run [`VNNI_KERNELS`].
pub(super) fn vnni_available() -> bool {
    available() && is_x86_feature_detected!("avxvnni")
}

/// Outputs in a tile: one block.
const OUTPUTS: usize = 16;
/// Rows of a full tile without VNNI: 12 of 16 registers for sums.
const ROWS: usize = 3;
/// Rows of a full tile with VNNI: 12 of 16 registers for sums.
const VNNI_ROWS: usize = 6;

/// See [`Kernels::multiply`]: products of 16-bit numbers, as the 8-bit multiply-add of AVX2
/// saturates.
///
/// # Safety
/// Needs the instruction set, and sizes as [`Kernels::multiply`] checks them.
#[target_feature(enable = "avx2")]
unsafe fn multiply(rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
    // Widened once: every block of outputs reads all codes.
    let wide: Vec<i16> = rows.codes.iter().map(|&code| i16::from(code) - 128).collect();
    for output in (0..layer.outputs).step_by(OUTPUTS) {
        let mut row = 0;
        while row < rows.scales.len() {
            // SAFETY: `row + N` rows and `output + 16` outputs exist.
            unsafe {
                row += match rows.scales.len() - row {
                    1 => tile::<1>(&wide, rows.scales, layer, results, row, output),
                    2 => tile::<2>(&wide, rows.scales, layer, results, row, output),
                    _ => tile::<ROWS>(&wide, rows.scales, layer, results, row, output),
                };
            }
        }
    }
}

/// Results of `N` rows from `row` on for the 16 outputs from `output` on; gives `N`.
///
/// # Safety
/// Needs the instruction set; these rows and outputs exist in `wide`, `scales`, `layer` and
/// `results`.
#[target_feature(enable = "avx2")]
unsafe fn tile<const N: usize>(
    wide: &[i16],
    scales: &[RowScale],
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) -> usize {
    let inputs = layer.inputs;
    // SAFETY: rows `row..row + N` of `inputs` codes and the block of `16 · inputs` weights at
    // `output` lie inside their slices.
    unsafe {
        let codes = wide.as_ptr().add(row * inputs);
        let weights = layer.codes.as_ptr().add(output * inputs);
        // Vector `v` holds outputs `4v..4v + 4`, each as two partial sums side by side.
        let mut sums = [[_mm256_setzero_si256(); 4]; N];
        for group in 0..inputs / 4 {
            let fours: [__m256i; N] = std::array::from_fn(|number| {
                let four = codes.add(number * inputs + 4 * group).cast::<i64>();
                _mm256_set1_epi64x(four.read_unaligned())
            });
            for vector in 0..4 {
                let bytes = _mm_loadu_si128(weights.add(64 * group + 16 * vector).cast());
                let weights = _mm256_cvtepi8_epi16(bytes);
                for (sums, &four) in sums.iter_mut().zip(&fours) {
                    let products = _mm256_madd_epi16(four, weights);
                    sums[vector] = _mm256_add_epi32(sums[vector], products);
                }
            }
        }
        for (number, [a, b, c, d]) in sums.into_iter().enumerate() {
            // Adding neighbours interleaves the two vectors' halves; the permutation undoes that.
            let low = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b));
            let high = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(c, d));
            store([low, high], scales, layer, results, row + number, output);
        }
    }
    N
}

/// See [`Kernels::multiply`].
///
/// # Safety
/// Needs the instruction set, and sizes as [`Kernels::multiply`] checks them.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn multiply_vnni(rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
    for output in (0..layer.outputs).step_by(OUTPUTS) {
        let mut row = 0;
        while row < rows.scales.len() {
            // SAFETY: `row + N` rows and `output + 16` outputs exist.
            unsafe {
                row += match rows.scales.len() - row {
                    1 => tile_vnni::<1>(&rows, layer, results, row, output),
                    2 => tile_vnni::<2>(&rows, layer, results, row, output),
                    3 => tile_vnni::<3>(&rows, layer, results, row, output),
                    4 => tile_vnni::<4>(&rows, layer, results, row, output),
                    5 => tile_vnni::<5>(&rows, layer, results, row, output),
                    _ => tile_vnni::<VNNI_ROWS>(&rows, layer, results, row, output),
                };
            }
        }
    }
}

/// Results of `N` rows from `row` on for the 16 outputs from `output` on; gives `N`.
///
/// # Safety
/// Needs the instruction set; these rows and outputs exist in `rows`, `layer` and `results`.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn tile_vnni<const N: usize>(
    rows: &CodedRows<'_>,
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) -> usize {
    let inputs = layer.inputs;
    // SAFETY: rows `row..row + N` of `inputs` codes and the block of `16 · inputs` weights at
    // `output` lie inside their slices.
    unsafe {
        let codes = rows.codes.as_ptr().add(row * inputs);
        let weights = layer.codes.as_ptr().add(output * inputs);
        // `u − 128` is what is wanted and `u` what is multiplied: start at `−128 · Σ q`.
        let start: [__m256i; 2] = std::array::from_fn(|half| {
            let row_sums = _mm256_loadu_si256(layer.sums.as_ptr().add(output + 8 * half).cast());
            _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32::<7>(row_sums))
        });
        let mut sums = [start; N];
        for group in 0..inputs / 4 {
            let low = _mm256_loadu_si256(weights.add(64 * group).cast());
            let high = _mm256_loadu_si256(weights.add(64 * group + 32).cast());
            for (number, sums) in sums.iter_mut().enumerate() {
                let four = codes.add(number * inputs + 4 * group).cast::<i32>().read_unaligned();
                let four = _mm256_set1_epi32(four);
                sums[0] = _mm256_dpbusd_avx_epi32(sums[0], four, low);
                sums[1] = _mm256_dpbusd_avx_epi32(sums[1], four, high);
            }
        }
        for (number, sums) in sums.into_iter().enumerate() {
            store(sums, rows.scales, layer, results, row + number, output);
        }
    }
    N
}

/// Turn the integer sums of 16 outputs of one row into results.
///
/// # Safety
/// Needs the instruction set; `row` and 16 outputs from `output` on exist in `scales`, `layer`,
/// `results`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(
    sums: [__m256i; 2],
    scales: &[RowScale],
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) {
    for (half, sums) in sums.into_iter().enumerate() {
        let at = output + 8 * half;
        // SAFETY: row `row` and 8 outputs from `at` on exist.
        unsafe {
            let scale = scales.as_ptr().add(row).read();
            let row_sums = _mm256_loadu_si256(layer.sums.as_ptr().add(at).cast());
            let shift = _mm256_mul_ps(_mm256_cvtepi32_ps(row_sums), _mm256_set1_ps(scale.centre));
            let product = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(scale.scale));
            let product = _mm256_add_ps(product, shift);
            let scales = _mm256_loadu_ps(layer.scales.as_ptr().add(at));
            let bias = _mm256_loadu_ps(layer.bias.as_ptr().add(at));
            let result = _mm256_add_ps(_mm256_mul_ps(product, scales), bias);
            _mm256_storeu_ps(results.as_mut_ptr().add(row * layer.outputs + at), result);
        }
    }
}

impl Vector for [__m256; 2] {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { [_mm256_setzero_ps(); 2] }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: the caller vouches for the instruction set; 16 numbers are there to read.
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: the caller vouches for the instruction set; there is room for 16 numbers.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), self[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), self[1]);
        }
    }

    #[inline(always)]
    unsafe fn add_product(self, factor: f32, other: Self) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let factor = _mm256_set1_ps(factor);
            [
                _mm256_add_ps(self[0], _mm256_mul_ps(factor, other[0])),
                _mm256_add_ps(self[1], _mm256_mul_ps(factor, other[1])),
            ]
        }
    }
}
