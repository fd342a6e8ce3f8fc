//! An index as it was at one moment.

use std::io::Write;

use crate::error::Error;
use crate::recode::{self, NewCodes};
use crate::row_store::RowStore;
use crate::section::{self, SavedVectors};

/// An index as it was at one moment, to be read by another thread while the index changes.
///
/// It shares its rows with the index, which copies what it changes for as long as this lives.
#[derive(Debug)]
pub struct FrozenIndex {
    pub(crate) rows: RowStore,
}

impl FrozenIndex {
    /// Writes the index, as long as `keep_going` returns true. [`crate::DenseIndex::open`] reads
    /// it, from the byte of a file on at which it was written.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`], [`Error::Io`], [`Error::Damaged`]; what was written then is of no use.
    pub fn write(
        &self,
        out: &mut impl Write,
        keep_going: &dyn Fn() -> bool,
    ) -> Result<SavedVectors, Error> {
        section::write(&self.rows, out, keep_going)
    }

    /// Computes codes along the principal axes of the vectors, or plain ones where axes are not
    /// worth it; [`crate::DenseIndex::adopt`] gives them to the index.
    ///
    /// Cost: for the axes a tenth of a second at 384 dimensions, some seconds at 3,072; then five
    /// microseconds a vector. `None` if a vector cannot be read, memory is short, or `keep_going`
    /// returns false.
    #[must_use]
    pub fn recode(&self, keep_going: &dyn Fn() -> bool) -> Option<NewCodes> {
        recode::recode(&self.rows, keep_going)
    }
}
