//! What a search takes from the learned state.

use crate::error::Error;
use crate::learn::{Attempts, TaskGroup};
use crate::model::{EpisodeId, Feedback, RecordId};

/// Facts learned of records that order and describe hits; asked for many records at once, with one
/// answer for each.
pub(crate) trait LearnedFacts {
    /// Usefulness of records to those who followed or rated them, in [−1, 1].
    fn usefulness(&self, records: &[(RecordId, Feedback)]) -> Result<Vec<f64>, Error>;

    /// Tasks of episodes with several ended attempts, and the best of these.
    fn task_groups(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<TaskGroup>>, Error>;

    /// The attempts themselves, in short.
    fn attempts(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<Attempts>>, Error>;
}

/// Nothing learned: a search by text alone.
pub(crate) struct Unlearned;

impl LearnedFacts for Unlearned {
    fn usefulness(&self, records: &[(RecordId, Feedback)]) -> Result<Vec<f64>, Error> {
        Ok(vec![0.0; records.len()])
    }

    fn task_groups(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<TaskGroup>>, Error> {
        Ok(vec![None; episodes.len()])
    }

    fn attempts(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<Attempts>>, Error> {
        Ok(vec![None; episodes.len()])
    }
}
