//! Records as commands show them to people.

use memory_core::{Memory, Record, RecordId, Status, Step};
use serde_json::Value;

use super::instant::short;
use super::output::{Failure, Output, one_line};
use crate::wire;

/// Widest text in a table, in characters.
const TEXT_WIDTH: usize = 80;

/// Returns the last digits of an id by which every command finds its record, as tools show them.
pub(crate) fn short_id(memory: &Memory, id: RecordId) -> Result<String, Failure> {
    let tail = memory.short_id(id.to_bytes())?;
    Ok(tail.map_or_else(|| id.to_string(), |tail| tail.to_string()))
}

/// Prints records as a table, or each as a line of JSON without its steps.
pub(crate) fn table(
    memory: &Memory,
    records: &[Record],
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if output.is_json() {
        return records.iter().try_for_each(|record| output.value(&as_json(record, None)?));
    }
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let (at, scope, text) = match record {
            Record::Episode(episode) => (episode.started_at, &episode.scope, &episode.task),
            Record::Note(note) => (note.occurred_at, &note.scope, &note.text),
        };
        rows.push(vec![
            short_id(memory, record.id())?,
            short(at),
            summary(record),
            one_line(scope.as_str(), 40),
            one_line(text.as_str(), TEXT_WIDTH),
        ]);
    }
    output.table(&["ID", "WHEN (UTC)", "WHAT", "SCOPE", "TEXT"], &rows)
}

/// Returns kind and state of a record in a few words.
pub(crate) fn summary(record: &Record) -> String {
    match record {
        Record::Episode(episode) => {
            let state = episode.standing();
            format!("episode, {state}, {} steps", episode.n_steps)
        }
        Record::Note(note) if note.superseded_by.is_some() => {
            format!("{}, superseded", note.kind.name())
        }
        Record::Note(note) => note.kind.name().to_owned(),
    }
}

/// Returns a whole record as JSON; an episode with its steps, if they are given.
pub(crate) fn as_json(record: &Record, steps: Option<&[Step]>) -> Result<Value, Failure> {
    wire::record::whole(record, steps).map_err(|error| Failure::Failed(error.to_string()))
}

/// Returns whether a record is an episode that still runs.
pub(crate) fn is_open(record: &Record) -> bool {
    matches!(record, Record::Episode(episode) if episode.status() == Status::Open)
}
