//! What the other crates are tested with. Nothing that ships depends on it.

#[doc(hidden)]
pub mod conformance;
pub mod crash;
pub mod facts;
pub mod fault;
pub mod generate;
pub mod processes;
pub mod sample;
pub mod stdio;
pub mod tidy;
