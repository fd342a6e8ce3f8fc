//! Logistic regression that learns one outcome after the other.
//!
//! The weights have a normal distribution, which each outcome narrows: one step of an extended
//! Kalman filter, or of Laplace's approximation. Costs the square of the number of features.

use super::evidence::{Features, N_FEATURES};

/// Variances of the weights before the first outcome: the prior chance is trusted, the rest open.
const VARIANCES: Features = [0.05, 0.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

/// Least curvature of an outcome, so that a chance near 0 or 1 still teaches.
const MIN_CURVATURE: f64 = 1e-4;

/// Weights with their covariance.
#[derive(Debug, Clone)]
pub(super) struct Regression {
    weights: Features,
    covariance: [Features; N_FEATURES],
}

impl Default for Regression {
    #[expect(clippy::indexing_slicing, reason = "a square")]
    fn default() -> Self {
        let mut covariance = [[0.0; N_FEATURES]; N_FEATURES];
        for (i, variance) in VARIANCES.into_iter().enumerate() {
            covariance[i][i] = variance;
        }
        let mut weights = [0.0; N_FEATURES];
        // The second feature is the log-odds of the prior chance, which is believed as it is.
        weights[1] = 1.0;
        Self { weights, covariance }
    }
}

impl Regression {
    /// Returns the chance of success.
    pub(super) fn chance(&self, features: &Features) -> f64 {
        let score: f64 = self.weights.iter().zip(features).map(|(w, x)| w * x).sum();
        1.0 / (1.0 + (-score).exp())
    }

    /// Learns an outcome in [0, 1] by its weight.
    pub(super) fn learn(&mut self, features: &Features, outcome: f64, weight: f64) {
        let chance = self.chance(features);
        let curvature = (weight * chance * (1.0 - chance)).max(MIN_CURVATURE);
        let turned = self.covariance.map(|row| dot(&row, features));
        let spread = 1.0 + curvature * dot(&turned, features);
        let step = weight * (outcome - chance) / spread;
        for ((own, turn), row) in self.weights.iter_mut().zip(&turned).zip(&mut self.covariance) {
            *own += turn * step;
            for (entry, other) in row.iter_mut().zip(&turned) {
                *entry -= curvature * turn * other / spread;
            }
        }
    }
}

fn dot(a: &Features, b: &Features) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
