//! From vectors to what the scan reads: codes of few bits, and how far a score of them can be off.
//!
//! A row x is kept as codes n and one scale a, standing for x̂ = a·(n − middle). The scale is the one that
//! makes x − x̂ shortest for the codes (least squares), so x − x̂ is at right angles to x̂ and only the part
//! of the query that is at right angles to x̂ as well can meet it:
//!
//! ```text
//! |q·(x − x̂)| ≤ |x − x̂| · √(|q|² − (q·x̂)²/|x̂|²)
//! ```
//!
//! **Plain**, each dimension has four bits: half a byte. On unit vectors of 384 dimensions |x − x̂| is about
//! .107, and the actual error of a score some twenty times smaller.
//!
//! **Along axes** ([`Axes`]), x and q are turned first: y = Rx, Rq. The directions in which the corpus has
//! most of its energy come first and get more bits (8, 4, 2, none). An error counts by what the query has in
//! its direction, and q has most where the rows do; so all lengths are taken after both are stretched
//! against each other, by s per section of directions:
//!
//! ```text
//! q·x = (q/s)·(s·x),   so   |q·(x − x̂)| ≤ |s·(x − x̂)| · |q/s|
//! ```
//!
//! which is smallest where s² is the length of q over the length of what the codes miss. As turning is not
//! exact, what is missed is not quite at right angles to x̂, and all of the query counts. That 112 bytes a
//! row are about as good as 192 plain ones is what turning the query pays for from some thousand rows on.

use super::axes::{Axes, Turned};
use super::kernel::{CoarseQuery, Kernels, Layout, SECTION_BITS, TOGETHER};
use super::quantise::{Coded, Meaning, Window, length, rounded_up, square};

/// Shares of the largest magnitude that the outermost codes may stand for: few values are that large, and
/// cutting them off makes the steps finer for all others.
const REACHES: [f32; 6] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.95];

/// Relative room for the roundings of `f32` in a score of codes.
///
/// No code is nearer to the middle than ½, so for a section of d dimensions a·√d ≤ 2·|x̂|. Each of the four
/// products and the offset is then at most 255 · Σ|q̂|·a ≤ 510·|q̂|·|x̂|, and takes two roundings of 2⁻²⁴;
/// their sums take four more: below 2⁻¹².
const ROUNDING: f64 = 1.0 / (1 << 12) as f64;

/// How the vectors of an index are coded for the scan.
#[derive(Debug, Clone)]
pub(super) struct Coder {
    layout: Layout,
    axes: Option<Axes>,
}

/// A part of a vector whose codes have the same number of bits.
struct Section<'a> {
    values: &'a mut [f32],
    bits: u32,
    /// What a code step is worth before the scale of the row.
    unit: f32,
    /// How much longer the section counts.
    stretch: f32,
}

impl Section<'_> {
    fn middle(&self) -> f32 {
        middle(self.bits)
    }

    /// The code of a value less the middle.
    fn code(&self, value: f32, steps: f32) -> f32 {
        // Adding 1.5·2²³ leaves no room for fractions.
        let middle = self.middle();
        let whole = (value * steps + middle).clamp(0.0, 2.0 * middle);
        (whole + 12_582_912.0 - 12_582_912.0) - middle
    }
}

/// The middle of the codes of as many bits.
fn middle(bits: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 255")]
    let largest = ((1_u32 << bits) - 1) as f32;
    largest / 2.0
}

impl Coder {
    /// Four bits a dimension, for vectors padded to `width`.
    pub(super) fn plain(width: usize) -> Self {
        Self { layout: [0, width / (2 * TOGETHER), 0], axes: None }
    }

    /// More bits for directions with more energy.
    pub(super) fn along(axes: Axes) -> Self {
        Self { layout: axes.layout(), axes: Some(axes) }
    }

    /// Groups of each section of a row.
    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// The axes, unless it is plain.
    pub(super) const fn axes(&self) -> Option<&Axes> {
        self.axes.as_ref()
    }

    /// How much longer a section counts in a row, and shorter in a query.
    fn stretch(&self, section: usize) -> f64 {
        f64::from(self.axes.as_ref().map_or(1.0, |_| Axes::stretch(section)))
    }

    /// `values`, which are padded or turned, by section.
    fn sections<'a>(&self, values: &'a mut [f32]) -> [Section<'a>; 3] {
        let mut rest = values;
        let mut at = 0;
        [(); 3].map(|()| {
            let (groups, bits) = (self.layout.get(at), SECTION_BITS.get(at));
            let (groups, bits) = (*groups.unwrap_or(&0), *bits.unwrap_or(&8));
            let unit = self.axes.as_ref().map_or(1.0, |axes| axes.unit(at));
            let stretch = self.axes.as_ref().map_or(1.0, |_| Axes::stretch(at));
            at += 1;
            let dims = groups * TOGETHER * (8 / bits as usize);
            let taken = std::mem::take(&mut rest);
            let (values, later) = taken.split_at_mut(dims.min(taken.len()));
            rest = later;
            Section { values, bits, unit, stretch }
        })
    }

    /// What the codes of a padded vector are made of.
    fn turned(&self, padded: &[f32], norm: f64, kernels: &Kernels) -> Turned {
        match &self.axes {
            None => Turned { values: padded.to_vec(), off: 0.0, astray: 0.0 },
            Some(axes) => axes.turn(padded, norm, kernels),
        }
    }

    /// Codes a checked and padded vector of length `norm`. Cost: two microseconds at 384 dimensions, four
    /// along axes.
    pub(super) fn code(&self, padded: &[f32], norm: f64, kernels: &Kernels) -> Coded {
        let mut turned = self.turned(padded, norm, kernels);
        let mut missed = turned.rest(norm, square(&turned.values));
        // The first section counts most. What is astray meets the length of the query, which is at most that
        // times what is counted of it.
        let slack = (turned.off + turned.astray) * self.stretch(0);
        let n_values = turned.values.len();
        let sections = self.sections(&mut turned.values);
        let step = best_step(&sections);
        let mut codes = Vec::with_capacity(n_values);
        let (mut along, mut length_square) = (0.0_f64, 0.0_f64);
        for section in &sections {
            let steps = if step > 0.0 { 1.0 / (step * section.unit) } else { 0.0 };
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
            length_square += sums.1 * weight;
        }
        #[expect(clippy::cast_possible_truncation, reason = "as stored; the error is its own")]
        let scale = if step > 0.0 { (along / length_square) as f32 } else { 0.0 };
        let mut bytes = Vec::with_capacity(n_values);
        let mut left = codes.as_slice();
        for section in &sections {
            let (codes, later) = left.split_at(section.values.len().min(left.len()));
            left = later;
            let unit = f64::from(scale) * f64::from(section.unit);
            let gap = section.values.iter().zip(codes);
            let gap = length(gap.map(|(value, code)| f64::from(*value) - f64::from(*code) * unit));
            missed += (gap * f64::from(section.stretch)).powi(2);
            pack(codes, section.bits, &mut bytes);
        }
        let error = rounded_up(missed.sqrt() + slack);
        let norm = rounded_up(length_square.sqrt() * f64::from(scale));
        Coded { bytes, meaning: Meaning { scale, error, norm } }
    }

    /// A checked and padded query of length `norm`, and the bound of its scores.
    ///
    /// A byte of two codes is v = 16·h + l. The dimensions of the high halves are coded as they are; a product
    /// with v adds the low halves at a sixteenth, which the codes of their own dimensions take into account.
    #[expect(clippy::cast_possible_truncation, reason = "an offset as the kernels take it")]
    pub(super) fn query(
        &self,
        padded: &[f32],
        norm: f64,
        kernels: &Kernels,
    ) -> (CoarseQuery, Window) {
        let mut turned = self.turned(padded, norm, kernels);
        let mut codes = vec![0_i8; turned.values.len()];
        let mut coding = Coding { kernels, along: 0.0, square: 0.0, gap: 0.0, offset: 0.0 };
        let [bytes, halves, quarters] = self.sections(&mut turned.values);
        let (byte_codes, others) = codes.split_at_mut(bytes.values.len());
        let (half_codes, quarter_codes) = others.split_at_mut(halves.values.len());
        let byte_step = coding.add(bytes, byte_codes);
        let [low_step, whole_step] = coding.add_halves(halves, half_codes);
        let quarter_step = coding.add(quarters, quarter_codes);
        let query = CoarseQuery {
            codes,
            layout: self.layout,
            steps: [byte_step, whole_step, low_step, quarter_step],
            offset: coding.offset as f32,
        };
        // Of a query, the last section counts most.
        let off = turned.off / self.stretch(2);
        let square = coding.square + turned.rest(norm, coding.along);
        let window = Window::new(square.sqrt() + off, coding.gap.sqrt() + off, ROUNDING);
        (query, if self.axes.is_some() { window.of_turned() } else { window })
    }
}

/// Codes the sections of a query, and sums up what it takes to bound a score.
struct Coding<'a> {
    kernels: &'a Kernels,
    /// |Rq|².
    along: f64,
    /// |q/s|² but for the rest.
    square: f64,
    /// The same of what the codes miss.
    gap: f64,
    /// What the offset of the row codes adds.
    offset: f64,
}

impl Coding<'_> {
    /// Codes a section; gives the value of a code step.
    fn add(&mut self, mut section: Section<'_>, codes: &mut [i8]) -> f32 {
        self.measure(&mut section);
        let (step, missed) = self.coded(section.values, codes);
        self.count(&section, missed * missed, total(codes) * f64::from(step));
        step
    }

    /// Codes the dimensions of low halves and those of high ones; gives the values of their code steps.
    fn add_halves(&mut self, mut section: Section<'_>, codes: &mut [i8]) -> [f32; 2] {
        self.measure(&mut section);
        let half = section.values.len() / 2;
        let (low, high) = section.values.split_at_mut(half);
        let (low_codes, high_codes) = codes.split_at_mut(half);
        let (high_step, high_missed) = self.coded(high, high_codes);
        let whole_step = high_step / 16.0;
        for (value, code) in low.iter_mut().zip(&*high_codes) {
            *value -= f32::from(*code) * whole_step;
        }
        let (low_step, low_missed) = self.coded(low, low_codes);
        let total = total(high_codes) * f64::from(high_step + whole_step)
            + total(low_codes) * f64::from(low_step);
        self.count(&section, high_missed * high_missed + low_missed * low_missed, total);
        [low_step, whole_step]
    }

    /// Adds the length of a section, and makes its values what a code step is worth.
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
        self.square += square / f64::from(section.stretch).powi(2);
    }

    /// Codes values; gives the value of a step and the length of what is missed.
    fn coded(&self, values: &[f32], codes: &mut [i8]) -> (f32, f64) {
        let limit = self.kernels.query_limit;
        let stepped = (self.kernels.quantise)(values, limit, codes);
        (stepped.step, stepped.missed(values.len(), f32::from(limit)))
    }

    fn count(&mut self, section: &Section<'_>, missed_square: f64, total: f64) {
        self.gap += missed_square / (f64::from(section.unit) * f64::from(section.stretch)).powi(2);
        self.offset += f64::from(section.middle()) * total;
    }
}

/// Σ codes.
fn total(codes: &[i8]) -> f64 {
    f64::from(codes.iter().map(|&code| i32::from(code)).sum::<i32>())
}

/// The step of codes that point most nearly where the vector does; 0 for zeros.
fn best_step(sections: &[Section<'_>; 3]) -> f32 {
    let largest = sections.iter().fold(0.0_f32, |largest, section| {
        let most = section.values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        largest.max(most / (section.unit * section.middle()))
    });
    let mut best = (f32::NEG_INFINITY, 0.0);
    if largest == 0.0 {
        return 0.0;
    }
    for reach in REACHES {
        let step = reach * largest;
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
        // In units of the step, of which the vector has more the smaller it is.
        let along = along * reach;
        let fit = along * along / square;
        if fit > best.0 {
            best = (fit, step);
        }
    }
    best.1
}

/// Sums side by side; every section is a multiple of them. Their roundings are below those of scores.
const LANES: usize = 16;

/// Appends codes, given less their middle, as [`super::kernel::Blocks`] lays them out.
fn pack(codes: &[f32], bits: u32, bytes: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=255")]
    let whole = |code: f32| (code + middle(bits)) as u8;
    let n_bytes = codes.len() * bits as usize / 8;
    let start = bytes.len();
    bytes.resize(start + n_bytes, 0);
    let places = bytes.get_mut(start..).unwrap_or_default();
    for (codes, shift) in codes.chunks_exact(n_bytes.max(1)).zip((0..8).step_by(bits as usize)) {
        for (byte, code) in places.iter_mut().zip(codes) {
            *byte |= whole(*code) << shift;
        }
    }
}
