//! Tool `recommend`: advice for a task from past attempts.

use memory_core::learning::{Advice, Posterior};
use memory_core::{RecordId, RecordKind};
use schemars::JsonSchema;
use serde::Serialize;

use super::log_steps::KnownErrorAnswer;
use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{HitAnswer, arguments, render_hits};

/// Size of the advice when the call names none, in tokens.
const DEFAULT_TOKENS: u64 = 400;

/// Maximum number of episodes named as evidence.
const MAX_EVIDENCE: usize = 20;

pub(super) struct Recommend;

arguments! {
    /// Arguments of `recommend`.
    pub(super) struct Args {
        task: Option<String> = "Or episode_id",
        episode_id: Option<String> = "",
        scope: Option<String> = "",
        max_tokens: Option<u64> = "For programs. Default 400",
    }
}

/// Answer of `recommend`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Recommended {
    /// True when there is experience with such tasks.
    experienced: bool,
    playbook: String,
    #[serde(flatten)]
    expectation: Expectation,
    /// Nearest past work, where there is no similar attempt to go by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hits: Vec<HitAnswer>,
    /// Open errors of the episode that were met before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known_errors: Vec<KnownErrorAnswer>,
    /// Episodes that it is based on.
    evidence: Vec<String>,
    /// Reason why similar tasks could not be searched, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
}

/// Chance of success, and the number of attempts behind it.
#[derive(Debug, Serialize, JsonSchema)]
struct Expectation {
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_success: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_80: Option<[f64; 2]>,
    n_attempts: u32,
    n_same_task: u32,
}

impl Tool for Recommend {
    const NAME: &'static str = "recommend";
    const TITLE: &'static str = "Advice";
    const SEARCH_HINT: &'static str = "playbook, odds, pitfalls";
    const ABOUT: &'static str = "Advice for a task: odds, what worked, pitfalls, cures.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Recommended;

    fn run(call: &Call<'_>, args: Args) -> Result<Recommended, CallError> {
        let max_tokens = count(args.max_tokens.unwrap_or(DEFAULT_TOKENS));
        let advice = match (args.task, args.episode_id) {
            (Some(task), None) => {
                let scope = call.scope_or_all(args.scope.as_deref())?;
                call.memory.recommend(&task, scope.as_ref(), max_tokens)?
            }
            (None, Some(id)) => {
                let id = call.memory.resolve(&[RecordKind::Episode], &id);
                let id = id.map_err(|error| CallError::at("episode_id", error))?;
                let RecordId::Episode(id) = id else {
                    return Err(CallError::Internal(format!("{id} is not an episode")));
                };
                let scope = match args.scope {
                    Some(scope) => call.scope_or_all(Some(&scope))?,
                    None => Some(call.memory.episode(id)?.scope),
                };
                call.memory.recommend_for(id, scope.as_ref(), max_tokens)?
            }
            _ => {
                return Err(CallError::Refused("give either task or episode_id".to_owned()));
            }
        };
        Ok(Recommended::new(advice))
    }
}

impl Recommended {
    fn new(advice: Advice) -> Self {
        let evidence = advice.evidence.iter().take(MAX_EVIDENCE);
        Self {
            experienced: advice.is_experienced,
            expectation: Expectation {
                expected_success: advice.expected.map(|expected| rounded(expected.mean)),
                interval_80: advice.expected.map(interval),
                n_attempts: advice.n_runs,
                n_same_task: advice.n_same_task,
            },
            evidence: evidence.map(ToString::to_string).collect(),
            playbook: advice.text,
            hits: advice.hits.into_iter().map(|hit| HitAnswer::new(hit, false)).collect(),
            known_errors: advice.known_errors.into_iter().map(Into::into).collect(),
            degraded: advice.degraded,
        }
    }
}

fn interval(expected: Posterior) -> [f64; 2] {
    [expected.lower, expected.upper].map(rounded)
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl Answer for Recommended {
    fn text(&self, call: &Call<'_>) -> String {
        let mut out = self.playbook.clone();
        self.known_errors.iter().for_each(|known| known.render(&mut out));
        if !self.hits.is_empty() {
            out.push_str("\nNearest past work. ");
            let scope = self.hits.first().map_or("", HitAnswer::scope);
            render_hits(&mut out, &self.hits, scope, call.now);
        }
        if let Some(reason) = &self.degraded {
            out.push_str("\nSimilar tasks could not be searched: ");
            out.push_str(reason);
        }
        out
    }
}
