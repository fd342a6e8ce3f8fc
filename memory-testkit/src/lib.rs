//! Test tools of the other crates: suites, harnesses, generators, the rules of the house.
//!
//! Nothing that ships depends on it. A check that does not hold panics with its reason.

#[doc(hidden)]
pub mod conformance;
pub mod crash;
pub mod cycles;
#[doc(hidden)]
pub mod exchange;
pub mod facts;
pub mod fault;
pub mod generate;
pub mod machines;
pub mod processes;
pub mod read;
pub mod sample;
pub mod stdio;
pub mod tidy;
