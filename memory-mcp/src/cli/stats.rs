//! `stats`: counts what is stored.

use memory_core::{IndexStatus, StorageStats};
use serde_json::{Value, json};

use super::output::{Failure, Output, one_line, size};
use crate::config::Settings;
use crate::store;

/// Runs the command.
pub(crate) fn run(settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
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
