//! Capture of experience that other programs recorded: from their formats to records of the memory,
//! and back.
//!
//! The neutral format [`jsonl`] is read into [`Captured`] records, which an [`Importer`] stores
//! through [`memory_core::Memory`], each once, however often it comes. What coding agents did comes
//! as [`Event`]s: [`read_hook`] reads the payload of a hook. Used by the command line. Limits: no
//! terminal, no protocol and no clock in here; files are opened by the caller.
//!
//! ```
//! use std::sync::Arc;
//! use memory_capture::{Importer, jsonl};
//! use memory_core::{MemStorage, Memory, RecordFilter, RecordKind, Scope, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let memory = Memory::builder(Arc::new(MemStorage::new())).open()?;
//! let rules = jsonl::Rules {
//!     scope: None,
//!     default_scope: Scope::new("acme/shop")?,
//!     kind: None,
//!     now: Timestamp::from_millis(1_767_225_600_000),
//! };
//! let file = br#"{"id": "1", "text": "Staging is reset at night", "ts": "2025-05-01"}"#;
//! let mut importer = Importer::new(&memory);
//! for entry in jsonl::Reader::new(&file[..], rules)? {
//!     let entry = entry?;
//!     let refused = importer.write(vec![(entry.record?, entry.line)])?;
//!     assert!(refused.is_empty());
//! }
//! assert_eq!(importer.finish()?.n_new, 1);
//!
//! let notes = memory.list(RecordKind::Note, &RecordFilter::default(), None, 10)?;
//! let mut lines = Vec::new();
//! jsonl::write(&memory, &[notes[0].id], &mut lines)?;
//! assert!(lines.starts_with(br#"{"id":"1","kind":"fact","text":"Staging is"#));
//! # Ok(())
//! # }
//! ```

mod assembler;
mod client;
mod clients;
mod event;
mod fields;
mod hash;
mod hook;
mod importer;
pub mod json;
pub mod jsonl;
mod noise;
pub mod notes;
mod recorder;
mod transcript;
mod unpack;

pub use assembler::Assembler;
pub use client::Client;
pub use clients::cline::task_folder;
pub use clients::codex::parent_thread;
pub use event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt, SessionBegun};
pub use hook::{BadHook, Hook, read_hook};
pub use importer::{Captured, Counts, Importer};
pub use noise::{INJECTION_BEGIN, INJECTION_END, is_own_tool};
pub use recorder::{
    Action, Beginning, Ending, IDLE_MS, Judgement, RecordedStep, Recorder, SessionState,
};
pub use transcript::{Lines, Place, Record, Unreadable, read_document};
