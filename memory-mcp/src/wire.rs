//! The wire: how arguments are read, and the shapes and texts of answers.
//!
//! Used by the tools, and by commands that print what an agent is to read. Knows neither the
//! messages of the protocol nor what the engine does.

mod alias;
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
    Argument, Arguments, BadArgument, Field, Place, arguments, object_schema, own_fields,
};
pub(crate) use handoff::HandoffAnswer;
pub(crate) use hit::{HitAnswer, render_hits};
pub(crate) use moment::{Moment, Since, rfc3339};
pub(crate) use pattern::PatternAnswer;
pub(crate) use render::{QUOTED, dot, echoed, put, quote, receipt, title};
pub(crate) use schema::{Opaque, answer_schema};
pub(crate) use step::{StepAnswer, shortened};
pub(crate) use value::{Ids, Items, JsonText, Kind, Labels, One, PatternKind, Several, Texts};

/// Returns whether a count is left out of an answer because it says nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) const fn is_zero(count: &u32) -> bool {
    *count == 0
}
