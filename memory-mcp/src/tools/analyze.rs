//! Tool `analyze`: what the numbers of past episodes let expect.

use memory_core::prediction::{AnalysisKind, AnalysisQuery, Metric};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{AnalysisAnswer, One, arguments};

pub(super) struct Analyze;

arguments! {
    /// Arguments of `analyze`.
    pub(super) struct Args {
        what: One<AnalysisKind> = "",
        metric: Option<One<Metric>> = "",
        scope: Option<String> = "",
        tool: Option<String> = "For programs. ",
        task_type: Option<String> = "For programs. ",
        horizon: Option<u64> = "For programs. Default 7",
        level: Option<u64> = "For programs. Percent, default 80",
    }
}

/// Answer of `analyze`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Analyzed(AnalysisAnswer);

impl Tool for Analyze {
    const NAME: &'static str = "analyze";
    const TITLE: &'static str = "Analyze";
    const SEARCH_HINT: &'static str = "forecast, anomalies";
    const ABOUT: &'static str = "Past episodes over time: what to expect, what changed, what is \
        unusual, what goes with success.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Analyzed;

    fn run(call: &Call<'_>, args: Args) -> Result<Analyzed, CallError> {
        let One(kind) = args.what;
        let found = call.memory.analyze(&AnalysisQuery {
            metric: args.metric.map(|One(metric)| metric),
            scope: call.scope_or_all(args.scope.as_deref())?,
            task_type: args.task_type,
            tool: args.tool,
            horizon: args.horizon.map(count),
            // One above a hundred is as wrong as a thousand.
            level: args
                .level
                .map(|percent| f64::from(u8::try_from(percent).unwrap_or(u8::MAX)))
                .map(|percent| percent / 100.0),
            ..AnalysisQuery::new(kind)
        })?;
        Ok(Analyzed(AnalysisAnswer::new(found)))
    }
}

impl Answer for Analyzed {
    fn text(&self, _: &Call<'_>) -> String {
        self.0.text()
    }
}
