//! Derived state: what is searched. Rebuildable from storage at any time.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::storage::{Seq, Storage};

/// State of the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatus {
    /// Whether it is loaded.
    pub ready: bool,
    /// Why it could not be loaded, if so.
    pub failure: Option<String>,
    /// Units that are indexed.
    pub n_units: usize,
    /// Size in memory, in bytes.
    pub size_bytes: usize,
    /// Position of the change feed that it knows.
    pub seq: Seq,
}

pub(crate) struct Index;

impl Index {
    pub(crate) fn load(_storage: Arc<dyn Storage>) -> Arc<Self> {
        Arc::new(Self)
    }
    pub(crate) fn status(&self) -> IndexStatus {
        IndexStatus { ready: true, failure: None, n_units: 0, size_bytes: 0, seq: 0 }
    }
    pub(crate) fn refresh(&self, _storage: &dyn Storage, _wait: Duration) -> Result<(), Error> {
        Ok(())
    }
}
