//! Records by their tags; the records themselves keep their tags in order.

use libsql::Value;
use memory_core::{RecordId, StorageError, Timestamp};

use crate::changes::kind_column;
use crate::connection::Connection;

/// Enters the record under each of its tags.
pub(crate) fn insert(
    conn: &mut Connection,
    id: RecordId,
    key: i64,
    at: Timestamp,
    tags: &[Box<str>],
) -> Result<(), StorageError> {
    let sql = "INSERT OR IGNORE INTO tags (kind, tag, at, id, record) VALUES (?, ?, ?, ?, ?)";
    for tag in tags {
        let mut values = entry(id, at, tag);
        values.push(key.into());
        conn.execute(sql, values)?;
    }
    Ok(())
}

/// Takes the record out from under its tags.
pub(crate) fn remove(
    conn: &mut Connection,
    id: RecordId,
    at: Timestamp,
    tags: &[Box<str>],
) -> Result<(), StorageError> {
    let sql = "DELETE FROM tags WHERE kind = ? AND tag = ? AND at = ? AND id = ?";
    for tag in tags {
        conn.execute(sql, entry(id, at, tag))?;
    }
    Ok(())
}

fn entry(id: RecordId, at: Timestamp, tag: &str) -> Vec<Value> {
    vec![
        kind_column(id.kind()).into(),
        tag.to_owned().into(),
        at.as_millis().into(),
        id.to_bytes().to_vec().into(),
    ]
}
