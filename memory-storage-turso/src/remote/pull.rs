//! Reading a page of entries.

use libsql::{Row, Value};
use memory_core::exchange::{CarrierError, Cursor, Entry, MachineId, Pulled};
use memory_core::{RecordId, RecordKind};

use super::failure::Fault;
use super::link::Link;
use super::table::{FORMAT, blob, broken, check_format, int, rows, text, value};
use crate::schema::{EPISODE, NOTE};

/// Most entries of one page.
const MAX_ENTRIES: u32 = 2_000;

/// A position in a place: its id, and the position of the entry.
struct Position {
    place: [u8; 16],
    entry: i64,
}

impl Position {
    fn read(cursor: &Cursor) -> Option<Self> {
        let (place, entry) = cursor.0.split_first_chunk()?;
        Some(Self { place: *place, entry: i64::from_be_bytes(entry.try_into().ok()?) })
    }

    fn cursor(&self) -> Cursor {
        Cursor([&self.place[..], &self.entry.to_be_bytes()].concat().into())
    }
}

/// Statement for so many scopes; its parameters are the id of the place and the entry of the
/// position, the reader, the scopes, the limit of entries and that of bytes.
///
/// One statement, so one state of the place. The first row has no entry, but the id and the format
/// of the place, the newest position, how many rows follow, and whether more do after them. A
/// position of another place, or of one that was taken back, counts as the beginning.
fn statement(n_scopes: usize) -> String {
    let scopes = vec!["?"; n_scopes].join(", ");
    format!(
        "WITH place AS (
            SELECT (SELECT value FROM memory_mcp_place WHERE key = 'id') AS id,
                (SELECT value FROM memory_mcp_place WHERE key = 'format') AS format,
                coalesce((SELECT max(position) FROM memory_mcp_entries), 0) AS newest
        ), start AS (
            SELECT CASE WHEN id = ? AND newest >= ?2 THEN ?2 ELSE 0 END AS position FROM place
        ), listed AS MATERIALIZED (
            SELECT position, length(bytes) AS size FROM memory_mcp_entries
            WHERE position > (SELECT position FROM start) AND machine <> ?3
                AND scope IN ({scopes})
            ORDER BY position LIMIT ?
        ), page AS MATERIALIZED (
            SELECT position FROM (
                SELECT position, sum(size) OVER (ORDER BY position) - size AS before FROM listed
            ) WHERE before < max(?, 1)
        )
        SELECT 0 AS position, id, format, newest, (SELECT count(*) FROM page),
            (SELECT count(*) FROM listed)
        FROM place
        UNION ALL
        SELECT * FROM (
            SELECT position, machine, kind, record, scope, bytes FROM memory_mcp_entries
            WHERE position IN (SELECT position FROM page) ORDER BY position
        )"
    )
}

/// Pulls a page; see [`memory_core::exchange::Carrier::pull`].
pub(super) fn pull(
    link: &Link,
    own: MachineId,
    scopes: &[Box<str>],
    after: Option<&Cursor>,
    limit_bytes: usize,
) -> Result<Pulled, CarrierError> {
    let start = match after {
        None => None,
        Some(cursor) => Some(Position::read(cursor).ok_or_else(|| link.error(foreign()))?),
    };
    let (place, entry) = start.map_or(([0; 16], 0), |start| (start.place, start.entry));
    let mut values: Vec<Value> = vec![place.to_vec().into(), entry.into(), own.0.to_vec().into()];
    values.extend(scopes.iter().map(|scope| Value::Text(scope.to_string())));
    values.push(i64::from(MAX_ENTRIES).into());
    values.push(i64::try_from(limit_bytes).unwrap_or(i64::MAX).into());
    let sql = statement(scopes.len());
    let page = link.call(move |connection| async move {
        let mut rows = rows(&connection, &sql, values).await?.into_iter();
        let head = Head::read(&rows.next().ok_or_else(broken)?)?;
        let (mut entries, mut last) = (Vec::new(), None);
        // An answer of another format is not read.
        for row in rows.take_while(|_| head.format == FORMAT) {
            last = Some(int(&row, 0)?);
            entries.push(entry_of(&row)?);
        }
        Ok((head, entries, last))
    })?;
    let (head, entries, last) = page;
    check_format(link, head.format)?;
    if entries.len() as u64 != head.n_entries {
        return Err(link.error(broken()));
    }
    let more = head.n_listed > head.n_entries || head.n_listed >= u64::from(MAX_ENTRIES);
    let entry = if more { last.unwrap_or(head.newest) } else { head.newest };
    Ok(Pulled { entries, cursor: Position { place: head.place, entry }.cursor(), more })
}

fn foreign() -> Fault {
    Fault::Refused("the position is one of another carrier; begin from the beginning".to_owned())
}

/// Head of an answer.
struct Head {
    place: [u8; 16],
    format: i64,
    newest: i64,
    n_entries: u64,
    n_listed: u64,
}

impl Head {
    fn read(row: &Row) -> Result<Self, Fault> {
        let count = |column| {
            let n = int(row, column)?;
            u64::try_from(n).map_err(|_| Fault::Corrupt(format!("a count is {n}")))
        };
        Ok(Self {
            place: id(row, 1, "its id")?,
            format: int(row, 2)?,
            newest: int(row, 3)?,
            n_entries: count(4)?,
            n_listed: count(5)?,
        })
    }
}

fn id(row: &Row, column: i32, what: &str) -> Result<[u8; 16], Fault> {
    let bytes = blob(row, column)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| Fault::Corrupt(format!("{what} has {length} bytes")))
}

fn entry_of(row: &Row) -> Result<Entry, Fault> {
    let kind = match value(row, 2)? {
        Value::Integer(EPISODE) => RecordKind::Episode,
        Value::Integer(NOTE) => RecordKind::Note,
        other => return Err(Fault::Corrupt(format!("an entry is of the kind {other:?}"))),
    };
    Ok(Entry {
        machine: MachineId(id(row, 1, "the machine of an entry")?),
        record: RecordId::from_bytes(kind, id(row, 3, "the record of an entry")?),
        scope: text(row, 4)?.into(),
        bytes: blob(row, 5)?.into(),
    })
}
