//! Reading all of the store to find what is wrong with it.

use std::collections::BTreeSet;

use memory_core::{EpisodeId, NoteId, RecordId, RecordKind, StorageError};

use crate::connection::{Connection, Row};
use crate::schema::EPISODE;

/// Most findings of one kind that are reported.
const MAX_FINDINGS: usize = 20;

/// Invariants among the rows: a query for the kind and id of each record that breaks it, and
/// what is then wrong with that record.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "SELECT 1, id FROM episodes AS e LEFT JOIN (
             SELECT episode, count(*) AS n, max(idx) AS last FROM steps GROUP BY episode
         ) AS s ON s.episode = e.pk
         WHERE e.n_steps <> coalesce(s.n, 0) OR e.n_steps <> coalesce(s.last + 1, 0)",
        "miscounts its steps",
    ),
    (
        "SELECT 1, NULL FROM (SELECT DISTINCT episode FROM steps)
         WHERE episode NOT IN (SELECT pk FROM episodes)",
        "is gone but has steps",
    ),
    (
        // A note of another machine may come before the episode.
        "SELECT 2, id FROM notes WHERE episode IS NOT NULL AND machine IS NULL
         AND episode NOT IN (SELECT id FROM episodes)",
        "leads to an episode that is gone",
    ),
    (
        "SELECT 2, n.id FROM notes AS n LEFT JOIN notes AS old ON old.id = n.supersedes
         WHERE n.supersedes IS NOT NULL AND (old.id IS NOT NULL OR n.machine IS NULL)
         AND old.superseded_by IS NOT (
             SELECT max(by.id) FROM notes AS by WHERE by.supersedes = n.supersedes
         )",
        "supersedes a note that does not say so",
    ),
    (
        "SELECT r.kind, r.id FROM (
             SELECT 1 AS kind, id, seq FROM episodes UNION ALL SELECT 2, id, seq FROM notes
         ) AS r LEFT JOIN changes AS c USING (seq)
         WHERE c.kind IS NOT r.kind OR c.id IS NOT r.id OR c.removed IS NOT 0",
        "is missing from the change feed",
    ),
    (
        "SELECT kind, id FROM changes AS c WHERE removed = 0 AND NOT EXISTS (
             SELECT 1 FROM episodes AS e WHERE c.kind = 1 AND e.id = c.id AND e.seq = c.seq
             UNION ALL SELECT 1 FROM notes AS n WHERE c.kind = 2 AND n.id = c.id AND n.seq = c.seq
         )",
        "is in the change feed but not stored",
    ),
    (
        "SELECT kind, id FROM changes AS c WHERE removed <> 0 AND EXISTS (
             SELECT 1 FROM episodes AS e WHERE c.kind = 1 AND e.id = c.id
             UNION ALL SELECT 1 FROM notes AS n WHERE c.kind = 2 AND n.id = c.id
         )",
        "is stored but the change feed says that it is removed",
    ),
    (
        "SELECT DISTINCT kind, id FROM vectors AS v WHERE NOT EXISTS (
             SELECT 1 FROM episodes AS e WHERE v.kind = 1 AND e.id = v.id
             UNION ALL SELECT 1 FROM notes AS n WHERE v.kind = 2 AND n.id = v.id
         )",
        "is gone but has vectors",
    ),
    (
        "SELECT DISTINCT v.kind, v.id FROM vectors AS v LEFT JOIN models AS m ON m.pk = v.model
         WHERE length(v.vector) IS NOT 4 * m.dimension",
        "has a vector of another dimension than its model",
    ),
];

/// A record that breaks an invariant: its kind, and its id where it still has one.
type Broken = (i64, Option<[u8; 16]>);

/// Returns what is wrong with the store. Reads all of it.
pub(crate) fn run(conn: &mut Connection) -> Result<Vec<String>, StorageError> {
    match conn.snapshot(find) {
        // Damage is the answer here, not a failure.
        Err(StorageError::Corrupt { what }) => Ok(vec![what.into()]),
        done => done,
    }
}

fn find(conn: &mut Connection) -> Result<Vec<String>, StorageError> {
    let sql = "SELECT CAST(integrity_check AS BLOB) FROM pragma_integrity_check";
    let mut findings = conn.query(sql, vec![], Row::text)?;
    findings.retain(|finding| finding != "ok");
    if !findings.is_empty() {
        // Queries over damaged tables would only repeat it.
        return Ok(findings);
    }
    let foreign = conn.first("SELECT count(*) FROM pragma_foreign_key_check", vec![], Row::int)?;
    if let Some(n @ 1..) = foreign {
        findings.push(format!("{n} rows lead to rows that are gone"));
    }
    for (sql, what) in INVARIANTS {
        let broken = conn.query(sql, vec![], |row| Ok((row.int()?, row.opt_id()?)))?;
        report(&mut findings, what, &broken);
    }
    report(&mut findings, "is not found by its tags", &mistagged(conn)?);
    report(&mut findings, "has a text that is not UTF-8, shown with � in it", &unreadable(conn)?);
    Ok(findings)
}

/// Tables with texts of records: the kind and id of a row's record, and where its rows lie.
const TEXTS: [(&str, &str, &str); 3] = [
    ("episodes", "1, id", "episodes"),
    ("notes", "2, id", "notes"),
    ("steps", "1, e.id", "steps AS t JOIN episodes AS e ON e.pk = t.episode"),
];

/// Records with a text that is not UTF-8.
fn unreadable(conn: &mut Connection) -> Result<Vec<Broken>, StorageError> {
    let mut broken = BTreeSet::new();
    for (table, record, rows) in TEXTS {
        let columns = "SELECT CAST(name AS BLOB) FROM pragma_table_xinfo(?1) WHERE type = 'TEXT'";
        let columns = conn.query(columns, vec![table.to_owned().into()], Row::text)?;
        let own = if table == "steps" { "t." } else { "" };
        let texts: Vec<String> =
            columns.iter().map(|column| format!("CAST({own}{column} AS BLOB)")).collect();
        let sql = format!("SELECT {record}, {} FROM {rows}", texts.join(", "));
        let found = conn.query(&sql, vec![], |row| {
            let record = (row.int()?, row.opt_id()?);
            let mut is_readable = true;
            for _ in &columns {
                let text = row.opt_blob()?;
                is_readable &= text.is_none_or(|text| std::str::from_utf8(&text).is_ok());
            }
            Ok((!is_readable).then_some(record))
        })?;
        broken.extend(found.into_iter().flatten());
    }
    Ok(broken.into_iter().collect())
}

/// Records whose own tags are not those that they are listed under.
fn mistagged(conn: &mut Connection) -> Result<Vec<Broken>, StorageError> {
    let own = "SELECT 1, id, started_at, CAST(tags AS BLOB) FROM episodes WHERE tags IS NOT NULL
               UNION ALL SELECT 2, id, occurred_at, CAST(tags AS BLOB) FROM notes
               WHERE tags IS NOT NULL";
    let own =
        conn.query(own, vec![], |row| Ok((row.int()?, row.id()?, row.int()?, row.labels()?)))?;
    let own: BTreeSet<_> = own
        .into_iter()
        .flat_map(|(kind, id, at, tags)| tags.into_iter().map(move |tag| (kind, id, at, tag)))
        .collect();
    let listed = "SELECT kind, id, at, CAST(tag AS BLOB) FROM tags";
    let listed = conn.query(listed, vec![], |row| {
        Ok((row.int()?, row.id()?, row.int()?, row.text()?.into_boxed_str()))
    })?;
    let listed: BTreeSet<_> = listed.into_iter().collect();
    Ok(own.symmetric_difference(&listed).map(|(kind, id, _, _)| (*kind, Some(*id))).collect())
}

fn report(findings: &mut Vec<String>, what: &str, broken: &[Broken]) {
    for (kind, id) in broken.iter().take(MAX_FINDINGS) {
        findings.push(format!("{} {what}", record_name(*kind, *id)));
    }
    if let Some(n_more @ 1..) = broken.len().checked_sub(MAX_FINDINGS) {
        findings.push(format!("{n_more} more: {what}"));
    }
}

fn record_name(kind: i64, id: Option<[u8; 16]>) -> String {
    let (kind, id) = if kind == EPISODE {
        (RecordKind::Episode, id.map(|id| RecordId::from(EpisodeId::from_bytes(id))))
    } else {
        (RecordKind::Note, id.map(|id| RecordId::from(NoteId::from_bytes(id))))
    };
    id.map_or_else(|| format!("an {}", kind.name()), |id| format!("{} {id}", kind.name()))
}
