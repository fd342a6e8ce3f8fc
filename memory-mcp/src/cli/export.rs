//! `export`: writes records as JSON lines that `import jsonl` reads.
//!
//! In the order in which they were stored, episodes before notes, so that a note comes after what it
//! names, and an import of the export gives the same order again. What an episode names may come after it:
//! the import ties it to that at its end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use memory_core::{Memory, Record, RecordId, RecordKind};
use serde::Serialize;

use super::filter::FilterArgs;
use super::jsonl::{Linked, episode_line, named_by_episode, named_by_note, note_line};
use super::{Failure, Output, record};
use crate::config::Settings;
use crate::store;

/// Records that are read at once.
const BATCH: usize = 100;

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
        return write(memory, &ids, output.stream(), Failure::from);
    };
    // Under its name there is only ever a complete file.
    let mut half = OsString::from(path);
    half.push(".part");
    let half = PathBuf::from(half);
    let written = to_file(memory, &ids, path, &half);
    if written.is_err() {
        // The failure is what matters, and the rest may not even exist.
        drop(std::fs::remove_file(&half));
    }
    written?;
    let n = ids.len();
    if output.is_json() {
        return output.value(&serde_json::json!({ "n_records": n, "file": path }));
    }
    output.line(&format!("{n} records written to {}", path.display()))
}

fn to_file(memory: &Memory, ids: &[RecordId], path: &Path, half: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let file = File::create(half).map_err(failed)?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut packed = GzEncoder::new(file, Compression::default());
        write(memory, ids, &mut packed, failed)?;
        file = packed.finish().map_err(failed)?;
    } else {
        write(memory, ids, &mut file, failed)?;
    }
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().and_then(|()| std::fs::rename(half, path)).map_err(failed)
}

fn write(
    memory: &Memory,
    ids: &[RecordId],
    to: &mut (impl Write + ?Sized),
    failed: impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    for batch in ids.chunks(BATCH) {
        let records = memory.read(batch)?;
        let linked = linked(memory, &records)?;
        for record in &records {
            match record {
                Record::Episode(episode) => {
                    let steps = record::steps(memory, episode)?;
                    write_line(to, &episode_line(episode, &steps, &linked)).map_err(&failed)?;
                }
                Record::Note(note) => {
                    write_line(to, &note_line(note, &linked)).map_err(&failed)?;
                }
            }
        }
    }
    Ok(())
}

/// The records that these name, as far as they are stored.
fn linked(memory: &Memory, records: &[Record]) -> Result<Linked, Failure> {
    let mut ids: Vec<RecordId> = Vec::new();
    for record in records {
        match record {
            Record::Episode(episode) => ids.extend(named_by_episode(episode)),
            Record::Note(note) => ids.extend(named_by_note(note)),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let with_source = |record: Record| {
        let id = record.id();
        let source = match record {
            Record::Episode(episode) => episode.source,
            Record::Note(note) => note.source,
        };
        (id, source)
    };
    Ok(memory.read(&ids)?.into_iter().map(with_source).collect())
}

fn write_line(to: &mut (impl Write + ?Sized), line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    to.write_all(&bytes)
}
