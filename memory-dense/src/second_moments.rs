//! Second moments of a sample of vectors, and the directions in which they vary most.
//!
//! The directions are found by orthogonal iteration (Golub and Van Loan, "Matrix Computations",
//! 8.2.4) and come close to the leading eigenvectors of the moments, the principal axes.

use crate::arithmetic::dot;
use crate::kernel::{Kernels, LANES};
use crate::random_rotation::RandomRotation;

/// Rounds of the iteration.
const ROUNDS: usize = 8;

/// Columns or rows that are multiplied together, as they fit the second-level cache.
const TILE: usize = 16;

/// Σ x·xᵀ over a sample. How exact the moments are only matters to the speed of searches.
pub(crate) struct SecondMoments {
    width: usize,
    /// Row by row.
    values: Vec<f32>,
    kernels: &'static Kernels,
}

#[expect(clippy::indexing_slicing, reason = "matrices are made of rows of `width` values")]
impl SecondMoments {
    /// Computes the moments of vectors of `width` numbers each, a multiple of [`LANES`]. Cost:
    /// n · width² / 2 multiplications. `None` if `keep_going` returns false.
    #[expect(clippy::cast_possible_truncation, reason = "moments need not be exact")]
    pub(crate) fn of(
        sample: &[f32],
        width: usize,
        kernels: &'static Kernels,
        keep_going: &dyn Fn() -> bool,
    ) -> Option<Self> {
        debug_assert_eq!(sample.len() % width, 0);
        // Column by column, so that a moment is an inner product of two columns.
        let n_padded = (sample.len() / width).next_multiple_of(LANES);
        let mut columns = vec![0.0_f32; n_padded * width];
        for (at, vector) in sample.chunks_exact(width).enumerate() {
            for (column, value) in columns.chunks_exact_mut(n_padded.max(1)).zip(vector) {
                column[at] = *value;
            }
        }
        let column = |at: usize| &columns[at * n_padded..(at + 1) * n_padded];
        let mut values = vec![0.0_f32; width * width];
        for tile in (0..width).step_by(TILE) {
            if !keep_going() {
                return None;
            }
            // The matrix is symmetric: only one half is computed.
            for left in tile..width {
                let wide: Vec<f64> = column(left).iter().map(|value| f64::from(*value)).collect();
                for right in tile..(tile + TILE).min(width) {
                    let moment = (kernels.dot)(&wide, column(right)) as f32;
                    values[left * width + right] = moment;
                    values[right * width + left] = moment;
                }
            }
        }
        Some(Self { width, values, kernels })
    }

    /// Returns the sum of the squared norms of the sample.
    pub(crate) fn total_variance(&self) -> f64 {
        self.values.iter().step_by(self.width + 1).map(|value| f64::from(*value)).sum()
    }

    /// Returns the sum of the squares of the sample along these directions.
    pub(crate) fn variance_along(&self, directions: &[f64]) -> f64 {
        let products = self.times(directions);
        let pairs = directions.chunks_exact(self.width).zip(products.chunks_exact(self.width));
        pairs.map(|(direction, product)| dot(direction, product)).sum()
    }

    /// Returns `n` directions at right angles to each other, those of most variance first. Cost:
    /// 8 · n · (width + n) · width multiplications. `None` if `keep_going` returns false.
    pub(crate) fn main_directions(
        &self,
        n: usize,
        keep_going: &dyn Fn() -> bool,
    ) -> Option<Vec<f64>> {
        // Random directions to begin with, so that none is at right angles to the result.
        let rotation = RandomRotation::new(self.width);
        let mut directions = Vec::with_capacity(n * self.width);
        for at in 0..n {
            let mut direction = vec![0.0; self.width];
            direction[at] = 1.0;
            rotation.apply(&mut direction);
            directions.extend(direction.into_iter().map(f64::from));
        }
        for _ in 0..ROUNDS {
            if !keep_going() {
                return None;
            }
            directions = self.times(&directions);
            orthonormalize(&mut directions, self.width);
        }
        Some(directions)
    }

    /// Multiplies each row with the moments, and adds a little of the row itself so that none
    /// becomes zero.
    #[expect(clippy::cast_precision_loss, reason = "a number of dimensions")]
    fn times(&self, rows: &[f64]) -> Vec<f64> {
        let width = self.width;
        let own = self.total_variance() / width as f64 * 1e-6 + f64::MIN_POSITIVE;
        let mut products: Vec<f64> = rows.iter().map(|value| value * own).collect();
        // Tile by tile: else all moments would be read from memory once for each row.
        for (at, tile) in self.values.chunks(TILE * width).enumerate() {
            let pairs = products.chunks_exact_mut(width).zip(rows.chunks_exact(width));
            for (product, row) in pairs {
                let sums = product[at * TILE..].iter_mut();
                for (sum, moments) in sums.zip(tile.chunks_exact(width)) {
                    *sum += (self.kernels.dot)(row, moments);
                }
            }
        }
        products
    }
}

/// Makes rows orthonormal, each against those before it (Gram-Schmidt); twice over, as rounding
/// requires.
#[expect(clippy::indexing_slicing, reason = "the rows are `width` values each")]
fn orthonormalize(rows: &mut [f64], width: usize) {
    for at in 0..rows.len() / width {
        let (before, rest) = rows.split_at_mut(at * width);
        let row = &mut rest[..width];
        for _ in 0..2 {
            normalize(row);
            for other in before.chunks_exact(width) {
                let along = dot(row, other);
                for (value, other) in row.iter_mut().zip(other) {
                    *value -= along * other;
                }
            }
        }
        normalize(row);
    }
}

fn normalize(row: &mut [f64]) {
    let scale = dot(row, row).sqrt().recip();
    for value in row {
        *value *= scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_are_the_sums_of_products_and_directions_are_orthonormal(
            sample in prop::collection::vec(-1.0_f32..1.0, 40 * LANES),
            n in 1_usize..9,
        ) {
            let width = LANES;
            for kernels in kernel::available() {
                let moments = SecondMoments::of(&sample, width, kernels, &|| true).unwrap();
                for (at, moment) in moments.values.iter().enumerate() {
                    let products = sample
                        .chunks_exact(width)
                        .map(|row| f64::from(row[at / width]) * f64::from(row[at % width]));
                    prop_assert!((f64::from(*moment) - products.sum::<f64>()).abs() < 1e-5);
                }
                let directions = moments.main_directions(n, &|| true).unwrap();
                for (at, row) in directions.chunks_exact(width).enumerate() {
                    for (other_at, other) in directions.chunks_exact(width).enumerate() {
                        let expected = if at == other_at { 1.0 } else { 0.0 };
                        prop_assert!((dot(row, other) - expected).abs() < 1e-12);
                    }
                }
                let along = moments.variance_along(&directions);
                prop_assert!(along <= moments.total_variance() * (1.0 + 1e-5));
            }
        }
    }
}
