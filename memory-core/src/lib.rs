//! Engine of memory-mcp.

mod clock;
mod config;
mod error;
mod index;
mod intake;
mod memory;
mod model;
mod retrieve;
mod storage;

pub use clock::{Clock, StepClock, SystemClock};
pub use config::Config;
pub use error::Error;
pub use index::IndexStatus;
pub use intake::{Completion, NewEpisode, NewNote, NewStep, Receipt};
pub use memory::{EngineStatus, Import, Memory, Record};
pub use model::{
    Closing, Context, Episode, EpisodeId, Excerpt, IdRange, Note, NoteId, NoteKind, Outcome,
    RecordId, RecordKind, Scope, Source, Status, Step, Timestamp,
};
pub use retrieve::{Hit, HitKind, Query, Recall, Strength};
pub use storage::{
    Applied, Change, ChangeOp, Commit, Durability, Head, ListCursor, ListEntry, MemStorage, Op,
    RecordFilter, Rejection, Seq, StepRange, Storage, StorageError, StorageStats, WriteBatch,
};
