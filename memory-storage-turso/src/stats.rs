//! Counts of the stored records.

use std::path::Path;

use memory_core::{StorageError, StorageStats};

use crate::connection::Connection;
use crate::paths::{LOG, beside};
use crate::vectors;

/// Counts what is stored. Reads the rows of all episodes but none of the steps: about 1 ms per
/// thousand episodes.
pub(crate) fn read(conn: &mut Connection) -> Result<StorageStats, StorageError> {
    let size_bytes = file_bytes(conn.path()) + file_bytes(&beside(conn.path(), LOG));
    conn.snapshot(|conn| {
        let counts =
            "SELECT (SELECT count(*) FROM episodes), (SELECT total(n_steps) FROM episodes),
                      (SELECT count(*) FROM episodes WHERE status = 'open'),
                      (SELECT count(*) FROM notes)";
        let none = StorageStats::default();
        let read = conn.first(counts, vec![], |row| {
            let n_episodes = row.int()?.cast_unsigned();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let n_steps = row.opt_real()?.ok_or_else(|| row.damaged("no count"))? as u64;
            let (n_open, n_notes) = (row.int()?.cast_unsigned(), row.int()?.cast_unsigned());
            Ok(StorageStats { n_episodes, n_steps, n_open, n_notes, ..none })
        })?;
        let by_scope = "SELECT CAST(scope AS BLOB), count(*) FROM (
                            SELECT scope FROM episodes UNION ALL SELECT scope FROM notes
                        ) GROUP BY scope ORDER BY scope";
        let scopes = conn.query(by_scope, vec![], |row| {
            Ok((row.text()?.into_boxed_str(), row.int()?.cast_unsigned()))
        })?;
        let counted = read.ok_or_else(|| StorageError::Backend("a count gave no row".into()))?;
        let vectors = vectors::count(conn)?;
        Ok(StorageStats { size_bytes, scopes, vectors, ..counted })
    })
}

/// Size of a file, 0 when it is not there (the log of a store that nobody wrote to).
fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}
