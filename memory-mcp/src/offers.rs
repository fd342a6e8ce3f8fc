//! What a person picks in a client: prompts, and records as resources, with completion of ids and
//! scopes.
//!
//! Built of the tools' own answers, so that both say the same. Used by the server. Limits: a list
//! of all records would fill any menu, so that records are found by template and completion.

mod completion;
mod prompts;
mod resources;

pub(crate) use completion::complete;
pub(crate) use prompts::{list as list_prompts, prompt};
pub(crate) use resources::{list as list_resources, read as read_resource, templates};
