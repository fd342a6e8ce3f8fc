//! Recorded episodes, asked about by models that have not seen them.

use std::collections::HashMap;
use std::path::Path;

use memory_core::EpisodeId;
use memory_core::bench::{Asked, PredictBench};

use crate::data::DataError;
use crate::episodes::{Attempt, read_attempts};

/// Number of folds of tasks.
const N_FOLDS: usize = 5;

/// Way of holding episodes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// One attempt at each task at a time: the others are known.
    Attempts,
    /// A fifth of the tasks at a time: none of their attempts is known.
    Tasks,
}

impl Held {
    pub(super) const ALL: [Self; 2] = [Self::Attempts, Self::Tasks];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Attempts => "seen",
            Self::Tasks => "new",
        }
    }
}

/// Reads the attempts of a set; those of the same words are attempts at the same task.
pub(super) fn attempts(dir: &Path, set: &str) -> Result<Vec<Attempt>, DataError> {
    read_attempts(dir, set, false)
}

/// Passes each held-back attempt to `rate`, with models that learned all that is not held back.
pub(super) fn each_held_back(
    attempts: &[Attempt],
    held: Held,
    mut rate: impl FnMut(&PredictBench, &Asked<'_>, &Attempt),
) {
    let mut tasks: HashMap<(&str, &str), (usize, usize)> = HashMap::new();
    // For each attempt the number of its task and its own number among those at it.
    let places: Vec<(usize, usize)> = attempts
        .iter()
        .map(|attempt| {
            let n_tasks = tasks.len();
            let key = (attempt.episode.scope.as_str(), attempt.episode.task.as_str());
            let (task, n) = tasks.entry(key).or_insert((n_tasks, 0));
            *n += 1;
            (*task, *n - 1)
        })
        .collect();
    let mut n_attempts = vec![0; tasks.len()];
    for (task, _) in &places {
        n_attempts[*task] += 1;
    }
    let n_folds = match held {
        Held::Attempts => n_attempts.iter().copied().max().unwrap_or(0),
        Held::Tasks => N_FOLDS,
    };
    for fold in 0..n_folds {
        let is_held = |i: usize| {
            let (task, no) = places[i];
            match held {
                Held::Attempts => no == fold && n_attempts[task] > 1,
                Held::Tasks => task % N_FOLDS == fold,
            }
        };
        let mut models = PredictBench::default();
        let (held, known): (Vec<usize>, Vec<usize>) =
            (0..attempts.len()).partition(|i| is_held(*i));
        if held.is_empty() {
            continue;
        }
        let put = |models: &mut PredictBench, i: usize| {
            models.put(&attempts[i].episode, &attempts[i].steps);
        };
        for i in &known {
            put(&mut models, *i);
        }
        models.learn();
        for i in &held {
            put(&mut models, *i);
        }
        let ids: std::collections::HashSet<EpisodeId> =
            held.iter().map(|i| attempts[*i].episode.id).collect();
        for attempt in held.iter().map(|i| &attempts[*i]) {
            if let Some(asked) = models.asked(attempt.episode.id, |id| !ids.contains(&id)) {
                rate(&models, &asked, attempt);
            }
        }
    }
}
