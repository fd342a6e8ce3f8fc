//! What experience teaches: patterns, cures of errors, playbooks, and how sure we are of each.
//!
//! Who calls it: [`crate::Memory`] and the retriever. What it must not know: where records are stored,
//! how text is searched, what an answer looks like on the wire.
//!
//! Derived state. An ended episode is boiled down to a [`Digest`], which is kept with it and depends on
//! its steps alone; the learned state is a table of [`Run`]s with indexes over them, and whatever needs
//! an order (a trend, a half-life) is worked out when it is asked for. So the state does not depend on
//! the order in which episodes arrive.

pub(crate) mod action;
pub(crate) mod advice;
mod association;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod codec;
pub(crate) mod contexts;
pub(crate) mod digest;
pub(crate) mod evidence;
mod exposure;
mod flow;
mod gram;
mod incident;
mod members;
mod names;
pub(crate) mod patterns;
mod posting;
pub(crate) mod recovery;
mod remedy;
pub(crate) mod run;
#[cfg(test)]
mod sample;
mod sequences;
pub(crate) mod signature;
pub(crate) mod table;
mod worth;

pub(crate) use action::name_of;
pub use association::Association;
pub(crate) use digest::{Digest, Ending, Incident};
pub(crate) use run::{Move, NameNo, Run, TaskKey};
pub(crate) use signature::Signature;
pub(crate) use table::Learned;
pub use worth::Worth;
