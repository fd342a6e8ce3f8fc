//! Reading of the steps that advice, cures and patterns quote.

use std::collections::BTreeSet;

use super::Memory;
use crate::error::Error;
use crate::learn::{Quote, Quotes, StepRef};
use crate::model::Step;
use crate::storage::StepRange;

impl Memory {
    /// Reads steps in one call of the storage and returns their quotable parts, masked again.
    ///
    /// A step that is not stored any more has an empty quotation. Reads nothing for no steps.
    /// Called without a lock on what was learned, as a read may wait for the storage.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub(super) fn quotes(&self, steps: &BTreeSet<StepRef>) -> Result<Quotes, Error> {
        Ok(self.quotes_with(steps, Vec::new())?.0)
    }

    /// Reads steps as [`Memory::quotes`] does, and others as they are, in one call of the storage.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub(super) fn quotes_with(
        &self,
        steps: &BTreeSet<StepRef>,
        others: Vec<StepRange>,
    ) -> Result<(Quotes, Vec<Vec<Step>>), Error> {
        if steps.is_empty() && others.is_empty() {
            return Ok(Default::default());
        }
        let single = |step: &StepRef| StepRange { episode: step.episode, from: step.idx, limit: 1 };
        let ranges: Vec<StepRange> = steps.iter().map(single).chain(others).collect();
        let mut read = self.storage.steps(&ranges).map_err(Error::storage("read quoted steps"))?;
        debug_assert_eq!(read.len(), ranges.len(), "the storage answers each range");
        let others = read.split_off(steps.len().min(read.len()));
        let quotes = steps.iter().zip(read).map(|(step, read)| {
            let quote = read.first().map(Quote::of).unwrap_or_default();
            (*step, quote)
        });
        Ok((quotes.collect(), others))
    }
}
