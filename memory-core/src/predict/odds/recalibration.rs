//! Recalibration: what came where a model told about the same chance.

use crate::stats::real;

/// Number of places along the chances, and outcomes that what is told is worth at each.
const N_PLACES: usize = 11;
const WORTH: f64 = 20.0;

/// Sums at a place.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    told: f64,
    came: f64,
}

/// Outcomes by the chance that was told; one between two places counts at both by its nearness.
#[derive(Debug, Clone, Default)]
pub(super) struct Recalibration([Sums; N_PLACES]);

impl Recalibration {
    /// Learns the outcome of an attempt that was told a chance.
    pub(super) fn learn(&mut self, told: f64, outcome: f64, weight: f64) {
        let (below, part) = place(told);
        for (sums, share) in self.0.iter_mut().skip(below).zip([1.0 - part, part]) {
            sums.n += weight * share;
            sums.told += weight * share * told;
            sums.came += weight * share * outcome;
        }
    }

    /// Returns a chance as it came so far.
    pub(super) fn corrected(&self, told: f64) -> f64 {
        let (below, part) = place(told);
        let near = self.0.iter().skip(below).zip([1.0 - part, part]);
        let off = near.map(|(sums, share)| share * (sums.came - sums.told) / (sums.n + WORTH));
        (told + off.sum::<f64>()).clamp(0.0, 1.0)
    }
}

/// Returns the place below a chance and how far it lies towards the next.
fn place(told: f64) -> (usize, f64) {
    let at = told.clamp(0.0, 1.0) * real(N_PLACES - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, 10]")]
    let below = (at as usize).min(N_PLACES - 2);
    (below, at - real(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_that_was_told_too_high_comes_down_and_others_stay() {
        let mut seen = Recalibration::default();
        (0..400_u16).for_each(|i| seen.learn(0.9, f64::from(i % 2), 1.0));
        let corrected = seen.corrected(0.9);
        assert!((corrected - 0.5).abs() < 0.03, "{corrected}");
        assert!((seen.corrected(0.3) - 0.3).abs() < 1e-9);
        let few = Recalibration::default().corrected(0.9);
        assert!((few - 0.9).abs() < 1e-9, "{few}");
    }
}
