//! Records of both kinds by their ids.

use memory_core::{Record, RecordId, RecordKind, StorageError};

use crate::connection::Connection;
use crate::{episodes, notes};

/// Reads records, one entry per id, all from one state of the store.
pub(crate) fn read(
    conn: &mut Connection,
    wanted: &[RecordId],
) -> Result<Vec<Option<Record>>, StorageError> {
    let is_mixed = wanted.iter().any(|id| id.kind() == RecordKind::Episode)
        && wanted.iter().any(|id| id.kind() == RecordKind::Note);
    // One query is of one state anyway.
    if is_mixed { conn.snapshot(|conn| read_each(conn, wanted)) } else { read_each(conn, wanted) }
}

fn read_each(
    conn: &mut Connection,
    wanted: &[RecordId],
) -> Result<Vec<Option<Record>>, StorageError> {
    let (mut episodes, mut notes) = (Vec::new(), Vec::new());
    for id in wanted {
        match id {
            RecordId::Episode(id) => episodes.push(*id),
            RecordId::Note(id) => notes.push(*id),
        }
    }
    let episodes = if episodes.is_empty() { vec![] } else { episodes::read(conn, &episodes)? };
    let notes = if notes.is_empty() { vec![] } else { notes::read(conn, &notes)? };
    let (mut episodes, mut notes) = (episodes.into_iter(), notes.into_iter());
    let records = wanted.iter().map(|id| match id {
        RecordId::Episode(_) => episodes.next().flatten().map(|e| Record::Episode(Box::new(e))),
        RecordId::Note(_) => notes.next().flatten().map(|n| Record::Note(Box::new(n))),
    });
    Ok(records.collect())
}
