//! Adapters: a file for each client, from its hook payloads and transcript records to events.
//!
//! Pure functions over JSON; each file says which version of the format it knows. Unknown fields
//! and events pass by. An adapter knows nothing of the recorder.

pub(crate) mod atif;
pub(crate) mod claude_code;
pub(crate) mod cline;
pub(crate) mod codex;
pub(crate) mod copilot;
pub(crate) mod cursor;
pub(crate) mod frame;
pub(crate) mod gemini;
pub(crate) mod mini_swe_agent;
pub(crate) mod open_code;
pub(crate) mod open_hands;
pub(crate) mod pascal;
pub(crate) mod swe_agent;
pub(crate) mod vs_code;
pub(crate) mod windsurf;
