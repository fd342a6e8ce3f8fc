//! Brings a store to the newest format, one transaction per step.

use memory_core::StorageError;

use crate::connection::Connection;
use crate::error::unavailable;
use crate::schema::APPLICATION_ID;

/// Brings the store to the format that the last of `migrations` makes.
///
/// Each migration commits together with its number, so that a crash leaves the format before or
/// after it. A store of the newest format is only read. The caller holds the lock of the store.
///
/// # Errors
///
/// [`StorageError::Format`] for a store that a newer version wrote; [`StorageError::Unavailable`]
/// for a database of another program. Neither is changed.
pub(crate) fn migrate(conn: &mut Connection, migrations: &[&str]) -> Result<(), StorageError> {
    let supported = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found = identify(conn)?;
    if found > supported {
        return Err(StorageError::Format { found, supported });
    }
    for (format, migration) in (found + 1..).zip(migrations.iter().skip(found as usize)) {
        let sql = format!(
            "BEGIN IMMEDIATE; {migration}; PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {format}; COMMIT;"
        );
        if let Err(error) = conn.script(&sql) {
            if !conn.is_autocommit() {
                conn.script("ROLLBACK")?;
            }
            return Err(error);
        }
        tracing::info!(format, store = %conn.path().display(), "migrated the store");
    }
    Ok(())
}

/// Returns the format of the store, 0 for a file without tables.
pub(crate) fn identify(conn: &mut Connection) -> Result<u32, StorageError> {
    let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
               FROM pragma_application_id, pragma_user_version";
    let read = conn.first(sql, vec![], |row| Ok((row.int()?, row.int()?, row.int()?)))?;
    match read {
        Some((APPLICATION_ID, format, _)) => Ok(u32::try_from(format).unwrap_or(u32::MAX)),
        None | Some((0, 0, 0)) => Ok(0),
        Some(_) => {
            Err(unavailable(conn.path(), "it is a database of another program; name another path"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::connection::Row;

    const ONE: &str = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)";
    const TWO: &str = "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b SELECT x FROM a";

    fn open(dir: &Path) -> Connection {
        let path = dir.join("store.db");
        if !path.exists() {
            std::fs::write(&path, "").unwrap();
        }
        Connection::open(&Arc::from(path), Duration::from_secs(1)).unwrap()
    }

    fn tables(conn: &mut Connection) -> Vec<String> {
        let sql = "SELECT CAST(name AS BLOB) FROM sqlite_schema ORDER BY name";
        conn.query(sql, vec![], Row::text).unwrap()
    }

    #[test]
    fn an_older_store_runs_only_the_migrations_that_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        migrate(&mut open(dir.path()), &[ONE]).unwrap();
        let mut conn = open(dir.path());
        migrate(&mut conn, &[ONE, TWO]).unwrap();
        assert_eq!(tables(&mut conn), ["a", "b"]);
        assert_eq!(identify(&mut conn).unwrap(), 2);
        assert_eq!(conn.first("SELECT x FROM b", vec![], Row::int).unwrap(), Some(1));
    }

    #[test]
    fn a_migration_that_fails_halfway_leaves_the_version_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = open(dir.path());
        let broken = format!("{TWO}; INSERT INTO no_such_table VALUES (1)");
        assert!(migrate(&mut conn, &[ONE, &broken]).is_err());
        assert_eq!((tables(&mut conn), identify(&mut conn).unwrap()), (vec!["a".to_owned()], 1));
        migrate(&mut conn, &[ONE, TWO]).unwrap();
        assert_eq!(identify(&mut conn).unwrap(), 2, "the repaired migration runs");
    }

    #[test]
    fn a_crash_within_a_migration_leaves_the_version_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = open(dir.path());
        migrate(&mut conn, &[ONE]).unwrap();
        conn.script(&format!("BEGIN IMMEDIATE; {TWO}; PRAGMA user_version = 2")).unwrap();
        drop(conn);
        let mut conn = open(dir.path());
        assert_eq!((tables(&mut conn), identify(&mut conn).unwrap()), (vec!["a".to_owned()], 1));
    }

    #[test]
    fn a_newer_store_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        migrate(&mut open(dir.path()), &[ONE, TWO]).unwrap();
        let mut conn = open(dir.path());
        let refused = migrate(&mut conn, &[ONE]).unwrap_err();
        assert!(matches!(refused, StorageError::Format { found: 2, supported: 1 }), "{refused}");
        assert_eq!(tables(&mut conn), ["a", "b"]);
    }

    #[test]
    fn a_database_of_another_program_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = open(dir.path());
        conn.script("CREATE TABLE theirs (x)").unwrap();
        let refused = migrate(&mut conn, &[ONE]).unwrap_err().to_string();
        assert!(refused.contains("another program"), "{refused}");
        assert_eq!(tables(&mut conn), ["theirs"]);
    }
}
