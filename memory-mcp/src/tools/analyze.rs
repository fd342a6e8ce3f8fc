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
        error: Option<String> = "For programs. ",
        horizon: Option<u64> = "For programs. Default 7",
        level: Option<u64> = "For programs. Percent, default 80",
        chart: Option<bool> = "",
    }
}

/// Answer of `analyze`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Analyzed {
    #[serde(flatten)]
    found: AnalysisAnswer,
    #[serde(skip)]
    with_chart: bool,
}

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
            error: args.error,
            horizon: args.horizon.map(count),
            // One above a hundred is as wrong as a thousand.
            level: args
                .level
                .map(|percent| f64::from(u8::try_from(percent).unwrap_or(u8::MAX)))
                .map(|percent| percent / 100.0),
            ..AnalysisQuery::new(kind)
        })?;
        let with_chart = args.chart.unwrap_or(false);
        Ok(Analyzed { found: AnalysisAnswer::new(found), with_chart })
    }
}

impl Answer for Analyzed {
    fn text(&self, _: &Call<'_>) -> String {
        self.found.text()
    }

    fn image(&self) -> Option<Vec<u8>> {
        self.with_chart.then(|| self.found.chart().png()).flatten()
    }
}
