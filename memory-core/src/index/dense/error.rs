//! Why the dense index refuses a vector.

/// Largest unit number plus one: the table from unit to slot costs four bytes per number.
pub(crate) const UNIT_LIMIT: u32 = 1 << 26;

/// Largest number of dimensions; keeps the integer dot product of a row inside `i32`.
pub(crate) const DIMENSION_LIMIT: usize = 16_384;

/// Smallest norm of a vector that is not zero.
///
/// With norms in `1e-12..=1e12` every product of scales stays a normal `f32`, so that the rounding
/// terms of the error bound hold; embeddings have norm one.
pub(crate) const NORM_MIN: f64 = 1e-12;

/// Largest norm of a vector; see [`NORM_MIN`].
pub(crate) const NORM_MAX: f64 = 1e12;

/// A vector, unit or index that cannot be handled; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DenseError {
    /// The index was asked for with no dimension, or with too many.
    #[error("an index of {dims} dimensions cannot be made: 1 to {DIMENSION_LIMIT} are supported")]
    Shape {
        /// Dimensions asked for.
        dims: usize,
    },
    /// The vector comes from another model, or is cut.
    #[error("the vector has {got} dimensions, the index holds vectors of {expected}")]
    Dimensions {
        /// Dimensions of the index.
        expected: usize,
        /// Dimensions of the vector.
        got: usize,
    },
    /// A component is NaN or infinite: it has no place in an order of scores.
    #[error("component {at} of the vector is not a finite number")]
    NotFinite {
        /// Position of the first such component.
        at: usize,
    },
    /// The vector is neither zero nor of a norm whose products `f32` can carry.
    #[error("the vector has norm {norm:e}; zero or {NORM_MIN:e} to {NORM_MAX:e} is supported")]
    Norm {
        /// Euclidean norm of the vector.
        norm: f64,
    },
    /// The unit number would make the table from unit to slot too large.
    #[error("unit number {unit} is not below {UNIT_LIMIT}")]
    Unit {
        /// The unit number.
        unit: u32,
    },
    /// A vector could not be read from the file it lies in: the index must be made anew.
    #[error("a vector of the dense index cannot be read from its file")]
    Damaged,
    /// The operating system gave no memory for further rows.
    #[error("no memory for further rows of the dense index")]
    Memory(#[from] std::io::Error),
}
