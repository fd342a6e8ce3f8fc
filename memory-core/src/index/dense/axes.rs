//! The directions in which the vectors of a corpus have most of their energy.
//!
//! Found by orthogonal iteration (Golub and Van Loan, "Matrix Computations", 8.2.4) on the second moments of a
//! sample. How near they come to the principal axes only matters to speed: all that a bound relies on is that
//! they are at right angles, and how far they are from that is measured. Within a section they are mixed by a
//! random rotation, so that codes of equal steps fit all of its dimensions.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts of dimensions; axes are what comes out, and measured after that"
)]

use super::kernel::{Kernels, Layout, SECTION_BITS, TOGETHER, portable};
use super::quantise::dot;
use super::rotation::Rotation;

/// Directions of each section, where the vectors have enough dimensions. Of layouts of 88 to 144 bytes this
/// was fastest on 10,000 real vectors and on 10,000 clustered ones.
const DIRECTIONS: [usize; 3] = [32, 96, 128];

/// What the directions of each section are a multiple of: four groups, and sixteen values.
const MULTIPLES: [usize; 3] = [16, 32, 16];

/// Shares 1/n of the dimensions that a section has at most.
const SHARES: [usize; 3] = [12, 4, 3];

/// Dimensions beyond which axes would take too long to find, and too much memory.
const MOST_DIMENSIONS: usize = 2_048;

/// Vectors that axes are found from, at most.
pub(super) const SAMPLE: usize = 4_096;

/// Rounds of the iteration.
const ROUNDS: usize = 8;

/// Code step in standard deviations of the values of a section: largest value over middle.
const STEPS: [f64; 3] = [5.5 / 127.5, 2.7 / 7.5, 1.0];

/// What codes miss of a section, as a share of its length: uniform within a step, and what a normal
/// distribution has at four bits and two (Max, 1960).
const MISSED: [f64; 3] = [0.0125, 0.1, 0.343];

/// The most that a score of codes may be off, for unit vectors as they are on average, for axes to be worth
/// turning queries: half as much again as for plain codes costs less than the bytes that are saved.
const MOST_MISSED: f64 = 0.2;

/// How far from right angles axes may be.
const MOST_SKEW: f64 = 2e-3;

/// Axes of vectors of some width: R, row by row.
#[derive(Debug, Clone)]
pub(super) struct Axes {
    width: usize,
    layout: Layout,
    /// Directions, the most important section first, in codes.
    matrix: Vec<i16>,
    /// Value of a step of them.
    step: f32,
    /// What a code step is worth in each section, for rows of length 1.
    units: [f32; 3],
    /// Bound of `|RRᵀ − 1|`.
    skew: f64,
}

/// A vector along axes.
pub(super) struct Turned {
    pub(super) values: Vec<f32>,
    /// Length by which the values are off.
    pub(super) off: f64,
    /// What is at right angles to the values may still have as much along the axes, as these are not quite at
    /// right angles to each other.
    pub(super) astray: f64,
}

impl Axes {
    /// Axes for vectors as those of `sample`: at most [`SAMPLE`] of length 1, `width` numbers each.
    ///
    /// Cost: some tenths of a second at 384 dimensions. `None` where the codes would not be worth it: few
    /// dimensions, or energy in too many directions; and where `go_on` says no.
    pub(super) fn of(sample: &[f32], width: usize, go_on: &dyn Fn() -> bool) -> Option<Self> {
        let (axes, missed) = Self::found(sample, width, go_on)?;
        Some(axes).filter(|_| missed <= MOST_MISSED)
    }

    /// Axes, and how far a score of codes would be off on average.
    pub(super) fn found(
        sample: &[f32],
        width: usize,
        go_on: &dyn Fn() -> bool,
    ) -> Option<(Self, f64)> {
        let directions = directions(width)?;
        let moments = Moments::of(sample, width, go_on)?;
        let total = moments.total();
        let mut found = moments.main_directions(directions.iter().sum(), go_on)?;
        let (mut units, mut missed, mut left) = ([1.0; 3], 0.0, total);
        let mut at = 0;
        for ((unit, n), (step, share)) in
            units.iter_mut().zip(directions).zip(STEPS.iter().zip(MISSED))
        {
            let section = found.get_mut(at * width..(at + n) * width).unwrap_or_default();
            at += n;
            let energy = moments.energy(section);
            missed += energy * share;
            left -= energy;
            // What has hardly any in the sample may have some later.
            *unit = (step * (energy.max(total * 1e-6) / n as f64).sqrt()) as f32;
            mix(section, n, width);
        }
        let values: Vec<f32> = found.iter().map(|value| *value as f32).collect();
        let mut matrix = vec![0_i16; values.len()];
        let step = (portable::KERNELS.quantise_wide)(&values, i16::MAX, &mut matrix).step;
        let skew = skew(&matrix, step, width);
        // The units are for rows of length 1, of which the sample has as many as its moments add up to.
        let length = total.sqrt() as f32;
        let axes = Self::with(width, matrix, step, units.map(|unit| unit / length), skew)?;
        Some((axes, (missed + left.max(0.0)) / total)).filter(|(_, missed)| missed.is_finite())
    }

    /// Axes as they were kept. `None` for what cannot be axes.
    pub(super) fn with(
        width: usize,
        matrix: Vec<i16>,
        step: f32,
        units: [f32; 3],
        skew: f64,
    ) -> Option<Self> {
        let mut layout = directions(width)?;
        let is_whole = matrix.len() == layout.iter().sum::<usize>() * width;
        for (groups, bits) in layout.iter_mut().zip(SECTION_BITS) {
            *groups /= TOGETHER * (8 / bits as usize);
        }
        let is_sound = is_whole && units.iter().all(|unit| *unit > 0.0) && skew <= MOST_SKEW;
        is_sound.then_some(Self { width, layout, matrix, step, units, skew })
    }

    /// Groups of each section of a row.
    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Directions, row by row, in codes; the value of a step of them; what a code step is worth in each
    /// section; how far from right angles they are.
    pub(super) fn parts(&self) -> (&[i16], f32, [f32; 3], f64) {
        (&self.matrix, self.step, self.units, self.skew)
    }

    /// Memory that they take, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        size_of_val(self.matrix.as_slice())
    }

    /// What a code step is worth in a section.
    pub(super) fn unit(&self, section: usize) -> f32 {
        self.units.get(section).copied().unwrap_or(1.0)
    }

    /// How much longer a section counts than what is in none: the root of 1 / what codes miss of it.
    pub(super) fn stretch(section: usize) -> f32 {
        MISSED.get(section).copied().unwrap_or(1.0).sqrt().recip() as f32
    }

    /// A padded vector of length `norm` along the axes.
    pub(super) fn turn(&self, padded: &[f32], norm: f64, kernels: &Kernels) -> Turned {
        let limit = self.limit();
        let mut codes = vec![0_i16; padded.len()];
        let stepped = (kernels.quantise_wide)(padded, limit, &mut codes);
        let mut values = vec![0.0; self.matrix.len() / self.width.max(1)];
        (kernels.turn)(&self.matrix, &codes, self.step * stepped.step, &mut values);
        let missed = stepped.missed(padded.len(), f32::from(limit));
        let rounding = (values.len() as f64).sqrt() / f64::from(1 << 20) * norm;
        let off = (missed + rounding) * (1.0 + self.skew);
        Turned { values, off, astray: self.skew * norm * (1.0 + self.skew) }
    }

    /// Largest code of a vector: with codes of 2¹⁵ of the matrix, the sums of width / 16 products stay below
    /// 2³¹.
    fn limit(&self) -> i16 {
        i16::try_from((1 << 20) / self.width.max(1)).unwrap_or(i16::MAX).min(4_095)
    }
}

impl Turned {
    /// Bound of the square of the length of what a vector of length `norm` has at right angles to all axes,
    /// if the square of its values is `along`.
    pub(super) fn rest(&self, norm: f64, along: f64) -> f64 {
        if self.off == 0.0 && self.astray == 0.0 {
            return 0.0;
        }
        (norm * norm - along).max(0.0) + norm * (self.astray + 3.0 * self.off)
    }
}

/// Directions of each section for vectors of `width`; `None` where that is too few.
fn directions(width: usize) -> Option<[usize; 3]> {
    let mut directions = DIRECTIONS;
    for ((n, share), multiple) in directions.iter_mut().zip(SHARES).zip(MULTIPLES) {
        *n = (*n).min((width / share).next_multiple_of(multiple));
    }
    let fits = directions.iter().sum::<usize>() < width && width <= MOST_DIMENSIONS;
    fits.then_some(directions)
}

/// Σ x·xᵀ of a sample, row by row.
struct Moments {
    width: usize,
    values: Vec<f64>,
}

impl Moments {
    /// `None` if `go_on` says no.
    fn of(sample: &[f32], width: usize, go_on: &dyn Fn() -> bool) -> Option<Self> {
        let mut values = vec![0.0; width * width];
        for vector in sample.chunks_exact(width) {
            if !go_on() {
                return None;
            }
            for (row, left) in values.chunks_exact_mut(width).zip(vector) {
                let left = f64::from(*left);
                for (moment, right) in row.iter_mut().zip(vector) {
                    *moment += left * f64::from(*right);
                }
            }
        }
        Some(Self { width, values })
    }

    /// The energy of the sample.
    fn total(&self) -> f64 {
        self.values.iter().step_by(self.width + 1).sum()
    }

    /// `n` directions at right angles, those with most energy first. `None` if `go_on` says no.
    fn main_directions(&self, n: usize, go_on: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let rotation = Rotation::new(self.width);
        let mut found = Vec::with_capacity(n * self.width);
        for at in 0..n {
            let mut direction = vec![0.0; self.width];
            if let Some(value) = direction.get_mut(at) {
                *value = 1.0;
            }
            rotation.apply(&mut direction);
            found.extend(direction.into_iter().map(f64::from));
        }
        for _ in 0..ROUNDS {
            if !go_on() {
                return None;
            }
            found = self.times(&found);
            orthonormalise(&mut found, self.width);
        }
        Some(found)
    }

    /// Each row times the moments, with a little of the row itself so that none becomes zero.
    fn times(&self, rows: &[f64]) -> Vec<f64> {
        let own = self.total() / self.width as f64 * 1e-6 + f64::MIN_POSITIVE;
        let mut products = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(self.width) {
            let mut product: Vec<f64> = row.iter().map(|value| value * own).collect();
            for (factor, moments) in row.iter().zip(self.values.chunks_exact(self.width)) {
                for (sum, moment) in product.iter_mut().zip(moments) {
                    *sum += factor * moment;
                }
            }
            products.extend(product);
        }
        products
    }

    /// What the sample has along these directions.
    fn energy(&self, rows: &[f64]) -> f64 {
        let products = self.times(rows);
        let pairs = rows.chunks_exact(self.width).zip(products.chunks_exact(self.width));
        pairs.map(|(row, product)| dot(row, product)).sum()
    }
}

/// Makes rows of length 1 at right angles to those before, twice over, as rounding asks for.
fn orthonormalise(rows: &mut [f64], width: usize) {
    for at in 0..rows.len() / width {
        let (before, rest) = rows.split_at_mut(at * width);
        let row = rest.get_mut(..width).unwrap_or_default();
        for _ in 0..2 {
            scale_to_one(row);
            for other in before.chunks_exact(width) {
                let along = dot(row, other);
                for (value, other) in row.iter_mut().zip(other) {
                    *value -= along * other;
                }
            }
        }
        scale_to_one(row);
    }
}

fn scale_to_one(row: &mut [f64]) {
    let scale = dot(row, row).sqrt().recip();
    for value in row {
        *value *= scale;
    }
}

/// Turns `n` directions among each other.
fn mix(rows: &mut [f64], n: usize, width: usize) {
    let rotation = Rotation::new(n);
    for at in 0..width {
        let mut column: Vec<f32> =
            rows.iter().skip(at).step_by(width).map(|value| *value as f32).collect();
        rotation.apply(&mut column);
        for (place, value) in rows.iter_mut().skip(at).step_by(width).zip(column) {
            *place = f64::from(value);
        }
    }
}

/// Bound of |F| for F = `RRᵀ` − 1: the root of the largest sum of magnitudes in a row of F·F.
fn skew(matrix: &[i16], step: f32, width: usize) -> f64 {
    let wide: Vec<f64> = matrix.iter().map(|value| f64::from(*value) * f64::from(step)).collect();
    let mut off = products(&wide, width);
    let n = wide.len() / width;
    for own in off.iter_mut().step_by(n + 1) {
        *own -= 1.0;
    }
    let squared = products(&off, n);
    let sums = squared.chunks_exact(n).map(|row| row.iter().map(|value| value.abs()).sum::<f64>());
    // Also if one is no number.
    sums.fold(0.0, |most, sum| if sum <= most { most } else { sum }).sqrt()
}

/// The inner products of all rows with all rows.
fn products(rows: &[f64], width: usize) -> Vec<f64> {
    let each = || rows.chunks_exact(width);
    each().flat_map(|row| each().map(|other| dot(row, other))).collect()
}
