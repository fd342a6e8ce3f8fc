//! Order in which runs arrived, for what follows the table step by step.

use crate::model::EpisodeId;

/// Runs since the last change of a run that was there.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    epoch: u64,
    ids: Vec<EpisodeId>,
}

/// Position of a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    epoch: u64,
    n: usize,
}

impl Arrivals {
    pub(super) fn add(&mut self, id: EpisodeId) {
        self.ids.push(id);
    }

    /// Notes that a run was removed or is another now: followers begin anew.
    pub(super) fn interrupt(&mut self) {
        self.epoch += 1;
        self.ids.clear();
    }

    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, n: self.ids.len() }
    }

    /// Returns the runs that arrived after a position; `None` where runs before it changed.
    pub(super) fn since(&self, position: Position) -> Option<&[EpisodeId]> {
        (position.epoch == self.epoch).then(|| self.ids.get(position.n..)).flatten()
    }
}
