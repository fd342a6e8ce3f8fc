//! The meaning of each [`Op`], written once for all backends that keep records as whole values.
//!
//! A backend gives its tables as [`Tables`], inside a transaction of its own: after an error it
//! takes back what the batch has changed so far. A backend with SQL says the same in statements;
//! the conformance suite holds both to the same claims.

use super::batch::{Applied, Commit, Op, WriteBatch};
use super::error::{Rejection, StorageError};
use super::place;
use super::placement::Placement;
use super::tables::{Changes, EpisodeState, NoteState, Tables};
use super::vector::StoredVector;
use super::{Found, NamedState, Seq};
use crate::model::{
    Closing, Episode, EpisodeId, Feedback, Note, NoteId, RecordId, RecordKind, Scope, Source,
    Status, Step,
};

/// Applies a batch to tables that stood at position `seq`.
///
/// # Errors
///
/// [`StorageError::Rejected`] when a precondition does not hold, else those of the tables. Some of
/// the batch is in the tables then: the caller takes it back.
pub fn apply(
    tables: &mut impl Tables,
    seq: Seq,
    batch: WriteBatch,
) -> Result<Commit, StorageError> {
    let mut changes = Changes::default();
    let mut applied = Vec::with_capacity(batch.ops.len());
    for op in batch.ops {
        applied.push(apply_op(tables, op, &mut changes)?);
    }
    let mut commit = Commit { seq, applied };
    for (id, op) in changes.0 {
        commit.seq = tables.record_change(id, op)?;
    }
    Ok(commit)
}

fn apply_op(
    tables: &mut impl Tables,
    op: Op,
    changes: &mut Changes,
) -> Result<Applied, StorageError> {
    match op {
        Op::InsertEpisode { episode, steps } => {
            changes.put(episode.id);
            return insert_episode(tables, *episode, steps);
        }
        Op::AppendSteps { episode, steps, limit } => {
            return append_steps(tables, episode, steps, limit, changes);
        }
        Op::Close { episode, closing } => {
            close(tables, episode, *closing)?;
            changes.put(episode);
        }
        Op::InsertNote(note) => insert_note(tables, *note, changes)?,
        Op::Remove(id) => remove(tables, id, changes)?,
        Op::Place(placed) => place::place(tables, *placed, changes)?,
        Op::Withdraw { id, source } => place::withdraw(tables, id, source, changes)?,
        Op::Judge { id, helpful } => {
            count_feedback(tables, id, helpful)?;
            changes.put(id);
        }
        Op::Merge { note, at, tags } => {
            stored_note(tables, note)?;
            tables.update_note(note, |stored| {
                stored.tags.extend(tags);
                stored.tags.sort_unstable();
                stored.tags.dedup();
                stored.n_merged = stored.n_merged.saturating_add(1);
                stored.merged_at = Some(at);
            })?;
            changes.put(note);
        }
        Op::Tie { episode, relations, shown, followed } => {
            stored_episode(tables, episode)?;
            tables.update_episode(episode, |stored| {
                stored.relations = relations;
                stored.shown = shown;
                // An open episode has followed nothing yet.
                if let Some(closing) = &mut stored.closing {
                    closing.followed = followed;
                }
            })?;
            changes.put(episode);
        }
        Op::SetScope { id, scope } => {
            set_scope(tables, id, scope)?;
            changes.put(id);
        }
        // Derived data: it makes no change, and what is not stored any more is passed over.
        Op::KeepDigest { episode, digest } => {
            if tables.episode(episode)?.is_some() {
                tables.update_episode(episode, |stored| stored.digest = Some(digest))?;
            }
        }
        Op::PutVectors { model, vectors } => put_vectors(tables, &model, vectors)?,
        Op::DropVectors { model, limit } => tables.drop_vectors(&model, limit)?,
        Op::Lift(source) => lift(tables, source)?,
        Op::KeepState { name, bytes, at } => {
            tables.keep_state(NamedState { name, bytes, recorded_at: at })?;
        }
        Op::DropStates { before } => tables.drop_states(before)?,
    }
    Ok(Applied::Done)
}

fn insert_episode(
    tables: &mut impl Tables,
    mut episode: Episode,
    steps: Vec<Step>,
) -> Result<Applied, StorageError> {
    let id = episode.id;
    if tables.episode(id)?.is_some() {
        return Err(Rejection::Exists { id: id.into() }.into());
    }
    check_source(tables, RecordKind::Episode, episode.source.as_ref())?;
    episode.n_steps = 0;
    tables.insert_episode(episode)?;
    let placed = Placement::of(0, steps, |_| Ok(None))?;
    append_placed(tables, id, 0, placed, u32::MAX)
}

fn append_steps(
    tables: &mut impl Tables,
    id: EpisodeId,
    steps: Vec<Step>,
    limit: u32,
    changes: &mut Changes,
) -> Result<Applied, StorageError> {
    let state = stored_episode(tables, id)?;
    let n_given = steps.len();
    let placed = Placement::of(state.n_steps, steps, |call| tables.call(id, call))?;
    if n_given > 0 && placed.is_empty() {
        return Ok(Applied::Steps { n_steps: state.n_steps, n_new: 0, last: placed.last });
    }
    check_open(id, state)?;
    if state.is_elsewhere {
        return Err(Rejection::Elsewhere { id }.into());
    }
    changes.put(id);
    append_placed(tables, id, state.n_steps, placed, limit)
}

/// Stores placed steps of an episode that has `n_before` and may have `limit`.
fn append_placed(
    tables: &mut impl Tables,
    id: EpisodeId,
    n_before: u32,
    placed: Placement,
    limit: u32,
) -> Result<Applied, StorageError> {
    let Placement { new, completed, last } = placed;
    let (limit, got) = (limit as usize, n_before as usize + new.len());
    let n_steps = u32::try_from(got).ok().filter(|_| got <= limit);
    let n_steps = n_steps.ok_or(Rejection::TooManySteps { limit, got })?;
    for step in completed {
        tables.replace_step(id, step)?;
    }
    if !new.is_empty() {
        tables.append_steps(id, new)?;
    }
    Ok(Applied::Steps { n_steps, n_new: n_steps - n_before, last })
}

fn close(tables: &mut impl Tables, id: EpisodeId, closing: Closing) -> Result<(), StorageError> {
    let state = stored_episode(tables, id)?;
    if !state.is_provisional {
        check_open(id, state)?;
    }
    tables.update_episode(id, |stored| stored.closing = Some(closing))
}

fn lift(tables: &mut impl Tables, source: Source) -> Result<(), StorageError> {
    let episode = tables.lift(RecordKind::Episode, &source)?;
    let note = tables.lift(RecordKind::Note, &source)?;
    if episode || note { Ok(()) } else { Err(Rejection::NotForgotten { source_of: source }.into()) }
}

fn insert_note(
    tables: &mut impl Tables,
    note: Note,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let id = note.id;
    if tables.note(id)?.is_some() {
        return Err(Rejection::Exists { id: id.into() }.into());
    }
    if let Some(episode) = note.episode {
        stored_episode(tables, episode)?;
    }
    if let Some(old) = note.supersedes
        && let NoteState { superseded_by: Some(by), .. } = stored_note(tables, old)?
    {
        return Err(Rejection::Superseded { id: old, by }.into());
    }
    check_source(tables, RecordKind::Note, note.source.as_ref())?;
    if let Some(old) = note.supersedes {
        tables.update_note(old, |old| old.superseded_by = Some(id))?;
        changes.put(old);
    }
    tables.insert_note(note)?;
    changes.put(id);
    Ok(())
}

/// Removes a record; notes that name it stay and lose the link.
fn remove(
    tables: &mut impl Tables,
    id: RecordId,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    match id {
        RecordId::Episode(episode) => drop(stored_episode(tables, episode)?),
        RecordId::Note(note) => drop(stored_note(tables, note)?),
    }
    if let Some(source) = place::remove_stored(tables, id, changes)? {
        tables.bury(id.kind(), source)?;
    }
    Ok(())
}

fn set_scope(tables: &mut impl Tables, id: RecordId, scope: Scope) -> Result<(), StorageError> {
    match id {
        RecordId::Episode(id) => {
            stored_episode(tables, id)?;
            tables.update_episode(id, |episode| episode.scope = scope)
        }
        RecordId::Note(id) => {
            stored_note(tables, id)?;
            tables.update_note(id, |note| note.scope = scope)
        }
    }
}

fn count_feedback(
    tables: &mut impl Tables,
    id: RecordId,
    helpful: bool,
) -> Result<(), StorageError> {
    let count = |feedback: &mut Feedback| {
        let n = if helpful { &mut feedback.n_helpful } else { &mut feedback.n_unhelpful };
        *n = n.saturating_add(1);
    };
    match id {
        RecordId::Episode(id) => {
            stored_episode(tables, id)?;
            tables.update_episode(id, |episode| count(&mut episode.feedback))
        }
        RecordId::Note(id) => {
            stored_note(tables, id)?;
            tables.update_note(id, |note| count(&mut note.feedback))
        }
    }
}

/// Stores the vectors of records that are stored; one may be forgotten while its vectors are made.
fn put_vectors(
    tables: &mut impl Tables,
    model: &str,
    vectors: Vec<StoredVector>,
) -> Result<(), StorageError> {
    StoredVector::dimension_of(&vectors, model, tables.dimension(model)?)?;
    for vector in vectors {
        let is_stored = match vector.unit.record {
            RecordId::Episode(id) => tables.episode(id)?.is_some(),
            RecordId::Note(id) => tables.note(id)?.is_some(),
        };
        if is_stored {
            tables.put_vector(model, vector)?;
        }
    }
    Ok(())
}

fn stored_episode(tables: &impl Tables, id: EpisodeId) -> Result<EpisodeState, StorageError> {
    Ok(tables.episode(id)?.ok_or(Rejection::Missing { id: id.into() })?)
}

fn check_open(id: EpisodeId, state: EpisodeState) -> Result<(), StorageError> {
    match state.status {
        Status::Open => Ok(()),
        status => Err(Rejection::Closed { id, status }.into()),
    }
}

fn stored_note(tables: &impl Tables, id: NoteId) -> Result<NoteState, StorageError> {
    Ok(tables.note(id)?.ok_or(Rejection::Missing { id: id.into() })?)
}

fn check_source(
    tables: &impl Tables,
    kind: RecordKind,
    source: Option<&Source>,
) -> Result<(), StorageError> {
    let Some(source) = source else { return Ok(()) };
    match tables.by_source(kind, source)? {
        Found::Stored(id) => Err(Rejection::Exists { id }.into()),
        Found::Forgotten => Err(Rejection::Forgotten { kind, source_of: source.clone() }.into()),
        Found::Unknown => Ok(()),
    }
}
