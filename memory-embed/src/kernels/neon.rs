//! Kernels for NEON, which every 64-bit ARM processor has.

use super::attention::Vector;
use super::rows::LANES;
use super::{CodedRows, Kernels, compile_rows_for};
use crate::weights::Linear;
use std::arch::aarch64::{
    float32x4_t, int8x16_t, int32x4_t, vaddq_f32, vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s32,
    vget_low_s8, vld1q_f32, vld1q_s8, vld1q_s32, vmlal_high_s8, vmlal_s8, vmull_high_s8, vmull_s8,
    vmulq_f32, vmulq_n_f32, vpadalq_s16, vpaddq_s32, vreinterpretq_s8_s32, vst1q_f32,
};

/// The version for NEON. The row routines need no feature switched on: NEON is this architecture's
/// baseline.
pub(super) static KERNELS: Kernels =
    Kernels { name: "neon", multiply, quantise, gelu, add_norm, attend };

compile_rows_for!(, vector: [float32x4_t; 4], queries: 4);

/// Rows of a full tile: each keeps 8 of the 32 registers.
const ROWS: usize = 2;
/// Outputs in a tile: one block.
const OUTPUTS: usize = 16;

/// See [`Kernels::multiply`].
///
/// # Safety
/// Sizes as [`Kernels::multiply`] checks them.
unsafe fn multiply(rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
    // `u − 128` as signed byte: the product instructions want both sides signed.
    let signed: Vec<i8> = rows.codes.iter().map(|&code| (code ^ 0x80).cast_signed()).collect();
    for output in (0..layer.outputs).step_by(OUTPUTS) {
        let mut row = 0;
        while row < rows.scales.len() {
            // SAFETY: `row + N` rows and `output + 16` outputs exist.
            unsafe {
                row += match rows.scales.len() - row {
                    1 => tile::<1>(&signed, &rows, layer, results, row, output),
                    _ => tile::<ROWS>(&signed, &rows, layer, results, row, output),
                };
            }
        }
    }
}

/// Results of `N` rows from `row` on for the 16 outputs from `output` on; gives `N`.
///
/// # Safety
/// These rows and outputs exist in `signed`, `rows`, `layer` and `results`.
unsafe fn tile<const N: usize>(
    signed: &[i8],
    rows: &CodedRows<'_>,
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) -> usize {
    let inputs = layer.inputs;
    // SAFETY: rows `row..row + N` of `inputs` codes and the block of `16 · inputs` weights at
    // `output` lie inside their slices; `inputs` is a multiple of 8.
    unsafe {
        let codes = signed.as_ptr().add(row * inputs);
        let weights = layer.codes.as_ptr().add(output * inputs);
        // Vector `v` holds outputs `2v` and `2v + 1`, each as two partial sums side by side.
        let mut sums = [[vdupq_n_s32(0); 8]; N];
        for pair in 0..inputs / 8 {
            let fours: [[int8x16_t; 2]; N] = std::array::from_fn(|number| {
                let codes = codes.add(number * inputs + 8 * pair);
                [four(codes), four(codes.add(4))]
            });
            for vector in 0..4 {
                let first = vld1q_s8(weights.add(128 * pair + 16 * vector));
                let second = vld1q_s8(weights.add(128 * pair + 64 + 16 * vector));
                for (sums, codes) in sums.iter_mut().zip(&fours) {
                    // A code times a weight is at most 128 · 127, so that two such products fit 16
                    // bits.
                    let low = vmull_s8(vget_low_s8(codes[0]), vget_low_s8(first));
                    let low = vmlal_s8(low, vget_low_s8(codes[1]), vget_low_s8(second));
                    let high = vmlal_high_s8(vmull_high_s8(codes[0], first), codes[1], second);
                    sums[2 * vector] = vpadalq_s16(sums[2 * vector], low);
                    sums[2 * vector + 1] = vpadalq_s16(sums[2 * vector + 1], high);
                }
            }
        }
        for (number, sums) in sums.iter().enumerate() {
            for vector in 0..4 {
                let sums = vpaddq_s32(sums[2 * vector], sums[2 * vector + 1]);
                store(sums, rows, layer, results, row + number, output + 4 * vector);
            }
        }
    }
    N
}

/// Four codes, repeated four times.
///
/// # Safety
/// Four bytes lie behind `codes`.
#[inline]
unsafe fn four(codes: *const i8) -> int8x16_t {
    // SAFETY: four bytes are there to read.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(codes.cast::<i32>().read_unaligned())) }
}

/// Turn the integer sums of 4 outputs of one row into results.
///
/// # Safety
/// `row` and 4 outputs from `output` on exist in `rows`, `layer` and `results`.
#[inline]
unsafe fn store(
    sums: int32x4_t,
    rows: &CodedRows<'_>,
    layer: &Linear<'_>,
    results: &mut [f32],
    row: usize,
    output: usize,
) {
    // SAFETY: row `row` and 4 outputs from `output` on exist.
    unsafe {
        let scale = rows.scales.as_ptr().add(row).read();
        let row_sums = vcvtq_f32_s32(vld1q_s32(layer.sums.as_ptr().add(output)));
        let shift = vmulq_f32(row_sums, vdupq_n_f32(scale.centre));
        let product = vmulq_f32(vcvtq_f32_s32(sums), vdupq_n_f32(scale.scale));
        let product = vaddq_f32(product, shift);
        let bias = vld1q_f32(layer.bias.as_ptr().add(output));
        let scales = vld1q_f32(layer.scales.as_ptr().add(output));
        let result = vaddq_f32(vmulq_f32(product, scales), bias);
        vst1q_f32(results.as_mut_ptr().add(row * layer.outputs + output), result);
    }
}

impl Vector for [float32x4_t; 4] {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: every 64-bit ARM processor has NEON.
        unsafe { [vdupq_n_f32(0.0); 4] }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: 16 numbers are there to read.
        unsafe { std::array::from_fn(|part| vld1q_f32(from.as_ptr().add(4 * part))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        for (part, values) in self.into_iter().enumerate() {
            // SAFETY: there is room for 16 numbers.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * part), values) }
        }
    }

    #[inline(always)]
    unsafe fn add_product(self, factor: f32, other: Self) -> Self {
        // SAFETY: every 64-bit ARM processor has NEON.
        unsafe {
            std::array::from_fn(|part| vaddq_f32(self[part], vmulq_n_f32(other[part], factor)))
        }
    }
}
