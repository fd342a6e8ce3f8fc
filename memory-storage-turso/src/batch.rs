//! One batch inside an open transaction: what `MemStorage` does, in rows.

use libsql::Value;
use memory_core::backend::{Applied, Commit, Found, Op, Rejection, WriteBatch};
use memory_core::{
    ChangeOp, Closing, Episode, EpisodeId, Note, NoteId, RecordId, Scope, Source, Status, Step,
    StorageError, Timestamp,
};

use crate::changes::Feed;
use crate::connection::Connection;
use crate::{episodes, notes, place, sources, states, steps, tags, ties, vectors};

/// Applies a batch. After an error some of it may be in the transaction: the caller rolls back.
///
/// # Errors
///
/// [`StorageError::Rejected`] when a precondition does not hold.
pub(crate) fn apply(
    conn: &mut Connection,
    feed: &mut Feed,
    batch: &WriteBatch,
) -> Result<Commit, StorageError> {
    let changed = place::changed_meanwhile(conn, &batch.ops)?;
    let mut applied = Vec::with_capacity(batch.ops.len());
    for op in &batch.ops {
        if let Op::Place(placed) = op
            && changed.contains(&placed.record.id())
        {
            return Err(Rejection::Changed { id: placed.record.id() }.into());
        }
        applied.push(apply_op(conn, feed, op)?);
    }
    Ok(Commit { seq: feed.seq.cast_unsigned(), applied })
}

fn apply_op(conn: &mut Connection, feed: &mut Feed, op: &Op) -> Result<Applied, StorageError> {
    match op {
        Op::InsertEpisode { episode, steps } => insert_episode(conn, feed, episode, steps),
        Op::AppendSteps { episode, steps, limit } => {
            append_steps(conn, feed, *episode, steps, *limit)
        }
        Op::Close { episode, closing } => close(conn, feed, *episode, closing),
        Op::InsertNote(note) => insert_note(conn, feed, note),
        Op::Remove(id) => remove(conn, feed, *id),
        Op::Place(placed) => done(place::place(conn, feed, placed)),
        Op::Withdraw { id, source } => done(place::withdraw(conn, feed, *id, source.as_ref())),
        Op::Judge { id, helpful } => judge(conn, feed, *id, *helpful),
        Op::Merge { note, at, tags } => merge(conn, feed, *note, *at, tags),
        Op::Tie { episode, relations, shown, followed } => {
            let named = ties::columns(relations, shown, followed)?;
            tie(conn, feed, *episode, named)
        }
        Op::SetScope { id, scope } => set_scope(conn, feed, *id, scope),
        Op::KeepDigest { episode, digest } => done(episodes::keep_digest(conn, *episode, digest)),
        Op::PutVectors { model, vectors } => done(vectors::put(conn, model, vectors)),
        Op::DropVectors { model, limit } => done(vectors::drop_oldest(conn, model, *limit)),
        Op::Lift(source) => done(lift(conn, source)),
        Op::KeepState { name, bytes, at } => done(states::keep(conn, name, bytes, *at)),
        Op::DropStates { before } => done(states::drop_older(conn, *before)),
    }
}

fn done(result: Result<(), StorageError>) -> Result<Applied, StorageError> {
    result.map(|()| Applied::Done)
}

fn insert_episode(
    conn: &mut Connection,
    feed: &mut Feed,
    episode: &Episode,
    steps: &[Step],
) -> Result<Applied, StorageError> {
    let id = RecordId::from(episode.id);
    if episodes::state(conn, episode.id)?.is_some() {
        return Err(Rejection::Exists { id }.into());
    }
    check_source(conn, id, episode.source.as_ref())?;
    let placed = steps::Placed::of(0, steps, |_| Ok(None))?;
    let (n_steps, last) = (placed.count(0, u32::MAX)?, placed.last);
    let seq = feed.insert(conn, id)?;
    let key = episodes::insert(conn, episode, n_steps, seq)?;
    placed.store(conn, key, 0)?;
    tags::insert(conn, id, key, episode.started_at, &episode.context.tags)?;
    Ok(Applied::Steps { n_steps, n_new: n_steps, last })
}

fn append_steps(
    conn: &mut Connection,
    feed: &mut Feed,
    id: EpisodeId,
    steps: &[Step],
    limit: u32,
) -> Result<Applied, StorageError> {
    let state = episodes::state(conn, id)?.ok_or(Rejection::Missing { id: id.into() })?;
    let n_before = state.n_steps;
    let placed = steps::Placed::of(n_before, steps, |call| steps::call(conn, state.key, call))?;
    if !steps.is_empty() && placed.is_empty() {
        return Ok(Applied::Steps { n_steps: n_before, n_new: 0, last: placed.last });
    }
    check_open(id, &state)?;
    if state.is_elsewhere {
        return Err(Rejection::Elsewhere { id }.into());
    }
    let n_steps = placed.count(n_before, limit)?;
    let seq = feed.replace(conn, state.seq, id.into(), ChangeOp::Put)?;
    placed.store(conn, state.key, n_before)?;
    episodes::grow(conn, state.key, n_steps, seq)?;
    Ok(Applied::Steps { n_steps, n_new: n_steps - n_before, last: placed.last })
}

fn close(
    conn: &mut Connection,
    feed: &mut Feed,
    id: EpisodeId,
    closing: &Closing,
) -> Result<Applied, StorageError> {
    let state = episodes::state(conn, id)?.ok_or(Rejection::Missing { id: id.into() })?;
    if !state.is_provisional {
        check_open(id, &state)?;
    }
    let seq = feed.replace(conn, state.seq, id.into(), ChangeOp::Put)?;
    episodes::close(conn, state.key, closing, seq)?;
    Ok(Applied::Done)
}

fn insert_note(
    conn: &mut Connection,
    feed: &mut Feed,
    note: &Note,
) -> Result<Applied, StorageError> {
    let id = RecordId::from(note.id);
    if notes::state(conn, note.id)?.is_some() {
        return Err(Rejection::Exists { id }.into());
    }
    if let Some(episode) = note.episode
        && episodes::state(conn, episode)?.is_none()
    {
        return Err(Rejection::Missing { id: episode.into() }.into());
    }
    let mut superseded = None;
    if let Some(old) = note.supersedes {
        match notes::state(conn, old)? {
            None => return Err(Rejection::Missing { id: old.into() }.into()),
            Some(notes::State { superseded_by: Some(by), .. }) => {
                return Err(Rejection::Superseded { id: old, by }.into());
            }
            Some(state) => superseded = Some((old, state)),
        }
    }
    check_source(conn, id, note.source.as_ref())?;
    if let Some((old, state)) = superseded {
        let seq = feed.replace(conn, state.seq, old.into(), ChangeOp::Put)?;
        notes::supersede(conn, state.key, Some(note.id), seq)?;
    }
    let seq = feed.insert(conn, id)?;
    let key = notes::insert(conn, note, seq)?;
    tags::insert(conn, id, key, note.occurred_at, &note.tags)?;
    Ok(Applied::Done)
}

/// Counts a judgement in a row of a table.
macro_rules! count_judgement {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET n_helpful = min(n_helpful + ?1, 4294967295),
             n_unhelpful = min(n_unhelpful + 1 - ?1, 4294967295), seq = ?2 WHERE pk = ?3"
        )
    };
}

fn judge(
    conn: &mut Connection,
    feed: &mut Feed,
    id: RecordId,
    helpful: bool,
) -> Result<Applied, StorageError> {
    let found = match id {
        RecordId::Episode(episode) => episodes::state(conn, episode)?
            .map(|state| (state.key, state.seq, count_judgement!("episodes"))),
        RecordId::Note(note) => {
            notes::state(conn, note)?.map(|state| (state.key, state.seq, count_judgement!("notes")))
        }
    };
    let (key, seq, sql) = found.ok_or(Rejection::Missing { id })?;
    let seq = feed.replace(conn, seq, id, ChangeOp::Put)?;
    conn.execute(sql, vec![i64::from(helpful).into(), seq.into(), key.into()])?;
    Ok(Applied::Done)
}

fn merge(
    conn: &mut Connection,
    feed: &mut Feed,
    id: NoteId,
    at: Timestamp,
    added: &[Box<str>],
) -> Result<Applied, StorageError> {
    let state = notes::state(conn, id)?.ok_or(Rejection::Missing { id: id.into() })?;
    let seq = feed.replace(conn, state.seq, id.into(), ChangeOp::Put)?;
    notes::merge(conn, state.key, at, seq)?;
    if !added.is_empty() {
        let occurred_at = notes::add_tags(conn, state.key, added)?;
        tags::insert(conn, id.into(), state.key, occurred_at, added)?;
    }
    Ok(Applied::Done)
}

fn tie(
    conn: &mut Connection,
    feed: &mut Feed,
    id: EpisodeId,
    named: [Value; 3],
) -> Result<Applied, StorageError> {
    let state = episodes::state(conn, id)?.ok_or(Rejection::Missing { id: id.into() })?;
    let seq = feed.replace(conn, state.seq, id.into(), ChangeOp::Put)?;
    episodes::tie(conn, state.key, named, seq)?;
    Ok(Applied::Done)
}

fn set_scope(
    conn: &mut Connection,
    feed: &mut Feed,
    id: RecordId,
    scope: &Scope,
) -> Result<Applied, StorageError> {
    let found = match id {
        RecordId::Episode(episode) => episodes::state(conn, episode)?.map(|state| {
            (state.key, state.seq, "UPDATE episodes SET scope = ?, seq = ? WHERE pk = ?")
        }),
        RecordId::Note(note) => notes::state(conn, note)?.map(|state| {
            (state.key, state.seq, "UPDATE notes SET scope = ?, seq = ? WHERE pk = ?")
        }),
    };
    let (key, seq, sql) = found.ok_or(Rejection::Missing { id })?;
    let seq = feed.replace(conn, seq, id, ChangeOp::Put)?;
    conn.execute(sql, vec![scope.as_str().into(), seq.into(), key.into()])?;
    Ok(Applied::Done)
}

/// Removes a record with all that is its own.
fn remove(conn: &mut Connection, feed: &mut Feed, id: RecordId) -> Result<Applied, StorageError> {
    let removed = place::remove_stored(conn, feed, id)?;
    if let Some(source) = removed.ok_or(Rejection::Missing { id })?.source {
        sources::bury(conn, id.kind(), &source)?;
    }
    Ok(Applied::Done)
}

fn check_open(id: EpisodeId, state: &episodes::State) -> Result<(), StorageError> {
    match state.status {
        Status::Open => Ok(()),
        status => Err(Rejection::Closed { id, status }.into()),
    }
}

fn lift(conn: &mut Connection, source: &Source) -> Result<(), StorageError> {
    if sources::lift(conn, source)? {
        return Ok(());
    }
    Err(Rejection::NotForgotten { source_of: source.clone() }.into())
}

fn check_source(
    conn: &mut Connection,
    id: RecordId,
    source: Option<&Source>,
) -> Result<(), StorageError> {
    let Some(source) = source else { return Ok(()) };
    let (kind, source_of) = (id.kind(), source.clone());
    match sources::find_one(conn, kind, source)? {
        Found::Stored(id) => Err(Rejection::Exists { id }.into()),
        Found::Forgotten => Err(Rejection::Forgotten { kind, source_of }.into()),
        Found::Unknown => Ok(()),
    }
}
