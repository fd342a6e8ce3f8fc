//! Precedents: earlier runs that advice for a task is based on.

use crate::learn::table::{Learned, Run, TaskKey};
use crate::model::{EpisodeId, Scope};

/// Similarity from which a run counts as one of the same task.
const SAME_TASK: f64 = 0.999;

/// Similarity below which a task says nothing about another.
const MIN_SIMILARITY: f64 = 0.15;

/// Maximum number of attempts at the same task: the newest.
const MAX_SAME_TASK: usize = 50;

/// An episode that was found for a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SimilarEpisode {
    /// The episode.
    pub(crate) id: EpisodeId,
    /// Similarity of its task, in [0, 1].
    pub(crate) similarity: f64,
}

/// A run that advice is based on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Precedent<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// Similarity of its task to the one in question, in (0, 1]; 1 for the same.
    pub(crate) similarity: f64,
}

impl Precedent<'_> {
    /// Returns whether it is an attempt at the same task.
    pub(crate) fn is_same_task(&self) -> bool {
        self.similarity >= SAME_TASK
    }
}

impl Learned {
    /// Returns the precedents for a task in a scope, or in all: attempts at the task itself, newest
    /// first, then those at similar tasks, most similar first.
    pub(crate) fn precedents(
        &self,
        task: &str,
        scope: Option<&Scope>,
        similar: &[SimilarEpisode],
    ) -> Vec<Precedent<'_>> {
        let key = TaskKey::of(task);
        let same = match scope {
            Some(scope) => self.runs_of_task(scope.as_str(), key),
            None => self.runs_in(None).into_iter().filter(|run| run.task == key).collect(),
        };
        let same = same.into_iter().take(MAX_SAME_TASK);
        let mut all: Vec<Precedent<'_>> =
            same.map(|run| Precedent { run, similarity: 1.0 }).collect();
        let others = similar.iter().filter_map(|SimilarEpisode { id, similarity }| {
            let run = self.run(*id).filter(|run| run.task != key)?;
            (*similarity >= MIN_SIMILARITY).then_some(Precedent { run, similarity: *similarity })
        });
        let n_same = all.len();
        all.extend(others);
        all.split_at_mut(n_same).1.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        all
    }
}

/// Returns the median number of steps of runs; 0 for none.
pub(crate) fn median_steps(runs: &[&Precedent<'_>]) -> u32 {
    let mut lengths: Vec<usize> = runs.iter().map(|precedent| precedent.run.moves.len()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX))
}
