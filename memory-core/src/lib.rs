//! Engine of memory-mcp: an episodic memory for coding agents.
//!
//! An *episode* is one attempt at one task; its *steps* are tool calls; it ends with an *outcome*.
//! A *note* is a remembered text. Both belong to a *scope*, the project. [`Memory`] records them
//! through a [`Storage`] and gives back the few *hits* that help with the next task.
//!
//! ```
//! use std::sync::Arc;
//! use memory_core::{
//!     Completion, Config, MemStorage, Memory, NewEpisode, NewStep, Outcome, Query, Scope,
//! };
//!
//! # fn main() -> Result<(), memory_core::Error> {
//! let memory = Memory::builder(Arc::new(MemStorage::new())).open()?;
//! let scope = Scope::new("github.com/acme/shop")?;
//!
//! // An agent works on a task and says what it does.
//! let episode = memory.start(NewEpisode::new(scope, "Make the checkout tests pass"))?.value;
//! let step = NewStep {
//!     tool: "bash".into(),
//!     args: r#"{"command":"cargo test checkout"}"#.into(),
//!     error: Some("error[E0433]: failed to resolve: undeclared crate `rust_decimal`".into()),
//!     ..NewStep::default()
//! };
//! memory.log(episode, vec![step])?;
//! let completion = Completion {
//!     outcome: Some(Outcome::Success),
//!     summary: Some("Added rust_decimal to the workspace manifest.".into()),
//!     ..Completion::default()
//! };
//! memory.finish(episode, completion)?;
//!
//! // A later session meets the same error.
//! let recall = memory.recall(&Query::new("failed to resolve undeclared crate rust_decimal"))?;
//! assert_eq!(recall.hits[0].record.id(), episode.into());
//! assert!(recall.hits[0].text.contains("workspace manifest"));
//! # Ok(())
//! # }
//! ```
//!
//! The crate does no input or output but through [`Storage`], and reads no environment.

#![forbid(unsafe_code)]

mod background;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod clock;
mod codec;
mod config;
mod dates;
mod dedup;
mod embed;
mod error;
mod half_file;
mod index;
mod intake;
mod learn;
mod memory;
mod model;
mod predict;
mod retention;
mod retrieve;
mod secret;
mod stats;
mod storage;
mod sync;

pub use clock::{Clock, StepClock, SystemClock};
pub use config::Config;
pub use dates::{Period, TimeBound};
pub use embed::{EmbedError, Embedder, Role};
pub use error::Error;
pub use index::IndexStatus;
pub use intake::{Completion, NewEpisode, NewNote, NewStep, Receipt};
pub use memory::{
    Begun, CaptureBatch, EngineStatus, Finished, Forgotten, Handoff, Import, Imported,
    InjectionCounts, Link, LinkRole, Links, Logged, Lookup, Memory, MemoryBuilder, Moment,
    Remembered, SearchIndex, Selection, Session,
};
pub use model::{
    Author, Closing, Context, Episode, EpisodeId, Excerpt, Feedback, HitKind, IdRange, IdTail,
    InvalidValue, Note, NoteId, NoteKind, Origin, Outcome, Record, RecordId, RecordKind, Relation,
    RelationKind, Scope, Shown, Source, Status, Step, Timestamp, display_name,
};
pub use retention::{Expired, Retention};
pub use retrieve::{Hit, Query, Recall, Signals, Strength};
pub use secret::mask_secrets;
pub use storage::{
    Change, ChangeOp, Head, ListEntry, MemStorage, RecordFilter, Seq, Storage, StorageError,
    StorageStats,
};

/// Interface of a storage backend: the batch that changes it, and the types that it reads and
/// returns.
pub mod backend {
    pub use crate::half_file::HalfFile;
    pub use crate::storage::{
        Applied, Commit, Contents, Durability, EpisodeState, Found, NamedState, NoteState, Op,
        Placed, Placement, Rejection, StepRange, StoredCall, StoredVector, Tables, UnitKey,
        VectorRow, WriteBatch, apply, compare, copy,
    };
}

/// Learning: advice, cures, patterns, reflections and helpfulness, each with its evidence.
pub mod learning {
    pub use crate::learn::{
        Association, Attempts, Cure, Demonstration, Helpfulness, KnownError, Pattern, PatternKind,
        PatternQuery,
    };
    pub use crate::memory::{Advice, FeedbackResult, Reflection, Warning};
    pub use crate::stats::Posterior;
}

/// Prediction: forecasts, change points, anomalies, and the quality of chances told.
pub mod prediction {
    pub use crate::memory::{MovedOdds, NextTool};
    pub use crate::predict::{
        Analysis, AnalysisKind, AnalysisQuery, BinUnit, Calibration, Finding, ForecastPoint,
        Metric, Odds, ReliabilityBin, SeriesPoint,
    };
}

/// Exchange of records between machines.
pub mod exchange {
    pub use crate::memory::ExchangeStatus;
    pub use crate::model::MachineId;
    pub use crate::sync::{
        Carrier, CarrierError, Cursor, Entry, ExchangeError, Pulled, Report, Standing, Terms,
        exchange, leave, preview,
    };
}
