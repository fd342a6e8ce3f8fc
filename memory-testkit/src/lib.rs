//! What the other crates are tested with. Nothing that ships depends on it.

#[doc(hidden)]
pub mod conformance;
pub mod fault;
pub mod generate;
pub mod sample;
