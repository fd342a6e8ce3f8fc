//! Command `patterns`: what past episodes have in common.

use memory_core::learning::{PatternKind, PatternQuery};
use serde_json::json;

use super::output::{Failure, Output};
use crate::config::Settings;
use crate::store;
use crate::wire::PatternAnswer;

/// Arguments of `patterns`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// sequence, `decision_point`, recovery or context
    #[arg(long, value_parser = kind)]
    kind: Option<PatternKind>,
    /// Patterns that this tool is part of
    #[arg(long)]
    tool: Option<String>,
    /// Fewest episodes behind one
    #[arg(long, default_value_t = 3)]
    min_support: u32,
    /// Most patterns
    #[arg(long, default_value_t = 10)]
    limit: usize,
}

/// Reads the name of a kind.
fn kind(name: &str) -> Result<PatternKind, String> {
    PatternKind::from_name(name).ok_or_else(|| PatternKind::ALL.map(PatternKind::name).join(", "))
}

/// Runs the command.
pub(crate) fn run(args: Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let store = store::open(settings)?;
    let found = store.memory.patterns(&PatternQuery {
        kind: args.kind,
        tool: args.tool,
        scope: settings.scope_condition(),
        min_support: Some(args.min_support),
        limit: Some(args.limit),
    })?;
    let found: Vec<PatternAnswer> = found.into_iter().map(PatternAnswer::new).collect();
    if output.is_json() {
        return output.value(&json!({ "patterns": found }));
    }
    if found.is_empty() {
        return output.line("no pattern has that much support");
    }
    for pattern in &found {
        let mut text = String::new();
        pattern.render(&mut text);
        output.line(&super::output::block(&text, ""))?;
    }
    Ok(())
}
