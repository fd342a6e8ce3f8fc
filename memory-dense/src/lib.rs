//! Exact nearest-neighbour search by inner product over vectors in memory, without a graph.
//!
//! A [`DenseIndex`] keeps vectors of one number of dimensions by id. A search returns the ids with
//! the largest inner products, exactly as a full scan in double precision would, and reads a small
//! part of the bytes: for unit vectors the inner product is the cosine.
//!
//! ```
//! use memory_dense::{DenseIndex, Mask};
//!
//! # fn main() -> Result<(), memory_dense::Error> {
//! let mut index = DenseIndex::new(3)?;
//! index.put(7, &[1.0, 0.0, 0.0])?;
//! index.put(8, &[0.5, 0.5, 0.0])?;
//! index.put(9, &[0.0, 0.0, 1.0])?;
//!
//! let found = index.search(&[1.0, 0.5, 0.0], 2, None)?;
//! assert_eq!(found.top, [(7, 1.0), (8, 0.75)]);
//!
//! // Only some ids may be found.
//! let allowed: Mask = [8, 9].into_iter().collect();
//! let found = index.search(&[1.0, 0.5, 0.0], 1, Some(&allowed))?;
//! assert_eq!(found.top, [(8, 0.75)]);
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! A vector is kept in three forms: codes of few bits in blocks of 16 rows, codes of eight bits,
//! and `f32`. Each form gives an interval that is proven to hold the exact score (Cauchy-Schwarz on
//! what the codes miss). A search scans the codes of few bits in the order of addresses, estimates
//! the rows that could belong to the answer by their 8-bit codes, and scores what is left exactly.
//!
//! From 4,096 vectors on, the scanned codes can be computed along the principal axes of the
//! vectors, with more bits for axes of more variance: fewer bytes for the same error. That takes
//! some tenths of a second to some seconds, so it happens on a frozen copy, on a thread of the
//! caller's: [`DenseIndex::wants_recoding`], [`DenseIndex::freeze`], [`FrozenIndex::recode`],
//! [`DenseIndex::adopt`].
//!
//! **Score**: the inner product in `f64` (in 32 lanes that are folded in a fixed order) rounded to
//! `f32`; the same bits on every processor. **Order**: higher score first, then smaller id.
//!
//! # Saving
//!
//! [`FrozenIndex::write`] writes an index to a file, [`DenseIndex::open`] reads it: the vectors
//! stay in the file, and single ones are read when they are scored exactly; what is put later is
//! held in memory. [`DenseIndex::attach`] does the same for an index that
//! was just saved.
//!
//! # Limits
//!
//! One thread per search; 1 to 16,384 dimensions; ids below 2²⁶; vectors that are zero or of a norm
//! from 1e-12 to 1e12. Every row takes a byte and a half for each dimension, at most, and four
//! bytes for each dimension while its vector is in memory. Instruction sets are chosen at run time:
//! AVX-512 VNNI, AVX2, NEON, or plain Rust.

mod arithmetic;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod checksum;
mod code_bytes;
mod codes;
mod error;
mod error_bound;
mod estimate;
mod frozen;
mod index;
mod kernel;
mod mask;
mod pages;
mod principal_axes;
mod query;
mod random_rotation;
mod recode;
mod row_codes;
mod row_format;
mod row_store;
mod scan;
mod scan_quantizer;
mod search;
mod second_moments;
mod section;
mod selection;
mod slab;
mod slot_table;
#[cfg(test)]
mod tests;
mod top_k;
mod vectors;

pub use checksum::Checksum;
pub use error::Error;
pub use frozen::FrozenIndex;
pub use index::{DenseIndex, QueryScorer};
pub use mask::Mask;
pub use recode::NewCodes;
pub use search::Ranking;
pub use section::SavedVectors;
pub use vectors::read_at;
