//! Finding imported records by where they came from, also those that were forgotten.

use memory_core::backend::Found;
use memory_core::{RecordId, RecordKind, Source, StorageError};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{corrupt, decode, encode, failed};
use crate::schema::{kind_byte, kind_of};

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

/// Lists the sources that were forgotten, in order.
pub(crate) fn forgotten(
    sources: &impl ReadableTable<&'static [u8], &'static [u8]>,
) -> Result<Vec<(RecordKind, Source)>, StorageError> {
    let mut forgotten = Vec::new();
    for row in sources.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let Value::V1(id) = decode(value.value(), &"a source")?;
        if id.is_none() {
            forgotten.push(parse(key.value()).ok_or_else(|| corrupt("the key of a source"))?);
        }
    }
    forgotten.sort_unstable();
    Ok(forgotten)
}

fn parse(key: &[u8]) -> Option<(RecordKind, Source)> {
    let (kind, rest) = key.split_first()?;
    let (n_bytes, rest) = rest.split_first_chunk()?;
    let (importer, id) = rest.split_at_checked(u32::from_be_bytes(*n_bytes) as usize)?;
    let text = |bytes| std::str::from_utf8(bytes).ok().map(Into::into);
    Some((kind_of(*kind)?, Source { importer: text(importer)?, external_id: text(id)? }))
}
