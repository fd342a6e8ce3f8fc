//! What is said over the wire: how arguments are read, and the shapes and texts of answers.
//!
//! Who calls it: the tools, and commands that print what an agent is to read. What it must not know: the
//! protocol's messages, the engine's doings.

mod argument;
mod handoff;
mod hit;
mod moment;
mod pattern;
mod render;
mod schema;
mod step;
mod value;

pub(crate) use argument::{
    Argument, Arguments, BadArgument, Field, Place, arguments, object_schema, refuse_unknown,
};
pub(crate) use handoff::HandoffAnswer;
pub(crate) use hit::{HitAnswer, render_hits};
pub(crate) use moment::rfc3339;
pub(crate) use pattern::PatternAnswer;
pub(crate) use render::{QUOTED, dot, put, quote, receipt, title};
pub(crate) use schema::{Opaque, answer_schema};
pub(crate) use step::{NAME_CHARS, StepAnswer, shortened};
pub(crate) use value::{Items, JsonText, Kind, Labels, One, Several, Texts};

/// Whether a count is left out of an answer because it says nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) const fn is_zero(count: &u32) -> bool {
    *count == 0
}
