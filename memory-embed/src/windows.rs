//! Windows: how much of a text the model reads.

use crate::packed_format::POSITIONS;
use memory_core::Role;

/// Number of wordpieces that are read from the beginning of a text, by its role.
///
/// An average over several windows of a long text is no better than its first window, that of a
/// long query worse, and both cost several times as much; `plans/0023` has the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Wordpieces of a stored text; at most [`Windows::LARGEST`] are read. Part of the id of its
    /// vector.
    pub text: usize,
    /// Wordpieces of a query; at most [`Windows::LARGEST`] are read.
    pub query: usize,
}

/// Wordpieces that are read of a query: two or three sentences, 64 tokens with the markers.
///
/// From 30 to 254 all rank alike; each costs what it has tokens.
const QUERY: usize = 62;

impl Windows {
    /// Most wordpieces that can be read: the model's positions less the two markers.
    pub const LARGEST: usize = POSITIONS - 2;

    /// Wordpieces that are read of a text in this role.
    pub(crate) fn of(self, role: Role) -> usize {
        let wanted = match role {
            Role::Document => self.text,
            Role::Query => self.query,
        };
        wanted.min(Self::LARGEST)
    }
}

impl Default for Windows {
    fn default() -> Self {
        Windows { text: Self::LARGEST, query: QUERY }
    }
}
