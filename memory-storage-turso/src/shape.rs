//! The schema of a store is exactly that of its format: nothing foreign, nothing missing.
//!
//! A trigger, a view or a table of somebody else would run with our statements, or be carried along
//! in every backup; without one of its indexes a store is slow, or takes the same source twice.

use std::collections::BTreeMap;

use memory_core::StorageError;

use crate::connection::{Connection, Row};
use crate::error::corrupt;
use crate::migrate::migrate;
use crate::schema::{FORMAT, MIGRATIONS};

/// Sum of the schema that [`FORMAT`] has, by which it is known without being made once more.
const SUM: u64 = 0xc5f5_491f_e8b2_f041;

/// Statement by kind and name, with single spaces.
type Shape = BTreeMap<(String, String), String>;

/// Checks the schema of a store of format `found`, which may be older than ours.
///
/// Costs one query, where it is that of [`FORMAT`].
///
/// # Errors
///
/// [`StorageError::Corrupt`] that names what is foreign, missing or otherwise.
pub(crate) fn check(conn: &mut Connection, found: u32) -> Result<(), StorageError> {
    let shape = read(conn)?;
    if found == 0 || (found == FORMAT && sum(&shape) == SUM) {
        return Ok(());
    }
    let mut reference = Connection::in_memory(conn.shared_path())?;
    let n_migrations = MIGRATIONS.len().min(found as usize);
    migrate(&mut reference, MIGRATIONS.get(..n_migrations).unwrap_or_default())?;
    match difference(&read(&mut reference)?, &shape) {
        None => Ok(()),
        Some(difference) => {
            let what = format!("its schema is not that of format {found}: {difference}");
            Err(corrupt(conn.path(), &what))
        }
    }
}

fn read(conn: &mut Connection) -> Result<Shape, StorageError> {
    // What SQLite makes by itself has no statement, or counts rows for its planner.
    let sql = "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema
               WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%'";
    let rows = conn.query(sql, vec![], |row: &mut Row| {
        let key = (row.text()?, row.text()?);
        Ok((key, row.text()?.split_whitespace().collect::<Vec<_>>().join(" ")))
    })?;
    Ok(rows.into_iter().collect())
}

fn difference(expected: &Shape, found: &Shape) -> Option<String> {
    let foreign = found.keys().find(|key| !expected.contains_key(key));
    if let Some((kind, name)) = foreign {
        return Some(format!("the {kind} `{name}` is not ours"));
    }
    let missing = expected.keys().find(|key| !found.contains_key(key));
    if let Some((kind, name)) = missing {
        return Some(format!("the {kind} `{name}` is missing"));
    }
    let other = expected.iter().find(|(key, sql)| found.get(key) != Some(sql));
    other.map(|((kind, name), _)| format!("the {kind} `{name}` is another one"))
}

/// FNV-1a, which is the same in every build.
fn sum(shape: &Shape) -> u64 {
    let texts = shape.iter().flat_map(|((kind, name), sql)| [kind, name, sql]);
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    fn store() -> Connection {
        let mut conn = Connection::in_memory(&Arc::from(Path::new("/data/memory.db"))).unwrap();
        migrate(&mut conn, MIGRATIONS).unwrap();
        conn
    }

    #[test]
    fn the_sum_is_that_of_the_newest_format() {
        assert_eq!(format!("{:#x}", sum(&read(&mut store()).unwrap())), format!("{SUM:#x}"));
    }

    #[test]
    fn whatever_is_foreign_missing_or_otherwise_is_named() {
        check(&mut store(), FORMAT).unwrap();
        let trigger = "CREATE TRIGGER spy AFTER INSERT ON notes BEGIN DELETE FROM notes; END";
        for (sql, says) in [
            (trigger, "the trigger `spy` is not ours"),
            ("CREATE VIEW peek AS SELECT text FROM notes", "the view `peek` is not ours"),
            ("CREATE TABLE extra (x)", "the table `extra` is not ours"),
            ("DROP INDEX notes_source", "the index `notes_source` is missing"),
            ("ALTER TABLE notes ADD COLUMN more TEXT", "the table `notes` is another one"),
        ] {
            let mut conn = store();
            conn.script(sql).unwrap();
            let message = check(&mut conn, FORMAT).unwrap_err().to_string();
            assert!(message.contains(says) && message.contains("/data/memory.db"), "{message}");
        }
    }
}
