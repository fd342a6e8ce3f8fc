//! `compact`: gives the space of removed records back to the disk.

use serde_json::json;

use super::output::{Failure, Output, size};
use crate::config::Settings;
use crate::store;

/// Runs the command.
pub(crate) fn run(settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    // Opening would make it.
    if !settings.store.exists() {
        return Err(Failure::Failed(format!("{}: there is no store", settings.store.display())));
    }
    let (before, after) = store::compact(settings)?;
    if output.is_json() {
        let store = &settings.store;
        return output.value(&json!({ "store": store, "before": before, "after": after }));
    }
    output.line(&format!(
        "store {} → {}, search index {} → {}",
        size(before.store),
        size(after.store),
        size(before.index),
        size(after.index)
    ))
}
