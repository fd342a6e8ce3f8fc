//! The change feed: one row per record, at its newest change.

use memory_core::{Change, ChangeOp, RecordId, RecordKind, Seq, StorageError};

use crate::connection::{Connection, Row};
use crate::schema::{EPISODE, NOTE};

/// Returns the value of a column that holds a kind of record.
pub(crate) const fn kind_column(kind: RecordKind) -> i64 {
    match kind {
        RecordKind::Episode => EPISODE,
        RecordKind::Note => NOTE,
    }
}

/// Reads a column that says the kind of a record.
pub(crate) fn record_kind(row: &mut Row) -> Result<RecordKind, StorageError> {
    match row.int()? {
        EPISODE => Ok(RecordKind::Episode),
        NOTE => Ok(RecordKind::Note),
        _ => Err(row.damaged("an unknown kind of record")),
    }
}

/// Position of the newest change. Costs one descent of the tree.
pub(crate) fn newest(conn: &mut Connection) -> Result<Seq, StorageError> {
    let newest = conn.first("SELECT max(seq) FROM changes", vec![], Row::opt_int)?;
    Ok(newest.flatten().map_or(0, i64::cast_unsigned))
}

/// Returns the position at which a record was removed, 0 where it was not.
pub(crate) fn removal(conn: &mut Connection, id: RecordId) -> Result<i64, StorageError> {
    let sql = "SELECT seq FROM changes WHERE kind = ? AND id = ? AND removed = 1";
    let key = vec![kind_column(id.kind()).into(), id.to_bytes().to_vec().into()];
    Ok(conn.first(sql, key, Row::int)?.unwrap_or_default())
}

/// Lists changes above `after`, oldest first, at most `limit`.
pub(crate) fn read(
    conn: &mut Connection,
    after: Seq,
    limit: usize,
) -> Result<Vec<Change>, StorageError> {
    let sql = "SELECT seq, kind, id, removed FROM changes WHERE seq > ? ORDER BY seq LIMIT ?";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.query(sql, vec![after.into(), limit.into()], |row| {
        let seq = row.int()?.cast_unsigned();
        let id = RecordId::from_bytes(record_kind(row)?, row.id()?);
        let op = if row.int()? == 0 { ChangeOp::Put } else { ChangeOp::Remove };
        Ok(Change { seq, id, op })
    })
}

/// Numbers the changes of one transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed {
    /// Position of the newest change so far.
    pub(crate) seq: i64,
}

impl Feed {
    /// Continues after the newest change that is stored.
    pub(crate) fn load(conn: &mut Connection) -> Result<Self, StorageError> {
        Ok(Self { seq: newest(conn)?.cast_signed() })
    }

    /// Adds the change of a new record, instead of that of an earlier removal under the same id;
    /// gives its seq.
    pub(crate) fn insert(
        &mut self,
        conn: &mut Connection,
        id: RecordId,
    ) -> Result<i64, StorageError> {
        let key = vec![kind_column(id.kind()).into(), id.to_bytes().to_vec().into()];
        conn.execute("DELETE FROM changes WHERE kind = ? AND id = ? AND removed = 1", key)?;
        self.push(conn, id, ChangeOp::Put)
    }

    /// Adds a change of a stored record, whose newest was `old`; gives its seq.
    pub(crate) fn replace(
        &mut self,
        conn: &mut Connection,
        old: i64,
        id: RecordId,
        op: ChangeOp,
    ) -> Result<i64, StorageError> {
        conn.execute("DELETE FROM changes WHERE seq = ?", vec![old.into()])?;
        self.push(conn, id, op)
    }

    fn push(
        &mut self,
        conn: &mut Connection,
        id: RecordId,
        op: ChangeOp,
    ) -> Result<i64, StorageError> {
        self.seq += 1;
        let values = vec![
            self.seq.into(),
            kind_column(id.kind()).into(),
            id.to_bytes().to_vec().into(),
            i64::from(op == ChangeOp::Remove).into(),
        ];
        conn.execute("INSERT INTO changes (seq, kind, id, removed) VALUES (?, ?, ?, ?)", values)?;
        Ok(self.seq)
    }
}
