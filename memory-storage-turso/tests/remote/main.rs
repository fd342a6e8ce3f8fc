//! The carrier on a libsql server: every claim of the trait, and what becomes of it in trouble.
//!
//! The server is one of these tests, unless `MEMORY_MCP_SQLD` names the program of a real one: then
//! the claims run against that, started anew for each.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails ends its test")]
#![expect(clippy::indexing_slicing, reason = "what fails ends its test")]

mod conformance;
mod database;
mod faults;
mod server;
mod sqld;
