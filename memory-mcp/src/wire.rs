//! The wire: reading of arguments, and the shapes and texts of answers.
//!
//! Used by the tools, and by commands that print what an agent is to read. Limits: it knows neither
//! the protocol's messages nor how the engine works.

mod alias;
mod analysis;
mod argument;
mod cure;
mod exchanged;
mod foreseen;
mod handoff;
mod hit;
mod moment;
mod pattern;
pub(crate) mod record;
mod render;
mod schema;
mod short_id;
mod step;
mod team;
mod value;
mod visible;

pub(crate) use analysis::AnalysisAnswer;
pub(crate) use argument::{
    Argument, Arguments, BadArgument, Field, Place, arguments, object_schema, own_fields,
};
pub(crate) use cure::render_known_error;
pub(crate) use exchanged::Exchanged;
pub(crate) use foreseen::Foreseen;
pub(crate) use handoff::HandoffAnswer;
pub(crate) use hit::{HitAnswer, render_hits};
pub(crate) use pattern::PatternAnswer;
pub(crate) use record::{Detail, EpisodeView, StepView};
pub(crate) use render::{QUOTED, dot, echoed, put, quote, receipt, title};
pub(crate) use schema::answer_schema;
pub(crate) use short_id::short_ids;
pub(crate) use step::render_steps;
pub(crate) use team::team;
pub(crate) use value::{Ids, Items, JsonText, Kind, Labels, One, Several, Texts};
pub(crate) use visible::{is_control, printable};

/// Returns whether a count is left out of an answer because it says nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) const fn is_zero(count: &u32) -> bool {
    *count == 0
}
