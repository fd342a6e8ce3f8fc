//! Cures of errors, given at the moment an error comes again.

use super::Memory;
use crate::learn::{Cure, KnownError, Quotes, Signature, step_name};
use crate::model::{Step, Timestamp};

/// Maximum number of errors of one call that are looked up.
const MAX_ERRORS: usize = 3;

/// Maximum number of cures of one error.
const MAX_CURES: usize = 2;

/// Result of logging steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Number of steps that the episode has now.
    pub n_steps: u32,
    /// Errors among the new steps that were met before, one for each signature; also empty when
    /// what was learned could not be read.
    pub known_errors: Vec<KnownError>,
}

/// A failed step that is about to be stored.
pub(super) struct FailedStep {
    /// Position among the steps that are logged together.
    position: u32,
    signature: Signature,
    tool: String,
}

/// Returns the first failed step of each error signature.
fn failed_steps(steps: &[Step]) -> Vec<FailedStep> {
    let mut failed: Vec<FailedStep> = Vec::new();
    for (position, step) in (0..).zip(steps) {
        if failed.len() == MAX_ERRORS {
            break;
        }
        if let Some(signature) = Signature::of_step(step)
            && failed.iter().all(|known| known.signature != signature)
        {
            failed.push(FailedStep { position, signature, tool: step_name(step) });
        }
    }
    failed
}

impl Memory {
    /// Returns the errors among steps that are about to be logged.
    ///
    /// Empty where no error was ever learned of; those that another process recorded within the
    /// last second may be missing.
    pub(super) fn errors_of(&self, steps: &[Step], now: Timestamp) -> Vec<FailedStep> {
        if steps.iter().all(|step| step.ok) {
            return Vec::new();
        }
        if let Err(error) = self.learning.refresh_if_due(self.storage.as_ref(), now) {
            // The steps are to be stored in any case: cures are an extra.
            tracing::warn!(%error, "nothing new is learned of errors");
        }
        if self.learning.learned().has_errors() { failed_steps(steps) } else { Vec::new() }
    }

    /// Returns what is known of errors that were just logged, of which the first step has the index
    /// `first_idx`.
    pub(super) fn known_errors(
        &self,
        failed: &[FailedStep],
        first_idx: u32,
        scope: Option<&str>,
    ) -> Vec<KnownError> {
        if failed.is_empty() {
            return Vec::new();
        }
        // The lock on what was learned is released before the storage is read.
        let mut known: Vec<KnownError> = {
            let learned = self.learning.learned();
            let looked_up = failed.iter().filter_map(|error| {
                let step_idx = first_idx.saturating_add(error.position);
                learned.known_error(error.signature, &error.tool, step_idx, scope, MAX_CURES)
            });
            looked_up.collect()
        };
        let examples = known.iter().flat_map(|known| &known.cures).filter_map(Cure::example_step);
        let quotes = self.quotes(&examples.collect());
        let quotes = quotes.unwrap_or_else(|error| {
            // The steps are stored: that their cures lack an example must not look like a failure.
            tracing::warn!(%error, "cures are given without examples");
            Quotes::default()
        });
        for cure in known.iter_mut().flat_map(|known| &mut known.cures) {
            let call = cure.example_step().and_then(|step| quotes.call(step));
            cure.example = call.map(str::to_owned);
        }
        known
    }
}
