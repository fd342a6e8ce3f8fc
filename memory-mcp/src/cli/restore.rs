//! `restore`: puts a backup in the place of the store.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Failure, Output};
use crate::config::Settings;
use crate::store;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup
    from: PathBuf,
    /// Replace a store that exists
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let from = settings.working_dir.join(&args.from);
    store::restore(settings, &from, args.force)?;
    if output.is_json() {
        return output.value(&json!({ "from": from, "store": settings.store }));
    }
    output.line(&format!("{} restored from {}", settings.store.display(), from.display()))
}
