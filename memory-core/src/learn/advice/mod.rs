//! What experience has to say: a playbook before a task, a reflection after it.
//!
//! Who calls it: [`crate::Memory`], which finds the runs to go by. What it must not know: how runs were found,
//! where their texts lie; it asks for those through [`Words`]. Every line says how often or where it was seen.

pub(crate) mod align;
#[cfg(feature = "bench")]
pub(crate) mod bench;
pub(crate) mod call;
pub(crate) mod hurdle;
pub(crate) mod lesson;
pub(crate) mod pitfall;
pub(crate) mod playbook;
pub(crate) mod reflection;
pub(crate) mod route;
pub(crate) mod text;

pub(crate) use call::call_of;
pub(crate) use lesson::{Contradiction, LessonRequest, lesson_request};
pub(crate) use playbook::{KnownError, Lesson, Playbook, Precedent, Sources, playbook};
pub(crate) use reflection::{ErrorRecord, reflect};
pub(crate) use text::Words;
