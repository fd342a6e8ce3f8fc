//! The domain: plain data without input or output and without a wire format.
//!
//! Who calls it: everyone. What it must not know: storage, JSON, the clock of the machine.

mod author;
mod episode;
mod id;
mod invalid;
mod note;
mod record;
mod record_id;
mod scope;
mod step;
mod text;
mod time;

pub use author::{Author, MachineId};
pub use episode::{
    Closing, Context, Episode, Feedback, Origin, Outcome, Relation, RelationKind, Shown, Source,
    Status,
};
pub use id::{EpisodeId, IdRange, IdTail, NoteId};
pub use invalid::InvalidValue;
pub use note::{Note, NoteKind};
pub use record::{HitKind, Record};
pub use record_id::{RecordId, RecordKind};
pub use scope::Scope;
pub use step::Step;
pub use text::{Excerpt, display_name};
pub use time::Timestamp;
