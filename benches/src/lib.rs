//! What the benches and the harnesses share: data sets, generated load, metrics, reports.
//!
//! Not part of the product. A harness is a small binary on top of this library: it reads its data
//! ([`data`]), drives the product through the same calls as a user, and hands [`Figure`]s to the
//! report, so that another harness needs only its own measurement.

pub mod ablation;
pub mod calendar;
pub mod data;
pub mod episodes;
pub mod evaluate;
pub mod figure;
pub mod kept;
pub mod log_groups;
pub mod machine;
pub mod metrics;
pub mod percentile;
pub mod playbook_replay;
pub mod retrieval_set;
pub mod searcher;
mod sessions;
pub mod stdio;
pub mod synthetic;
pub mod table;
pub mod targets;
pub mod variety;
pub mod vector_file;
pub mod workload;

pub use figure::Figure;
