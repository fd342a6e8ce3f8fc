//! Trust in a model, from what it said before each outcome was known.

/// Sum of squared differences from the plain chance that a model has to earn before it is half
/// believed.
const CAUTION: f64 = 1.0;

/// Standard errors that the gain of a model has to be above 0.
const DEVIATIONS: f64 = 2.0;

/// Record of a model against a plain chance.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Skill {
    /// Sums of (outcome − plain) · (model − plain), of its square by attempt, and of
    /// (model − plain)².
    gain: f64,
    gain_squares: f64,
    squares: f64,
}

impl Skill {
    /// Notes what was said of one attempt: pairs of the plain chance and the model's.
    pub(super) fn note(&mut self, said: &[(f64, f64)], outcome: f64, weight: f64) {
        let mut gain = 0.0;
        for (plain, model) in said {
            gain += weight * (outcome - plain) * (model - plain);
            self.squares += weight * (model - plain).powi(2);
        }
        self.gain += gain;
        // What is said at several steps of one attempt is not independent.
        self.gain_squares += gain * gain;
    }

    /// Returns the share of the way from the plain chance to the model's that had the least squared
    /// error so far, at the lower end of what the record allows; 0 without evidence.
    pub(super) fn trust(&self) -> f64 {
        let sure = self.gain - DEVIATIONS * self.gain_squares.sqrt();
        (sure / (self.squares + CAUTION)).clamp(0.0, 1.0)
    }
}
