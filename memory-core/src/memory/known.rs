//! Look-up of imported records by where they came from.

use super::Memory;
use crate::error::Error;
use crate::model::{RecordKind, Source};
use crate::storage::Found;

impl Memory {
    /// Returns for each source whether a record of that kind is stored under it, or was and is
    /// forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn knows(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<bool>, Error> {
        let sources: Vec<Source> = sources.iter().cloned().map(Source::masked).collect();
        let found = self.storage.find(kind, &sources).map_err(Error::storage("find sources"))?;
        Ok(found.iter().map(|found| !matches!(found, Found::Unknown)).collect())
    }
}
