//! Command `analyze`: what the numbers of past episodes let expect.

use std::path::{Path, PathBuf};

use memory_core::prediction::{AnalysisKind, AnalysisQuery, Metric};

use super::output::{Failure, Output};
use crate::config::Settings;
use crate::store;
use crate::wire::AnalysisAnswer;

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// forecast, anomalies, changepoints, effects or calibration
    #[arg(value_parser = kind)]
    what: AnalysisKind,
    /// success, reward, `latency_ms`, tokens, steps or errors
    #[arg(long, value_parser = metric)]
    metric: Option<Metric>,
    /// Episodes that used this tool
    #[arg(long)]
    tool: Option<String>,
    /// Episodes with this type of task
    #[arg(long)]
    task_type: Option<String>,
    /// Episodes that met an error with this message
    #[arg(long, value_name = "MESSAGE")]
    error: Option<String>,
    /// Points to forecast
    #[arg(long)]
    horizon: Option<usize>,
    /// Probability of intervals, in percent
    #[arg(long)]
    level: Option<u8>,
    /// Draw the series to this file: FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

/// Reads the name of a kind.
fn kind(name: &str) -> Result<AnalysisKind, String> {
    AnalysisKind::from_name(name)
        .ok_or_else(|| AnalysisKind::ALL.map(AnalysisKind::name).join(", "))
}

/// Reads the name of a metric.
fn metric(name: &str) -> Result<Metric, String> {
    Metric::from_name(name).ok_or_else(|| Metric::ALL.map(Metric::name).join(", "))
}

/// Runs the command.
pub(crate) fn run(args: Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let store = store::open(settings)?;
    let found = store.memory.analyze(&AnalysisQuery {
        metric: args.metric,
        scope: settings.scope_condition(),
        task_type: args.task_type,
        tool: args.tool,
        error: args.error,
        horizon: args.horizon,
        level: args.level.map(|percent| f64::from(percent) / 100.0),
        ..AnalysisQuery::new(args.what)
    })?;
    let found = AnalysisAnswer::new(found);
    if let Some(path) = &args.chart {
        draw(&found, path)?;
    }
    if output.is_json() {
        return output.value(&found);
    }
    output.line(&super::output::block(&found.text(), ""))
}

/// Draws the series of an analysis to a file, as its name says.
fn draw(found: &AnalysisAnswer, path: &Path) -> Result<(), Failure> {
    let chart = found.chart();
    let drawn = match path.extension().and_then(|end| end.to_str()) {
        Some("svg") => chart.svg().map(String::into_bytes),
        Some("png") => chart.png(),
        _ => return Err(Failure::Usage("--chart: FILE must end in .svg or .png".to_owned())),
    };
    let none = || Failure::Failed("--chart: there is no series of two values to draw".to_owned());
    std::fs::write(path, drawn.ok_or_else(none)?).map_err(|source| {
        Failure::Failed(format!("--chart: cannot write {}: {source}", path.display()))
    })
}
