//! Lists of records by filter, newest first.
//!
//! The SQL depends on which conditions are set, not on their values, so that each shape is
//! prepared once. The index is named in the query: the store keeps no statistics by which SQLite
//! could choose well.

use libsql::Value;
use memory_core::{
    ListEntry, NoteKind, Outcome, RecordFilter, RecordId, RecordKind, Status, StorageError,
    Timestamp,
};

use crate::changes::kind_column;
use crate::connection::Connection;

/// Lists records of one kind, newest first, at most `limit`, after `cursor`.
pub(crate) fn read(
    conn: &mut Connection,
    kind: RecordKind,
    filter: &RecordFilter,
    cursor: Option<ListEntry>,
    limit: usize,
) -> Result<Vec<ListEntry>, StorageError> {
    let Some(query) = Query::build(kind, filter, cursor, limit) else { return Ok(Vec::new()) };
    conn.query(&query.sql, query.values, |row| {
        let id = RecordId::from_bytes(kind, row.id()?);
        Ok(ListEntry { id, at: Timestamp::from_millis(row.int()?) })
    })
}

/// Table and column by which one kind of record is listed.
struct Shape {
    table: &'static str,
    at: &'static str,
}

impl Shape {
    /// Returns the table and column that order the list: a tag's own columns carry the same values
    /// as the record's, and are in order already.
    fn ordered_by(&self, filter: &RecordFilter) -> (&'static str, &'static str) {
        if filter.tag.is_some() { ("t", "at") } else { ("r", self.at) }
    }
}

/// SQL with its values, in order of appearance.
#[derive(Debug)]
struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    /// Builds the query, or returns `None` when a condition is on something that the kind of
    /// record does not have.
    fn build(
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Option<Self> {
        let shape = match kind {
            RecordKind::Episode if filter.note_kind.is_some() => return None,
            RecordKind::Note if filter.status.is_some() || filter.outcome.is_some() => return None,
            RecordKind::Episode => Shape { table: "episodes", at: "started_at" },
            RecordKind::Note => Shape { table: "notes", at: "occurred_at" },
        };
        let mut query = Self::from_table(kind, filter, &shape);
        query.add_conditions(kind, filter);
        query.add_time(filter, cursor, kind, &shape);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (row, at) = shape.ordered_by(filter);
        query
            .push(&format!(" ORDER BY {row}.{at} DESC, {row}.id DESC LIMIT ?"), Some(limit.into()));
        Some(query)
    }

    fn from_table(kind: RecordKind, filter: &RecordFilter, shape: &Shape) -> Self {
        let Shape { table, at } = shape;
        let index = if filter.tag.is_some() || filter.ids.is_some() {
            "id"
        } else if filter.tail.is_some() {
            "tail"
        } else if filter.status == Some(Status::Open) {
            "open"
        } else if filter.scope.is_some() {
            "scope"
        } else {
            "time"
        };
        let mut query = Self { sql: String::new(), values: Vec::new() };
        if let Some(tag) = &filter.tag {
            let tagged = format!(
                "SELECT r.id, r.{at} FROM tags t CROSS JOIN {table} r ON r.pk = t.record
                 WHERE t.kind = ?"
            );
            query.push(&tagged, Some(kind_column(kind).into()));
            query.push(" AND t.tag = ?", Some(tag.to_string().into()));
        } else {
            let all =
                format!("SELECT r.id, r.{at} FROM {table} r INDEXED BY {table}_{index} WHERE true");
            query.push(&all, None);
        }
        query
    }

    fn add_conditions(&mut self, kind: RecordKind, filter: &RecordFilter) {
        let RecordFilter { scope, ids, tail, status, outcome, note_kind, current_only, .. } =
            filter;
        if let Some(scope) = scope {
            self.push(" AND r.scope = ?", Some(scope.as_str().to_owned().into()));
        }
        if let Some(ids) = ids {
            self.push(" AND r.id >= ?", Some(ids.first.to_vec().into()));
            self.push(" AND r.id <= ?", Some(ids.last.to_vec().into()));
        }
        if let Some(tail) = tail {
            self.push(" AND substr(r.id, 13) = ?", Some(tail.last_bytes().to_vec().into()));
            if tail.n_digits() > 8 {
                let (n_digits, digits) = (tail.n_digits(), tail.to_string().to_uppercase());
                self.push(" AND substr(hex(r.id), ?", Some((-i64::from(n_digits)).into()));
                self.push(") = ?", Some(digits.into()));
            }
        }
        match status {
            // A literal, by which SQLite sees that the partial index applies.
            Some(Status::Open) => self.push(" AND r.status = 'open'", None),
            Some(status) => self.push(" AND r.status = ?", Some(status.name().into())),
            None => {}
        }
        if let Some(outcome) = outcome.map(Outcome::name) {
            self.push(" AND r.outcome = ?", Some(outcome.into()));
        }
        if let Some(note_kind) = note_kind.map(NoteKind::name) {
            self.push(" AND r.kind = ?", Some(note_kind.into()));
        }
        if *current_only && kind == RecordKind::Note {
            self.push(" AND r.superseded_by IS NULL", None);
        }
    }

    fn add_time(
        &mut self,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        kind: RecordKind,
        shape: &Shape,
    ) {
        let (row, at) = shape.ordered_by(filter);
        let millis = |at: Timestamp| Some(Value::from(at.as_millis()));
        if let Some(since) = filter.since {
            self.push(&format!(" AND {row}.{at} >= ?"), millis(since));
        }
        if let Some(until) = filter.until {
            self.push(&format!(" AND {row}.{at} < ?"), millis(until));
        }
        match cursor {
            Some(cursor) if cursor.id.kind() == kind => {
                self.push(&format!(" AND ({row}.{at}, {row}.id) < (?"), millis(cursor.at));
                self.push(", ?)", Some(cursor.id.to_bytes().to_vec().into()));
            }
            // Ids of episodes come before ids of notes, whatever their bytes.
            Some(cursor) if kind == RecordKind::Episode => {
                self.push(&format!(" AND {row}.{at} <= ?"), millis(cursor.at));
            }
            Some(cursor) => self.push(&format!(" AND {row}.{at} < ?"), millis(cursor.at)),
            None => {}
        }
    }

    fn push(&mut self, sql: &str, value: Option<Value>) {
        self.sql.push_str(sql);
        self.values.extend(value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use memory_core::Scope;
    use memory_testkit::sample;

    use super::*;
    use crate::migrate::migrate;
    use crate::schema::MIGRATIONS;

    /// Returns the filters that callers use, with the index that each must be answered from.
    fn filters() -> Vec<(RecordKind, RecordFilter, &'static str)> {
        let any = RecordFilter::default;
        let scope = Some(Scope::new("acme/shop").unwrap());
        let open = Some(Status::Open);
        let episode = RecordKind::Episode;
        vec![
            (episode, any(), "episodes_time"),
            (episode, RecordFilter { since: Some(sample::instant(1)), ..any() }, "episodes_time"),
            (episode, RecordFilter { scope: scope.clone(), ..any() }, "episodes_scope"),
            (episode, RecordFilter { status: open, ..any() }, "episodes_open"),
            (
                episode,
                RecordFilter { scope: scope.clone(), status: open, ..any() },
                "episodes_open",
            ),
            (episode, RecordFilter { tag: Some("ci".into()), ..any() }, "PRIMARY KEY"),
            (RecordKind::Note, RecordFilter { current_only: true, ..any() }, "notes_time"),
            (RecordKind::Note, RecordFilter { scope, ..any() }, "notes_scope"),
            (RecordKind::Note, RecordFilter { tag: Some("ci".into()), ..any() }, "PRIMARY KEY"),
        ]
    }

    #[test]
    fn a_page_is_read_in_order_from_an_index_without_sorting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        std::fs::write(&path, "").unwrap();
        let mut conn = Connection::open(&Arc::from(path), std::time::Duration::ZERO).unwrap();
        migrate(&mut conn, MIGRATIONS).unwrap();
        for (kind, filter, index) in filters() {
            let id = RecordId::from_bytes(kind, [1; 16]);
            for cursor in [None, Some(ListEntry { id, at: sample::instant(9) })] {
                let query = Query::build(kind, &filter, cursor, 50).unwrap();
                let sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
                let plan = conn.query(&sql, query.values, |row| {
                    let _ids = (row.int()?, row.int()?, row.int()?);
                    row.plain_text()
                });
                let plan = plan.unwrap().join("; ");
                assert!(plan.contains(index), "{filter:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
                let is_bounded = cursor.is_none() || plan.contains("SEARCH");
                assert!(is_bounded, "the cursor is where the scan begins: {plan}");
            }
        }
    }
}
