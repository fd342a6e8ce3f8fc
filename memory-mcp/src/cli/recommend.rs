//! Command `recommend`: advice for a task.

use serde_json::json;

use super::output::{self, Failure, Output};
use crate::config::Settings;
use crate::{scope, store};

/// Arguments of `recommend`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Task to get advice for
    task: String,
    /// Size of the advice, in tokens of about four bytes
    #[arg(long, default_value_t = 400)]
    max_tokens: usize,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let scope = scope::own(settings)?;
    let store = store::open(settings)?;
    let advice = store.memory.recommend(&args.task, &scope, args.max_tokens)?;
    if output.is_json() {
        return output.value(&json!({
            "experienced": advice.is_experienced,
            "playbook": advice.text,
            "expected_success": advice.expected.map(|expected| expected.mean),
            "interval_80": advice.expected.map(|expected| [expected.lower, expected.upper]),
            "n_attempts": advice.n_runs,
            "n_same_task": advice.n_same_task,
            "evidence": advice.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "degraded": advice.degraded,
        }));
    }
    if let Some(reason) = &advice.degraded {
        output.remark(&format!("similar tasks could not be searched: {reason}"));
    }
    output.line(&output::block(&advice.text, ""))
}
