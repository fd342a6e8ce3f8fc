//! A handoff: what another agent needs to go on with an episode, as data and as text.

use memory_core::{Handoff, Note, NoteKind, Step, Timestamp, display_name};
use schemars::JsonSchema;
use serde::Serialize;

use super::moment::Age;
use super::record::{Detail, EpisodeHead, StepView};
use super::render::{QUOTED, dot, put, quote};
use super::step::render_steps;
use super::visible::without_hidden;

/// Longest text of the task, in bytes.
const TASK_BYTES: usize = 800;

/// Longest text of a note, in bytes.
const NOTE_BYTES: usize = 600;

/// Longest text of a step, in bytes.
const STEP_BYTES: usize = 240;

/// Room for the newest notes, in bytes of JSON. The text says the same again, and an answer as a
/// whole stays below 25 KB.
const NOTES_BYTES: usize = 4_500;

/// Room for errors, in bytes of JSON.
const ERRORS_BYTES: usize = 2_000;

/// Room for the last steps, in bytes of JSON.
const STEPS_BYTES: usize = 3_500;

/// All that another agent needs to go on with an episode.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HandoffAnswer {
    episode_id: String,
    #[serde(flatten)]
    head: EpisodeHead,
    synopsis: String,
    notes: Vec<NoteAnswer>,
    open_errors: Vec<StepView>,
    last_steps: Vec<StepView>,
    #[serde(skip)]
    started_at: Timestamp,
}

/// A checkpoint or a lesson of the episode.
#[derive(Debug, Serialize, JsonSchema)]
struct NoteAnswer {
    kind: &'static str,
    id: String,
    /// Number of steps that the episode had then.
    n_steps: u32,
    text: String,
    #[serde(skip)]
    at: Timestamp,
}

impl HandoffAnswer {
    /// Takes a handoff, its texts shortened and its lists cut to their room.
    pub(crate) fn new(handoff: &Handoff) -> Self {
        let Handoff { episode, notes, last_steps, synopsis, open_errors } = handoff;
        let note = |note: &Note| NoteAnswer {
            kind: note.kind.name(),
            id: note.id.to_string(),
            n_steps: note.position,
            text: Detail::Brief { text_bytes: NOTE_BYTES }.text(&note.text),
            at: note.occurred_at,
        };
        let step = |step: &Step| StepView::new(step, Detail::Brief { text_bytes: STEP_BYTES });
        Self {
            episode_id: episode.id.to_string(),
            head: EpisodeHead::new(episode, Detail::Brief { text_bytes: TASK_BYTES }),
            synopsis: without_hidden(synopsis).into_owned(),
            notes: newest(notes.iter().map(note), NOTES_BYTES),
            open_errors: first(open_errors.iter().map(step), ERRORS_BYTES),
            last_steps: newest(last_steps.iter().map(step), STEPS_BYTES),
            started_at: episode.started_at,
        }
    }

    /// Returns whether it is of that episode.
    pub(crate) fn is_of(&self, episode_id: &str) -> bool {
        self.episode_id == episode_id
    }

    /// Appends it in the order in which a reader needs it: the task, the state, the last steps.
    pub(crate) fn render(&self, out: &mut String, now: Timestamp) {
        put(out, format_args!("Episode {}", self.episode_id));
        dot(out, &self.head.standing);
        dot(out, format_args!("scope {}", display_name(&self.head.scope)));
        dot(out, format_args!("begun {}", Age { now, then: self.started_at }));
        dot(out, format_args!("{} step(s)", self.head.n_steps));
        out.push('\n');
        out.push_str(QUOTED);
        out.push_str("\ntask:");
        quote(out, &self.head.task);
        if !self.synopsis.is_empty() {
            out.push_str("\ndone so far:");
            quote(out, &self.synopsis);
        }
        for note in &self.notes {
            put(out, format_args!("\n{}", note.kind));
            dot(out, Age { now, then: note.at });
            if note.kind == NoteKind::Checkpoint.name() {
                dot(out, format_args!("after {} step(s)", note.n_steps));
            }
            quote(out, &note.text);
        }
        for (title, steps) in
            [("errors that nothing resolved", &self.open_errors), ("last steps", &self.last_steps)]
        {
            if !steps.is_empty() {
                put(out, format_args!("\n{title}:"));
                render_steps(out, steps);
            }
        }
    }
}

/// Takes as many of the first items as there is room for.
fn first<T: Serialize>(items: impl Iterator<Item = T>, room: usize) -> Vec<T> {
    let mut left = room;
    let fits = |item: &T| {
        let size = serde_json::to_string(item).map_or(0, |json| json.len());
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    items.take_while(fits).collect()
}

/// Takes as many of the last items as there is room for, in their order.
fn newest<T: Serialize>(items: impl DoubleEndedIterator<Item = T>, room: usize) -> Vec<T> {
    let mut newest = first(items.rev(), room);
    newest.reverse();
    newest
}
