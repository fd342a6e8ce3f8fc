//! Logging of the steps of an open episode.

use super::Memory;
use super::cures::Logged;
use super::foresight::Foreseen;
use crate::error::Error;
use crate::intake::{NewStep, Receipt};
use crate::model::{EpisodeId, Scope};
use crate::storage::{Applied, Durability, Op, WriteBatch};

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
        let known_errors = if failed.is_empty() {
            Vec::new()
        } else {
            // The steps are stored: without the scope, examples come from any.
            let scope = self.episode(episode).map(|episode| episode.scope).ok();
            self.known_errors(&failed, first_idx, scope.as_ref().map(Scope::as_str))
        };
        let foreseen = self.foresee(episode, traces, n_steps as usize).unwrap_or_else(|error| {
            // The steps are stored: what may come is an extra.
            tracing::warn!(%error, "nothing is foreseen of a running episode");
            Foreseen::default()
        });
        let Foreseen { odds, next_tools } = foreseen;
        Ok(intake.receipt(Logged { n_steps, known_errors, odds, next_tools }))
    }
}
