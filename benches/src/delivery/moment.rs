//! Words at the moment of action, as hooks say them: the cure of a call that failed, and the
//! warning before a call.
//!
//! Judged by the engine's own replay of the same episodes, each put to what was learned before it.

use std::collections::BTreeSet;

use memory_core::bench::{ErrorKind, LearnBench};

use super::{Part, Session, Table};
use crate::episodes::Attempt;
use crate::table::share;

/// Most cures that are told of an error.
const MAX_CURES: usize = 2;

/// Counts of what was said.
#[derive(Default)]
pub(super) struct Moments {
    learned: LearnBench,
    /// Signatures of errors that some earlier episode resolved.
    cured: BTreeSet<u64>,
    n_errors: usize,
    n_answered: usize,
    n_confirmed: usize,
    /// Confirmed ones that were done, and the error did not end.
    n_wrong: usize,
    n_calls: usize,
    n_warned: usize,
    /// Warned calls that failed.
    n_failed: usize,
}

impl Moments {
    fn judge_calls(&mut self, attempt: &Attempt) {
        for step in &attempt.steps {
            self.n_calls += 1;
            if self.learned.is_warned(&attempt.episode.scope, step) {
                self.n_warned += 1;
                self.n_failed += usize::from(!step.ok);
            }
        }
    }

    /// Judges the errors that were cured before; returns the signatures of those that ended.
    fn judge_errors(&mut self, attempt: &Attempt) -> Vec<u64> {
        let mut ended = Vec::new();
        for error in LearnBench::observed(&attempt.episode, &attempt.steps) {
            let step = attempt.steps.get(error.at as usize);
            let Some(signature) = step.and_then(ErrorKind::of).map(|kind| kind.signature()) else {
                continue;
            };
            if error.is_resolved() {
                ended.push(signature);
            }
            if !self.cured.contains(&signature) {
                continue;
            }
            self.n_errors += 1;
            let told = self.learned.told(&error, &attempt.episode.scope, MAX_CURES);
            let Some(first) = told.unwrap_or_default().into_iter().next() else { continue };
            self.n_answered += 1;
            if first.is_confirmed {
                self.n_confirmed += 1;
                let is_followed = error.remedies.contains(&first.remedy);
                self.n_wrong += usize::from(is_followed && !error.is_resolved());
            }
        }
        ended
    }
}

impl Part for Moments {
    fn began(&mut self, _: &Session, _: &Attempt, _: &str, _: &str) {}

    fn ended(&mut self, attempt: &Attempt) {
        self.judge_calls(attempt);
        let ended = self.judge_errors(attempt);
        self.cured.extend(ended);
        self.learned.put_with_steps(&attempt.episode, attempt.steps.clone());
    }

    fn table(&self) -> Option<Table> {
        let part = |n: usize, of: usize| share((of > 0).then(|| n as f64 / of as f64));
        let headings = vec![
            "errors cured before",
            "answered",
            "confirmed",
            "wrong of these",
            "calls",
            "warned",
            "of these failed",
        ];
        let row = vec![
            self.n_errors.to_string(),
            part(self.n_answered, self.n_errors),
            part(self.n_confirmed, self.n_errors),
            part(self.n_wrong, self.n_confirmed),
            self.n_calls.to_string(),
            self.n_warned.to_string(),
            part(self.n_failed, self.n_warned),
        ];
        (self.n_errors + self.n_warned > 0).then_some(Table {
            part: "moment",
            headings,
            rows: vec![row],
        })
    }
}
