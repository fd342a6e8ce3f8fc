//! Shared parts of the benches and harnesses: data sets, metrics, the measured server, reports.
//!
//! Not part of the product. A harness is a small binary on top of this library: it reads its data
//! ([`data`]), drives the product through the same calls as a user, and reports [`Figure`]s, so
//! that another harness needs only its own measurement. Generated load and the client of the server
//! are those of the tests (`memory-testkit`).

pub mod ablation;
pub mod calendar;
pub mod candidates;
pub mod command_embedder;
pub mod cpu_clock;
pub mod cure_rating;
pub mod data;
pub mod delivery;
pub mod episodes;
pub mod evaluate;
pub mod figure;
pub mod judging;
pub mod kept;
pub mod log_groups;
pub mod machine;
pub mod metrics;
pub mod percentile;
pub mod playbook_replay;
pub mod prediction;
pub mod retrieval_set;
pub mod scores;
pub mod searcher;
pub mod server;
mod sessions;
pub mod table;
pub mod targets;
pub mod variety;
pub mod vector_file;

pub use figure::Figure;
