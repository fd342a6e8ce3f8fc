//! `sync`: exchanges records with other machines, or ends that.

use memory_core::RecordKind;
use memory_core::exchange::Report;
use serde_json::json;

use super::{Failure, Output};
use crate::config::Settings;
use crate::exchange::{self, SyncError};
use crate::store;

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only count what would be sent
    #[arg(long, conflicts_with = "leave")]
    dry_run: bool,
    /// Take no part any more: forget what came from others, and how far this store had got
    #[arg(long)]
    leave: bool,
    /// Leave without asking back
    #[arg(long, short = 'y', requires = "leave")]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let store = store::open_to_record(settings)?;
    let storage = &*store.storage.shared();
    if args.leave {
        if !args.yes {
            return Err(Failure::Usage(
                "--leave forgets what came from others in this store; --yes does it".to_owned(),
            ));
        }
        let n_forgotten = exchange::leave_exchange(settings, storage)?;
        if output.is_json() {
            return output.value(&json!({ "left": true, "n_forgotten": n_forgotten }));
        }
        output.line(&format!("left; {n_forgotten} record(s) of others were forgotten here"))?;
        output.remark("unset `remote`, or the next exchange joins again");
        return Ok(());
    }
    if args.dry_run {
        let ids = exchange::would_send(settings, storage)?;
        let n_episodes = ids.iter().filter(|id| id.kind() == RecordKind::Episode).count();
        let n_notes = ids.len() - n_episodes;
        if output.is_json() {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            return output.value(&json!({ "dry_run": true, "would_send": ids }));
        }
        let place = settings.exchange.remote.as_ref().map(ToString::to_string).unwrap_or_default();
        output
            .line(&format!("would send {n_episodes} episode(s), {n_notes} note(s) to {place}"))?;
        output.remark("nothing was sent or taken in");
        return Ok(());
    }
    let report = exchange::sync(settings, storage)?;
    print(report, output)
}

fn print(report: Report, output: &mut Output<'_>) -> Result<(), Failure> {
    let Report { n_sent, n_masked, n_received, n_removed, n_waiting, n_too_large } = report;
    if output.is_json() {
        return output.value(&json!({
            "n_sent": n_sent,
            "n_masked": n_masked,
            "n_received": n_received,
            "n_removed": n_removed,
            "n_waiting": n_waiting,
            "n_too_large": n_too_large,
        }));
    }
    output.line(&format!("sent {n_sent}, received {n_received}, removed {n_removed}"))?;
    if n_masked > 0 {
        output.line(&format!("{n_masked} secret(s) were masked on the way"))?;
    }
    if n_waiting > 0 {
        output
            .line(&format!("{n_waiting} record(s) changed meanwhile and wait for the next time"))?;
    }
    if n_too_large > 0 {
        output.line(&format!(
            "{n_too_large} record(s) are larger than the place takes and stay here; `memory-mcp \
             doctor` names one"
        ))?;
    }
    Ok(())
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::NoRemote | SyncError::NoScopes => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}
