//! Minimum of a function of some numbers within bounds, without derivatives.
//!
//! Source: J. Nelder, R. Mead, "A simplex method for function minimization", 1965, with the factors
//! of F. Gao, L. Han, "Implementing the Nelder-Mead simplex algorithm with adaptive parameters",
//! 2012, which shrink with the number of dimensions.

use crate::stats::real;

/// Share by which each coordinate of the start is moved to make the first simplex.
const FIRST_STEP: f64 = 0.05;

/// The same for a coordinate of 0.
const FIRST_STEP_FROM_ZERO: f64 = 1e-4;

/// Share of the way to the reflected point at which a contraction lies.
const CONTRACTION: f64 = 0.75;

/// Range of a coordinate.
pub(crate) type Bounds = (f64, f64);

/// Effort of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Deviation of the values in the corners at which it ends.
    pub(crate) tolerance: f64,
    /// Most rounds.
    pub(crate) max_rounds: usize,
}

/// Corners of a simplex and the values there.
struct Simplex<'a> {
    corners: Vec<Vec<f64>>,
    values: Vec<f64>,
    bounds: &'a [Bounds],
}

/// Returns the lowest point that a search from `start` finds, with its value.
pub(crate) fn minimum(
    mut function: impl FnMut(&[f64]) -> f64,
    start: &[f64],
    bounds: &[Bounds],
    Effort { tolerance, max_rounds }: Effort,
) -> (Vec<f64>, f64) {
    let n = real(start.len().max(1));
    let (expansion, shrinkage) = (1.0 + 2.0 / n, 1.0 - 1.0 / n);
    let mut simplex = Simplex::around(start, bounds, &mut function);
    let len = start.len();
    let [mut centre, mut reflected, mut other] = [(); 3].map(|()| vec![0.0; len]);
    for _ in 0..max_rounds {
        if simplex.spread() < tolerance {
            break;
        }
        let (best, second, worst) = simplex.order();
        simplex.centre_without(worst, &mut centre);
        let from = simplex.corner(worst);
        toward(&centre, from, -1.0, bounds, &mut reflected);
        let value = function(&reflected);
        if simplex.value(best) <= value && value < simplex.value(second) {
            simplex.replace(worst, &reflected, value);
        } else if value < simplex.value(best) {
            toward(&centre, &reflected, expansion, bounds, &mut other);
            let expanded = function(&other);
            if expanded < value {
                simplex.replace(worst, &other, expanded);
            } else {
                simplex.replace(worst, &reflected, value);
            }
        } else {
            let is_outside = value < simplex.value(worst);
            let share = if is_outside { CONTRACTION } else { -CONTRACTION };
            toward(&centre, &reflected, share, bounds, &mut other);
            let contracted = function(&other);
            let is_better =
                if is_outside { contracted <= value } else { contracted < simplex.value(worst) };
            if is_better {
                simplex.replace(worst, &other, contracted);
            } else {
                simplex.shrink(best, shrinkage, &mut function);
            }
        }
    }
    let (best, _, _) = simplex.order();
    (simplex.corner(best).to_vec(), simplex.value(best))
}

/// Writes the point `share` of the way from `from` to `to` (beyond it or back for other shares),
/// within bounds.
fn toward(from: &[f64], to: &[f64], share: f64, bounds: &[Bounds], out: &mut [f64]) {
    for (((out, from), to), bounds) in out.iter_mut().zip(from).zip(to).zip(bounds) {
        *out = within(from + share * (to - from), *bounds);
    }
}

/// Returns the nearest number within bounds.
const fn within(value: f64, (low, high): Bounds) -> f64 {
    value.max(low).min(high)
}

#[expect(clippy::indexing_slicing, reason = "corners are named by numbers that `order` gives out")]
impl<'a> Simplex<'a> {
    fn around(
        start: &[f64],
        bounds: &'a [Bounds],
        function: &mut impl FnMut(&[f64]) -> f64,
    ) -> Self {
        let first: Vec<f64> = start.iter().zip(bounds).map(|(x, b)| within(*x, *b)).collect();
        let mut corners = vec![first; start.len() + 1];
        for (i, corner) in corners.iter_mut().take(start.len()).enumerate() {
            let x = corner[i];
            let moved = if x == 0.0 { FIRST_STEP_FROM_ZERO } else { x * (1.0 + FIRST_STEP) };
            corner[i] = within(moved, bounds[i]);
        }
        let values = corners.iter().map(|corner| function(corner)).collect();
        Self { corners, values, bounds }
    }

    /// Returns the standard deviation of the values.
    fn spread(&self) -> f64 {
        let n = real(self.values.len());
        let mean = self.values.iter().sum::<f64>() / n;
        (self.values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    /// Returns the corners with the lowest, the second highest and the highest value.
    fn order(&self) -> (usize, usize, usize) {
        let (mut best, mut worst) = (0, 0);
        for (i, value) in self.values.iter().enumerate() {
            if *value < self.values[best] {
                best = i;
            }
            if *value >= self.values[worst] {
                worst = i;
            }
        }
        let mut second = best;
        for (i, value) in self.values.iter().enumerate() {
            if i != worst && *value >= self.values[second] {
                second = i;
            }
        }
        (best, second, worst)
    }

    fn corner(&self, i: usize) -> &[f64] {
        &self.corners[i]
    }

    fn value(&self, i: usize) -> f64 {
        self.values[i]
    }

    fn replace(&mut self, i: usize, corner: &[f64], value: f64) {
        self.corners[i].copy_from_slice(corner);
        self.values[i] = value;
    }

    fn centre_without(&self, left_out: usize, centre: &mut [f64]) {
        centre.fill(0.0);
        for (i, corner) in self.corners.iter().enumerate() {
            if i != left_out {
                for (sum, x) in centre.iter_mut().zip(corner) {
                    *sum += x;
                }
            }
        }
        let n = real(centre.len());
        for sum in centre {
            *sum /= n;
        }
    }

    fn shrink(&mut self, best: usize, share: f64, function: &mut impl FnMut(&[f64]) -> f64) {
        let target = self.corners[best].clone();
        for (i, corner) in self.corners.iter_mut().enumerate() {
            if i != best {
                for ((x, to), bounds) in corner.iter_mut().zip(&target).zip(self.bounds) {
                    *x = within(to + share * (*x - to), *bounds);
                }
                self.values[i] = function(corner);
            }
        }
    }
}
