//! Scalar quantization to few bits: from vectors to the codes that the scan reads.
//!
//! A row x is kept as codes n and one step a, standing for x̂ = a·(n − middle). The step is the one
//! that makes x − x̂ shortest for the codes (least squares), so x − x̂ is at right angles to x̂ and
//! only the part of the query that is at right angles to x̂ as well can meet it:
//!
//! ```text
//! |q·(x − x̂)| ≤ |x − x̂| · √(|q|² − (q·x̂)²/|x̂|²)
//! ```
//!
//! **Plain codes** have four bits for each dimension. On unit vectors of 384 dimensions |x − x̂| is
//! about .107, and the actual error of a score some twenty times smaller.
//!
//! **Codes along principal axes** ([`PrincipalAxes`]): x and q are rotated first, y = Rx, Rq. The
//! directions of most variance come first and get more bits (8, 4, 2, none). An error counts by
//! what the query has in its direction, and q has most where the rows do; so all norms are taken
//! after both are stretched against each other, by s per section of directions:
//!
//! ```text
//! q·x = (q/s)·(s·x),   so   |q·(x − x̂)| ≤ |s·(x − x̂)| · |q/s|
//! ```
//!
//! which is smallest where s² is the norm of q over the norm of the error of the codes. As rotating
//! is not exact, that error is not quite at right angles to x̂, and all of the query counts. These
//! codes have 112 bytes a row and are about as good as plain ones of 192; from some thousand rows
//! on that pays for rotating the query.

use crate::arithmetic::{norm, round_up, squared_norm};
use crate::error_bound::{ErrorBound, RowStats};
use crate::kernel::{Kernels, SECTION_BITS, ScanLayout, ScanQuery, TOGETHER};
use crate::principal_axes::{PrincipalAxes, Rotated};
use crate::row_codes::RowCodes;
use crate::row_format::plain_layout;

/// Shares of the largest magnitude that the outermost codes may stand for: few values are that
/// large, and cutting them off makes the steps finer for all others.
const CLIPS: [f32; 6] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.95];

/// Relative room for the roundings of `f32` in a score of codes.
///
/// No code is nearer to the middle than ½, so for a section of d dimensions a·√d ≤ 2·|x̂|. Each of
/// the four products and the offset is then at most 255 · Σ|q̂|·a ≤ 510·|q̂|·|x̂|, and takes two
/// roundings of 2⁻²⁴; their sums take four more: below 2⁻¹².
const ROUNDING: f64 = 1.0 / (1 << 12) as f64;

/// Sums that run side by side; every section is a multiple of them. Their roundings are below those
/// of scores.
const LANES: usize = 16;

/// Quantizer of the vectors of an index, for the scan.
#[derive(Debug, Clone)]
pub(crate) struct ScanQuantizer {
    layout: ScanLayout,
    axes: Option<PrincipalAxes>,
}

/// Part of a vector whose codes have the same number of bits.
struct Section<'a> {
    values: &'a mut [f32],
    bits: u32,
    /// Value of a code step before the step of the row.
    unit: f32,
    /// Factor by which the section is stretched in a row, and shrunk in a query.
    stretch: f32,
}

impl Section<'_> {
    fn middle(&self) -> f32 {
        middle(self.bits)
    }

    /// Returns the code of a value less the middle.
    fn code(&self, value: f32, steps: f32) -> f32 {
        let middle = self.middle();
        let code = (value * steps + middle).clamp(0.0, 2.0 * middle);
        // Adding 1.5·2²³ leaves no room for fractions.
        (code + 12_582_912.0 - 12_582_912.0) - middle
    }
}

/// Returns the middle of the codes of as many bits.
fn middle(bits: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 255")]
    let largest = ((1_u32 << bits) - 1) as f32;
    largest / 2.0
}

impl ScanQuantizer {
    /// Returns the quantizer to four bits a dimension, for vectors padded to `width`.
    pub(crate) fn plain(width: usize) -> Self {
        Self { layout: plain_layout(width), axes: None }
    }

    /// Returns the quantizer with more bits for axes of more variance.
    pub(crate) fn along(axes: PrincipalAxes) -> Self {
        Self { layout: axes.layout(), axes: Some(axes) }
    }

    /// Returns the groups of each section of a row.
    pub(crate) const fn layout(&self) -> ScanLayout {
        self.layout
    }

    /// Returns the axes; `None` for plain codes.
    pub(crate) const fn axes(&self) -> Option<&PrincipalAxes> {
        self.axes.as_ref()
    }

    /// Returns the factors by which the sections of a row are stretched.
    fn stretches(&self) -> [f32; 3] {
        if self.axes.is_some() { PrincipalAxes::stretches() } else { [1.0; 3] }
    }

    /// Splits values, which are padded or rotated, into sections.
    fn sections<'a>(&self, values: &'a mut [f32]) -> [Section<'a>; 3] {
        let units = self.axes.as_ref().map_or([1.0; 3], PrincipalAxes::units);
        let [bytes, halves, quarters] = self.layout;
        let [byte_dims, half_dims] = [bytes * TOGETHER, halves * TOGETHER * 2];
        debug_assert_eq!(byte_dims + half_dims + quarters * TOGETHER * 4, values.len());
        let (bytes, rest) = values.split_at_mut(byte_dims);
        let (halves, quarters) = rest.split_at_mut(half_dims);
        let ([bits_a, bits_b, bits_c], [unit_a, unit_b, unit_c]) = (SECTION_BITS, units);
        let [stretch_a, stretch_b, stretch_c] = self.stretches();
        [
            Section { values: bytes, bits: bits_a, unit: unit_a, stretch: stretch_a },
            Section { values: halves, bits: bits_b, unit: unit_b, stretch: stretch_b },
            Section { values: quarters, bits: bits_c, unit: unit_c, stretch: stretch_c },
        ]
    }

    /// Returns the values that are coded: of the padded vector or along the axes.
    fn rotated(&self, padded: &[f32], norm: f64, kernels: &Kernels) -> Rotated {
        match &self.axes {
            None => Rotated { values: padded.to_vec(), error: 0.0, skew_error: 0.0 },
            Some(axes) => axes.rotate(padded, norm, kernels),
        }
    }

    /// Quantizes a checked and padded vector of that norm. Cost: two microseconds at 384
    /// dimensions, four along axes.
    pub(crate) fn code(&self, padded: &[f32], vector_norm: f64, kernels: &Kernels) -> RowCodes {
        let mut rotated = self.rotated(padded, vector_norm, kernels);
        let mut squared_error = rotated.remainder(vector_norm, squared_norm(&rotated.values));
        // The first section counts most. The skew meets the norm of the query, which is at most
        // that times what is counted of it.
        let [first_stretch, ..] = self.stretches();
        let slack = (rotated.error + rotated.skew_error) * f64::from(first_stretch);
        let n_values = rotated.values.len();
        let sections = self.sections(&mut rotated.values);
        let rough_step = best_step(&sections);
        // The codes of that step, and the step of least squares for these codes.
        let mut codes = Vec::with_capacity(n_values);
        let (mut along, mut squared_codes) = (0.0_f64, 0.0_f64);
        for section in &sections {
            let steps = if rough_step > 0.0 { 1.0 / (rough_step * section.unit) } else { 0.0 };
            let unit = f64::from(section.unit);
            let weight = (f64::from(section.stretch) * unit).powi(2);
            let mut sums = (0.0, 0.0);
            for value in &*section.values {
                let code = section.code(*value, steps);
                codes.push(code);
                sums.0 += f64::from(code) * f64::from(*value);
                sums.1 += f64::from(code) * f64::from(code);
            }
            along += sums.0 * weight / unit;
            squared_codes += sums.1 * weight;
        }
        #[expect(clippy::cast_possible_truncation, reason = "as stored; the error is its own")]
        let step = if rough_step > 0.0 { (along / squared_codes) as f32 } else { 0.0 };
        // The error of the codes with that step, section by section.
        let mut bytes = Vec::with_capacity(n_values);
        let mut left = codes.as_slice();
        for section in &sections {
            let (codes, later) = left.split_at(section.values.len());
            left = later;
            let unit = f64::from(step) * f64::from(section.unit);
            let gaps = section.values.iter().zip(codes);
            let gap = norm(gaps.map(|(value, code)| f64::from(*value) - f64::from(*code) * unit));
            squared_error += (gap * f64::from(section.stretch)).powi(2);
            pack(codes, section.bits, &mut bytes);
        }
        let error = round_up(squared_error.sqrt() + slack);
        let norm = round_up(squared_codes.sqrt() * f64::from(step));
        RowCodes { bytes, stats: RowStats { step, error, norm } }
    }

    /// Quantizes a checked and padded query of that norm, and returns the bound of its scores.
    ///
    /// A byte of two codes is v = 16·h + l. The dimensions of the high halves are coded as they
    /// are; a product with v adds the low halves at a sixteenth, which the codes of their own
    /// dimensions take into account.
    #[expect(clippy::cast_possible_truncation, reason = "an offset as the kernels take it")]
    pub(crate) fn query(
        &self,
        padded: &[f32],
        norm: f64,
        kernels: &Kernels,
    ) -> (ScanQuery, ErrorBound) {
        let mut rotated = self.rotated(padded, norm, kernels);
        let mut codes = vec![0_i8; rotated.values.len()];
        let mut sums = QueryCoder::new(kernels);
        let [bytes, halves, quarters] = self.sections(&mut rotated.values);
        let (byte_codes, others) = codes.split_at_mut(bytes.values.len());
        let (half_codes, quarter_codes) = others.split_at_mut(halves.values.len());
        let byte_step = sums.add(bytes, byte_codes);
        let [low_step, whole_step] = sums.add_halves(halves, half_codes);
        let quarter_step = sums.add(quarters, quarter_codes);
        let query = ScanQuery {
            codes,
            layout: self.layout,
            steps: [byte_step, whole_step, low_step, quarter_step],
            offset: sums.offset as f32,
        };
        // In a query, the last section counts most.
        let [.., last_stretch] = self.stretches();
        let error = rotated.error / f64::from(last_stretch);
        let squared_norm = sums.squared_norm + rotated.remainder(norm, sums.along);
        let bound = ErrorBound::new(
            squared_norm.sqrt() + error,
            sums.squared_error.sqrt() + error,
            ROUNDING,
        );
        (query, if self.axes.is_some() { bound.of_rotated() } else { bound })
    }
}

/// Quantizes the sections of a query, and sums up what bounds its scores.
struct QueryCoder<'a> {
    kernels: &'a Kernels,
    /// |Rq|².
    along: f64,
    /// |q/s|² without the remainder.
    squared_norm: f64,
    /// The same of the differences between query and codes.
    squared_error: f64,
    /// Sum that the offset of the row codes adds.
    offset: f64,
}

impl<'a> QueryCoder<'a> {
    const fn new(kernels: &'a Kernels) -> Self {
        Self { kernels, along: 0.0, squared_norm: 0.0, squared_error: 0.0, offset: 0.0 }
    }

    /// Quantizes a section; returns the value of a code step.
    fn add(&mut self, mut section: Section<'_>, codes: &mut [i8]) -> f32 {
        self.measure(&mut section);
        let (step, error) = self.quantized(section.values, codes);
        self.count(&section, error * error, total(codes) * f64::from(step));
        step
    }

    /// Quantizes the dimensions of low halves and those of high ones; returns the values of their
    /// code steps.
    fn add_halves(&mut self, mut section: Section<'_>, codes: &mut [i8]) -> [f32; 2] {
        self.measure(&mut section);
        let half = section.values.len() / 2;
        let (low, high) = section.values.split_at_mut(half);
        let (low_codes, high_codes) = codes.split_at_mut(half);
        let (high_step, high_error) = self.quantized(high, high_codes);
        let whole_step = high_step / 16.0;
        for (value, code) in low.iter_mut().zip(&*high_codes) {
            *value -= f32::from(*code) * whole_step;
        }
        let (low_step, low_error) = self.quantized(low, low_codes);
        let total = total(high_codes) * f64::from(high_step + whole_step)
            + total(low_codes) * f64::from(low_step);
        self.count(&section, high_error * high_error + low_error * low_error, total);
        [low_step, whole_step]
    }

    /// Adds the norm of a section, and scales its values to what a code step is worth.
    fn measure(&mut self, section: &mut Section<'_>) {
        let mut squares = [0.0_f32; LANES];
        for values in section.values.as_chunks_mut::<LANES>().0 {
            for (square, value) in squares.iter_mut().zip(values) {
                *square += *value * *value;
                *value *= section.unit;
            }
        }
        let square = f64::from(squares.iter().sum::<f32>());
        self.along += square;
        self.squared_norm += square / f64::from(section.stretch).powi(2);
    }

    /// Quantizes values; returns the value of a step and a bound of the norm of the error.
    fn quantized(&self, values: &[f32], codes: &mut [i8]) -> (f32, f64) {
        let limit = self.kernels.query_limit;
        let quantized = (self.kernels.quantize)(values, limit, codes);
        (quantized.step, quantized.error_bound(values.len(), f32::from(limit)))
    }

    fn count(&mut self, section: &Section<'_>, squared_error: f64, total: f64) {
        let weight = (f64::from(section.unit) * f64::from(section.stretch)).powi(2);
        self.squared_error += squared_error / weight;
        self.offset += f64::from(section.middle()) * total;
    }
}

/// Returns Σ codes.
fn total(codes: &[i8]) -> f64 {
    f64::from(codes.iter().map(|&code| i32::from(code)).sum::<i32>())
}

/// Returns the step whose codes have the smallest angle to the vector; 0 for zeros.
fn best_step(sections: &[Section<'_>; 3]) -> f32 {
    let largest = sections.iter().fold(0.0_f32, |largest, section| {
        let most = section.values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        largest.max(most / (section.unit * section.middle()))
    });
    if largest == 0.0 {
        return 0.0;
    }
    let mut best = (f32::NEG_INFINITY, 0.0);
    for clip in CLIPS {
        let step = clip * largest;
        let (mut along, mut square) = (0.0, 0.0);
        for section in sections {
            let steps = 1.0 / (step * section.unit);
            let weight = (section.stretch * section.unit).powi(2);
            let (mut alongs, mut squares) = ([0.0_f32; LANES], [0.0_f32; LANES]);
            for values in section.values.as_chunks::<LANES>().0 {
                for ((along, square), value) in alongs.iter_mut().zip(&mut squares).zip(values) {
                    let code = section.code(*value, steps);
                    *along += code * (value * steps);
                    *square += code * code;
                }
            }
            along += alongs.iter().sum::<f32>() * weight;
            square += squares.iter().sum::<f32>() * weight;
        }
        // In units of the step; the smaller the step, the more of them the vector has.
        let along = along * clip;
        let fit = along * along / square;
        if fit > best.0 {
            best = (fit, step);
        }
    }
    best.1
}

/// Appends codes, given less their middle, as [`crate::kernel::ScanBlocks`] lays them out.
fn pack(codes: &[f32], bits: u32, bytes: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=255")]
    let unsigned = |code: f32| (code + middle(bits)) as u8;
    let n_bytes = codes.len() * bits as usize / 8;
    let start = bytes.len();
    bytes.resize(start + n_bytes, 0);
    let (_, places) = bytes.split_at_mut(start);
    for (codes, shift) in codes.chunks_exact(n_bytes.max(1)).zip((0..8).step_by(bits as usize)) {
        for (byte, code) in places.iter_mut().zip(codes) {
            *byte |= unsigned(*code) << shift;
        }
    }
}
