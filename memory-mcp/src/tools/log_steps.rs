//! `log_steps`: appends tool calls to an open episode.

use memory_core::NewStep;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Items, JsonText, Moment, arguments, is_zero, receipt};

pub(super) struct LogSteps;

arguments! {
    /// What `log_steps` takes.
    pub(super) struct Args {
        episode_id: String = "",
        steps: Items<StepArgs> = "",
    }
}

arguments! {
    /// One tool call.
    pub(super) struct StepArgs {
        tool: String = "e.g. bash",
        action: Option<String> = "e.g. git",
        args: JsonText = "",
        observation: Option<String> = "What came back",
        ok: Option<bool> = "Default: no error",
        error: Option<String> = "",
        latency_ms: Option<u64> = "",
        tokens: Option<u64> = "",
        occurred_at: Option<Moment> = "RFC 3339",
    }
}

/// What `log_steps` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "counts are named `n_…` on the wire")]
pub(super) struct Logged {
    /// Steps that the episode has now.
    n_steps: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
}

impl Tool for LogSteps {
    const NAME: &'static str = "log_steps";
    const ABOUT: &'static str = "Call after tool calls, above all failed ones: appends them to the \
        episode, several at once.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Logged;

    fn run(call: &Call<'_>, args: Args) -> Result<Logged, CallError> {
        let episode = call.episode_id("episode_id", &args.episode_id)?;
        let steps = args.steps.0.into_iter().enumerate().map(step).collect::<Result<_, _>>()?;
        let logged = call.memory.log(episode, steps)?;
        Ok(Logged { n_steps: logged.value, n_masked: logged.n_masked, n_cut: logged.n_cut })
    }
}

fn step((idx, args): (usize, StepArgs)) -> Result<NewStep, CallError> {
    if args.tool.trim().is_empty() {
        return Err(CallError::Refused(format!("steps[{idx}].tool: must not be empty")));
    }
    Ok(NewStep {
        tool: args.tool,
        action: args.action,
        args: args.args.0,
        observation: args.observation.unwrap_or_default(),
        ok: args.ok,
        error: args.error,
        latency_ms: args.latency_ms,
        n_tokens: args.tokens,
        occurred_at: args.occurred_at.map(|moment| moment.0),
    })
}

impl Answer for Logged {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = format!("logged; the episode has {} step(s)", self.n_steps);
        receipt(&mut out, self.n_masked, self.n_cut);
        out
    }
}
