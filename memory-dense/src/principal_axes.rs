//! Principal axes: the directions in which the vectors of an index vary most.
//!
//! An error bound relies only on the directions being at right angles, and how far they are from
//! that is measured; how near they come to the true axes matters to speed alone. Within a section
//! they are mixed by a random rotation, so that equal code steps fit all of its dimensions.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts of dimensions; axes are the result, and measured after that"
)]

use crate::arithmetic::dot;
use crate::kernel::{self, Kernels, SECTION_BITS, ScanLayout, TOGETHER};
use crate::random_rotation::RandomRotation;
use crate::second_moments::SecondMoments;

/// Directions of each section, where the vectors have enough dimensions. Of layouts of 88 to 144
/// bytes this was fastest on 10,000 real vectors and on 10,000 clustered ones.
const DIRECTIONS: [usize; 3] = [32, 96, 128];

/// Multiples that the directions of each section are rounded up to: four groups, and sixteen
/// values.
const MULTIPLES: [usize; 3] = [16, 32, 16];

/// Shares 1/n of the dimensions that a section has at most.
const SHARES: [usize; 3] = [12, 4, 3];

/// Most dimensions for which axes are computed: beyond it they would take too long, and the codes
/// of a query have too few steps.
const MAX_DIMENSIONS: usize = 4_096;

/// Most vectors that axes are computed from.
pub(crate) const MAX_SAMPLE: usize = 4_096;

/// Code step in standard deviations of the values of a section: largest value over middle.
const STEPS: [f64; 3] = [5.5 / 127.5, 2.7 / 7.5, 1.0];

/// Error of the codes of a section as a share of its norm: uniform within a step, and that of a
/// normal distribution at four bits and two (Max, 1960, "Quantizing for Minimum Distortion").
const ERROR_SHARES: [f64; 3] = [0.0125, 0.1, 0.343];

/// Largest error bound of a score of codes, for unit vectors on average, at which axes are worth
/// rotating queries, up to [`NARROW`] dimensions: half as much again as for plain codes costs less
/// than the bytes that are saved.
const MAX_SCORE_ERROR: f64 = 0.2;

/// Dimensions beyond which axes save so many bytes that a larger error bound pays; see
/// [`max_score_error`].
const NARROW: usize = 768;

/// Largest distance from right angles that axes may have.
const MAX_SKEW: f64 = 2e-3;

/// Rows of an orthogonal matrix R, for vectors of one width.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalAxes {
    width: usize,
    layout: ScanLayout,
    /// Numbers of R.
    matrix: AxesMatrix,
}

/// Axes as they are saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AxesMatrix {
    /// Directions row by row, the most important section first, in codes.
    pub(crate) codes: Vec<i16>,
    /// Value of a step of these codes.
    pub(crate) step: f32,
    /// Value of a step of row codes in each section, for rows of norm 1.
    pub(crate) units: [f32; 3],
    /// Bound of `|RRᵀ − 1|`: how far the axes are from right angles.
    pub(crate) skew: f64,
}

/// A vector along axes.
pub(crate) struct Rotated {
    pub(crate) values: Vec<f32>,
    /// Bound of the norm of the error of `values`.
    pub(crate) error: f64,
    /// Bound of what the remainder, which is at right angles to `values`, may still have along the
    /// axes, as these are not quite at right angles to each other.
    pub(crate) skew_error: f64,
}

impl PrincipalAxes {
    /// Computes axes for vectors like those of `sample`: at most [`MAX_SAMPLE`] of norm 1, `width`
    /// numbers each.
    ///
    /// Cost: a tenth of a second at 384 dimensions, some seconds at 3,072. `None` where the codes
    /// would not be worth it: few dimensions, or variance in too many directions; and where
    /// `keep_going` returns false.
    pub(crate) fn of(sample: &[f32], width: usize, keep_going: &dyn Fn() -> bool) -> Option<Self> {
        let (axes, score_error) = Self::with_score_error(sample, width, keep_going)?;
        Some(axes).filter(|_| score_error <= max_score_error(width))
    }

    /// Computes axes, and the average error bound of a score of codes along them.
    #[expect(clippy::indexing_slicing, reason = "the directions of all sections follow each other")]
    pub(crate) fn with_score_error(
        sample: &[f32],
        width: usize,
        keep_going: &dyn Fn() -> bool,
    ) -> Option<(Self, f64)> {
        let n_directions = directions(width)?;
        let moments = SecondMoments::of(sample, width, kernel::best(), keep_going)?;
        let total = moments.total_variance();
        let mut found = moments.main_directions(n_directions.iter().sum(), keep_going)?;
        let (mut units, mut score_error, mut left) = ([1.0; 3], 0.0, total);
        let mut at = 0;
        for section in 0..3 {
            let n = n_directions[section];
            let rows = &mut found[at * width..(at + n) * width];
            at += n;
            let variance = moments.variance_along(rows);
            score_error += variance * ERROR_SHARES[section];
            left -= variance;
            // A section with hardly any variance in the sample may have some later.
            let deviation = (variance.max(total * 1e-6) / n as f64).sqrt();
            units[section] = (STEPS[section] * deviation) as f32;
            mix(rows, n, width);
        }
        let values: Vec<f32> = found.iter().map(|value| *value as f32).collect();
        let mut codes = vec![0_i16; values.len()];
        let step = (kernel::best().quantize_wide)(&values, i16::MAX, &mut codes).step;
        let skew = skew(&codes, step, width);
        // The units are for rows of norm 1; the moments add up as many as the sample has.
        let norm = total.sqrt() as f32;
        let units = units.map(|unit| unit / norm);
        let axes = Self::from_matrix(width, AxesMatrix { codes, step, units, skew })?;
        // What no direction holds counts as error.
        let score_error = (score_error + left.max(0.0)) / total;
        Some((axes, score_error)).filter(|(_, score_error)| score_error.is_finite())
    }

    /// Restores axes from their matrix. `None` for numbers that cannot be axes.
    pub(crate) fn from_matrix(width: usize, matrix: AxesMatrix) -> Option<Self> {
        let mut layout = directions(width)?;
        let is_whole = matrix.codes.len() == layout.iter().sum::<usize>() * width;
        for (groups, bits) in layout.iter_mut().zip(SECTION_BITS) {
            *groups /= TOGETHER * (8 / bits as usize);
        }
        let has_units = matrix.units.iter().all(|unit| *unit > 0.0);
        let is_sound = is_whole && has_units && matrix.skew <= MAX_SKEW;
        is_sound.then_some(Self { width, layout, matrix })
    }

    /// Returns the groups of each section of a row.
    pub(crate) const fn layout(&self) -> ScanLayout {
        self.layout
    }

    /// Returns the matrix, to be saved.
    pub(crate) const fn matrix(&self) -> &AxesMatrix {
        &self.matrix
    }

    /// Returns the memory that the axes take, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(self.matrix.codes.as_slice())
    }

    /// Returns the value of a step of row codes in each section, for rows of norm 1.
    pub(crate) const fn units(&self) -> [f32; 3] {
        self.matrix.units
    }

    /// Returns the factors by which the sections of a row are stretched before errors are measured:
    /// the root of 1 / the error of their codes.
    pub(crate) fn stretches() -> [f32; 3] {
        ERROR_SHARES.map(|share| share.sqrt().recip() as f32)
    }

    /// Rotates a padded vector of that norm.
    pub(crate) fn rotate(&self, padded: &[f32], norm: f64, kernels: &Kernels) -> Rotated {
        debug_assert_eq!(padded.len(), self.width);
        let AxesMatrix { codes: matrix, step, skew, .. } = &self.matrix;
        let limit = self.code_limit();
        let mut codes = vec![0_i16; padded.len()];
        let quantized = (kernels.quantize_wide)(padded, limit, &mut codes);
        let mut values = vec![0.0; matrix.len() / self.width];
        (kernels.rotate)(matrix, &codes, step * quantized.step, &mut values);
        let quantization_error = quantized.error_bound(padded.len(), f32::from(limit));
        let rounding = (values.len() as f64).sqrt() / f64::from(1 << 20) * norm;
        let error = (quantization_error + rounding) * (1.0 + skew);
        Rotated { values, error, skew_error: skew * norm * (1.0 + skew) }
    }

    /// Returns the largest code of a vector: with codes of 2¹⁵ of the matrix, the sums of
    /// width / 16 products stay below 2³¹.
    fn code_limit(&self) -> i16 {
        i16::try_from((1 << 20) / self.width).unwrap_or(i16::MAX).min(4_095)
    }
}

impl Rotated {
    /// Returns a bound of the squared norm of what a vector of that norm has at right angles to all
    /// axes, if `along` is the squared norm of its values.
    pub(crate) fn remainder(&self, norm: f64, along: f64) -> f64 {
        if self.error == 0.0 && self.skew_error == 0.0 {
            return 0.0;
        }
        (norm * norm - along).max(0.0) + norm * (self.skew_error + 3.0 * self.error)
    }
}

/// Returns the directions of each section for vectors of `width`; `None` where axes are not
/// computed.
fn directions(width: usize) -> Option<[usize; 3]> {
    let mut directions = DIRECTIONS;
    for ((n, share), multiple) in directions.iter_mut().zip(SHARES).zip(MULTIPLES) {
        *n = (*n).min((width / share).next_multiple_of(multiple));
    }
    let fits = directions.iter().sum::<usize>() < width && width <= MAX_DIMENSIONS;
    fits.then_some(directions)
}

/// Returns the largest error bound of a score at which axes are worth it.
///
/// Codes along axes have the same number of bytes at any width, plain ones half a byte a dimension.
/// Measured over vectors of four spectra, the bound at which both take as long grows from some .2
/// at 768 dimensions to more than .4 at 3,072.
fn max_score_error(width: usize) -> f64 {
    MAX_SCORE_ERROR * (width as f64 / NARROW as f64).sqrt().max(1.0)
}

/// Rotates `n` directions among each other.
fn mix(rows: &mut [f64], n: usize, width: usize) {
    let rotation = RandomRotation::new(n);
    for at in 0..width {
        let mut column: Vec<f32> =
            rows.iter().skip(at).step_by(width).map(|value| *value as f32).collect();
        rotation.apply(&mut column);
        for (place, value) in rows.iter_mut().skip(at).step_by(width).zip(column) {
            *place = f64::from(value);
        }
    }
}

/// Returns a bound of |F| for F = `RRᵀ` − 1: the root of the largest sum of magnitudes in a row of
/// F·F.
fn skew(matrix: &[i16], step: f32, width: usize) -> f64 {
    let wide: Vec<f64> = matrix.iter().map(|value| f64::from(*value) * f64::from(step)).collect();
    let mut off = products(&wide, width);
    let n = wide.len() / width;
    for own in off.iter_mut().step_by(n + 1) {
        *own -= 1.0;
    }
    let squared = products(&off, n);
    let sums = squared.chunks_exact(n).map(|row| row.iter().map(|value| value.abs()).sum::<f64>());
    // A sum that is no number must not pass as small.
    sums.fold(0.0, |most, sum| if sum <= most { most } else { sum }).sqrt()
}

/// Returns the inner products of all rows with all rows.
fn products(rows: &[f64], width: usize) -> Vec<f64> {
    let each = || rows.chunks_exact(width);
    each().flat_map(|row| each().map(|other| dot(row, other))).collect()
}
