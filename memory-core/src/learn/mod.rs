//! Learning: what ended episodes teach, and how sure each statement is.
//!
//! Input: ended episodes with their steps. Output: cures of errors, patterns, playbooks,
//! reflections and the helpfulness of records. Used by [`crate::Memory`] and the retriever. This
//! module reads no storage, searches no text and knows no wire format.
//!
//! The folders build on each other in this order:
//!
//! * `digest` reduces the steps of one ended episode to tools, results and errors;
//! * `table` holds the runs of all episodes with indexes over them ([`Learned`]);
//! * `pattern` and `helpfulness` compute figures over the table;
//! * `advice` turns them into playbooks and reflections.
//!
//! `catalog.rs` says which episodes met an error or made a call, so that a process that lives for
//! one question reads their digests alone.
//!
//! The state is derived: digests are stored with their episodes, and the table is rebuilt from them
//! at every start. It does not depend on the order in which episodes arrive.

mod advice;
mod association;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod catalog;
mod demonstration;
mod digest;
mod hash;
mod helpfulness;
mod pattern;
mod quote;
#[cfg(test)]
pub(crate) mod sample;
mod table;
mod text;
mod word_diff;

pub use advice::Attempts;
pub(crate) use advice::{
    BudgetedText, Contradiction, Lesson, Mentions, PlaybookInput, SimilarEpisode, TaskGroup,
    TaskGroupKey, Vocabulary, handed_in, lesson_request, playbook,
};
pub use association::Association;
pub(crate) use catalog::{Catalog, CatalogChanges};
pub use demonstration::Demonstration;
pub(crate) use digest::{
    CallKey, Digest, Ending, Incident, Signature, ToolCost, error_message, salient_words, step_name,
};
pub use helpfulness::Helpfulness;
pub(crate) use helpfulness::usefulness_bonus;
pub use pattern::{Cure, KnownError, Pattern, PatternKind, PatternQuery};
pub(crate) use pattern::{CureExample, MetError, Risk};
pub(crate) use quote::{Quote, Quotes, StepRef};
pub(crate) use table::{AgentKey, Learned, Move, NameId, OutcomeCounts, Position, Run, TaskKey};
pub(crate) use text::{name_in_backticks, one_line};
