//! `backup`: copies the store while it is in use.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Failure, Output, size};
use crate::config::Settings;
use crate::store;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to write; must not exist
    to: PathBuf,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let to = settings.working_dir.join(&args.to);
    store::backup(settings, &to)?;
    let metadata = std::fs::metadata(&to).map_err(|error| Failure::file(&to, &error))?;
    if output.is_json() {
        return output.value(&json!({ "file": to, "size_bytes": metadata.len() }));
    }
    output.line(&format!("{} written to {}", size(metadata.len()), to.display()))
}
