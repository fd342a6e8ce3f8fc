//! The command line, run as users run it: the built binary in a fresh folder of its own.

// Marked one by one, because lints for tests look for the mark at a module.
#[cfg(test)]
mod backends;
#[cfg(test)]
mod bad_transcripts;
#[cfg(test)]
mod config;
#[cfg(test)]
mod experience;
#[cfg(test)]
mod files;
#[cfg(test)]
mod home;
#[cfg(test)]
mod installing;
#[cfg(test)]
mod jsonl;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod models;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod records;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod store;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod upkeep;
