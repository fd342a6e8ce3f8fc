//! Windows: how much of a text the model reads.

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

impl Windows {
    /// Most wordpieces that can be read, without the two markers around them.
    pub const LARGEST: usize = 254;

    /// Wordpieces that are read of a text in this role.
    pub(crate) fn of(self, role: Role) -> usize {
        let wanted = match role {
            Role::Document => self.text,
            Role::Query => self.query,
        };
        wanted.min(Self::LARGEST)
    }
}
