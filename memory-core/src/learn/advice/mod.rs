//! Advice from experience: a playbook before a task, a reflection after it.
//!
//! [`Learned::precedents`](crate::learn::Learned::precedents) selects the runs to go by,
//! [`playbook`] turns them into advice; `Learned::assess` compares an ended run with the runs
//! before it. Both results are numbers; `vocabulary.rs` says how they are put into words without
//! reading the storage under a lock. Every line of advice has a count or names an episode.

mod align;
mod attempts;
mod budgeted_text;
mod effort;
mod expected_error;
mod lesson_request;
mod pitfall;
mod playbook;
mod precedent;
mod reflection;
mod reward;
mod route;
mod vocabulary;
mod workplace;

pub use attempts::Attempts;
pub(crate) use attempts::{TaskGroup, TaskGroupKey};
pub(crate) use budgeted_text::BudgetedText;
pub(crate) use lesson_request::{Contradiction, lesson_request};
pub(crate) use playbook::{Lesson, PlaybookInput, handed_in, playbook};
pub(crate) use precedent::SimilarEpisode;
pub(crate) use vocabulary::{Mentions, Vocabulary};
