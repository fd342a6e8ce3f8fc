//! What cured an error before, told at the moment it comes again.

use super::advice::Lookup;
use super::{Memory, wording};
use crate::learn::{Signature, name_of, recovery};
use crate::model::{EpisodeId, Step, Timestamp};

/// Most errors of one call that are looked up.
const MAX_ERRORS: usize = 3;

/// Most cures of one error.
const MAX_CURES: usize = 2;

/// What became of steps that were logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Steps that the episode has now.
    pub n_steps: u32,
    /// Errors among the new steps that were met before, one for each kind; empty also when what was learned
    /// could not be read.
    pub known_errors: Vec<KnownError>,
}

/// An error that was met before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownError {
    /// The step that has it.
    pub step_idx: u32,
    /// Its tool.
    pub tool: String,
    /// How often the error was met, in episodes that have ended.
    pub n_seen: u32,
    /// In how many of them.
    pub n_episodes: u32,
    /// How often it was resolved within a few steps.
    pub n_resolved: u32,
    /// Share of plain retries that succeeded.
    pub retry_rate: f64,
    /// Whether the cures are those of other errors of the tool and class, because this one has none.
    pub from_class: bool,
    /// What worked clearly oftener than a plain retry, best first; often none.
    pub cures: Vec<Cure>,
}

/// Something that cured an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Cure {
    /// What to do, in words.
    pub text: String,
    /// How often it was tried.
    pub n_tried: u32,
    /// How often it worked.
    pub n_resolved: u32,
    /// What the step that worked called the last time, shortened.
    pub example: Option<String>,
    /// Newest episodes in which it worked.
    pub episodes: Vec<EpisodeId>,
}

/// A failed step that is about to be stored.
pub(super) struct Failed {
    /// Its place among the steps that are logged at once.
    at: usize,
    signature: Signature,
    tool: String,
}

/// The first failed step of each kind of error.
fn failed(steps: &[Step]) -> Vec<Failed> {
    let mut failed: Vec<Failed> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if let Some(signature) = Signature::of_step(step)
            && failed.len() < MAX_ERRORS
            && failed.iter().all(|known| known.signature != signature)
        {
            failed.push(Failed { at, signature, tool: name_of(step) });
        }
    }
    failed
}

impl Memory {
    /// The errors among steps that are about to be logged; none where no error was learned of by now (what
    /// another process recorded within the last second may be missing).
    pub(super) fn errors_of(&self, steps: &[Step], now: Timestamp) -> Vec<Failed> {
        if steps.iter().all(|step| step.ok) {
            return Vec::new();
        }
        if let Err(error) = self.learning.refresh_if_due(self.storage.as_ref(), now) {
            // The steps are to be stored: what is known of their errors is an extra.
            tracing::warn!(%error, "nothing new is learned of errors");
        }
        if self.learning.learned().knows_errors() { failed(steps) } else { Vec::new() }
    }

    /// What is known of errors that were just logged, of which the first step is the `first_idx`-th.
    pub(super) fn known_errors(&self, failed: &[Failed], first_idx: u32) -> Vec<KnownError> {
        if failed.is_empty() {
            return Vec::new();
        }
        let learned = self.learning.learned();
        let lookup = Lookup::new(self.storage.as_ref(), &learned);
        let known = failed.iter().filter_map(|error| {
            let known = learned.known_error(error.signature, &error.tool, MAX_CURES)?;
            let cure = |cure: &recovery::Cure| {
                let example = cure.evidence.first();
                Cure {
                    text: wording::cure(cure, &error.tool),
                    n_tried: cure.n_tried,
                    n_resolved: cure.n_resolved,
                    example: example
                        .and_then(|shown| lookup.call(shown.episode, shown.resolved_at)),
                    episodes: cure.evidence.iter().map(|shown| shown.episode).collect(),
                }
            };
            Some(KnownError {
                step_idx: first_idx.saturating_add(u32::try_from(error.at).unwrap_or(u32::MAX)),
                tool: error.tool.clone(),
                n_seen: known.n_seen,
                n_episodes: known.n_runs,
                n_resolved: known.n_resolved,
                retry_rate: known.retry_rate,
                from_class: known.from_class,
                cures: known.cures.iter().map(cure).collect(),
            })
        });
        known.collect()
    }
}
