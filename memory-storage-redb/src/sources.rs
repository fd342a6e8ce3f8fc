//! Finding imported records by where they came from, also those that were forgotten.

use memory_core::backend::Found;
use memory_core::{RecordId, RecordKind, Source, StorageError};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode, failed};
use crate::schema::kind_byte;

/// What is known of a source; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value {
    V1(Option<[u8; 16]>),
}

/// Returns the key of a source. The length keeps importer and id apart.
pub(crate) fn key(kind: RecordKind, source: &Source) -> Vec<u8> {
    let Source { importer, external_id } = source;
    let n_bytes = u32::try_from(importer.len()).unwrap_or(u32::MAX).to_be_bytes();
    let parts = [&[kind_byte(kind)], &n_bytes[..], importer.as_bytes(), external_id.as_bytes()];
    parts.concat()
}

/// Returns the value of a source whose record is stored under `id`, or was forgotten.
pub(crate) fn to_bytes(id: Option<RecordId>) -> Result<Vec<u8>, StorageError> {
    encode(&Value::V1(id.map(RecordId::to_bytes)))
}

/// Looks a source up.
pub(crate) fn find_one(
    sources: &impl ReadableTable<&'static [u8], &'static [u8]>,
    kind: RecordKind,
    source: &Source,
) -> Result<Found, StorageError> {
    let Some(value) = sources.get(&*key(kind, source)).map_err(failed)? else {
        return Ok(Found::Unknown);
    };
    let Value::V1(id) = decode(value.value(), &"a source")?;
    Ok(id.map_or(Found::Forgotten, |id| Found::Stored(RecordId::from_bytes(kind, id))))
}
