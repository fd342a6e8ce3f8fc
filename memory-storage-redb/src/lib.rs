//! Store of memory-mcp in one redb file: embedded, without C, owned by one process at a time.
//!
//! `handle` is the storage; `open` makes it from a path. What an operation means is
//! `memory_core`'s: `batch` gives it the tables of one transaction, `writer` makes one transaction
//! of all batches that wait. Reads come from one cached `view` of the newest commit. `schema` holds
//! the tables; the values in them are postcard, in enums to whose end versions are added.

mod batch;
mod changes;
mod check;
mod episodes;
mod error;
mod files;
#[cfg(test)]
mod golden_tests;
mod handle;
mod holder;
mod list;
mod notes;
mod open;
mod paths;
mod schema;
mod sources;
mod states;
mod stats;
mod steps;
mod text;
mod vectors;
mod view;
mod writer;

pub use handle::RedbStorage;
pub use open::Options;
