//! Finding imported records by where they came from, also those that were forgotten.

use libsql::Value;
use memory_core::backend::Found;
use memory_core::{RecordId, RecordKind, Source, StorageError};

use crate::changes::{kind_column, record_kind};
use crate::connection::{Connection, Row};

/// Finds one record per source, all from one state of the store.
pub(crate) fn find(
    conn: &mut Connection,
    kind: RecordKind,
    sources: &[Source],
) -> Result<Vec<Found>, StorageError> {
    conn.snapshot(|conn| sources.iter().map(|source| find_one(conn, kind, source)).collect())
}

/// Finds the record that came from `source`. Costs one descent of an index, two where none is
/// stored.
pub(crate) fn find_one(
    conn: &mut Connection,
    kind: RecordKind,
    source: &Source,
) -> Result<Found, StorageError> {
    let sql = match kind {
        RecordKind::Episode => "SELECT id FROM episodes WHERE importer = ? AND external_id = ?",
        RecordKind::Note => "SELECT id FROM notes WHERE importer = ? AND external_id = ?",
    };
    let stored = conn.first(sql, name(source), |row| Ok(RecordId::from_bytes(kind, row.id()?)))?;
    if let Some(id) = stored {
        return Ok(Found::Stored(id));
    }
    let sql = "SELECT 1 FROM forgotten WHERE kind = ? AND importer = ? AND external_id = ?";
    let is_forgotten = conn.first(sql, key(kind, source), Row::int)?.is_some();
    Ok(if is_forgotten { Found::Forgotten } else { Found::Unknown })
}

/// Lists the sources that were forgotten, in order.
pub(crate) fn forgotten(conn: &mut Connection) -> Result<Vec<(RecordKind, Source)>, StorageError> {
    let sql = "SELECT kind, CAST(importer AS BLOB), CAST(external_id AS BLOB) FROM forgotten";
    let mut forgotten = conn.query(sql, vec![], |row| {
        let (kind, importer) = (record_kind(row)?, row.text()?.into());
        Ok((kind, Source { importer, external_id: row.text()?.into() }))
    })?;
    forgotten.sort_unstable();
    Ok(forgotten)
}

/// Remembers a source as forgotten.
pub(crate) fn bury(
    conn: &mut Connection,
    kind: RecordKind,
    source: &Source,
) -> Result<(), StorageError> {
    let sql = "INSERT OR IGNORE INTO forgotten (kind, importer, external_id) VALUES (?, ?, ?)";
    conn.execute(sql, key(kind, source)).map(drop)
}

/// Ends that for one kind of record.
pub(crate) fn lift_one(
    conn: &mut Connection,
    kind: RecordKind,
    source: &Source,
) -> Result<bool, StorageError> {
    let sql = "DELETE FROM forgotten WHERE kind = ? AND importer = ? AND external_id = ?";
    Ok(conn.execute(sql, key(kind, source))? > 0)
}

/// Ends that for both kinds of record; returns whether the source was forgotten.
pub(crate) fn lift(conn: &mut Connection, source: &Source) -> Result<bool, StorageError> {
    let episode = lift_one(conn, RecordKind::Episode, source)?;
    Ok(lift_one(conn, RecordKind::Note, source)? || episode)
}

fn name(source: &Source) -> Vec<Value> {
    vec![source.importer.to_string().into(), source.external_id.to_string().into()]
}

fn key(kind: RecordKind, source: &Source) -> Vec<Value> {
    let mut key = vec![kind_column(kind).into()];
    key.extend(name(source));
    key
}
