//! `list`: episodes and notes, newest first.

use clap::ValueEnum;
use memory_core::{ListEntry, Memory, Record, RecordId, RecordKind};

use super::filter::FilterArgs;
use super::output::{Failure, Output};
use super::record;
use crate::config::Settings;
use crate::store;

/// Kinds of records to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Episodes only
    Episodes,
    /// Notes only
    Notes,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these
    what: Option<What>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Most records to list
    #[arg(
        long,
        short = 'n',
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    limit: u32,
    /// Go on after this record, the last of the page before
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut selection = args.filter.selection(settings)?;
    match args.what {
        Some(What::Episodes) => selection.kinds.retain(|kind| *kind == RecordKind::Episode),
        Some(What::Notes) => selection.kinds.retain(|kind| *kind == RecordKind::Note),
        None => {}
    }
    if selection.kinds.is_empty() {
        return Err(Failure::Usage("--kind names notes, but episodes are to be listed".to_owned()));
    }
    let store = store::open(settings)?;
    let memory = &store.memory;
    let cursor = args.after.as_deref().map(|id| cursor(memory, id)).transpose()?;
    // One more than is shown tells whether there is another page.
    let limit = args.limit as usize;
    let mut entries = selection.page(memory, cursor, limit + 1)?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let ids: Vec<RecordId> = entries.iter().map(|entry| entry.id).collect();
    let records = memory.read(&ids)?;
    if records.is_empty() && !output.is_json() {
        return output.line("nothing is stored that fits");
    }
    record::table(memory, &records, output)?;
    match ids.last() {
        Some(last) if more && !output.is_json() => {
            let last = record::short_id(memory, *last)?;
            output.remark(&format!("more: --after {last}"));
        }
        _ => {}
    }
    Ok(())
}

fn cursor(memory: &Memory, id: &str) -> Result<ListEntry, Failure> {
    let id = memory.resolve(&[RecordKind::Episode, RecordKind::Note], id)?;
    let at = memory.read(&[id])?.into_iter().next().map(|record| match record {
        Record::Episode(episode) => episode.started_at,
        Record::Note(note) => note.occurred_at,
    });
    // Between the two reads another process may have removed it.
    let at = at.ok_or_else(|| Failure::Failed(format!("{id} was removed meanwhile")))?;
    Ok(ListEntry { id, at })
}
