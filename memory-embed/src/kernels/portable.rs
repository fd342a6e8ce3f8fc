//! Kernels for any processor, in plain loops: what the other versions are tested against.

use super::attention::Vector;
use super::rows::LANES;
use super::{CodedRows, Kernels, compile_rows_for};
use crate::packed_format::{BLOCK_INPUTS, BLOCK_OUTPUTS};
use crate::weights::Linear;

/// The version for any processor.
pub(super) static KERNELS: Kernels =
    Kernels { name: "portable", multiply, quantise, gelu, add_norm, attend };

compile_rows_for!(, vector: [f32; LANES], queries: 4);

/// See [`Kernels::multiply`].
fn multiply(rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
    let inputs = rows.codes.chunks_exact(layer.inputs).zip(rows.scales);
    for ((codes, row), results) in inputs.zip(results.chunks_exact_mut(layer.outputs)) {
        let blocks = layer.codes.chunks_exact(layer.inputs * BLOCK_OUTPUTS);
        let scales = layer.scales.as_chunks::<BLOCK_OUTPUTS>().0;
        let sums = layer.sums.as_chunks::<BLOCK_OUTPUTS>().0;
        let bias = layer.bias.as_chunks::<BLOCK_OUTPUTS>().0;
        let results = results.as_chunks_mut::<BLOCK_OUTPUTS>().0;
        let parameters = scales.iter().zip(sums).zip(bias);
        for ((results, block), ((scales, sums), bias)) in
            results.iter_mut().zip(blocks).zip(parameters)
        {
            let products = block_products(codes, block);
            let parameters = scales.iter().zip(sums).zip(bias);
            for ((result, product), ((scale, sum), bias)) in
                results.iter_mut().zip(products).zip(parameters)
            {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "an error of 2⁻²⁴ is far below a code's"
                )]
                let (product, sum) = (product as f32, *sum as f32);
                *result = (product * row.scale + sum * row.centre) * scale + bias;
            }
        }
    }
}

/// `Σ (code − 128) · weight` for each of a block's outputs.
fn block_products(codes: &[u8], block: &[i8]) -> [i32; BLOCK_OUTPUTS] {
    let mut products = [0; BLOCK_OUTPUTS];
    let groups = block.chunks_exact(BLOCK_OUTPUTS * BLOCK_INPUTS);
    for (codes, group) in codes.as_chunks::<BLOCK_INPUTS>().0.iter().zip(groups) {
        for (product, weights) in products.iter_mut().zip(group.as_chunks::<BLOCK_INPUTS>().0) {
            for (&code, &weight) in codes.iter().zip(weights) {
                *product += (i32::from(code) - 128) * i32::from(weight);
            }
        }
    }
    products
}

impl Vector for [f32; LANES] {
    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        *from
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        *to = self;
    }

    #[inline(always)]
    unsafe fn add_product(mut self, factor: f32, other: Self) -> Self {
        for (sum, value) in self.iter_mut().zip(other) {
            *sum += factor * value;
        }
        self
    }
}
