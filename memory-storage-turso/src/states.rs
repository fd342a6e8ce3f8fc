//! Rows of small named states.

use memory_core::backend::NamedState;
use memory_core::{StorageError, Timestamp};

use crate::connection::Connection;

/// Keeps bytes under a name, in place of what is kept there; empty ones remove it.
pub(crate) fn keep(
    conn: &mut Connection,
    name: &str,
    bytes: &[u8],
    at: Timestamp,
) -> Result<(), StorageError> {
    let name = name.as_bytes().to_vec();
    if bytes.is_empty() {
        return conn.execute("DELETE FROM states WHERE name = ?", vec![name.into()]).map(drop);
    }
    let sql = "INSERT OR REPLACE INTO states (name, recorded_at, bytes) VALUES (?, ?, ?)";
    conn.execute(sql, vec![name.into(), at.as_millis().into(), bytes.to_vec().into()]).map(drop)
}

/// Removes the states that were kept before an instant.
pub(crate) fn drop_older(conn: &mut Connection, before: Timestamp) -> Result<(), StorageError> {
    let sql = "DELETE FROM states WHERE recorded_at < ?";
    conn.execute(sql, vec![before.as_millis().into()]).map(drop)
}

/// Lists the states whose names begin with `prefix`, ordered by name.
pub(crate) fn read(conn: &mut Connection, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
    let from = prefix.as_bytes().to_vec();
    let mut end = from.clone();
    // No name in UTF-8 has a byte 0xff, so this comes after all that begin alike.
    end.push(0xff);
    let sql = "SELECT name, recorded_at, bytes FROM states WHERE name >= ? AND name < ?
               ORDER BY name";
    conn.query(sql, vec![from.into(), end.into()], |row| {
        let name = String::from_utf8(row.blob()?);
        let name = name.map_err(|_| row.damaged("a name that is not UTF-8"))?.into();
        let recorded_at = Timestamp::from_millis(row.int()?);
        Ok(NamedState { name, recorded_at, bytes: row.blob()?.into() })
    })
}
