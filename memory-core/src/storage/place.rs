//! Records that are stored as a whole: those of other machines, merged states, and copies.

use super::batch::Placed;
use super::error::{Rejection, StorageError};
use super::tables::{Changes, NoteState, Tables};
use super::{ChangeOp, Found};
use crate::model::{Episode, Note, NoteId, Record, RecordId, Source, Step};

/// Stores a record in place of what is stored under its id.
pub(super) fn place(
    tables: &mut impl Tables,
    placed: Placed,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let Placed { record, steps, seen } = placed;
    let id = record.id();
    if let Some(seen) = seen
        && tables.newest_change(id)? > seen
    {
        return Err(Rejection::Changed { id }.into());
    }
    if let Some(source) = record.source() {
        check_holder(tables, id, source)?;
        tables.lift(id.kind(), source)?;
    }
    match record {
        Record::Episode(episode) => place_episode(tables, *episode, steps)?,
        Record::Note(note) => place_note(tables, *note, changes)?,
    }
    changes.put(id);
    Ok(())
}

fn place_episode(
    tables: &mut impl Tables,
    mut episode: Episode,
    steps: Option<Vec<Step>>,
) -> Result<(), StorageError> {
    let id = episode.id;
    match tables.episode(id)? {
        None => {
            episode.n_steps = 0;
            tables.insert_episode(episode)?;
        }
        Some(state) => tables.update_episode(id, |stored| {
            let source = stored.source.take();
            *stored = Episode { source, n_steps: state.n_steps, ..episode };
        })?,
    }
    let Some(steps) = steps else { return Ok(()) };
    let steps = (0..).zip(steps).map(|(idx, step)| Step { idx, ..step });
    tables.set_steps(id, steps.collect())
}

fn place_note(
    tables: &mut impl Tables,
    note: Note,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let (id, superseded) = (note.id, note.supersedes);
    let note = Note { superseded_by: successor(tables, id)?, ..note };
    let before = tables.note(id)?;
    if before.is_some() {
        tables.update_note(id, |stored| {
            let source = stored.source.take();
            *stored = Note { source, ..note };
        })?;
    } else {
        tables.insert_note(note)?;
    }
    let before = before.and_then(|before| before.supersedes);
    for old in before.filter(|before| superseded != Some(*before)).into_iter().chain(superseded) {
        let Some(state) = tables.note(old)? else { continue };
        let by = successor(tables, old)?;
        if by != state.superseded_by {
            tables.update_note(old, |old| old.superseded_by = by)?;
            changes.put(old);
        }
    }
    Ok(())
}

/// Removes what is stored under an id; remembers the given source as forgotten.
pub(super) fn withdraw(
    tables: &mut impl Tables,
    id: RecordId,
    source: Option<Source>,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    if let Some(source) = &source {
        check_holder(tables, id, source)?;
    }
    remove_stored(tables, id, changes)?;
    match source {
        Some(source) => tables.bury(id.kind(), source),
        None => Ok(()),
    }
}

/// Removes what is stored under an id, and the links to it; gives its source.
pub(super) fn remove_stored(
    tables: &mut impl Tables,
    id: RecordId,
    changes: &mut Changes,
) -> Result<Option<Source>, StorageError> {
    let is_stored = match id {
        RecordId::Episode(id) => tables.episode(id)?.is_some(),
        RecordId::Note(id) => tables.note(id)?.is_some(),
    };
    let linked = tables.linked_notes(id)?;
    let source = if is_stored { tables.remove(id)? } else { None };
    for note in linked {
        // What it superseded may have been superseded by others, too.
        let by = successor(tables, note)?;
        tables.update_note(note, |note| {
            note.episode = note.episode.filter(|episode| RecordId::from(*episode) != id);
            if note.superseded_by.is_some_and(|by| RecordId::from(by) == id) {
                note.superseded_by = by;
            }
            note.supersedes = note.supersedes.filter(|old| RecordId::from(*old) != id);
        })?;
        changes.put(note);
    }
    if is_stored {
        changes.0.push((id, ChangeOp::Remove));
    }
    Ok(source)
}

/// Returns the note of the highest id that says that it supersedes `id`.
fn successor(tables: &impl Tables, id: NoteId) -> Result<Option<NoteId>, StorageError> {
    let mut newest = None;
    for linked in tables.linked_notes(id.into())? {
        let state = tables.note(linked)?;
        if state.is_some_and(|NoteState { supersedes, .. }| supersedes == Some(id)) {
            newest = newest.max(Some(linked));
        }
    }
    Ok(newest)
}

/// Checks that no other record of the source is stored.
fn check_holder(tables: &impl Tables, id: RecordId, source: &Source) -> Result<(), StorageError> {
    match tables.by_source(id.kind(), source)? {
        Found::Stored(other) if other != id => Err(Rejection::Exists { id: other }.into()),
        Found::Stored(_) | Found::Forgotten | Found::Unknown => Ok(()),
    }
}
