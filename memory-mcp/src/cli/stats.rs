//! `stats`: counts what is stored.

use memory_core::{IndexStatus, InjectionCounts, StorageStats};
use serde_json::{Value, json};

use super::output::{Failure, Output, one_line, size};
use crate::config::Settings;
use crate::store;

/// Arguments of `stats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Count instead what hooks said within the last 30 days, and what came of it
    #[arg(long)]
    injections: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if args.injections {
        return injections(settings, output);
    }
    let store = store::open(settings)?;
    let refreshed = store.memory.refresh();
    let status = store.memory.status()?;
    if output.is_json() {
        return output.value(&json!({
            "store": settings.store,
            "format": status.head.format,
            "seq": status.head.seq,
            "storage": storage_json(&status.storage),
            "index": index_json(&status.index),
        }));
    }
    let stored = &status.storage;
    let rows = [
        ("store", settings.store.display().to_string()),
        ("size", size(stored.size_bytes)),
        ("episodes", format!("{}, {} of them open", stored.n_episodes, stored.n_open)),
        ("steps", stored.n_steps.to_string()),
        ("notes", stored.n_notes.to_string()),
        ("changes", status.head.seq.to_string()),
        (
            "index",
            match refreshed {
                Ok(()) => {
                    format!(
                        "{} units, {}, snapshot {}",
                        status.index.n_units,
                        size(status.index.size_bytes as u64),
                        status.index.snapshot()
                    )
                }
                Err(error) => error.to_string(),
            },
        ),
    ];
    for (name, value) in rows {
        output.line(&format!("{name:<10}{value}"))?;
    }
    if stored.scopes.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let rows: Vec<Vec<String>> =
        stored.scopes.iter().map(|(name, n)| vec![n.to_string(), one_line(name, 200)]).collect();
    output.table(&["RECORDS", "SCOPE"], &rows)
}

/// Prints what was said by itself, by moment.
fn injections(settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let store = store::open_to_record(settings)?;
    let mut rows = Vec::new();
    for (moment, counts) in store.memory.injections()? {
        let InjectionCounts { n_shown, n_followed, n_helped, n_ignored, n_wrong } = counts;
        if output.is_json() {
            output.value(&json!({
                "moment": moment.name(), "n_shown": n_shown, "n_followed": n_followed,
                "n_helped": n_helped, "n_ignored": n_ignored, "n_wrong": n_wrong,
            }))?;
        }
        let counts = [n_shown, n_followed, n_helped, n_ignored, n_wrong];
        let counts = counts.iter().map(ToString::to_string);
        rows.push(std::iter::once(moment.name().to_owned()).chain(counts).collect());
    }
    if output.is_json() {
        return Ok(());
    }
    output.table(&["MOMENT", "SHOWN", "FOLLOWED", "HELPED", "IGNORED", "WRONG"], &rows)
}

fn storage_json(stats: &StorageStats) -> Value {
    let scopes: serde_json::Map<String, Value> =
        stats.scopes.iter().map(|(name, n)| (name.to_string(), json!(n))).collect();
    json!({
        "n_episodes": stats.n_episodes,
        "n_open": stats.n_open,
        "n_steps": stats.n_steps,
        "n_notes": stats.n_notes,
        "size_bytes": stats.size_bytes,
        "scopes": scopes,
    })
}

fn index_json(index: &IndexStatus) -> Value {
    json!({
        "ready": index.ready,
        "failure": index.failure,
        "n_units": index.n_units,
        "size_bytes": index.size_bytes,
        "seq": index.seq,
        "snapshot": index.snapshot(),
    })
}
