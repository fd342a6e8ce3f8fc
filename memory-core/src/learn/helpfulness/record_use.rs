//! Episodes that met a record, as its helpfulness counts them.

use crate::learn::table::Run;
use crate::model::{EpisodeId, RecordId, Timestamp};

/// Kind of hit as which a record was shown to an episode when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShownAs {
    /// Not shown; the record may have been found by a later recall.
    NotShown,
    /// Weak hit, which may not fit.
    Weak,
    /// Strong hit.
    Strong,
}

/// An episode that could have followed a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RecordUse {
    /// The episode.
    pub(super) id: EpisodeId,
    /// End of the episode.
    pub(super) ended_at: Timestamp,
    /// Kind of hit as which the record was shown to it.
    pub(super) shown_as: ShownAs,
    /// True when it says that it followed the record.
    pub(super) followed: bool,
    /// Credit of its outcome, in [0, 1]; `None` for unknown.
    pub(super) credit: Option<f64>,
    /// Weight of its outcome; see [`Run::weight`].
    pub(super) weight: f64,
    /// Strata that it is compared within; see [`crate::stats::Trial`].
    pub(super) strata: [u64; 3],
}

impl RecordUse {
    /// Returns the use of a record by a run.
    pub(super) fn of(run: &Run, record: RecordId) -> Self {
        let shown = run.shown.iter().filter(|(id, _)| *id == record).map(|(_, strong)| *strong);
        Self {
            id: run.id,
            ended_at: run.ended_at,
            shown_as: match shown.reduce(|a, b| a || b) {
                None => ShownAs::NotShown,
                Some(false) => ShownAs::Weak,
                Some(true) => ShownAs::Strong,
            },
            followed: run.followed.contains(&record),
            credit: run.credit(),
            weight: run.weight(),
            strata: run.strata,
        }
    }
}

/// Orders uses by the end of their episodes, each episode once.
pub(super) fn sort_once(uses: &mut Vec<RecordUse>) {
    uses.sort_unstable_by_key(|episode| (episode.ended_at, episode.id));
    uses.dedup_by_key(|episode| episode.id);
}

#[cfg(test)]
pub(super) mod sample {
    //! Uses for tests.

    use super::*;

    /// Returns a use by the `i`-th episode, which was shown the record as a strong hit.
    pub(in crate::learn::helpfulness) fn record_use(
        i: u8,
        ended_at: Timestamp,
        followed: bool,
        credit: f64,
    ) -> RecordUse {
        RecordUse {
            id: EpisodeId::from_bytes([i; 16]),
            ended_at,
            shown_as: ShownAs::Strong,
            followed,
            credit: Some(credit),
            weight: 1.0,
            strata: [1, 1, 1],
        }
    }
}
