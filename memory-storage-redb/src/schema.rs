//! The tables and their keys.
//!
//! Keys are bytes whose order is the order of reading; ids and numbers in them are big endian.
//! Tables with `()` as value are indexes, derived from the values of others.

use memory_core::{EpisodeId, RecordId, RecordKind};
use redb::TableDefinition;

/// The newest format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// Key of a record of either kind: the kind, then the id.
pub(crate) type RecordKey = [u8; 17];

/// A table whose values are postcard.
type Values<K> = TableDefinition<'static, K, &'static [u8]>;

/// Format, identity and the counter of vectors, by name.
pub(crate) const META: Values<&str> = TableDefinition::new("meta");
/// Position, state and number of steps of each record that ever was.
pub(crate) const RECORDS: Values<&RecordKey> = TableDefinition::new("records");
/// Episodes by id.
pub(crate) const EPISODES: Values<&[u8; 16]> = TableDefinition::new("episodes");
/// Notes by id.
pub(crate) const NOTES: Values<&[u8; 16]> = TableDefinition::new("notes");
/// Steps by episode and position.
pub(crate) const STEPS: Values<&[u8; 20]> = TableDefinition::new("steps");
/// Positions of steps by episode and the id of their call.
pub(crate) const CALLS: TableDefinition<'_, &[u8], u32> = TableDefinition::new("calls");
/// The change feed, by position.
pub(crate) const CHANGES: Values<u64> = TableDefinition::new("changes");
/// Records by source, also of those that were forgotten.
pub(crate) const SOURCES: Values<&[u8]> = TableDefinition::new("sources");
/// Notes by the record that they name.
pub(crate) const LINKS: TableDefinition<'_, &[u8; 33], ()> = TableDefinition::new("links");
/// Records in the order of lists; see [`crate::list`].
pub(crate) const LISTS: TableDefinition<'_, &[u8], ()> = TableDefinition::new("lists");
/// Small states by name.
pub(crate) const STATES: Values<&str> = TableDefinition::new("states");
/// Numbers of the embedding models, by name.
pub(crate) const MODELS: TableDefinition<'_, &str, u32> = TableDefinition::new("models");
/// Vectors by model and position.
pub(crate) const VECTORS: Values<&[u8; 12]> = TableDefinition::new("vectors");
/// Positions of vectors by record, part and model.
pub(crate) const UNITS: TableDefinition<'_, &[u8; 25], u64> = TableDefinition::new("units");

/// Name of the format in [`META`].
pub(crate) const META_FORMAT: &str = "format";
/// Name of the store's identity in [`META`].
pub(crate) const META_STORE_ID: &str = "store_id";
/// Name of the newest position of a vector in [`META`].
pub(crate) const META_VECTOR_SEQ: &str = "vector_seq";

/// Returns the number of a kind in keys and values.
pub(crate) const fn kind_byte(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Episode => 1,
        RecordKind::Note => 2,
    }
}

/// Returns the kind of a number, `None` for a number that none has.
pub(crate) const fn kind_of(byte: u8) -> Option<RecordKind> {
    match byte {
        1 => Some(RecordKind::Episode),
        2 => Some(RecordKind::Note),
        _ => None,
    }
}

/// Returns the key of a record.
pub(crate) fn record_key(id: RecordId) -> RecordKey {
    joined(&[&[kind_byte(id.kind())], &id.to_bytes()])
}

/// Returns the key of a step.
pub(crate) fn step_key(id: EpisodeId, idx: u32) -> [u8; 20] {
    joined(&[&id.to_bytes(), &idx.to_be_bytes()])
}

/// Returns the key of a call.
pub(crate) fn call_key(id: EpisodeId, call_id: &str) -> Vec<u8> {
    [&id.to_bytes(), call_id.as_bytes()].concat()
}

/// Returns the key of a link from a note to a record.
pub(crate) fn link_key(named: RecordId, note: [u8; 16]) -> [u8; 33] {
    joined(&[&record_key(named), &note])
}

/// Returns the key of a vector.
pub(crate) fn vector_key(model: u32, seq: u64) -> [u8; 12] {
    joined(&[&model.to_be_bytes(), &seq.to_be_bytes()])
}

/// Returns the key of a unit's vector.
pub(crate) fn unit_key(record: RecordId, part: u32, model: u32) -> [u8; 25] {
    joined(&[&record_key(record), &part.to_be_bytes(), &model.to_be_bytes()])
}

/// Joins parts to a key of `N` bytes; what is too long is cut off, what is missing is 0.
pub(crate) fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    key
}
