//! Logging of the steps of an open episode.

use super::Memory;
use super::cures::{FailedStep, Logged};
use super::foresight::Foreseen;
use super::told::{Knowledge, Told};
use crate::error::Error;
use crate::intake::{NewStep, Receipt};
use crate::learn::KnownError;
use crate::model::{EpisodeId, Scope};
use crate::storage::{Applied, Durability, Op, WriteBatch};

/// Times that an error without a cure came, or was tried again in vain, before that is told.
const MIN_SEEN: u32 = 3;

impl Memory {
    /// Appends steps to an open episode, all or none; says what is known of errors among them.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no steps or one without a tool, [`Error::NotFound`],
    /// [`Error::Conflict`] when the episode has ended, [`Error::LimitExceeded`] for too many steps,
    /// [`Error::Storage`].
    pub fn log(&self, episode: EpisodeId, steps: Vec<NewStep>) -> Result<Receipt<Logged>, Error> {
        if steps.is_empty() {
            return Err(Error::invalid("steps", "must hold at least one step"));
        }
        let mut intake = self.intake();
        let steps = intake.steps(steps)?;
        let failed = self.errors_of(&steps, intake.now());
        let traces = self.traces(&steps);
        let n_given = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let limit = u32::try_from(self.config.max_steps).unwrap_or(u32::MAX);
        let append = Op::AppendSteps { episode, steps, limit };
        let commit = self.apply("log steps", WriteBatch::of(append), Durability::Process)?;
        let (n_steps, last) = match commit.applied.first() {
            Some(Applied::Steps { n_steps, last, .. }) => (*n_steps, *last),
            _ => (0, 0),
        };
        // Calls that were told before keep their place; whoever tells them, tells one at a time.
        let first_idx = (last + 1).saturating_sub(n_given);
        let (known_errors, repeated_errors) = self.tell_errors(episode, failed, first_idx);
        let foreseen = self.foresee(episode, traces, n_steps as usize).unwrap_or_else(|error| {
            // The steps are stored: what may come is an extra.
            tracing::warn!(%error, "nothing is foreseen of a running episode");
            Foreseen::default()
        });
        let Foreseen { odds, next_tools } = foreseen;
        let logged = Logged { n_steps, known_errors, repeated_errors, odds, next_tools };
        Ok(intake.receipt(logged))
    }

    /// Returns what is known of errors of an episode, and of those of which a cure was told in it
    /// before, the step with that of the earlier time.
    fn tell_errors(
        &self,
        episode: EpisodeId,
        failed: Vec<FailedStep>,
        first_idx: u32,
    ) -> (Vec<KnownError>, Vec<(u32, u32)>) {
        if failed.is_empty() {
            return Default::default();
        }
        let told = self.told.of(episode);
        let before = |failed: &FailedStep| told.iter().find(|t| t.signature == failed.signature());
        let (again, new): (Vec<FailedStep>, Vec<FailedStep>) =
            failed.into_iter().partition(|failed| before(failed).is_some());
        let repeated = again.iter().filter_map(|failed| {
            let before = before(failed).filter(|told| told.is_cured)?;
            Some((failed.step_idx(first_idx), before.step_idx))
        });
        let mut repeated: Vec<(u32, u32)> = repeated.collect();
        // The steps are stored: without the scope, examples come from any.
        let scope = if new.is_empty() { None } else { self.episode(episode).ok() };
        let scope = scope.map(|episode| episode.scope);
        let known = self.known_errors(&new, first_idx, scope.as_ref().map(Scope::as_str));
        let mut newly_told: Vec<Told> = Vec::new();
        let mut all: Vec<KnownError> = Vec::new();
        for known in known {
            let met = new.iter().find(|failed| failed.step_idx(first_idx) == known.step_idx);
            let Some(signature) = met.map(FailedStep::signature) else { continue };
            let knowledge = Knowledge::of(&known);
            let before = told.iter().find(|told| Some(told.knowledge) == knowledge);
            // In other words it is the same error.
            let step_idx = before.map_or(known.step_idx, |told| told.step_idx);
            let (is_cured, knowledge) = (!known.cures.is_empty(), knowledge.unwrap_or_default());
            newly_told.push(Told { signature, step_idx, is_cured, knowledge });
            match before {
                Some(before) if is_cured => repeated.push((known.step_idx, before.step_idx)),
                Some(_) => {}
                None => all.push(known),
            }
        }
        self.told.add(episode, newly_told);
        let says_something = |known: &KnownError| {
            let n_vain = known.n_seen.saturating_sub(known.n_resolved);
            !known.cures.is_empty() || known.n_retried >= MIN_SEEN || n_vain >= MIN_SEEN
        };
        (all.into_iter().filter(says_something).collect(), repeated)
    }
}
