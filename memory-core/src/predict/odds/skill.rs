//! Trust in a model, from what it said before each outcome was known.

use rustc_hash::FxHashMap;

use crate::learn::{NameId, TaskKey};

/// Sum of squared differences from the plain chance that a model has to earn before it is half
/// believed.
const CAUTION: f64 = 1.0;

/// Standard errors that the gain of a model has to be above 0.
const DEVIATIONS: f64 = 2.0;

/// Task of a scope.
pub(super) type TaskOfScope = (NameId, TaskKey);

/// Record of a model against a plain chance.
#[derive(Debug, Clone, Default)]
pub(super) struct Skill {
    /// Sums of (outcome − plain) · (model − plain), of its square by attempt or task, and of
    /// (model − plain)².
    gain: f64,
    gain_squares: f64,
    squares: f64,
    by_task: FxHashMap<TaskOfScope, f64>,
}

impl Skill {
    /// Notes what was said of an attempt: pairs of the plain chance and the model's. What is said
    /// of several attempts at one task is not independent where a task is named.
    pub(super) fn note(
        &mut self,
        task: Option<TaskOfScope>,
        said: &[(f64, f64)],
        outcome: f64,
        weight: f64,
    ) {
        let mut gain = 0.0;
        for (plain, model) in said {
            gain += weight * (outcome - plain) * (model - plain);
            self.squares += weight * (model - plain).powi(2);
        }
        self.gain += gain;
        let Some(task) = task else {
            self.gain_squares += gain * gain;
            return;
        };
        let of_task = self.by_task.entry(task).or_default();
        let before = *of_task;
        *of_task += gain;
        self.gain_squares += *of_task * *of_task - before * before;
    }

    /// Returns the share of the way from the plain chance to the model's that had the least squared
    /// error so far, at the lower end of what the record allows; 0 without evidence.
    pub(super) fn trust(&self) -> f64 {
        let sure = self.gain - DEVIATIONS * self.gain_squares.max(0.0).sqrt();
        (sure / (self.squares + CAUTION)).clamp(0.0, 1.0)
    }
}
