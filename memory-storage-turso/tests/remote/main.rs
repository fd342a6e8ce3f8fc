//! The carrier on a libsql server: every claim of the trait, and what becomes of it in trouble.
//!
//! The server is one of these tests, unless `MEMORY_MCP_SQLD` names the program of a real one: then
//! the claims run against that, started anew for each.

// Marked one by one, because lints for tests look for the mark at a module.
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod database;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sqld;
