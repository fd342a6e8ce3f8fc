//! Finding imported records by where they came from.

use memory_core::{RecordId, RecordKind, Source, StorageError};

use crate::connection::Connection;

/// Finds one record per source, all from one state of the store.
pub(crate) fn find(
    conn: &mut Connection,
    kind: RecordKind,
    sources: &[Source],
) -> Result<Vec<Option<RecordId>>, StorageError> {
    conn.snapshot(|conn| sources.iter().map(|source| find_one(conn, kind, source)).collect())
}

/// Finds the record that came from `source`. Costs one descent of an index.
pub(crate) fn find_one(
    conn: &mut Connection,
    kind: RecordKind,
    source: &Source,
) -> Result<Option<RecordId>, StorageError> {
    let sql = match kind {
        RecordKind::Episode => "SELECT id FROM episodes WHERE importer = ? AND external_id = ?",
        RecordKind::Note => "SELECT id FROM notes WHERE importer = ? AND external_id = ?",
    };
    let key = vec![source.importer.to_string().into(), source.external_id.to_string().into()];
    conn.first(sql, key, |row| Ok(RecordId::from_bytes(kind, row.id()?)))
}
