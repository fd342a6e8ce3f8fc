//! Counts of outcomes, and what they let expect.

use super::run::Run;
use crate::stats::{Posterior, Prior};

/// Number of attempts and of successes among them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct OutcomeCounts {
    /// Number of attempts with a known outcome.
    pub(crate) n: f64,
    /// Sum of their credit: a partial success counts by its share.
    pub(crate) credit: f64,
    /// Number of whole successes.
    pub(crate) successes: f64,
}

impl OutcomeCounts {
    /// Counts runs, those with an inferred outcome by half; those with an unknown one are left out.
    pub(crate) fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut counts = Self::default();
        for run in runs {
            if let Some(credit) = run.credit() {
                counts.add(run.weight(), credit);
            }
        }
        counts
    }

    /// Counts an attempt by its weight.
    pub(crate) fn add(&mut self, weight: f64, credit: f64) {
        self.n += weight;
        self.credit += weight * credit;
        if credit >= 1.0 {
            self.successes += weight;
        }
    }

    /// Lets all that was counted count by a share.
    pub(crate) fn fade(&mut self, kept: f64) {
        self.n *= kept;
        self.credit *= kept;
        self.successes *= kept;
    }

    /// Returns the share of whole successes; `None` without attempts.
    pub(crate) fn success_rate(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.successes / self.n)
    }

    /// Returns the posterior of the credit of the next attempt, with an 80 % interval.
    ///
    /// Its prior is worth two attempts at the rate of wider counts (the scope's), which is itself
    /// drawn towards ½ by two attempts.
    pub(crate) fn expected_credit(&self, wider: &Self) -> Posterior {
        posterior(self.n, self.credit, wider.n, wider.credit)
    }

    /// Returns the same for the chance of a whole success.
    pub(crate) fn expected_success(&self, wider: &Self) -> Posterior {
        posterior(self.n, self.successes, wider.n, wider.successes)
    }
}

fn posterior(n: f64, successes: f64, wider_n: f64, wider_successes: f64) -> Posterior {
    let rate = (wider_successes + 1.0) / (wider_n + 2.0);
    Posterior::with_prior(n, successes, 0.8, Prior::around(rate))
}
