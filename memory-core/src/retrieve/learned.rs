//! What a search takes from the learned state.

use crate::learn::{Attempts, TaskGroup};
use crate::model::{EpisodeId, Feedback, RecordId};

/// Facts learned of single records that order and describe hits.
pub(crate) trait LearnedFacts {
    /// Usefulness of a record to those who followed or rated it, in [−1, 1].
    fn usefulness(&self, id: RecordId, feedback: Feedback) -> f64;

    /// Task of an episode with several ended attempts, and the best of these.
    fn task_group(&self, id: EpisodeId) -> Option<TaskGroup>;

    /// The attempts themselves, in short.
    fn attempts(&self, id: EpisodeId) -> Option<Attempts>;
}

/// Nothing learned: a search by text alone.
pub(crate) struct Unlearned;

impl LearnedFacts for Unlearned {
    fn usefulness(&self, _: RecordId, _: Feedback) -> f64 {
        0.0
    }

    fn task_group(&self, _: EpisodeId) -> Option<TaskGroup> {
        None
    }

    fn attempts(&self, _: EpisodeId) -> Option<Attempts> {
        None
    }
}
