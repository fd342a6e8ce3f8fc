//! Errors of the index, and the limits that they name.

use std::io;

/// Largest id plus one: the table from id to row takes four bytes for every number below the
/// largest.
pub(crate) const ID_LIMIT: u32 = 1 << 26;

/// Largest number of dimensions; keeps the integer inner product of a row within `i32`.
pub(crate) const DIMENSION_LIMIT: usize = 16_384;

/// Smallest norm of a vector that is not zero.
///
/// With norms in `1e-12..=1e12` every product of scales stays a normal `f32`, so that the rounding
/// terms of the error bound hold; embeddings have norm one.
pub(crate) const NORM_MIN: f64 = 1e-12;

/// Largest norm of a vector; see [`NORM_MIN`].
pub(crate) const NORM_MAX: f64 = 1e12;

/// Reason why an operation of the index failed; except for [`Error::Damaged`], nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An index of this number of dimensions is not supported.
    #[error("an index of {n_dims} dimensions cannot be made: 1 to {DIMENSION_LIMIT} are supported")]
    UnsupportedDimension {
        /// Dimensions asked for.
        n_dims: usize,
    },
    /// The vector has another number of dimensions than the index.
    #[error("the vector has {got} dimensions, the index holds vectors of {expected}")]
    DimensionMismatch {
        /// Dimensions of the index.
        expected: usize,
        /// Dimensions of the vector.
        got: usize,
    },
    /// A component is NaN or infinite: it has no place in an order of scores.
    #[error("component {position} of the vector is not a finite number")]
    NotFinite {
        /// Position of the first such component.
        position: usize,
    },
    /// The vector is neither zero nor of a norm whose products `f32` can carry.
    #[error("the vector has norm {norm:e}; zero or {NORM_MIN:e} to {NORM_MAX:e} is supported")]
    NormOutOfRange {
        /// Euclidean norm of the vector.
        norm: f64,
    },
    /// The id would make the table from id to row too large.
    #[error("id {id} is not below {ID_LIMIT}")]
    IdTooLarge {
        /// The id.
        id: u32,
    },
    /// A vector could not be read from the file that it lies in: the index must be filled anew.
    #[error("a vector of the dense index cannot be read from its file")]
    Damaged,
    /// The operating system gave no memory for further rows.
    #[error("no memory for further rows of the dense index: {0}")]
    Memory(io::Error),
    /// The saved index cannot be used by this build, or was saved for another number of dimensions.
    #[error("the saved dense index has another {what}")]
    Foreign {
        /// Property that differs.
        what: &'static str,
    },
    /// A checksum or an invariant of the saved index does not hold.
    #[error("the saved dense index is damaged: {what}")]
    Corrupt {
        /// Property that does not hold.
        what: &'static str,
    },
    /// The caller no longer wants the index to be saved.
    #[error("saving the dense index was stopped")]
    Stopped,
    /// Reading or writing the saved index failed.
    #[error("cannot {op} the saved dense index: {source}")]
    Io {
        /// Operation that failed: `read` or `write`.
        op: &'static str,
        /// Reason given by the operating system.
        source: io::Error,
    },
}

impl Error {
    /// Returns a function that wraps the reason why `op` failed.
    pub(crate) fn io(op: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { op, source }
    }

    /// Wraps the reason why codes could not be brought into memory.
    pub(crate) fn reading_codes(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Corrupt { what: "codes" }
            }
            _ => Self::Io { op: "read", source: error },
        }
    }
}
