//! Rows of vectors, and the models that made them.

use libsql::Value;
use memory_core::backend::{StoredVector, UnitKey, VectorRow};
use memory_core::{RecordId, StorageError};

use crate::changes::{kind_column, record_kind};
use crate::connection::{Connection, Row};

/// A page of the vectors of a model.
const READ: &str = "SELECT v.seq, v.kind, v.id, v.part, v.content_hash, m.dimension, v.vector
                    FROM models AS m CROSS JOIN vectors AS v ON v.model = m.pk
                    WHERE m.name = ? AND v.seq > ? ORDER BY v.seq LIMIT ?";

/// Removes the vector of one unit.
const REMOVE: &str = "DELETE FROM vectors WHERE model = ? AND part = ? AND kind = ? AND id = ?";

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

/// Stores vectors of a model in place of those of the same units, but for those of records that are not
/// stored. Costs about 5 µs each.
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
    let dimension = i64::try_from(dimension).unwrap_or(i64::MAX);
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
    let StoredVector { unit, content_hash, vector } = stored;
    let mut values = unit_columns(model, *unit);
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    values.extend([content_hash.cast_signed().into(), bytes.into()]);
    conn.execute(sql, values).map(drop)
}

/// The columns `model`, `part`, `kind` and `id`.
fn unit_columns(model: i64, unit: UnitKey) -> Vec<Value> {
    let UnitKey { record, part } = unit;
    let (kind, id) = (kind_column(record.kind()), record.to_bytes().to_vec());
    vec![model.into(), i64::from(part).into(), kind.into(), id.into()]
}

/// Removes the vectors that these units have by a model.
pub(crate) fn remove(
    conn: &mut Connection,
    name: &str,
    units: &[UnitKey],
) -> Result<(), StorageError> {
    let Some(Model { key, .. }) = model(conn, name)? else { return Ok(()) };
    for unit in units {
        conn.execute(REMOVE, unit_columns(key, *unit))?;
    }
    Ok(())
}

/// Removes the vectors of all other models, and those models.
pub(crate) fn keep_model(conn: &mut Connection, name: &str) -> Result<(), StorageError> {
    let name = || vec![Value::from(name.to_owned())];
    let vectors = "DELETE FROM vectors WHERE model IN (SELECT pk FROM models WHERE name <> ?)";
    conn.execute(vectors, name())?;
    conn.execute("DELETE FROM models WHERE name <> ?", name()).map(drop)
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
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use memory_core::backend::{Durability, Op, WriteBatch};
    use memory_core::{Config, EmbedError, Embedder, Memory, Role, Storage, SystemClock};
    use memory_testkit::sample;

    use super::*;
    use crate::TursoStorage;
    use crate::open::{Options, open};

    const MODEL: &str = "m";

    /// A store with vectors of a note and an episode, and a connection beside it, on which SQL runs as
    /// damage or another version would have it.
    fn stored(dir: &Path) -> (TursoStorage, Connection) {
        let store = open(&dir.join("store.db"), &Options::default()).unwrap();
        let (episode, note) = (sample::episode(1), sample::note(1));
        let vectors = vec![sample::vector(episode.id, 0, 1), sample::vector(note.id, 0, 2)];
        let ops = vec![
            Op::InsertEpisode { episode: Box::new(episode), steps: vec![] },
            Op::InsertNote(Box::new(note)),
            Op::PutVectors { model: MODEL.into(), vectors },
        ];
        store.apply(WriteBatch { ops }, Durability::Process).unwrap();
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        let conn = Connection::open(&Arc::from(store.path()), Duration::from_secs(5)).unwrap();
        (store, conn)
    }

    /// What `check` says after a statement, without what it says of the change feed.
    fn findings(sql: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut conn) = stored(dir.path());
        conn.script(sql).unwrap();
        let mut findings = store.check().unwrap();
        findings.retain(|finding| !finding.contains("change feed"));
        findings
    }

    #[test]
    fn a_vector_without_its_record_is_found() {
        let orphaned = "DROP TRIGGER notes_vectors; DELETE FROM notes";
        let note = sample::note_id(1);
        assert_eq!(findings(orphaned), [format!("note {note} is gone but has vectors")]);
        let orphaned = "DROP TRIGGER episodes_vectors; DELETE FROM episodes";
        let episode = sample::episode_id(1);
        assert_eq!(findings(orphaned), [format!("episode {episode} is gone but has vectors")]);
    }

    #[test]
    fn a_vector_of_another_dimension_than_its_model_is_found_and_not_read() {
        let what = "has a vector of another dimension than its model";
        let note = format!("note {} {what}", sample::note_id(1));
        for bytes in ["x''", "x'00'", "zeroblob(11)", "zeroblob(13)", "zeroblob(16)"] {
            let sql = format!("UPDATE vectors SET vector = {bytes} WHERE kind = 2");
            assert_eq!(findings(&sql), [note.as_str()], "{bytes}");
            let dir = tempfile::tempdir().unwrap();
            let (store, mut conn) = stored(dir.path());
            conn.script(&sql).unwrap();
            let refused = store.vectors(MODEL, 0, 10).unwrap_err();
            assert!(matches!(refused, StorageError::Corrupt { .. }), "{refused}");
        }
        let both = findings("DELETE FROM models");
        assert_eq!(both, [format!("episode {} {what}", sample::episode_id(1)), note]);
    }

    /// Makes the same vector of every text.
    struct Constant;

    impl Embedder for Constant {
        fn id(&self) -> &str {
            MODEL
        }

        fn dimension(&self) -> usize {
            3
        }

        fn batch_limit(&self) -> usize {
            8
        }

        fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
            Ok(vec![vec![1.0, 0.0, 0.0]; texts.len()])
        }
    }

    #[test]
    fn a_damaged_vector_is_made_again_from_its_text() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut conn) = stored(dir.path());
        let store: Arc<dyn Storage> = Arc::new(store);
        let start = || {
            let (clock, embedder) = (Arc::new(SystemClock), Some(Arc::new(Constant) as _));
            Memory::with_parts(Arc::clone(&store), Config::default(), clock, embedder).unwrap()
        };
        assert_eq!(start().embed_all().unwrap(), 2, "an episode and a note");
        conn.script("UPDATE vectors SET vector = x'00' WHERE kind = 2").unwrap();
        let memory = start();
        memory.refresh().unwrap();
        assert_eq!(memory.status().unwrap().index.n_pending, 1);
        assert_eq!(memory.embed_all().unwrap(), 1);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        assert_eq!(start().embed_all().unwrap(), 0);
    }

    /// A version before vectors that has the store open since before knows nothing of them.
    #[test]
    fn an_older_version_that_removes_a_record_removes_its_vectors() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut conn) = stored(dir.path());
        conn.script("DELETE FROM notes").unwrap();
        assert_eq!(store.stats().unwrap().n_vectors, 1);
        conn.script("DELETE FROM episodes").unwrap();
        assert_eq!(store.stats().unwrap().n_vectors, 0);
    }

    #[test]
    fn vectors_are_read_and_found_by_their_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let (_store, mut conn) = stored(dir.path());
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
        let unit = unit_columns(1, sample::vector(sample::note_id(1), 0, 1).unit);
        let unit = plan(REMOVE, unit);
        assert!(unit.contains("vectors_unit (id=? AND kind=? AND part=? AND model=?)"), "{unit}");
        let of_record = "DELETE FROM vectors WHERE id = ? AND kind = 1";
        let of_record = plan(of_record, vec![vec![1_u8; 16].into()]);
        assert!(of_record.contains("vectors_unit (id=? AND kind=?)"), "{of_record}");
    }
}
