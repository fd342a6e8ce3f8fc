//! Errors of running episodes of which something was told: an agent that meets one again and again
//! reads its cure once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::learn::{CureExample, KnownError, Signature, StepRef};
use crate::model::EpisodeId;

/// Most episodes that are kept, those that were logged to last.
const MAX_EPISODES: usize = 16;

/// An error that was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) signature: Signature,
    /// Step that met it.
    pub(super) step_idx: u32,
    /// True where a cure was told.
    pub(super) is_cured: bool,
    /// What was told of it.
    pub(super) knowledge: Knowledge,
}

/// Mark of what is known of an error: the same for one in other words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Knowledge {
    /// Failed step that the cure is shown by.
    shown: Option<StepRef>,
    n_seen: u32,
    n_episodes: u32,
}

impl Knowledge {
    /// Returns the mark of what is known; `None` where it is of other errors.
    pub(super) fn of(known: &KnownError) -> Option<Self> {
        let KnownError { n_seen, n_episodes, .. } = *known;
        let shown = known.cures.first().and_then(|cure| cure.examples.first());
        let shown = shown.map(CureExample::failed_step);
        let is_own = known.differs.is_none() && !known.from_class;
        is_own.then_some(Self { shown, n_seen, n_episodes })
    }
}

/// Errors that were told of, by episode; kept in memory alone, as telling twice does no harm.
#[derive(Debug, Default)]
pub(super) struct ToldErrors(Mutex<VecDeque<(EpisodeId, Vec<Told>)>>);

impl ToldErrors {
    /// Returns what was told in an episode.
    pub(super) fn of(&self, episode: EpisodeId) -> Vec<Told> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|(id, _)| *id == episode);
        known.map(|(_, told)| told.clone()).unwrap_or_default()
    }

    /// Keeps what was told in an episode.
    pub(super) fn add(&self, episode: EpisodeId, told: impl IntoIterator<Item = Told>) {
        let mut told: Vec<Told> = told.into_iter().collect();
        if told.is_empty() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|(id, _)| *id == episode)
            && let Some((_, before)) = all.remove(at)
        {
            told = [before, told].concat();
        }
        if all.len() >= MAX_EPISODES {
            all.pop_front();
        }
        all.push_back((episode, told));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(n: u64) -> Told {
        Told {
            signature: Signature(n),
            step_idx: 0,
            is_cured: true,
            knowledge: Knowledge::default(),
        }
    }

    #[test]
    fn what_was_told_is_kept_for_the_episodes_that_were_logged_to_last() {
        let errors = ToldErrors::default();
        let id = |n: u8| EpisodeId::from_bytes([n; 16]);
        for n in 0..=16 {
            errors.add(id(n), [told(1)]);
            errors.add(id(1), [told(u64::from(n) + 2)]);
        }
        assert_eq!(errors.of(id(0)), [], "the oldest is dropped");
        assert_eq!(errors.of(id(1)).len(), 18, "nothing of one that goes on is");
        assert_eq!(errors.of(id(16)), [told(1)]);
    }
}
