//! Places of steps in an episode: which of the given ones are new, told once more, or bring the
//! result of a call that was told before it ran.

use rustc_hash::FxHashMap;

use super::StorageError;
use crate::model::{Step, Timestamp};

/// A step that an episode has, as far as another telling of the same call depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCall {
    /// Its position.
    pub idx: u32,
    /// Time of the call.
    pub occurred_at: Timestamp,
    /// True when it says what came of the call.
    pub has_result: bool,
}

/// Steps that are given to an episode, by what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Steps to be appended, with their positions.
    pub new: Vec<Step>,
    /// Steps that take the place of the stored ones at their positions.
    pub completed: Vec<Step>,
    /// Position of the last of the given steps; 0 where none is given.
    pub last: u32,
}

impl Placement {
    /// Places steps in an episode that has `n_before`, whose call of an id `stored` looks up.
    ///
    /// Positions above `u32::MAX` are cut off there: the caller bounds the number of steps.
    ///
    /// # Errors
    ///
    /// Those of `stored`.
    pub fn of(
        n_before: u32,
        steps: Vec<Step>,
        mut stored: impl FnMut(&str) -> Result<Option<StoredCall>, StorageError>,
    ) -> Result<Self, StorageError> {
        let mut placed = Self { new: Vec::with_capacity(steps.len()), completed: vec![], last: 0 };
        let mut calls: FxHashMap<Box<str>, StoredCall> = FxHashMap::default();
        for step in steps {
            let Some(call) = step.call_id.clone() else {
                placed.append(n_before, step);
                continue;
            };
            let known = match calls.get(&call) {
                Some(known) => Some(*known),
                None => stored(&call)?,
            };
            let has_result = step.has_result();
            let known = match known {
                None => {
                    let occurred_at = step.occurred_at;
                    let idx = placed.append(n_before, step);
                    StoredCall { idx, occurred_at, has_result }
                }
                Some(known) if has_result && !known.has_result => {
                    placed.complete(n_before, known, step);
                    StoredCall { has_result, ..known }
                }
                Some(known) => known,
            };
            placed.last = known.idx;
            calls.insert(call, known);
        }
        Ok(placed)
    }

    /// Returns whether there is nothing to be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.completed.is_empty()
    }

    fn append(&mut self, n_before: u32, step: Step) -> u32 {
        let n_new = u32::try_from(self.new.len()).unwrap_or(u32::MAX);
        let idx = n_before.saturating_add(n_new);
        self.new.push(Step { idx, ..step });
        self.last = idx;
        idx
    }

    fn complete(&mut self, n_before: u32, known: StoredCall, step: Step) {
        let StoredCall { idx, occurred_at, .. } = known;
        let step = Step { idx, occurred_at, ..step };
        let new = idx.checked_sub(n_before).and_then(|at| self.new.get_mut(at as usize));
        match new {
            Some(placed) => *placed = step,
            None => self.completed.push(step),
        }
    }
}
