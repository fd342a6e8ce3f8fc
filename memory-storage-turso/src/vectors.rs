//! Rows of vectors, and the models that made them.

use memory_core::backend::{StoredVector, UnitKey, VectorRow};
use memory_core::{RecordId, StorageError};

use crate::changes::{kind_column, record_kind};
use crate::connection::{Connection, Row};

/// A page of the vectors of a model.
const READ: &str = "SELECT v.seq, v.kind, v.id, v.part, v.content_hash, m.dimension, v.vector
                    FROM models AS m CROSS JOIN vectors AS v ON v.model = m.pk
                    WHERE m.name = ? AND v.seq > ? ORDER BY v.seq LIMIT ?";

/// A model that has a row.
struct Model {
    key: i64,
    /// The dimension of its vectors; `None` while it has none, so that the next ones may have any.
    dimension: Option<usize>,
}

fn model(conn: &mut Connection, name: &str) -> Result<Option<Model>, StorageError> {
    let sql =
        "SELECT pk, CASE WHEN EXISTS (SELECT 1 FROM vectors WHERE model = pk) THEN dimension END
               FROM models WHERE name = ?";
    conn.first(sql, vec![name.to_owned().into()], |row| {
        let (key, dimension) = (row.int()?, row.opt_int()?);
        let dimension = dimension.map(|n| usize::try_from(n).map_err(|_| row.damaged("no count")));
        Ok(Model { key, dimension: dimension.transpose()? })
    })
}

/// Lists the models that made vectors, in order.
pub(crate) fn models(conn: &mut Connection) -> Result<Vec<Box<str>>, StorageError> {
    let sql = "SELECT CAST(name AS BLOB) FROM models
               WHERE EXISTS (SELECT 1 FROM vectors WHERE model = models.pk)";
    let mut models = conn.query(sql, vec![], |row| Ok(row.text()?.into_boxed_str()))?;
    models.sort_unstable();
    Ok(models)
}

/// Counts the vectors of each model that made any, by its name; reads the index alone.
pub(crate) fn count(conn: &mut Connection) -> Result<Vec<(Box<str>, u64)>, StorageError> {
    let sql = "SELECT CAST(m.name AS BLOB), count(*)
               FROM models AS m CROSS JOIN vectors AS v ON v.model = m.pk GROUP BY m.pk";
    let mut counts = conn
        .query(sql, vec![], |row| Ok((row.text()?.into_boxed_str(), row.int()?.cast_unsigned())))?;
    counts.sort_unstable();
    Ok(counts)
}

/// Removes the oldest vectors of a model, at most `limit`.
pub(crate) fn drop_oldest(
    conn: &mut Connection,
    name: &str,
    limit: u32,
) -> Result<(), StorageError> {
    let sql = "DELETE FROM vectors WHERE seq IN (
                   SELECT v.seq FROM models AS m CROSS JOIN vectors AS v ON v.model = m.pk
                   WHERE m.name = ? ORDER BY v.seq LIMIT ?)";
    conn.execute(sql, vec![name.to_owned().into(), i64::from(limit).into()]).map(drop)
}

/// Stores vectors of a model in place of those of the same units, but for those of records that
/// are not stored. Costs about 5 µs each.
pub(crate) fn put(
    conn: &mut Connection,
    name: &str,
    vectors: &[StoredVector],
) -> Result<(), StorageError> {
    let known = model(conn, name)?;
    let stored = known.as_ref().and_then(|model| model.dimension);
    let Some(dimension) = StoredVector::dimension_of(vectors, name, stored)? else { return Ok(()) };
    let key = match known {
        Some(model) if model.dimension.is_some() => model.key,
        _ => set_model(conn, name, dimension)?,
    };
    // The units of one record come together.
    let mut last: Option<(RecordId, bool)> = None;
    for stored in vectors {
        let record = stored.unit.record;
        let is_stored = match last {
            Some((same, is_stored)) if same == record => is_stored,
            _ => is_stored(conn, record)?,
        };
        last = Some((record, is_stored));
        if is_stored {
            insert(conn, key, stored)?;
        }
    }
    Ok(())
}

fn set_model(conn: &mut Connection, name: &str, dimension: usize) -> Result<i64, StorageError> {
    let sql = "INSERT INTO models (name, dimension) VALUES (?, ?)
               ON CONFLICT (name) DO UPDATE SET dimension = excluded.dimension RETURNING pk";
    let dimension = i64::try_from(dimension).map_err(|e| StorageError::Backend(Box::new(e)))?;
    let key = conn.first(sql, vec![name.to_owned().into(), dimension.into()], Row::int)?;
    key.ok_or_else(|| StorageError::Backend("a model got no key".into()))
}

fn is_stored(conn: &mut Connection, id: RecordId) -> Result<bool, StorageError> {
    let sql = match id {
        RecordId::Episode(_) => "SELECT pk FROM episodes WHERE id = ?",
        RecordId::Note(_) => "SELECT pk FROM notes WHERE id = ?",
    };
    Ok(conn.first(sql, vec![id.to_bytes().to_vec().into()], Row::int)?.is_some())
}

fn insert(conn: &mut Connection, model: i64, stored: &StoredVector) -> Result<(), StorageError> {
    let sql = "INSERT OR REPLACE INTO vectors (model, part, kind, id, content_hash, vector)
               VALUES (?, ?, ?, ?, ?, ?)";
    let StoredVector { unit: UnitKey { record, part }, content_hash, vector } = stored;
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let values = vec![
        model.into(),
        i64::from(*part).into(),
        kind_column(record.kind()).into(),
        record.to_bytes().to_vec().into(),
        content_hash.cast_signed().into(),
        bytes.into(),
    ];
    conn.execute(sql, values).map(drop)
}

/// Lists vectors of a model above `after`, oldest first, at most `limit`. Costs about 2 µs each.
pub(crate) fn read(
    conn: &mut Connection,
    name: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<VectorRow>, StorageError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.query(READ, vec![name.to_owned().into(), after.into(), limit.into()], |row| {
        let seq = row.int()?.cast_unsigned();
        let record = RecordId::from_bytes(record_kind(row)?, row.id()?);
        let unit = UnitKey { record, part: row.u32()? };
        let content_hash = row.int()?.cast_unsigned();
        let dimension = row.u32()? as usize;
        let bytes = row.blob()?;
        let (numbers, rest) = bytes.as_chunks();
        if numbers.len() != dimension || !rest.is_empty() {
            return Err(row.damaged("a vector of another dimension than its model"));
        }
        let vector = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(VectorRow { seq, vector: StoredVector { unit, content_hash, vector } })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::migrate::migrate;
    use crate::schema::MIGRATIONS;

    #[test]
    fn vectors_are_read_and_found_by_their_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        std::fs::write(&path, "").unwrap();
        let mut conn = Connection::open(&Arc::from(path), Duration::ZERO).unwrap();
        migrate(&mut conn, MIGRATIONS).unwrap();
        let mut plan = |sql: &str, values| {
            let plan = conn.query(&format!("EXPLAIN QUERY PLAN {sql}"), values, |row| {
                let _ids = (row.int()?, row.int()?, row.int()?);
                row.plain_text()
            });
            plan.unwrap().join("; ")
        };
        let page = plan(READ, vec!["m".to_owned().into(), 1.into(), 9.into()]);
        assert!(page.contains("vectors_model (model=? AND rowid>?)"), "{page}");
        assert!(!page.contains("TEMP B-TREE"), "{page}");
        // As the triggers of the schema remove them.
        let of_record = "DELETE FROM vectors WHERE id = ? AND kind = 1";
        let of_record = plan(of_record, vec![vec![1_u8; 16].into()]);
        assert!(of_record.contains("vectors_unit (id=? AND kind=?)"), "{of_record}");
    }
}
