//! The arithmetic of the forward pass, in one version per instruction set, chosen once at run time.
//!
//! Only the integer matrix product ([`Kernels::multiply`]) is written by hand for each set; the
//! rest ([`rows`], [`attention`]) is written once and compiled for each. [`portable`] is both the
//! version for unknown processors and the plain twin that tests compare the others with.

#[expect(unsafe_code, reason = "generic over the instruction sets' vectors")]
mod attention;
mod rows;

#[expect(unsafe_code, reason = "implements the vector trait of the SIMD kernels")]
mod portable;

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "SIMD kernels: processor features and raw loads")]
#[expect(clippy::indexing_slicing, reason = "constant indices into tiles of registers")]
#[expect(clippy::cast_ptr_alignment, reason = "only read with unaligned loads")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "SIMD kernels: processor features and raw loads")]
mod avx512;
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "SIMD kernels: processor features and raw loads")]
#[expect(clippy::indexing_slicing, reason = "constant indices into tiles of registers")]
mod neon;

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small whole numbers")]
mod tests;

pub(crate) use attention::AttentionScratch;

use crate::weights::{Linear, Norm};

/// Meaning of the 8-bit codes of one row, as numbers: `scale · (code − 128) + centre`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RowScale {
    pub(crate) scale: f32,
    pub(crate) centre: f32,
}

/// Rows of 8-bit codes: the left side of a matrix product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodedRows<'a> {
    /// Row after row, `scales.len()` of them.
    pub(crate) codes: &'a [u8],
    /// One for each row.
    pub(crate) scales: &'a [RowScale],
}

/// One instruction set's version of every routine.
///
/// # Safety
/// Its functions may be called only on a processor that has the instruction set; and `multiply`
/// only with sizes that agree, as [`Kernels::multiply`] checks.
pub(crate) struct Kernels {
    /// Name of the instruction set.
    pub(crate) name: &'static str,
    multiply: unsafe fn(CodedRows<'_>, &Linear<'_>, &mut [f32]),
    quantise: unsafe fn(&[f32], &mut [u8]) -> RowScale,
    gelu: unsafe fn(&mut [f32]),
    add_norm: unsafe fn(&mut [f32], &[f32], &Norm<'_>),
    attend: unsafe fn(&[f32], &mut [f32], &mut AttentionScratch),
}

/// The best version for this processor.
///
/// Asking the processor costs nanoseconds after the first time (the standard library remembers).
pub(crate) fn best() -> &'static Kernels {
    supported().next().unwrap_or(&portable::KERNELS)
}

/// Every version that this processor can run, best first.
pub(crate) fn supported() -> impl Iterator<Item = &'static Kernels> {
    #[cfg(target_arch = "x86_64")]
    let vector = [
        (avx512::available(), &avx512::KERNELS),
        (avx2::vnni_available(), &avx2::VNNI_KERNELS),
        (avx2::available(), &avx2::KERNELS),
    ];
    #[cfg(target_arch = "aarch64")]
    let vector = [(true, &neon::KERNELS)];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let vector = [];
    let vector = vector.into_iter().filter_map(|(available, kernels)| available.then_some(kernels));
    vector.chain([&portable::KERNELS])
}

#[expect(unsafe_code, reason = "calls through the table; `supported` hands out only what can run")]
impl Kernels {
    /// `results = rows · layerᵀ + bias`, all `f32`: `rows.scales.len()` rows of `layer.outputs`.
    ///
    /// With codes `u` and `q`, `x = a·(u − 128) + c` and `w = s·q`: `Σ x·w = s·(a·Σ (u − 128)·q +
    /// c·Σ q)`. The inner sum is an exact integer in every version, and the `f32` steps are taken
    /// in this order, so that all give the same bits.
    ///
    /// # Panics
    /// If sizes do not agree; they follow from the model's dimensions alone.
    pub(crate) fn multiply(&self, rows: CodedRows<'_>, layer: &Linear<'_>, results: &mut [f32]) {
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        assert!(inputs.is_multiple_of(16) && outputs.is_multiple_of(64), "layer sizes");
        assert!(layer.codes.len() == inputs * outputs, "codes of the layer");
        assert!(
            [layer.scales.len(), layer.sums.len(), layer.bias.len()] == [outputs; 3],
            "parameters of the layer"
        );
        assert!(rows.codes.len() == rows.scales.len() * inputs, "codes of the rows");
        assert!(results.len() == rows.scales.len() * outputs, "room for the results");
        // SAFETY: the processor has the instruction set, as `supported` found; sizes just checked.
        unsafe { (self.multiply)(rows, layer, results) }
    }

    /// Writes each number of `row` as 8-bit code, see [`rows::quantise_row`].
    pub(crate) fn quantise(&self, row: &[f32], codes: &mut [u8]) -> RowScale {
        // SAFETY: the processor has the instruction set, as `supported` found.
        unsafe { (self.quantise)(row, codes) }
    }

    /// Replaces each number of `row` by its GELU, see [`rows::gelu`].
    pub(crate) fn gelu(&self, row: &mut [f32]) {
        // SAFETY: the processor has the instruction set, as `supported` found.
        unsafe { (self.gelu)(row) }
    }

    /// Adds a residual and normalises, see [`rows::add_norm`].
    pub(crate) fn add_norm(&self, row: &mut [f32], added: &[f32], norm: &Norm<'_>) {
        // SAFETY: the processor has the instruction set, as `supported` found.
        unsafe { (self.add_norm)(row, added, norm) }
    }

    /// Self-attention of one text, see [`attention::attend`].
    pub(crate) fn attend(
        &self,
        projections: &[f32],
        context: &mut [f32],
        scratch: &mut AttentionScratch,
    ) {
        // SAFETY: the processor has the instruction set, as `supported` found.
        unsafe { (self.attend)(projections, context, scratch) }
    }
}

/// Compiles the routines of [`rows`] and [`attention`] for an instruction set.
///
/// The functions are safe to call where the features are enabled; through [`Kernels`] they are
/// `unsafe fn`.
macro_rules! compile_rows_for {
    ($($feature:literal)?, vector: $vector:ty, queries: $queries:literal) => {
        $(#[target_feature(enable = $feature)])?
        pub(super) fn quantise(row: &[f32], codes: &mut [u8]) -> crate::kernels::RowScale {
            crate::kernels::rows::quantise_row(row, codes)
        }

        $(#[target_feature(enable = $feature)])?
        pub(super) fn gelu(row: &mut [f32]) {
            crate::kernels::rows::gelu_row(row);
        }

        $(#[target_feature(enable = $feature)])?
        pub(super) fn add_norm(row: &mut [f32], added: &[f32], norm: &crate::weights::Norm<'_>) {
            crate::kernels::rows::add_norm(row, added, norm.gain, norm.bias);
        }

        /// # Safety
        /// The processor must have the instruction set.
        $(#[target_feature(enable = $feature)])?
        pub(super) unsafe fn attend(
            projections: &[f32],
            context: &mut [f32],
            scratch: &mut crate::kernels::AttentionScratch,
        ) {
            // SAFETY: the caller vouches for the instruction set.
            unsafe {
                use crate::kernels::attention::attend;
                attend::<$vector, $queries>(projections, context, scratch);
            }
        }
    };
}
use compile_rows_for;
