//! Durable store of memory-mcp: one libsql file that several processes share.
//!
//! One thread per handle writes (`writer`), one flushes (`flusher`), reads run on the caller's
//! thread (`readers`); `handle` holds them together. A batch becomes rows in `batch`; `schema`
//! holds the tables. Across processes all writers take turns at an advisory lock (`lock`), which
//! also covers opening, checkpoints and closing. `files` notices when the store is moved or
//! replaced underneath.

mod backup;
mod batch;
mod changes;
mod check;
mod compact;
mod connection;
#[cfg(test)]
mod durability_tests;
mod episodes;
mod error;
mod files;
mod fingerprint;
mod flusher;
mod handle;
mod ids;
mod leftovers;
mod list;
mod lock;
mod migrate;
mod notes;
mod open;
mod paths;
mod place;
mod readers;
mod records;
#[cfg(feature = "remote")]
mod remote;
mod salvage;
mod schema;
mod shape;
mod sources;
mod states;
mod stats;
mod steps;
mod tags;
mod ties;
#[cfg(test)]
mod vector_tests;
mod vectors;
mod wal;
mod writer;

pub use backup::restore;
pub use handle::TursoStorage;
pub use open::Options;
#[cfg(feature = "remote")]
pub use remote::{RemoteCarrier, RemoteOptions};
pub use salvage::{Salvaged, salvage};
