//! Making a sound store of what is readable in a damaged one.
//!
//! Rows are copied table by table into a store of the newest format; where a page cannot be read,
//! by ever smaller ranges of keys, so that a row is lost only with its own page. Indexes, tags and
//! the change feed are made from the rows. The damaged file is kept under another name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libsql::Value;
use memory_core::StorageError;
use memory_core::backend::HalfFile;

use crate::check;
use crate::connection::{Connection, Row};
use crate::error::{corrupt, from_io, unavailable};
use crate::lock::InUse;
use crate::migrate::{identify, migrate};
use crate::open::{Options, hold_lock};
use crate::paths::{LOG, LOG_INDEX, beside, checked_path};
use crate::schema::{FORMAT, MIGRATIONS};

/// Tables whose rows are found by an integer key, in the order in which they are copied.
const KEYED: [&str; 6] = ["models", "episodes", "notes", "changes", "states", "vectors"];
/// Tables that are copied from both ends.
const UNKEYED: [&str; 1] = ["forgotten"];
/// Rows of a table for each page of the file, at most, where the greatest key cannot be read.
const MAX_ROWS_PER_PAGE: i64 = 100;
/// Most lost records that are named.
const MAX_NAMED: usize = 20;

/// The first format that says where a record comes from.
const ORIGIN_SINCE: u32 = 4;
/// Says of the records of an older one what its migration says.
const ORIGIN: &str = "
UPDATE main.episodes SET origin = 'imported' WHERE importer IS NOT NULL;
UPDATE main.notes SET origin = 'imported' WHERE importer IS NOT NULL
";

/// Mends what the rows say of each other, once all that could be read are there.
const MEND: &str = "
DELETE FROM steps WHERE episode NOT IN (SELECT pk FROM episodes);
CREATE TEMP TABLE kept AS SELECT at, episode,
    row_number() OVER (PARTITION BY episode ORDER BY at) - 1 AS n FROM steps;
CREATE INDEX temp.kept_at ON kept (at);
UPDATE episodes SET digest = NULL WHERE n_steps <> (
    SELECT count(*) FROM kept WHERE episode = episodes.pk
);
UPDATE episodes SET n_steps = (SELECT count(*) FROM kept WHERE episode = episodes.pk);
UPDATE steps SET at = (episode << 32) | (SELECT n FROM kept WHERE kept.at = steps.at)
    WHERE idx <> (SELECT n FROM kept WHERE kept.at = steps.at);
DROP TABLE temp.kept;
UPDATE notes SET episode = NULL
    WHERE episode IS NOT NULL AND episode NOT IN (SELECT id FROM episodes);
UPDATE notes SET supersedes = NULL
    WHERE supersedes IS NOT NULL AND supersedes NOT IN (SELECT id FROM notes);
UPDATE notes SET superseded_by = (SELECT n.id FROM notes AS n WHERE n.supersedes = notes.id);
UPDATE episodes SET tags = NULL WHERE tags IS NOT NULL AND NOT json_valid(tags);
UPDATE notes SET tags = NULL WHERE tags IS NOT NULL AND NOT json_valid(tags);
INSERT INTO tags (kind, tag, at, id, record)
    SELECT 1, j.value, e.started_at, e.id, e.pk FROM episodes AS e, json_each(e.tags) AS j
        WHERE e.tags IS NOT NULL
    UNION SELECT 2, j.value, n.occurred_at, n.id, n.pk FROM notes AS n, json_each(n.tags) AS j
        WHERE n.tags IS NOT NULL;
DELETE FROM changes WHERE removed = 0;
DELETE FROM changes WHERE (kind = 1 AND id IN (SELECT id FROM episodes))
    OR (kind = 2 AND id IN (SELECT id FROM notes));
CREATE TEMP TABLE feed AS
    SELECT row_number() OVER (ORDER BY removed DESC, seq, kind, id) AS n, seq, kind, id, removed
    FROM (
        SELECT seq, kind, id, removed FROM changes
        UNION ALL SELECT seq, 1, id, 0 FROM episodes UNION ALL SELECT seq, 2, id, 0 FROM notes
    );
DELETE FROM changes;
INSERT INTO changes (seq, kind, id, removed) SELECT n, kind, id, removed FROM feed;
UPDATE episodes SET seq = (SELECT n FROM feed WHERE kind = 1 AND id = episodes.id AND removed = 0);
UPDATE notes SET seq = (SELECT n FROM feed WHERE kind = 2 AND id = notes.id AND removed = 0);
DROP TABLE temp.feed;
DELETE FROM vectors WHERE (kind = 1 AND id NOT IN (SELECT id FROM episodes))
    OR (kind = 2 AND id NOT IN (SELECT id FROM notes)) OR kind NOT IN (1, 2)
    OR length(vector) IS NOT 4 * (SELECT dimension FROM models WHERE pk = vectors.model);
";

/// Result of a salvage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// The damaged file, under its new name.
    pub kept_as: PathBuf,
    /// Episodes in the new store.
    pub n_episodes: u64,
    /// Notes in the new store.
    pub n_notes: u64,
    /// What was lost, a sentence each; empty when nothing was, as far as can be known.
    pub lost: Vec<String>,
}

/// Puts a sound store with all that is readable in the place of a damaged one, which is kept under
/// another name. Nobody may have it open.
///
/// Whatever fails or ends it, the old file lies under its name or the new one does. The new store
/// has an identity of its own.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when there is no store, when somebody has it open or the disk has
/// no room for two copies, [`StorageError::Corrupt`] when not even its list of tables can be read,
/// [`StorageError::Format`] when a newer version wrote it.
pub fn salvage(path: &Path) -> Result<Salvaged, StorageError> {
    if !path.is_file() {
        return Err(unavailable(path, "there is no store"));
    }
    let path = checked_path(path)?;
    let (_lock, _held) = hold_lock(&path, Options::default().lock_wait)?;
    let _alone = InUse::exclude(&path)?;
    let mut names = (1_u32..).map(|n| beside(&path, &format!(".damaged-{n}")));
    let kept_as = names.find(|kept| fs::symlink_metadata(kept).is_err());
    let kept_as = kept_as.ok_or_else(|| unavailable(&path, "too many damaged files lie beside"))?;
    for suffix in [LOG, ""] {
        let (from, to) = (beside(&path, suffix), beside(&kept_as, suffix));
        if from.exists() {
            fs::copy(&from, &to).map_err(|error| from_io(&to, &error))?;
        }
    }
    let half = HalfFile::create(&path).map_err(|error| from_io(&path, &error))?;
    let salvaged = fill(&path, &kept_as, half.path());
    let found = match salvaged {
        Ok(found) => found,
        Err(error) => {
            for suffix in ["", LOG, LOG_INDEX] {
                drop(fs::remove_file(beside(&kept_as, suffix)));
            }
            return Err(error);
        }
    };
    half.place(true).map_err(|error| from_io(&path, &error))?;
    // The log of the former file, whose content the kept one has. Should this be cut off, it is put
    // aside when the store is opened.
    for suffix in [LOG, LOG_INDEX] {
        drop(fs::remove_file(beside(&path, suffix)));
    }
    Ok(found)
}

/// Fills the new file at `to` from the damaged one at `from`. `store` is the name that messages
/// know it by.
fn fill(store: &Path, from: &Path, to: &Path) -> Result<Salvaged, StorageError> {
    let mut old = Connection::open(&Arc::from(from), Duration::ZERO)?;
    let found = identify(&mut old)
        .map_err(|_| corrupt(store, "not even its list of tables can be read; restore a backup"))?;
    if found > FORMAT {
        return Err(StorageError::Format { found, supported: FORMAT });
    }
    drop(old);
    let mut conn = Connection::open(&Arc::from(to), Duration::ZERO)?;
    migrate(&mut conn, MIGRATIONS)?;
    let name = from.to_str().ok_or_else(|| unavailable(from, "its name is not plain text"))?;
    conn.execute("ATTACH ? AS old", vec![name.to_owned().into()])?;
    for table in KEYED {
        let Some(columns) = columns(&mut conn, table)? else { continue };
        let greatest = greatest_key(&mut conn, table);
        copy_range(&mut conn, table, &columns, (0, greatest))?;
    }
    copy_steps(&mut conn)?;
    for table in UNKEYED {
        let Some(columns) = columns(&mut conn, table)? else { continue };
        for order in ["ASC", "DESC"] {
            copy_until_damage(&mut conn, table, &columns, order)?;
        }
    }
    if found < ORIGIN_SINCE {
        conn.script(ORIGIN)?;
    }
    let lost = lost(&mut conn)?;
    conn.script(&format!("BEGIN; {MEND} COMMIT"))?;
    let count = |conn: &mut Connection, table: &str| {
        let n = conn.first(&format!("SELECT count(*) FROM main.{table}"), vec![], Row::int)?;
        Ok::<u64, StorageError>(n.unwrap_or(0).unsigned_abs())
    };
    let (n_episodes, n_notes) = (count(&mut conn, "episodes")?, count(&mut conn, "notes")?);
    conn.script("DETACH old")?;
    if let Some(finding) = check::run(&mut conn)?.first() {
        tracing::warn!(finding, "the salvaged store");
    }
    Ok(Salvaged { kept_as: from.to_owned(), n_episodes, n_notes, lost })
}

/// The columns of a table that hold something of their own, and that the old store has too; `None`
/// where its format knows no such table.
fn columns(conn: &mut Connection, table: &str) -> Result<Option<String>, StorageError> {
    let sql = "SELECT CAST(name AS BLOB) FROM pragma_table_xinfo(?1) WHERE hidden = 0
               AND name IN (SELECT name FROM pragma_table_xinfo(?1, 'old'))";
    let names = conn.query(sql, vec![table.to_owned().into()], Row::text)?;
    Ok((!names.is_empty()).then(|| names.join(", ")))
}

/// A key that no row of a table lies above.
fn greatest_key(conn: &mut Connection, table: &str) -> i64 {
    let sql = format!("SELECT max(rowid) FROM old.{table}");
    if let Ok(found) = conn.first(&sql, vec![], Row::opt_int) {
        return found.flatten().unwrap_or(0);
    }
    let n_pages = conn.first("PRAGMA old.page_count", vec![], Row::int);
    n_pages.ok().flatten().unwrap_or(0).saturating_mul(MAX_ROWS_PER_PAGE)
}

/// Returns whether an error is one of the rows that are read: damage, or a value that no row may
/// have.
fn is_of_rows(error: &StorageError) -> bool {
    matches!(error, StorageError::Corrupt { .. } | StorageError::Backend(_))
}

/// Copies the rows with keys from the first to the last; of a range with damage in it both halves.
fn copy_range(
    conn: &mut Connection,
    table: &str,
    columns: &str,
    (first, last): (i64, i64),
) -> Result<(), StorageError> {
    let sql = format!(
        "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table} \
         WHERE rowid BETWEEN ? AND ?"
    );
    let mut ranges = vec![(first, last)];
    while let Some((first, last)) = ranges.pop() {
        match conn.execute(&sql, vec![first.into(), last.into()]) {
            Ok(_) => {}
            Err(error) if is_of_rows(&error) => {
                if first < last {
                    let middle = first + (last - first) / 2;
                    ranges.extend([(first, middle), (middle + 1, last)]);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Copies the steps of the episodes that were copied.
fn copy_steps(conn: &mut Connection) -> Result<(), StorageError> {
    let Some(columns) = columns(conn, "steps")? else { return Ok(()) };
    let all =
        format!("INSERT OR IGNORE INTO main.steps ({columns}) SELECT {columns} FROM old.steps");
    match conn.execute(&all, vec![]) {
        Ok(_) => return Ok(()),
        Err(error) if is_of_rows(&error) => {}
        Err(error) => return Err(error),
    }
    let sql = "SELECT pk, n_steps FROM main.episodes";
    for (pk, n_steps) in conn.query(sql, vec![], |row| Ok((row.int()?, row.int()?)))? {
        let first = pk << 32;
        copy_range(conn, "steps", &columns, (first, first + n_steps.max(0)))?;
    }
    Ok(())
}

/// Copies rows in the order of their key as far as they can be read.
fn copy_until_damage(
    conn: &mut Connection,
    table: &str,
    columns: &str,
    order: &str,
) -> Result<(), StorageError> {
    let key = columns.split(", ").map(|column| format!("{column} {order}"));
    let key = key.collect::<Vec<_>>().join(", ");
    let sql = |n: i64| {
        format!(
            "INSERT OR IGNORE INTO main.{table} ({columns}) \
             SELECT {columns} FROM old.{table} ORDER BY {key} LIMIT {n}"
        )
    };
    // Twice as many while it goes well, then ever fewer.
    let (mut n_done, mut step, mut grows) = (0, 1, true);
    loop {
        match conn.execute(&sql(n_done + step), vec![]) {
            Ok(_) => {
                n_done += step;
                let held = format!("SELECT count(*) FROM main.{table}");
                let n_held = conn.first(&held, vec![], Row::int)?.unwrap_or(0);
                if order == "ASC" && n_held < n_done || n_done > 1 << 40 {
                    return Ok(());
                }
            }
            Err(error) if is_of_rows(&error) => grows = false,
            Err(error) => return Err(error),
        }
        step = if grows { step * 2 } else { step / 2 };
        if step == 0 {
            return Ok(());
        }
    }
}

/// Says what the damaged store knew of and the new one has not.
fn lost(conn: &mut Connection) -> Result<Vec<String>, StorageError> {
    let mut lost = Vec::new();
    for (kind, table, name) in [(1_i64, "episodes", "episode"), (2, "notes", "note")] {
        let known = [
            format!("SELECT id FROM old.{table} INDEXED BY {table}_id ORDER BY id"),
            "SELECT id FROM main.changes WHERE kind = ? AND removed = 0".to_owned(),
        ];
        let mut ids = BTreeSet::new();
        for (sql, values) in known.into_iter().zip([vec![], vec![Value::Integer(kind)]]) {
            match conn.query(&sql, values, Row::id) {
                Ok(found) => ids.extend(found),
                Err(error) if is_of_rows(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let kept = conn.query(&format!("SELECT id FROM main.{table}"), vec![], Row::id)?;
        let kept: BTreeSet<[u8; 16]> = kept.into_iter().collect();
        ids.retain(|id| !kept.contains(id));
        if !ids.is_empty() {
            let shown =
                ids.iter().take(MAX_NAMED).map(|id| uuid::Uuid::from_bytes(*id).to_string());
            let (n, shown) = (ids.len(), shown.collect::<Vec<_>>().join(", "));
            let more = if n > MAX_NAMED { ", …" } else { "" };
            lost.push(format!("{n} {name}{}: {shown}{more}", if n == 1 { "" } else { "s" }));
        }
    }
    let sql = "SELECT count(*), coalesce(sum(e.n_steps - k.n), 0) FROM main.episodes AS e JOIN (
                   SELECT e.pk, count(s.at) AS n FROM main.episodes AS e
                   LEFT JOIN main.steps AS s ON s.at >> 32 = e.pk GROUP BY e.pk
               ) AS k ON k.pk = e.pk WHERE e.n_steps > k.n";
    let steps = conn.first(sql, vec![], |row| Ok((row.int()?, row.int()?)))?;
    if let Some((n_episodes @ 1.., n_steps)) = steps {
        lost.push(format!("{n_steps} steps of {n_episodes} episodes"));
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table that nobody copies would be lost in every repair.
    #[test]
    fn every_table_is_copied_or_made_from_the_others() {
        let mut conn = Connection::in_memory(&Arc::from(Path::new("store.db"))).unwrap();
        migrate(&mut conn, MIGRATIONS).unwrap();
        let sql = "SELECT CAST(name AS BLOB) FROM sqlite_schema
                   WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let tables = conn.query(sql, vec![], Row::text).unwrap();
        assert!(tables.len() > 8, "{tables:?}");
        let made = ["meta", "steps", "tags"];
        for table in tables {
            let known = KEYED.iter().chain(&UNKEYED).chain(&made).any(|known| *known == table);
            assert!(known, "{table}");
        }
    }
}
