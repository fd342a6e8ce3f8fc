//! `export`: writes records as JSON lines that `import jsonl` reads.
//!
//! In the order in which they were stored, episodes before notes, so that a note comes after what
//! it names, and an import of the export gives the same order again. The records that an episode
//! names may come after it: the import links it to these at its end.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use memory_capture::jsonl::{self, WriteError};
use memory_core::{Memory, RecordId, RecordKind};
use serde_json::json;

use super::filter::FilterArgs;
use super::new_file::NewFile;
use super::output::{Failure, Output};
use crate::config::Settings;
use crate::store;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// File to write, packed if it ends in .gz; standard output if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let selection = args.filter.selection(settings)?;
    let store = store::open(settings)?;
    let memory = &store.memory;
    let mut ids = selection.all(memory, RecordKind::Episode)?;
    ids.extend(selection.all(memory, RecordKind::Note)?);
    let Some(path) = &args.out else {
        return Ok(jsonl::write(memory, &ids, output.stream())?);
    };
    write_file(memory, &ids, path)?;
    let n = ids.len();
    if output.is_json() {
        return output.value(&json!({ "n_records": n, "file": path }));
    }
    output.line(&format!("{n} records written to {}", path.display()))
}

fn write_file(memory: &Memory, ids: &[RecordId], path: &Path) -> Result<(), Failure> {
    let new = NewFile::create(path)?;
    let failed = |error: io::Error| Failure::file(path, &error);
    let mut file = BufWriter::with_capacity(1 << 20, new.file());
    let written = if path.extension().is_some_and(|extension| extension == "gz") {
        jsonl::write_gzip(memory, ids, file)
    } else {
        jsonl::write(memory, ids, &mut file).map(|()| file)
    };
    let file = written.map_err(|error| match error {
        WriteError::Memory(error) => error.into(),
        WriteError::Write(error) => failed(error),
    })?;
    file.into_inner().map_err(|error| failed(error.into_error()))?;
    new.complete().map_err(failed)
}
