//! Reading all of the store to find what is wrong with it.

use std::collections::BTreeSet;

use memory_core::backend::StepRange;
use memory_core::{EpisodeId, NoteId, RecordId, StorageError};
use redb::{Database, DatabaseError, ReadableTable, ReadableTableMetadata};

use crate::changes::{self, RecordRow, State};
use crate::error::{corrupt, failed};
use crate::schema::{call_key, kind_of, link_key, record_key, step_key, unit_key};
use crate::view::View;
use crate::{list, notes, steps, vectors};

/// Most findings that are reported.
const MAX_FINDINGS: usize = 20;

/// Lets redb check the sums of all pages; returns what it found and mended.
///
/// # Errors
///
/// [`StorageError::Corrupt`] for what it cannot mend.
pub(crate) fn pages(db: &mut Database) -> Result<Option<String>, StorageError> {
    match db.check_integrity() {
        Ok(false) => Ok(Some("pages of the file were damaged; redb has mended them".to_owned())),
        // With a reader still at it, the content is read in full all the same.
        Ok(true) | Err(DatabaseError::TransactionInProgress) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Returns what is wrong with the content. Reads all of it.
pub(crate) fn run(view: &View) -> Result<Vec<String>, StorageError> {
    let mut found = Findings::default();
    let mut listed = BTreeSet::new();
    for row in view.records.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let id = record_of(key.value())?;
        let row = found.take(RecordRow::from_bytes(value.value()), id);
        if let Some(row) = row {
            check_row(view, id, row, &mut found)?;
            check_record(view, id, row, &mut found, &mut listed)?;
        }
    }
    for key in &listed {
        if view.lists.get(&**key).map_err(failed)?.is_none() {
            found.push("a record is missing from a list".to_owned());
        }
    }
    let entries = [
        ("the lists", view.lists.len().map_err(failed)?, listed.len() as u64),
        ("the links of notes", view.links.len().map_err(failed)?, found.n_links),
        ("the calls of steps", view.calls.len().map_err(failed)?, found.n_calls),
    ];
    for (what, n_entries, n_wanted) in entries.iter().filter(|(_, has, wanted)| has != wanted) {
        found.push(format!("{what} have {n_entries} entries, the records make {n_wanted}"));
    }
    check_feed(view, &mut found)?;
    check_vectors(view, &mut found)?;
    Ok(found.found)
}

/// What is wrong, and how many entries of indexes the records should have.
#[derive(Default)]
struct Findings {
    found: Vec<String>,
    n_links: u64,
    n_calls: u64,
}

impl Findings {
    fn push(&mut self, finding: String) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push(finding);
        }
    }

    fn of(&mut self, id: RecordId, what: &str) {
        self.push(format!("{} {id} {what}", id.kind().name()));
    }

    /// Returns what was read, or notes that it cannot be.
    fn take<T>(&mut self, read: Result<T, StorageError>, id: RecordId) -> Option<T> {
        read.map_err(|error| self.of(id, &format!("cannot be read: {error}"))).ok()
    }
}

fn record_of(key: &[u8; 17]) -> Result<RecordId, StorageError> {
    let [kind, id @ ..] = *key;
    let kind = kind_of(kind).ok_or_else(|| corrupt("a record of no known kind"))?;
    Ok(RecordId::from_bytes(kind, id))
}

/// Checks that the feed has the change that the row names.
fn check_row(
    view: &View,
    id: RecordId,
    row: RecordRow,
    found: &mut Findings,
) -> Result<(), StorageError> {
    let change = view.changes.get(row.seq).map_err(failed)?;
    let change = change.map(|value| changes::from_bytes(row.seq, value.value())).transpose()?;
    let is_removed = row.state == State::Removed;
    match change {
        Some(change)
            if change.id == id && (change.op == memory_core::ChangeOp::Remove) == is_removed => {}
        _ => found.of(id, "is missing from the change feed"),
    }
    Ok(())
}

fn check_record(
    view: &View,
    id: RecordId,
    row: RecordRow,
    found: &mut Findings,
    listed: &mut BTreeSet<Vec<u8>>,
) -> Result<(), StorageError> {
    let is_wanted = row.state != State::Removed;
    let is_stored = match id {
        RecordId::Episode(id) => match found.take(view.episode(id), id.into()) {
            Some(Some(episode)) => {
                listed.extend(list::keys_of_episode(&episode));
                check_steps(view, id, row.n_steps, found)?;
                true
            }
            Some(None) => false,
            None => return Ok(()),
        },
        RecordId::Note(id) => match found.take(view.note(id), id.into()) {
            Some(Some(note)) => {
                listed.extend(list::keys_of_note(&note));
                check_links(view, id, &note, found)?;
                true
            }
            Some(None) => false,
            None => return Ok(()),
        },
    };
    if is_stored != is_wanted {
        found.of(id, if is_wanted { "has a row but no value" } else { "is gone but has a value" });
    }
    Ok(())
}

fn check_steps(
    view: &View,
    id: EpisodeId,
    n_steps: u32,
    found: &mut Findings,
) -> Result<(), StorageError> {
    let all = StepRange { episode: id, from: 0, limit: u32::MAX };
    let Some(read) = found.take(steps::read(&view.steps, &all), id.into()) else { return Ok(()) };
    for (step, call_id) in read.iter().filter_map(|step| Some((step, step.call_id.as_ref()?))) {
        found.n_calls += 1;
        let place = view.calls.get(&*call_key(id, call_id)).map_err(failed)?;
        if place.is_none_or(|place| place.value() != step.idx) {
            found.of(id.into(), "has a step that is not found by its call");
        }
    }
    let last = n_steps.checked_sub(1).map(|last| step_key(id, last));
    let ends = match last {
        Some(last) => view.steps.get(&last).map_err(failed)?.is_some(),
        None => true,
    };
    if read.len() as u64 != u64::from(n_steps) || !ends {
        found.of(id.into(), "miscounts its steps");
    }
    Ok(())
}

fn check_links(
    view: &View,
    id: NoteId,
    note: &memory_core::Note,
    found: &mut Findings,
) -> Result<(), StorageError> {
    for named in notes::links(note) {
        found.n_links += 1;
        if view.links.get(&link_key(named, id.to_bytes())).map_err(failed)?.is_none() {
            found.of(id.into(), "is not found by a record that it names");
        }
    }
    // A note of another machine may come before what it names.
    if let Some(episode) = note.episode
        && note.author.is_none()
        && view.episodes.get(&episode.to_bytes()).map_err(failed)?.is_none()
    {
        found.of(id.into(), "leads to an episode that is gone");
    }
    if let Some(old) = note.supersedes
        && view.note(old)?.map_or(note.author.is_none(), |old| old.superseded_by < Some(id))
    {
        found.of(id.into(), "supersedes a note that does not say so");
    }
    Ok(())
}

/// Checks that each change is that of a record.
fn check_feed(view: &View, found: &mut Findings) -> Result<(), StorageError> {
    for change in changes::read(&view.changes, 0, usize::MAX)? {
        let row = view.records.get(&record_key(change.id)).map_err(failed)?;
        let row = row.map(|row| RecordRow::from_bytes(row.value())).transpose()?;
        if row.is_none_or(|row| row.seq != change.seq) {
            found.of(change.id, "is in the change feed but not stored");
        }
    }
    Ok(())
}

/// Checks that each vector is that of a unit of a record that is stored.
fn check_vectors(view: &View, found: &mut Findings) -> Result<(), StorageError> {
    for row in view.models.iter().map_err(failed)? {
        let model = row.map_err(failed)?.1.value();
        let mut dimension = None;
        for row in vectors::read(&view.vectors, model, 0, usize::MAX)? {
            let unit = row.vector.unit;
            let is_stored = match unit.record {
                RecordId::Episode(id) => {
                    view.episodes.get(&id.to_bytes()).map_err(failed)?.is_some()
                }
                RecordId::Note(id) => view.notes.get(&id.to_bytes()).map_err(failed)?.is_some(),
            };
            if !is_stored {
                found.of(unit.record, "is gone but has vectors");
            }
            let place = view.units.get(&unit_key(unit.record, unit.part, model)).map_err(failed)?;
            if place.is_none_or(|place| place.value() != row.seq) {
                found.of(unit.record, "has a vector that is not found by its unit");
            }
            if *dimension.get_or_insert(row.vector.vector.len()) != row.vector.vector.len() {
                found.of(unit.record, "has a vector of another dimension than its model");
            }
        }
    }
    Ok(())
}
