//! Writing entries, each push whole or not at all.
//!
//! A request may arrive late: after its answer was given up, and after a newer push of the same
//! records. Therefore a push says which position its machines had reached when it was made, and
//! does nothing where they have another one. Whoever hears that asks for the position, and pushes
//! once more.

use std::collections::BTreeSet;

use libsql::Value;
use memory_core::RecordId;
use memory_core::exchange::{CarrierError, Entry};

use super::failure::Fault;
use super::link::Link;
use super::table::{int, only_row, value};
use crate::schema::{EPISODE, NOTE};

/// Most entries of one request: SQLite takes some 32,000 parameters.
const MAX_ENTRIES: usize = 2_000;
/// Most attempts of a push, where others push for the same machines at the same time.
const MAX_ATTEMPTS: u32 = 4;
/// Milliseconds after which parts of a push that never ended are removed.
const MAX_STAGED_MS: i64 = 24 * 3_600_000;

const COLUMNS: &str = "machine, kind, record, scope, bytes";

/// Newest position of machines, as the last push left it.
pub(super) struct Seen {
    machines: BTreeSet<[u8; 16]>,
    position: Option<i64>,
}

/// Pushes entries.
pub(super) fn push(
    link: &Link,
    entries: &[Entry],
    request_bytes: usize,
    seen: Option<Seen>,
) -> Result<Seen, CarrierError> {
    let machines: BTreeSet<[u8; 16]> = entries.iter().map(|entry| entry.machine.0).collect();
    let mut known = seen.filter(|seen| seen.machines == machines).map(|seen| seen.position);
    let requests = cut(entries, request_bytes);
    let staged = match requests.as_slice() {
        [_] => None,
        requests => Some(stage(link, requests)?),
    };
    for _ in 0..MAX_ATTEMPTS {
        let expected = match known.take() {
            Some(position) => position,
            None => newest(link, &machines)?,
        };
        let pushed = match &staged {
            None => insert(link, entries, &machines, expected)?,
            Some(push) => publish(link, push, &machines, expected)?,
        };
        if let Some(position) = pushed {
            return Ok(Seen { machines, position: Some(position) });
        }
    }
    let reason = "others push for the same machine at the same time";
    Err(link.error(Fault::Away(reason.to_owned())))
}

/// Cuts a push into requests; most pushes are one.
fn cut(entries: &[Entry], request_bytes: usize) -> Vec<&[Entry]> {
    let (mut requests, mut rest) = (Vec::new(), entries);
    while !rest.is_empty() {
        let mut n_bytes = 0;
        let fits = |entry: &&Entry| {
            n_bytes += entry.bytes.len();
            n_bytes <= request_bytes
        };
        let n_fitting = rest.iter().take(MAX_ENTRIES).take_while(fits).count();
        let (request, others) = rest.split_at(n_fitting.max(1));
        requests.push(request);
        rest = others;
    }
    requests
}

fn values(entry: &Entry) -> [Value; 5] {
    let (kind, record) = match entry.record {
        RecordId::Episode(id) => (EPISODE, id.to_bytes()),
        RecordId::Note(id) => (NOTE, id.to_bytes()),
    };
    [
        entry.machine.0.to_vec().into(),
        kind.into(),
        record.to_vec().into(),
        entry.scope.to_string().into(),
        entry.bytes.to_vec().into(),
    ]
}

/// Newest position of machines, as a term over literals, which need no parameters.
fn newest_of(machines: &BTreeSet<[u8; 16]>) -> String {
    let literals: Vec<String> = machines.iter().map(literal).collect();
    let literals = literals.join(", ");
    format!("(SELECT max(position) FROM memory_mcp_entries WHERE machine IN ({literals}))")
}

fn literal(bytes: &[u8; 16]) -> String {
    format!("x'{:032x}'", u128::from_be_bytes(*bytes))
}

fn number(position: Option<i64>) -> String {
    position.map_or_else(|| "NULL".to_owned(), |position| position.to_string())
}

fn newest(link: &Link, machines: &BTreeSet<[u8; 16]>) -> Result<Option<i64>, CarrierError> {
    let sql = format!("SELECT {}", newest_of(machines));
    link.call(move |connection| async move {
        Ok(match value(&only_row(&connection, &sql).await?, 0)? {
            Value::Integer(position) => Some(position),
            _ => None,
        })
    })
}

/// Inserts entries in one statement, which is one transaction; `None` where the machines have
/// reached another position than expected.
fn insert(
    link: &Link,
    entries: &[Entry],
    machines: &BTreeSet<[u8; 16]>,
    expected: Option<i64>,
) -> Result<Option<i64>, CarrierError> {
    let rows = vec!["(?, ?, ?, ?, ?)"; entries.len()].join(", ");
    let sql = format!(
        "INSERT OR REPLACE INTO memory_mcp_entries ({COLUMNS})
         SELECT * FROM (VALUES {rows}) WHERE {} IS {}",
        newest_of(machines),
        number(expected),
    );
    let values: Vec<Value> = entries.iter().flat_map(values).collect();
    link.call(move |connection| async move {
        let n_stored = connection.execute(&sql, values).await?;
        Ok((n_stored > 0).then(|| connection.last_insert_rowid()))
    })
}

/// Stores the parts of a push where nobody reads them; returns its name.
fn stage(link: &Link, requests: &[&[Entry]]) -> Result<[u8; 16], CarrierError> {
    let push = *uuid::Uuid::now_v7().as_bytes();
    let mut n = 0_i64;
    for request in requests {
        let row = format!("({}, ?, {AT}, ?, ?, ?, ?, ?)", literal(&push));
        let rows = vec![&*row; request.len()].join(", ");
        let sql = format!(
            "INSERT OR IGNORE INTO memory_mcp_staged (push, n, at, {COLUMNS}) VALUES {rows}"
        );
        let mut staged: Vec<Value> = Vec::with_capacity(request.len() * 6);
        for entry in *request {
            staged.push(n.into());
            staged.extend(values(entry));
            n += 1;
        }
        link.call(move |connection| async move { Ok(connection.execute(&sql, staged).await?) })?;
    }
    Ok(push)
}

/// Milliseconds of the clock of the server.
const AT: &str = "CAST(strftime('%s', 'now') AS INTEGER) * 1000";

/// Makes entries of what was staged, in one transaction; `None` where the machines have reached
/// another position than expected.
fn publish(
    link: &Link,
    push: &[u8; 16],
    machines: &BTreeSet<[u8; 16]>,
    expected: Option<i64>,
) -> Result<Option<i64>, CarrierError> {
    let (push, expected) = (literal(push), number(expected));
    let published = format!(
        "INSERT OR REPLACE INTO memory_mcp_entries ({COLUMNS})
         SELECT {COLUMNS} FROM memory_mcp_staged WHERE push = {push} AND {} IS {expected}
         ORDER BY n",
        newest_of(machines),
    );
    // The parts go where the statement before has inserted something.
    let removed = format!(
        "DELETE FROM memory_mcp_staged
         WHERE (push = {push} AND changes() > 0) OR at < {AT} - {MAX_STAGED_MS}"
    );
    let left = format!("SELECT count(*) FROM memory_mcp_staged WHERE push = {push}");
    let n_left = link.call(move |connection| async move {
        connection.execute_transactional_batch(&format!("{published};{removed}")).await?;
        int(&only_row(&connection, &left).await?, 0)
    })?;
    if n_left != 0 {
        return Ok(None);
    }
    newest(link, machines)
}
