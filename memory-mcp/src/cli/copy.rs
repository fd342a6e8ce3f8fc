//! `copy`: copies a store into a new one, also of the other backend, and compares both.

use std::path::PathBuf;
use std::str::FromStr;

use memory_core::backend;
use serde_json::json;

use super::output::{Failure, Output};
use crate::config::{BackendChoice, Settings};
use crate::store::{Backend, StoreError};

/// Arguments of `copy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Store to copy: libsql:PATH or redb:PATH
    #[arg(long, value_name = "BACKEND:PATH")]
    from: Place,
    /// Store to make, in which nothing may be yet: libsql:PATH or redb:PATH
    #[arg(long, value_name = "BACKEND:PATH")]
    to: Place,
}

/// A store of one kind.
#[derive(Debug, Clone)]
struct Place {
    backend: BackendChoice,
    path: PathBuf,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let parts = given.split_once(':').filter(|(_, path)| !path.is_empty());
        let place = parts.and_then(|(name, path)| {
            Some(Self { backend: BackendChoice::from_name(name)?, path: path.into() })
        });
        place.ok_or_else(|| format!("`{given}` must be libsql:PATH or redb:PATH"))
    }
}

impl Place {
    fn open(&self, settings: &Settings) -> Result<Backend, StoreError> {
        Backend::open(self.backend, &settings.working_dir.join(&self.path), settings)
    }
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Args { from, to } = args;
    // Opening would make it.
    if !settings.working_dir.join(&from.path).exists() {
        let path = from.path.display();
        return Err(Failure::Failed(format!("--from: {path}: there is no such store")));
    }
    let (from, to) = (from.open(settings)?, to.open(settings)?);
    let original = from.contents()?;
    let failed = |error: memory_core::StorageError| Failure::Failed(error.to_string());
    let n_records = backend::copy(&original, to.contents()?.storage).map_err(failed)?;
    let differences = backend::compare(&from.contents()?, &to.contents()?).map_err(failed)?;
    if let Some(difference) = differences.first() {
        let path = to.path().display();
        return Err(Failure::Failed(format!(
            "{path} is no true copy: {difference}; if somebody wrote to the original meanwhile, \
             remove the copy and run this again"
        )));
    }
    if output.is_json() {
        let (from, to) = (from.path(), to.path());
        return output.value(&json!({ "from": from, "to": to, "n_records": n_records }));
    }
    let path = to.path().display();
    output.line(&format!("{n_records} records copied to {path} and compared with the original"))
}
