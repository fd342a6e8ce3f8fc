//! `scopes`: which projects there are, and one of them joined with another.

use memory_core::{Memory, Scope};
use serde_json::json;

use super::output::one_line;
use super::{Failure, Output};
use crate::config::Settings;
use crate::store;

/// Longest name in the table, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Arguments of `scopes`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Move the records of this scope
    #[arg(long, value_name = "SCOPE", requires = "into")]
    join: Option<String>,
    /// into this one
    #[arg(long, value_name = "SCOPE", requires = "join")]
    into: Option<String>,
    /// Only say what would be moved (default)
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Move
    #[arg(long, short = 'y', requires = "join")]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if let (Some(from), Some(into)) = (&args.join, &args.into) {
        let scope = |name: &str| Scope::new(name).map_err(memory_core::Error::from);
        let (from, into) = (scope(from)?, scope(into)?);
        if from == into {
            return Err(Failure::Usage("--join and --into name the same scope".to_owned()));
        }
        let store = store::open(settings)?;
        return join(&store.memory, &from, &into, args.yes, output);
    }
    let store = store::open(settings)?;
    list(&store.memory, output)
}

fn list(memory: &Memory, output: &mut Output<'_>) -> Result<(), Failure> {
    let scopes = memory.status()?.storage.scopes;
    if output.is_json() {
        let scopes: Vec<_> =
            scopes.iter().map(|(name, n)| json!({"scope": name, "n_records": n})).collect();
        return output.value(&json!({ "scopes": scopes }));
    }
    if scopes.is_empty() {
        return output.line("nothing is stored");
    }
    let row = |(name, n): &(Box<str>, u64)| vec![n.to_string(), one_line(name, MAX_NAME_CHARS)];
    let rows: Vec<Vec<String>> = scopes.iter().map(row).collect();
    output.table(&["RECORDS", "SCOPE"], &rows)
}

fn join(
    memory: &Memory,
    from: &Scope,
    into: &Scope,
    is_meant: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let count = |scope: &Scope| -> Result<u64, Failure> {
        let scopes = memory.status()?.storage.scopes;
        let found = scopes.iter().find(|(name, _)| **name == *scope.as_str());
        Ok(found.map_or(0, |(_, n)| *n))
    };
    let n_before = count(from)?;
    if n_before == 0 {
        return Err(Failure::Failed(format!(
            "nothing is stored in scope {}; `memory-mcp scopes` lists them",
            shown(from)
        )));
    }
    let n_moved = if is_meant { memory.join_scopes(from, into)? } else { 0 };
    if output.is_json() {
        return output.value(&json!({
            "join": from.as_str(),
            "into": into.as_str(),
            "n_records": n_before,
            "n_moved": n_moved,
            "dry_run": !is_meant,
        }));
    }
    if is_meant {
        return output.line(&format!("moved {n_moved} record(s) to {}", shown(into)));
    }
    let n_there = count(into)?;
    let what = format!("{n_before} record(s) of {}", shown(from));
    output.line(&format!("{what} would join {n_there} of {}", shown(into)))?;
    output.remark("nothing was moved; --yes moves them");
    Ok(())
}

fn shown(scope: &Scope) -> String {
    one_line(scope.as_str(), MAX_NAME_CHARS)
}
