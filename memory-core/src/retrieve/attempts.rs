//! Attempts at one task stand together as one hit.

use rustc_hash::FxHashMap;

use super::candidates::Candidate;
use super::learned::LearnedFacts;
use crate::error::Error;
use crate::learn::{TaskGroup, TaskGroupKey};
use crate::model::{EpisodeId, RecordId};

/// Keeps of the attempts at one task the one that fits best, at its place; where it fits by its
/// task and not by its steps, the best attempt takes that place, if it was found too.
///
/// `ranked` is sorted by falling score, and so is the result.
pub(super) fn together(
    ranked: Vec<Candidate>,
    learned: &dyn LearnedFacts,
) -> Result<Vec<Candidate>, Error> {
    let episodes: Vec<EpisodeId> =
        ranked.iter().filter_map(|candidate| candidate.id.episode()).collect();
    let mut groups = learned.task_groups(&episodes)?.into_iter();
    let mut kept: Vec<Candidate> = Vec::with_capacity(ranked.len());
    let mut places: FxHashMap<TaskGroupKey, usize> = FxHashMap::default();
    for candidate in ranked {
        let RecordId::Episode(id) = candidate.id else {
            kept.push(candidate);
            continue;
        };
        let Some(TaskGroup { key, best }) = groups.next().flatten() else {
            kept.push(candidate);
            continue;
        };
        let place = *places.entry(key).or_insert(kept.len());
        let Some(first) = kept.get_mut(place) else {
            kept.push(candidate);
            continue;
        };
        if best == Some(id) && first.step_idx.is_none() {
            let (score, strength) = (first.score, first.strength.max(candidate.strength));
            *first = Candidate { score, strength, step_idx: None, ..candidate };
        }
    }
    Ok(kept)
}
