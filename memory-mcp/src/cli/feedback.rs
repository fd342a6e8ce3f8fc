//! Command `feedback`: rates records as helpful or not.

use memory_core::learning::FeedbackResult;
use memory_core::{RecordId, RecordKind};
use serde_json::json;

use super::output::{Failure, Output};
use super::record;
use crate::config::Settings;
use crate::store;

/// Arguments of `feedback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ids, or their first 8 digits or more
    #[arg(required = true)]
    ids: Vec<String>,
    /// They helped
    #[arg(long, required_unless_present = "unhelpful", conflicts_with = "unhelpful")]
    helpful: bool,
    /// They did not help, or misled
    #[arg(long)]
    unhelpful: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let store = store::open(settings)?;
    let memory = &store.memory;
    let both = [RecordKind::Episode, RecordKind::Note];
    let ids = args.ids.iter().map(|id| memory.resolve(&both, id));
    let ids = ids.collect::<Result<Vec<RecordId>, _>>()?;
    for FeedbackResult { id, before, after } in memory.feedback(&ids, args.helpful)? {
        let counts = after.feedback;
        if output.is_json() {
            output.value(&json!({
                "id": id.to_string(),
                "before": before.chance.mean,
                "after": after.chance.mean,
                "lower": after.chance.lower,
                "upper": after.chance.upper,
                "n_helpful": counts.n_helpful,
                "n_unhelpful": counts.n_unhelpful,
                "n_shown": after.n_shown,
                "n_followed": after.n_followed,
                "n_succeeded": after.n_succeeded,
            }))?;
            continue;
        }
        output.line(&format!(
            "{}  helps with probability {:.2} (before: {:.2}): {} helpful, {} unhelpful, \
             followed by {} episodes",
            record::short_id(memory, id)?,
            after.chance.mean,
            before.chance.mean,
            counts.n_helpful,
            counts.n_unhelpful,
            after.n_followed,
        ))?;
    }
    Ok(())
}
