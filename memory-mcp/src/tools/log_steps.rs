//! `log_steps`: appends tool calls to an open episode.

use memory_core::learning::{Cure, Demonstration, KnownError};
use memory_core::{NewStep, Period, display_name};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{
    Foreseen, Items, JsonText, arguments, is_zero, put, receipt, render_known_error,
};

pub(super) struct LogSteps;

arguments! {
    /// Arguments of `log_steps`.
    pub(super) struct Args {
        episode_id: String = "",
        steps: Items<StepArgs> = "",
    }
}

arguments! {
    /// One tool call.
    pub(super) struct StepArgs {
        tool: String = "",
        action: Option<String> = "",
        args: JsonText = "JSON, or a command line",
        observation: JsonText = "",
        ok: Option<bool> = "Default: no error",
        error: Option<JsonText> = "",
        latency_ms: Option<u64> = "For programs. ",
        tokens: Option<u64> = "For programs. ",
        occurred_at: Option<Period> = "For programs. RFC 3339",
    }
}

/// Answer of `log_steps`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answered {
    /// Steps that the episode has now.
    n_steps: u32,
    /// Errors among the new steps that were met before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known_errors: Vec<KnownErrorAnswer>,
    /// Steps that met an error again whose cure was told, each with the step where it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repeated_errors: Vec<(u32, u32)>,
    #[serde(flatten)]
    foreseen: Foreseen,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
}

/// An error that was met before.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KnownErrorAnswer {
    step_idx: u32,
    tool: String,
    n_seen: u32,
    n_episodes: u32,
    n_resolved: u32,
    retry_rate: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    from_class: bool,
    /// Words that matter in which it differs from the error that is told of: (there, here).
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<(String, String)>,
    cures: Vec<CureAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lesson: Option<String>,
    #[serde(skip)]
    told: String,
}

/// Something that cured it.
#[derive(Debug, Serialize, JsonSchema)]
struct CureAnswer {
    text: String,
    n_tried: u32,
    n_resolved: u32,
    /// False for one that was only seen to work.
    confirmed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<String>,
    episodes: Vec<String>,
}

impl From<KnownError> for KnownErrorAnswer {
    fn from(known: KnownError) -> Self {
        let mut told = String::new();
        render_known_error(&mut told, &known);
        let cure = |cure: Cure| {
            let episodes = cure.episodes().map(|id| id.to_string()).collect();
            let Demonstration { acts, change, passed } = cure.demonstration.unwrap_or_default();
            let Cure { text, n_tried, n_resolved, is_confirmed: confirmed, .. } = cure;
            CureAnswer { text, n_tried, n_resolved, confirmed, acts, change, passed, episodes }
        };
        Self {
            step_idx: known.step_idx,
            tool: known.tool,
            n_seen: known.n_seen,
            n_episodes: known.n_episodes,
            n_resolved: known.n_resolved,
            retry_rate: (known.retry_rate * 100.0).round() / 100.0,
            from_class: known.from_class,
            differs: known.differs,
            lesson: known.lesson.map(|(id, _)| id.to_string()),
            told,
            cures: known.cures.into_iter().map(cure).collect(),
        }
    }
}

impl KnownErrorAnswer {
    pub(super) fn render(&self, out: &mut String) {
        let Self { step_idx, tool, told, .. } = self;
        put(
            out,
            format_args!(
                "
Step {step_idx} (`{}`): {told}",
                display_name(tool)
            ),
        );
    }
}

impl Tool for LogSteps {
    const NAME: &'static str = "log_steps";
    const TITLE: &'static str = "Log steps";
    const ABOUT: &'static str = "Call after tool calls, above all failed ones: appends them to the \
        episode; answers errors with known cures.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Answered;

    fn run(call: &Call<'_>, args: Args) -> Result<Answered, CallError> {
        let episode = call.episode_id("episode_id", &args.episode_id)?;
        let steps = args.steps.0.into_iter().enumerate().map(step).collect::<Result<_, _>>()?;
        let logged = call.memory.log(episode, steps)?;
        Ok(Answered {
            n_steps: logged.value.n_steps,
            known_errors: logged.value.known_errors.into_iter().map(Into::into).collect(),
            repeated_errors: logged.value.repeated_errors,
            foreseen: Foreseen::new(logged.value.odds, logged.value.next_tools),
            n_masked: logged.n_masked,
            n_cut: logged.n_cut,
        })
    }
}

fn step((idx, args): (usize, StepArgs)) -> Result<NewStep, CallError> {
    if args.tool.trim().is_empty() {
        return Err(CallError::Refused(format!("steps[{idx}].tool: must not be empty")));
    }
    Ok(NewStep {
        call_id: None,
        tool: args.tool,
        action: args.action,
        args: args.args.0,
        observation: args.observation.0,
        ok: args.ok,
        error: args.error.map(|error| error.0),
        latency_ms: args.latency_ms,
        n_tokens: args.tokens,
        occurred_at: args.occurred_at.map(|period| period.start),
    })
}

impl Answer for Answered {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = format!("logged; the episode has {} step(s)", self.n_steps);
        receipt(&mut out, self.n_masked, self.n_cut);
        self.known_errors.iter().for_each(|known| known.render(&mut out));
        for (again, told) in &self.repeated_errors {
            put(
                &mut out,
                format_args!(
                    "\nStep {again}: the error of step {told} again, whose cure was told."
                ),
            );
        }
        self.foreseen.render(&mut out);
        out
    }
}
