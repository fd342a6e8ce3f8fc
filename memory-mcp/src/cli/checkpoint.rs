//! `checkpoint`: keeps the state of an episode, or prints all that another agent needs to go on.

use memory_core::{Clock, RecordId, RecordKind, SystemClock};
use serde_json::json;

use super::output::{Failure, Output, given};
use super::record;
use crate::config::Settings;
use crate::store;
use crate::wire::HandoffAnswer;

/// Arguments of `checkpoint`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the episode, or its first 8 digits or more
    episode: String,
    /// State of the episode and next steps; `-` reads standard input
    #[arg(required_unless_present = "handoff")]
    note: Option<String>,
    /// Print all that another agent needs to go on
    #[arg(long)]
    handoff: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let note = args.note.map(given).transpose()?;
    let store = store::open(settings)?;
    let memory = &store.memory;
    let RecordId::Episode(id) = memory.resolve(&[RecordKind::Episode], &args.episode)? else {
        return Err(Failure::Failed(format!("{} is no episode", args.episode)));
    };
    let kept = note.map(|note| memory.checkpoint(id, &note)).transpose()?;
    let handoff = if args.handoff { Some(memory.handoff(id)?) } else { None };
    let handoff = handoff.as_ref().map(HandoffAnswer::new);
    if output.is_json() {
        return output.value(&json!({
            "episode_id": id.to_string(),
            "checkpoint_id": kept.as_ref().map(|kept| kept.value.to_string()),
            "handoff": handoff,
            "n_masked": kept.as_ref().map_or(0, |kept| kept.n_masked),
            "n_cut": kept.as_ref().map_or(0, |kept| kept.n_cut),
        }));
    }
    if let Some(kept) = &kept {
        let id = record::short_id(memory, kept.value.into())?;
        output.line(&format!("checkpoint {id} kept"))?;
        output.remark_receipt(kept);
    }
    if let Some(handoff) = handoff {
        let mut text = String::new();
        handoff.render(&mut text, SystemClock.now());
        output.line(&text)?;
    }
    Ok(())
}
