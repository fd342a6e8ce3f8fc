//! Values of vectors: the unit, the hash of its text, and the numbers as little-endian `f32`.

use memory_core::StorageError;
use memory_core::backend::{StoredVector, UnitKey, VectorRow};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{corrupt, decode, encode, failed};
use crate::schema::vector_key;
use crate::text::Id;

/// A vector as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    V1 { record: Id, part: u32, content_hash: u64, numbers: &'a [u8] },
}

/// Returns the value of a vector.
pub(crate) fn to_bytes(stored: &StoredVector) -> Result<Vec<u8>, StorageError> {
    let StoredVector { unit: UnitKey { record, part }, content_hash, vector } = stored;
    let numbers: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let (part, content_hash) = (*part, *content_hash);
    encode(&Value::V1 { record: Id::of(*record), part, content_hash, numbers: &numbers })
}

/// Reads the value of a vector.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<StoredVector, StorageError> {
    let Value::V1 { record, part, content_hash, numbers } = decode(bytes, &"a vector")?;
    let (numbers, rest) = numbers.as_chunks();
    if !rest.is_empty() {
        return Err(corrupt("a vector is cut off"));
    }
    let vector = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(StoredVector { unit: UnitKey { record: record.record()?, part }, content_hash, vector })
}

/// Lists vectors of a model above `after`, oldest first, at most `limit`.
pub(crate) fn read(
    vectors: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    model: u32,
    after: u64,
    limit: usize,
) -> Result<Vec<VectorRow>, StorageError> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    let (first, last) = (vector_key(model, first), vector_key(model, u64::MAX));
    let rows = vectors.range::<&[u8; 12]>(&first..=&last).map_err(failed)?.take(limit);
    rows.map(|row| {
        let (key, value) = row.map_err(failed)?;
        let [_, _, _, _, seq @ ..] = *key.value();
        Ok(VectorRow { seq: u64::from_be_bytes(seq), vector: from_bytes(value.value())? })
    })
    .collect()
}

/// Lists the models that made vectors, in order.
pub(crate) fn models(
    models: &impl ReadableTable<&'static str, u32>,
    vectors: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
) -> Result<Vec<Box<str>>, StorageError> {
    let mut named = Vec::new();
    for row in models.iter().map_err(failed)? {
        let (name, number) = row.map_err(failed)?;
        if dimension(vectors, number.value())?.is_some() {
            named.push(name.value().into());
        }
    }
    Ok(named)
}

/// Counts the vectors of each model that made any, by its name.
pub(crate) fn count(
    models: &impl ReadableTable<&'static str, u32>,
    vectors: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
) -> Result<Vec<(Box<str>, u64)>, StorageError> {
    let mut counts = Vec::new();
    for row in models.iter().map_err(failed)? {
        let (name, number) = row.map_err(failed)?;
        let (first, last) = (vector_key(number.value(), 0), vector_key(number.value(), u64::MAX));
        let n = vectors.range::<&[u8; 12]>(&first..=&last).map_err(failed)?.count() as u64;
        if n > 0 {
            counts.push((name.value().into(), n));
        }
    }
    Ok(counts)
}

/// Returns the dimension of the stored vectors of a model, `None` where there are none.
pub(crate) fn dimension(
    vectors: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    model: u32,
) -> Result<Option<usize>, StorageError> {
    Ok(read(vectors, model, 0, 1)?.first().map(|row| row.vector.vector.len()))
}
