//! One batch inside an open transaction: what `MemStorage` does, in rows.

use libsql::Value;
use memory_core::backend::{Applied, Commit, Op, Rejection, WriteBatch};
use memory_core::{
    ChangeOp, Closing, Episode, EpisodeId, Note, NoteId, RecordId, Scope, Source, Status, Step,
    StorageError, Timestamp,
};

use crate::changes::Feed;
use crate::connection::Connection;
use crate::{episodes, notes, sources, steps, tags, ties, vectors};

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
    let mut applied = Vec::with_capacity(batch.ops.len());
    for op in &batch.ops {
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
        Op::Judge { id, helpful } => judge(conn, feed, *id, *helpful),
        Op::Merge { note, at, tags } => merge(conn, feed, *note, *at, tags),
        Op::Tie { episode, relations, shown, followed } => {
            let named = ties::columns(relations, shown, followed)?;
            tie(conn, feed, *episode, named)
        }
        Op::SetScope { id, scope } => set_scope(conn, feed, *id, scope),
        Op::KeepDigest { episode, digest } => done(episodes::keep_digest(conn, *episode, digest)),
        Op::PutVectors { model, vectors } => done(vectors::put(conn, model, vectors)),
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
    let n_steps = count(steps)?;
    let seq = feed.insert(conn, id)?;
    let key = episodes::insert(conn, episode, n_steps, seq)?;
    steps::insert(conn, key, 0, steps)?;
    tags::insert(conn, id, key, episode.started_at, &episode.context.tags)?;
    Ok(Applied::Steps { n_steps })
}

fn append_steps(
    conn: &mut Connection,
    feed: &mut Feed,
    id: EpisodeId,
    steps: &[Step],
    limit: u32,
) -> Result<Applied, StorageError> {
    let state = open_episode(conn, id)?;
    let (limit, got) = (limit as usize, state.n_steps as usize + steps.len());
    if got > limit {
        return Err(Rejection::TooManySteps { limit, got }.into());
    }
    let n_steps = state.n_steps + count(steps)?;
    let seq = feed.replace(conn, state.seq, id.into(), ChangeOp::Put)?;
    steps::insert(conn, state.key, state.n_steps, steps)?;
    episodes::grow(conn, state.key, n_steps, seq)?;
    Ok(Applied::Steps { n_steps })
}

fn close(
    conn: &mut Connection,
    feed: &mut Feed,
    id: EpisodeId,
    closing: &Closing,
) -> Result<Applied, StorageError> {
    let state = open_episode(conn, id)?;
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
        notes::supersede(conn, state.key, note.id, seq)?;
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

/// Removes a record with all that is its own; a trigger takes its vectors.
fn remove(conn: &mut Connection, feed: &mut Feed, id: RecordId) -> Result<Applied, StorageError> {
    let missing = || StorageError::from(Rejection::Missing { id });
    let old_seq = match id {
        RecordId::Episode(episode) => {
            let removed = episodes::remove(conn, episode)?.ok_or_else(missing)?;
            steps::remove(conn, removed.key)?;
            tags::remove(conn, id, removed.started_at, &removed.tags)?;
            removed.seq
        }
        RecordId::Note(note) => {
            let removed = notes::remove(conn, note)?.ok_or_else(missing)?;
            tags::remove(conn, id, removed.occurred_at, &removed.tags)?;
            removed.seq
        }
    };
    for linked in notes::linked_to(conn, id)? {
        let seq = feed.replace(conn, linked.seq, linked.id.into(), ChangeOp::Put)?;
        notes::unlink(conn, linked.key, id, seq)?;
    }
    feed.replace(conn, old_seq, id, ChangeOp::Remove)?;
    Ok(Applied::Done)
}

fn open_episode(conn: &mut Connection, id: EpisodeId) -> Result<episodes::State, StorageError> {
    match episodes::state(conn, id)? {
        None => Err(Rejection::Missing { id: id.into() }.into()),
        Some(state) if state.status == Status::Open => Ok(state),
        Some(state) => Err(Rejection::Closed { id, status: state.status }.into()),
    }
}

fn check_source(
    conn: &mut Connection,
    id: RecordId,
    source: Option<&Source>,
) -> Result<(), StorageError> {
    let Some(source) = source else { return Ok(()) };
    match sources::find_one(conn, id.kind(), source)? {
        Some(id) => Err(Rejection::Exists { id }.into()),
        None => Ok(()),
    }
}

fn count(steps: &[Step]) -> Result<u32, StorageError> {
    let (limit, got) = (u32::MAX as usize, steps.len());
    u32::try_from(got).map_err(|_| Rejection::TooManySteps { limit, got }.into())
}
