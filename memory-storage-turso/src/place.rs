//! Records that are stored as a whole, and removed with all that is their own.

use memory_core::backend::{Found, Op, Placed, Rejection};
use memory_core::{ChangeOp, Episode, Note, NoteId, Record, RecordId, Source, Step, StorageError};

use crate::changes::{self, Feed};
use crate::connection::Connection;
use crate::{episodes, notes, sources, steps, tags};

/// Lists the records of a batch that have a change above the position at which they were read.
///
/// To be asked before the batch: what it changes on the way, such as the note that a placed one
/// supersedes, is no change of another hand.
pub(crate) fn changed_meanwhile(
    conn: &mut Connection,
    ops: &[Op],
) -> Result<Vec<RecordId>, StorageError> {
    let mut changed = Vec::new();
    for op in ops {
        let Op::Place(placed) = op else { continue };
        let (id, Some(seen)) = (placed.record.id(), placed.seen) else { continue };
        if newest_change(conn, id)? > i64::try_from(seen).unwrap_or(i64::MAX) {
            changed.push(id);
        }
    }
    Ok(changed)
}

/// Stores a record in place of what is stored under its id.
pub(crate) fn place(
    conn: &mut Connection,
    feed: &mut Feed,
    placed: &Placed,
) -> Result<(), StorageError> {
    let id = placed.record.id();
    if let Some(source) = placed.record.source() {
        check_holder(conn, id, source)?;
        sources::lift_one(conn, id.kind(), source)?;
    }
    match &placed.record {
        Record::Episode(episode) => place_episode(conn, feed, episode, placed.steps.as_deref()),
        Record::Note(note) => place_note(conn, feed, note),
    }
}

fn place_episode(
    conn: &mut Connection,
    feed: &mut Feed,
    episode: &Episode,
    all_steps: Option<&[Step]>,
) -> Result<(), StorageError> {
    let id = RecordId::from(episode.id);
    let stored = episodes::state(conn, episode.id)?;
    let n_before = stored.as_ref().map_or(0, |state| state.n_steps);
    let n_steps =
        all_steps.map_or(n_before, |steps| u32::try_from(steps.len()).unwrap_or(u32::MAX));
    let key = match stored {
        None => {
            let seq = feed.insert(conn, id)?;
            episodes::insert(conn, episode, n_steps, seq)?
        }
        Some(state) => {
            for old in episodes::read(conn, &[episode.id])?.into_iter().flatten() {
                tags::remove(conn, id, old.started_at, &old.context.tags)?;
            }
            let seq = feed.replace(conn, state.seq, id, ChangeOp::Put)?;
            episodes::replace(conn, state.key, episode, n_steps, seq)?;
            state.key
        }
    };
    tags::insert(conn, id, key, episode.started_at, &episode.context.tags)?;
    match all_steps {
        Some(all) => steps::replace(conn, key, all),
        None => Ok(()),
    }
}

fn place_note(conn: &mut Connection, feed: &mut Feed, note: &Note) -> Result<(), StorageError> {
    let id = RecordId::from(note.id);
    let note = &Note { superseded_by: notes::successor(conn, note.id)?, ..note.clone() };
    let stored = notes::state(conn, note.id)?;
    let key = match &stored {
        None => {
            let seq = feed.insert(conn, id)?;
            notes::insert(conn, note, seq)?
        }
        Some(state) => {
            for old in notes::read(conn, &[note.id])?.into_iter().flatten() {
                tags::remove(conn, id, old.occurred_at, &old.tags)?;
            }
            let seq = feed.replace(conn, state.seq, id, ChangeOp::Put)?;
            notes::replace(conn, state.key, note, seq)?;
            state.key
        }
    };
    tags::insert(conn, id, key, note.occurred_at, &note.tags)?;
    let before = stored.and_then(|state| state.supersedes);
    for old in before.filter(|old| note.supersedes != Some(*old)).into_iter().chain(note.supersedes)
    {
        mark_superseded(conn, feed, old)?;
    }
    Ok(())
}

/// Sets which note superseded a note, where that is another one now.
fn mark_superseded(
    conn: &mut Connection,
    feed: &mut Feed,
    old: NoteId,
) -> Result<(), StorageError> {
    let Some(state) = notes::state(conn, old)? else { return Ok(()) };
    let by = notes::successor(conn, old)?;
    if by == state.superseded_by {
        return Ok(());
    }
    let seq = feed.replace(conn, state.seq, old.into(), ChangeOp::Put)?;
    notes::supersede(conn, state.key, by, seq)
}

/// Removes what is stored under an id; remembers the given source as forgotten.
pub(crate) fn withdraw(
    conn: &mut Connection,
    feed: &mut Feed,
    id: RecordId,
    source: Option<&Source>,
) -> Result<(), StorageError> {
    if let Some(source) = source {
        check_holder(conn, id, source)?;
    }
    remove_stored(conn, feed, id)?;
    match source {
        Some(source) => sources::bury(conn, id.kind(), source),
        None => Ok(()),
    }
}

/// A record that was removed.
pub(crate) struct Removed {
    /// Place that it came from.
    pub(crate) source: Option<Source>,
}

/// Removes what is stored under an id, a trigger takes its vectors, and the links to it; gives what
/// it was, `None` where nothing is stored.
pub(crate) fn remove_stored(
    conn: &mut Connection,
    feed: &mut Feed,
    id: RecordId,
) -> Result<Option<Removed>, StorageError> {
    let removed = match id {
        RecordId::Episode(episode) => match episodes::remove(conn, episode)? {
            Some(removed) => {
                steps::remove(conn, removed.key)?;
                Some((removed.seq, removed.source, removed.started_at, removed.tags))
            }
            None => None,
        },
        RecordId::Note(note) => notes::remove(conn, note)?
            .map(|removed| (removed.seq, removed.source, removed.occurred_at, removed.tags)),
    };
    for linked in notes::linked_to(conn, id)? {
        let seq = feed.replace(conn, linked.seq, linked.id.into(), ChangeOp::Put)?;
        notes::unlink(conn, linked.key, id, seq)?;
    }
    let Some((old_seq, source, at, labels)) = removed else { return Ok(None) };
    tags::remove(conn, id, at, &labels)?;
    feed.replace(conn, old_seq, id, ChangeOp::Remove)?;
    Ok(Some(Removed { source }))
}

/// Returns the position of the newest change of a record, 0 where it has none.
fn newest_change(conn: &mut Connection, id: RecordId) -> Result<i64, StorageError> {
    let stored = match id {
        RecordId::Episode(id) => episodes::state(conn, id)?.map(|state| state.seq),
        RecordId::Note(id) => notes::state(conn, id)?.map(|state| state.seq),
    };
    match stored {
        Some(seq) => Ok(seq),
        None => changes::removal(conn, id),
    }
}

/// Checks that no other record of the source is stored.
fn check_holder(conn: &mut Connection, id: RecordId, source: &Source) -> Result<(), StorageError> {
    match sources::find_one(conn, id.kind(), source)? {
        Found::Stored(other) if other != id => Err(Rejection::Exists { id: other }.into()),
        Found::Stored(_) | Found::Forgotten | Found::Unknown => Ok(()),
    }
}
