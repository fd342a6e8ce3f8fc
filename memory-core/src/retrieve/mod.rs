//! From a query to the few hits that help.

mod hit;
mod query;

use crate::config::Config;
use crate::error::Error;
use crate::index::Index;
use crate::model::Timestamp;
use crate::storage::Storage;

pub use hit::{Hit, Recall};
pub use query::{HitKind, Query, Strength};

/// What answers a query.
pub(crate) struct Retriever<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) index: &'a Index,
    pub(crate) config: &'a Config,
    pub(crate) now: Timestamp,
}

impl Retriever<'_> {
    pub(crate) fn recall(&self, query: &Query) -> Result<Recall, Error> {
        let _ = (
            self.storage,
            self.index,
            self.now,
            query.checked_limit(self.config)?,
            query.budget_bytes(self.config)?,
            query.used_text(),
        );
        Ok(Recall::default())
    }
}
