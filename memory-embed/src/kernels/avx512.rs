//! Kernels for AVX-512 with VNNI (Intel since Ice Lake, AMD since Zen 4).

use super::attention::Vector;
use super::rows::LANES;
use super::{CodedRows, Kernels, RowScale, compile_rows_for};
use crate::weights::Linear;
use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_sub_epi32,
};

/// The version for AVX-512 VNNI.
pub(super) static KERNELS: Kernels =
    Kernels { name: "avx512vnni", multiply, quantise, gelu, add_norm, attend };

compile_rows_for!("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2", vector: __m512, queries: 8);

/// True if this processor can run [`KERNELS`].
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx2")
}

/// Rows of a full tile. With [`VECTORS`] it takes 24 of the 32 registers for sums, 4 for weights
/// and one for codes, and multiplies 24 times for 10 loads.
const ROWS: usize = 6;
/// Vectors of 16 outputs in a tile.
const VECTORS: usize = 4;
/// Outputs in a tile.
const OUTPUTS: usize = 16 * VECTORS;

/// See [`Kernels::multiply`].
///
/// Outputs go outside, so that a panel of weights (64 outputs, 24 to 98 KB) stays in a near cache
/// while all rows pass it.
///
/// # Safety
/// Needs the instruction set, and sizes as [`Kernels::multiply`] checks them.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply(rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
    for output in (0..layer.outputs).step_by(OUTPUTS) {
        let mut row = 0;
        while row < rows.scales.len() {
            // SAFETY: `row + N` rows and `output + 64` outputs exist.
            unsafe {
                row += match rows.scales.len() - row {
                    1 => tile::<1>(&rows, layer, results, row, output),
                    2 => tile::<2>(&rows, layer, results, row, output),
                    3 => tile::<3>(&rows, layer, results, row, output),
                    4 => tile::<4>(&rows, layer, results, row, output),
                    5 => tile::<5>(&rows, layer, results, row, output),
                    _ => tile::<ROWS>(&rows, layer, results, row, output),
                };
            }
        }
    }
}

/// Results of `N` rows from `row` on for 64 outputs from `output` on; gives `N`.
///
/// # Safety
/// Needs the instruction set; these rows and outputs exist in `rows`, `layer` and `results`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile<const N: usize>(
    rows: &CodedRows<'_>,
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) -> usize {
    let inputs = layer.inputs;
    // SAFETY: rows `row..row + N` of `inputs` codes, blocks `output / 16 .. + 4` of `16 · inputs`
    // codes, and parameters and results of outputs `output..output + 64` lie inside their slices.
    unsafe {
        let codes = rows.codes.as_ptr().add(row * inputs);
        let weights = layer.codes.as_ptr().add(output * inputs);
        let mut starts = [_mm512_setzero_si512(); VECTORS];
        for (vector, start) in starts.iter_mut().enumerate() {
            // `u − 128` is what is wanted and `u` what is multiplied: start at `−128 · Σ q`.
            let row_sums = _mm512_loadu_si512(layer.sums.as_ptr().add(output + 16 * vector).cast());
            *start = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32::<7>(row_sums));
        }
        let mut sums = [starts; N];
        for group in 0..inputs / 4 {
            let weights: [__m512i; VECTORS] = std::array::from_fn(|vector| {
                _mm512_loadu_si512(weights.add(16 * vector * inputs + 64 * group).cast())
            });
            for (number, sums) in sums.iter_mut().enumerate() {
                let four = codes.add(number * inputs + 4 * group).cast::<i32>().read_unaligned();
                let four = _mm512_set1_epi32(four);
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = _mm512_dpbusd_epi32(*sum, four, weights);
                }
            }
        }
        for (number, sums) in sums.iter().enumerate() {
            let row = row + number;
            let scale = rows.scales.as_ptr().add(row).read();
            let results = results.as_mut_ptr().add(row * layer.outputs + output);
            store(sums, scale, layer, output, results);
        }
    }
    N
}

/// Turn the integer sums of one row into results.
///
/// # Safety
/// Needs the instruction set; 64 outputs from `output` on exist in `layer` and behind `results`.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn store(
    sums: &[__m512i; VECTORS],
    scale: RowScale,
    layer: &Linear<'_>,
    output: usize,
    results: *mut f32,
) {
    let (step, centre) = (_mm512_set1_ps(scale.scale), _mm512_set1_ps(scale.centre));
    for (vector, &sums) in sums.iter().enumerate() {
        let at = output + 16 * vector;
        // SAFETY: 16 outputs from `at` on exist.
        unsafe {
            let row_sums = _mm512_loadu_si512(layer.sums.as_ptr().add(at).cast());
            let shift = _mm512_mul_ps(_mm512_cvtepi32_ps(row_sums), centre);
            let product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), step);
            let product = _mm512_add_ps(product, shift);
            let scales = _mm512_loadu_ps(layer.scales.as_ptr().add(at));
            let bias = _mm512_loadu_ps(layer.bias.as_ptr().add(at));
            _mm512_storeu_ps(
                results.add(16 * vector),
                _mm512_add_ps(_mm512_mul_ps(product, scales), bias),
            );
        }
    }
}

impl Vector for __m512 {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: the caller vouches for the instruction set; 16 numbers are there to read.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: the caller vouches for the instruction set; there is room for 16 numbers.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self) }
    }

    #[inline(always)]
    unsafe fn add_product(self, factor: f32, other: Self) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { _mm512_add_ps(self, _mm512_mul_ps(_mm512_set1_ps(factor), other)) }
    }
}
