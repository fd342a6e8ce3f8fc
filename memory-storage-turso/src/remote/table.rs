//! The tables of a place, and small questions to them.
//!
//! - `position` is never given out twice (AUTOINCREMENT), and an entry that is replaced gets a new
//!   one: a server has one writer at a time, so whoever has seen a position has seen all before it.
//! - `bytes` come last: conditions and lengths are read without them.
//! - The place has an id, which is part of every cursor: of a server that was set up anew, a reader
//!   begins from the beginning.
//! - `memory_mcp_staged` holds parts of pushes that are too large for one request.

use libsql::{Connection, Row, Value};
use memory_core::Timestamp;
use memory_core::exchange::CarrierError;

use super::failure::Fault;
use super::link::Link;

/// The format of the tables.
pub(super) const FORMAT: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS memory_mcp_place (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS memory_mcp_entries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    machine BLOB NOT NULL CHECK (length(machine) = 16),
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    record BLOB NOT NULL CHECK (length(record) = 16),
    scope TEXT NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (machine, kind, record)
);
CREATE INDEX IF NOT EXISTS memory_mcp_entries_machine ON memory_mcp_entries (machine);
CREATE TABLE IF NOT EXISTS memory_mcp_staged (
    push BLOB NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    machine BLOB NOT NULL,
    kind INTEGER NOT NULL,
    record BLOB NOT NULL,
    scope TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (push, n)
);
INSERT OR IGNORE INTO memory_mcp_place (key, value) VALUES ('id', randomblob(16)), ('format', 1)";

/// Counts the tables that are there.
const FOUND: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
    AND name IN ('memory_mcp_place', 'memory_mcp_entries', 'memory_mcp_staged')";
/// Gives the format of the tables.
const FORMAT_FOUND: &str = "SELECT (SELECT value FROM memory_mcp_place WHERE key = 'format')";

/// Makes sure that the tables are there and of a format that this program knows.
pub(super) fn make(link: &Link) -> Result<(), CarrierError> {
    if !is_there(link)? {
        let made = link.call(|connection| async move {
            connection.execute_transactional_batch(TABLES).await?;
            Ok(())
        });
        // Another machine may have been faster.
        if let Err(error) = made
            && !is_there(link)?
        {
            return Err(error);
        }
    }
    let found =
        link.call(|connection| async move { int(&only_row(&connection, FORMAT_FOUND).await?, 0) })?;
    check_format(link, found)
}

/// Checks the format of the tables.
pub(super) fn check_format(link: &Link, found: i64) -> Result<(), CarrierError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(link.error(Fault::Refused(format!(
        "its tables have format {found}, this program knows {FORMAT}; update memory-mcp"
    ))))
}

fn is_there(link: &Link) -> Result<bool, CarrierError> {
    link.call(|connection| async move { Ok(int(&only_row(&connection, FOUND).await?, 0)? == 3) })
}

/// Asks for the time of the server, to the millisecond.
pub(super) fn now(link: &Link) -> Result<Timestamp, CarrierError> {
    // Not `unixepoch('subsec')`, which servers of 2023 do not know.
    let sql = "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";
    link.call(move |connection| async move {
        Ok(Timestamp::from_millis(int(&only_row(&connection, sql).await?, 0)?))
    })
}

/// Runs a query and closes its stream, of which a server has a hundred or so at once: libsql leaves
/// it open, and forgets it.
pub(super) async fn rows(
    connection: &Connection,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, Fault> {
    let mut found = Vec::new();
    let mut rows = connection.query(sql, values).await?;
    while let Some(row) = rows.next().await? {
        found.push(row);
    }
    drop(rows);
    // A statement of its own closes the stream that it runs in.
    connection.execute("SELECT 1", ()).await?;
    Ok(found)
}

/// Runs a query that gives one row. None is an answer that broke off, which libsql does not see.
pub(super) async fn only_row(connection: &Connection, sql: &str) -> Result<Row, Fault> {
    rows(connection, sql, vec![]).await?.into_iter().next().ok_or_else(broken)
}

/// Returns the fault of an answer that ends too early.
pub(super) fn broken() -> Fault {
    Fault::Away("its answer broke off".to_owned())
}

/// Reads an integer.
pub(super) fn int(row: &Row, column: i32) -> Result<i64, Fault> {
    match value(row, column)? {
        Value::Integer(n) => Ok(n),
        other => Err(Fault::Corrupt(format!("a number is {}", kind_of(&other)))),
    }
}

/// Reads bytes.
pub(super) fn blob(row: &Row, column: i32) -> Result<Vec<u8>, Fault> {
    match value(row, column)? {
        Value::Blob(bytes) => Ok(bytes),
        other => Err(Fault::Corrupt(format!("bytes are {}", kind_of(&other)))),
    }
}

/// Reads a text.
pub(super) fn text(row: &Row, column: i32) -> Result<String, Fault> {
    match value(row, column)? {
        Value::Text(text) => Ok(text),
        other => Err(Fault::Corrupt(format!("a text is {}", kind_of(&other)))),
    }
}

/// Reads a value or nothing.
pub(super) fn value(row: &Row, column: i32) -> Result<Value, Fault> {
    Ok(row.get_value(column)?)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "missing",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a number",
        Value::Text(_) => "a text",
        Value::Blob(_) => "bytes",
    }
}
