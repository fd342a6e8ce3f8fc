//! `checkpoint`: keeps the state of an episode, or gives all that another agent needs to go on.

use memory_core::Receipt;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{HandoffAnswer, arguments, is_zero, put, receipt};

pub(super) struct Checkpoint;

arguments! {
    /// Arguments of `checkpoint`.
    pub(super) struct Args {
        episode_id: String = "",
        note: Option<String> = "Where it stands, what comes next",
        handoff: Option<bool> = "Return all that another agent needs",
    }
}

/// Answer of `checkpoint`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Kept {
    episode_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff: Option<HandoffAnswer>,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
}

impl Tool for Checkpoint {
    const NAME: &'static str = "checkpoint";
    const TITLE: &'static str = "Checkpoint";
    const SEARCH_HINT: &'static str = "pause, resume, handoff";
    const ABOUT: &'static str = "Call before a pause or compaction: keeps where an episode stands.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Kept;

    fn run(call: &Call<'_>, args: Args) -> Result<Kept, CallError> {
        let id = call.episode_id("episode_id", &args.episode_id)?;
        let handoff = args.handoff.unwrap_or(false);
        let note = args.note.filter(|note| !handoff || !note.trim().is_empty());
        // One call of the memory each: nothing is read once the checkpoint is stored.
        let (checkpoint, handoff, n_masked, n_cut) = match note {
            Some(note) if handoff => {
                let Receipt { value, n_masked, n_cut } = call.memory.hand_over(id, &note)?;
                (Some(value.0), Some(value.1), n_masked, n_cut)
            }
            Some(note) => {
                let Receipt { value, n_masked, n_cut } = call.memory.checkpoint(id, &note)?;
                (Some(value), None, n_masked, n_cut)
            }
            None if handoff => (None, Some(call.memory.handoff(id)?), 0, 0),
            None => {
                return Err(CallError::Refused(
                    "note is required: say where the episode stands and what comes next (or set \
                     handoff to get the pack alone)"
                        .to_owned(),
                ));
            }
        };
        Ok(Kept {
            episode_id: id.to_string(),
            checkpoint_id: checkpoint.map(|id| id.to_string()),
            handoff: handoff.as_ref().map(HandoffAnswer::new),
            n_masked,
            n_cut,
        })
    }
}

impl Answer for Kept {
    fn text(&self, call: &Call<'_>) -> String {
        let mut out = String::new();
        if let Some(id) = &self.checkpoint_id {
            put(
                &mut out,
                format_args!(
                    "checkpoint {id} kept; start_episode with resume {id} goes on from it"
                ),
            );
            receipt(&mut out, self.n_masked, self.n_cut);
        }
        if let Some(handoff) = &self.handoff {
            if !out.is_empty() {
                out.push('\n');
            }
            handoff.render(&mut out, call.now);
        }
        out
    }
}
