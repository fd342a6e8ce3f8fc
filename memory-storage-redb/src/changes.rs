//! The change feed, and the row of each record that points into it.

use memory_core::{Change, ChangeOp, Seq, StorageError};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode, failed};
use crate::text::Id;

/// State of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// It was removed.
    Removed,
    /// A note.
    Note,
    /// An episode that is open.
    Open,
    /// An episode that ended well or not; the flag tells that nobody has reported how.
    Completed(bool),
    /// An episode that was given up; the flag as above.
    Abandoned(bool),
    /// An episode that is open on another machine.
    OpenElsewhere,
}

/// Row of a record that ever was: it outlives the record, as its last change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    /// Position of its newest change; 0 before the first one.
    pub(crate) seq: Seq,
    /// Its state.
    pub(crate) state: State,
    /// Number of its steps.
    pub(crate) n_steps: u32,
}

/// A row as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum RowValue {
    V1(RecordRow),
}

impl RecordRow {
    pub(crate) fn to_bytes(self) -> Result<Vec<u8>, StorageError> {
        encode(&RowValue::V1(self))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StorageError> {
        let RowValue::V1(row) = decode(bytes, &"the row of a record")?;
        Ok(row)
    }
}

/// A change as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum ChangeValue {
    V1 { id: Id, removed: bool },
}

/// Returns the value of a change.
pub(crate) fn to_bytes(change: &Change) -> Result<Vec<u8>, StorageError> {
    let (id, removed) = (Id::of(change.id), change.op == ChangeOp::Remove);
    encode(&ChangeValue::V1 { id, removed })
}

/// Reads the value of the change at `seq`.
pub(crate) fn from_bytes(seq: Seq, bytes: &[u8]) -> Result<Change, StorageError> {
    let ChangeValue::V1 { id, removed } = decode(bytes, &format_args!("change {seq}"))?;
    let op = if removed { ChangeOp::Remove } else { ChangeOp::Put };
    Ok(Change { seq, id: id.record()?, op })
}

/// Returns the position of the newest change. It never falls: the newest is only ever replaced by
/// a newer one.
pub(crate) fn newest(
    changes: &impl ReadableTable<u64, &'static [u8]>,
) -> Result<Seq, StorageError> {
    Ok(changes.last().map_err(failed)?.map_or(0, |(seq, _)| seq.value()))
}

/// Lists changes above `after`, oldest first, at most `limit`.
pub(crate) fn read(
    changes: &impl ReadableTable<u64, &'static [u8]>,
    after: Seq,
    limit: usize,
) -> Result<Vec<Change>, StorageError> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    let rows = changes.range(first..).map_err(failed)?.take(limit);
    rows.map(|row| {
        let (seq, value) = row.map_err(failed)?;
        from_bytes(seq.value(), value.value())
    })
    .collect()
}
