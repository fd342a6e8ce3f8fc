//! Rows of notes, and the links that lead to and from them.

use libsql::Value;
use memory_core::{EpisodeId, Note, NoteId, NoteKind, RecordId, Source, StorageError, Timestamp};

use crate::connection::{Connection, Row, excerpt, label, labels, opt};
use crate::{episodes, ids};

/// State of a note that a change of it depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// Its key in this file.
    pub(crate) key: i64,
    /// Its newest change.
    pub(crate) seq: i64,
    /// The note that it supersedes.
    pub(crate) supersedes: Option<NoteId>,
    /// The note that superseded it.
    pub(crate) superseded_by: Option<NoteId>,
}

/// A note that leads to another record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linked {
    /// Its key in this file.
    pub(crate) key: i64,
    /// Its newest change.
    pub(crate) seq: i64,
    /// Its id.
    pub(crate) id: NoteId,
}

/// Columns of a note that was removed, by which all that belongs to it is found.
#[derive(Debug)]
pub(crate) struct Removed {
    /// Its newest change.
    pub(crate) seq: i64,
    /// Time at which it happened or was said.
    pub(crate) occurred_at: Timestamp,
    /// Its tags.
    pub(crate) tags: Vec<Box<str>>,
    /// Place that it came from.
    pub(crate) source: Option<Source>,
}

/// Looks a note up.
pub(crate) fn state(conn: &mut Connection, id: NoteId) -> Result<Option<State>, StorageError> {
    let sql = "SELECT pk, seq, supersedes, superseded_by FROM notes WHERE id = ?";
    conn.first(sql, vec![blob(id)], |row| {
        let (key, seq) = (row.int()?, row.int()?);
        let supersedes = row.opt_id()?.map(NoteId::from_bytes);
        let superseded_by = row.opt_id()?.map(NoteId::from_bytes);
        Ok(State { key, seq, supersedes, superseded_by })
    })
}

/// Columns of a note that change with the whole of it, in the order of [`values`].
macro_rules! columns {
    () => {
        "seq, episode, supersedes, superseded_by, kind, occurred_at, recorded_at, valid_from,
         valid_to, position, scope, speaker, session, tags, text, text_bytes, n_merged, merged_at,
         n_helpful, n_unhelpful, origin, machine, author"
    };
}

/// Inserts a note; gives its key.
pub(crate) fn insert(conn: &mut Connection, note: &Note, seq: i64) -> Result<i64, StorageError> {
    let sql = concat!(
        "INSERT INTO notes (",
        columns!(),
        ", id, importer, external_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let mut values = values(note, seq)?;
    values.extend([
        blob(note.id),
        label(note.source.as_ref().map(|source| &*source.importer)),
        label(note.source.as_ref().map(|source| &*source.external_id)),
    ]);
    conn.execute(sql, values)?;
    Ok(conn.last_key())
}

/// Puts a note in place of the stored one; the source of that stays.
pub(crate) fn replace(
    conn: &mut Connection,
    key: i64,
    note: &Note,
    seq: i64,
) -> Result<(), StorageError> {
    let sql = concat!(
        "UPDATE notes SET (",
        columns!(),
        ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE pk = ?"
    );
    let mut values = values(note, seq)?;
    values.push(key.into());
    conn.execute(sql, values).map(drop)
}

fn values(note: &Note, seq: i64) -> Result<Vec<Value>, StorageError> {
    let [text, text_bytes] = excerpt(Some(&note.text));
    let mut values = vec![
        seq.into(),
        opt(note.episode.map(|id| id.to_bytes().to_vec())),
        opt(note.supersedes.map(blob)),
        opt(note.superseded_by.map(blob)),
        note.kind.name().into(),
        note.occurred_at.as_millis().into(),
        note.recorded_at.as_millis().into(),
        opt(note.valid_from.map(Timestamp::as_millis)),
        opt(note.valid_to.map(Timestamp::as_millis)),
        i64::from(note.position).into(),
        note.scope.as_str().to_owned().into(),
        label(note.speaker.as_deref()),
        label(note.session.as_deref()),
        labels(&note.tags)?,
        text,
        text_bytes,
        i64::from(note.n_merged).into(),
        opt(note.merged_at.map(Timestamp::as_millis)),
        i64::from(note.feedback.n_helpful).into(),
        i64::from(note.feedback.n_unhelpful).into(),
        note.origin.name().into(),
    ];
    values.extend(episodes::author_columns(note.author.as_ref()));
    Ok(values)
}

/// Returns the note of the highest id that says that it supersedes `id`.
pub(crate) fn successor(conn: &mut Connection, id: NoteId) -> Result<Option<NoteId>, StorageError> {
    let sql = "SELECT max(id) FROM notes WHERE supersedes = ?";
    let newest = conn.first(sql, vec![blob(id)], Row::opt_id)?;
    Ok(newest.flatten().map(NoteId::from_bytes))
}

/// Sets which note superseded a note.
pub(crate) fn supersede(
    conn: &mut Connection,
    key: i64,
    by: Option<NoteId>,
    seq: i64,
) -> Result<(), StorageError> {
    let values = vec![opt(by.map(blob)), seq.into(), key.into()];
    conn.execute("UPDATE notes SET superseded_by = ?, seq = ? WHERE pk = ?", values).map(drop)
}

/// Counts a text that was merged into the note.
pub(crate) fn merge(
    conn: &mut Connection,
    key: i64,
    at: Timestamp,
    seq: i64,
) -> Result<(), StorageError> {
    let sql = "UPDATE notes SET n_merged = min(n_merged + 1, 4294967295), merged_at = ?1, seq = ?2
               WHERE pk = ?3";
    conn.execute(sql, vec![at.as_millis().into(), seq.into(), key.into()]).map(drop)
}

/// Adds labels to a note's; gives when the note happened or was said.
pub(crate) fn add_tags(
    conn: &mut Connection,
    key: i64,
    added: &[Box<str>],
) -> Result<Timestamp, StorageError> {
    let sql = "SELECT occurred_at, CAST(tags AS BLOB) FROM notes WHERE pk = ?";
    let found = conn.first(sql, vec![key.into()], |row| {
        Ok((Timestamp::from_millis(row.int()?), row.labels()?))
    })?;
    let (occurred_at, mut tags) = found
        .ok_or_else(|| StorageError::Corrupt { what: "a note that was found has no row".into() })?;
    tags.extend(added.iter().cloned());
    tags.sort_unstable();
    tags.dedup();
    conn.execute("UPDATE notes SET tags = ? WHERE pk = ?", vec![labels(&tags)?, key.into()])?;
    Ok(occurred_at)
}

/// Removes a note's row.
pub(crate) fn remove(conn: &mut Connection, id: NoteId) -> Result<Option<Removed>, StorageError> {
    let sql = "SELECT seq, occurred_at, CAST(tags AS BLOB), CAST(importer AS BLOB),
               CAST(external_id AS BLOB) FROM notes WHERE id = ?";
    let found = conn.first(sql, vec![blob(id)], |row| {
        let (seq, occurred_at) = (row.int()?, Timestamp::from_millis(row.int()?));
        Ok(Removed { seq, occurred_at, tags: row.labels()?, source: episodes::source(row)? })
    })?;
    if found.is_some() {
        conn.execute("DELETE FROM notes WHERE id = ?", vec![blob(id)])?;
    }
    Ok(found)
}

/// Returns the notes that lead to a record, in the order of their ids.
pub(crate) fn linked_to(conn: &mut Connection, id: RecordId) -> Result<Vec<Linked>, StorageError> {
    let sql = match id {
        RecordId::Episode(_) => "SELECT pk, seq, id FROM notes WHERE episode = ?1 ORDER BY id",
        RecordId::Note(_) => {
            "SELECT pk, seq, id FROM notes WHERE supersedes = ?1
             UNION SELECT pk, seq, id FROM notes WHERE superseded_by = ?1 ORDER BY id"
        }
    };
    conn.query(sql, vec![id.to_bytes().to_vec().into()], |row| {
        Ok(Linked { key: row.int()?, seq: row.int()?, id: NoteId::from_bytes(row.id()?) })
    })
}

/// Takes the links to a record out of one note.
pub(crate) fn unlink(
    conn: &mut Connection,
    key: i64,
    from: RecordId,
    seq: i64,
) -> Result<(), StorageError> {
    let sql = match from {
        RecordId::Episode(_) => {
            "UPDATE notes SET episode = nullif(episode, ?1), seq = ?2 WHERE pk = ?3"
        }
        RecordId::Note(_) => {
            "UPDATE notes SET supersedes = nullif(supersedes, ?1),
             superseded_by = CASE WHEN superseded_by = ?1 THEN
                 (SELECT max(by.id) FROM notes AS by WHERE by.supersedes = notes.id)
                 ELSE superseded_by END, seq = ?2 WHERE pk = ?3"
        }
    };
    conn.execute(sql, vec![from.to_bytes().to_vec().into(), seq.into(), key.into()]).map(drop)
}

/// Reads notes, one entry per id.
pub(crate) fn read(
    conn: &mut Connection,
    wanted: &[NoteId],
) -> Result<Vec<Option<Note>>, StorageError> {
    let sql = concat!(
        ids::wanted!(),
        "SELECT n, id, episode, supersedes, superseded_by, CAST(kind AS BLOB), occurred_at,
         recorded_at, valid_from, valid_to, position, CAST(scope AS BLOB),
         CAST(importer AS BLOB), CAST(external_id AS BLOB), CAST(speaker AS BLOB),
         CAST(session AS BLOB), CAST(tags AS BLOB), CAST(text AS BLOB), text_bytes,
         n_merged, merged_at, n_helpful, n_unhelpful, CAST(origin AS BLOB),
         machine, CAST(author AS BLOB)
         FROM wanted CROSS JOIN notes ON id = wanted_id"
    );
    ids::read(conn, sql, wanted.iter().map(|id| id.to_bytes()), note)
}

fn note(row: &mut Row) -> Result<Note, StorageError> {
    Ok(Note {
        id: NoteId::from_bytes(row.id()?),
        episode: row.opt_id()?.map(EpisodeId::from_bytes),
        supersedes: row.opt_id()?.map(NoteId::from_bytes),
        superseded_by: row.opt_id()?.map(NoteId::from_bytes),
        kind: NoteKind::from_name(&row.text()?)
            .ok_or_else(|| row.damaged("an unknown kind of note"))?,
        occurred_at: Timestamp::from_millis(row.int()?),
        recorded_at: Timestamp::from_millis(row.int()?),
        valid_from: row.opt_int()?.map(Timestamp::from_millis),
        valid_to: row.opt_int()?.map(Timestamp::from_millis),
        position: row.u32()?,
        scope: episodes::scope(row)?,
        source: episodes::source(row)?,
        speaker: row.opt_label()?,
        session: row.opt_label()?,
        tags: row.labels()?,
        text: row.excerpt()?,
        n_merged: row.u32()?,
        merged_at: row.opt_int()?.map(Timestamp::from_millis),
        feedback: episodes::feedback(row)?,
        origin: episodes::origin(row)?,
        author: episodes::author(row)?,
    })
}

fn blob(id: NoteId) -> Value {
    id.to_bytes().to_vec().into()
}
