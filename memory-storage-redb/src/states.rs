//! Small named states.

use memory_core::backend::NamedState;
use memory_core::{StorageError, Timestamp};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode, failed};

/// A state as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    V1 { recorded_at: i64, bytes: &'a [u8] },
}

/// Returns the value of a state.
pub(crate) fn to_bytes(state: &NamedState) -> Result<Vec<u8>, StorageError> {
    let recorded_at = state.recorded_at.as_millis();
    encode(&Value::V1 { recorded_at, bytes: &state.bytes })
}

/// Reads the value of the state of that name.
pub(crate) fn from_bytes(name: &str, bytes: &[u8]) -> Result<NamedState, StorageError> {
    let Value::V1 { recorded_at, bytes } = decode(bytes, &format_args!("state `{name}`"))?;
    let recorded_at = Timestamp::from_millis(recorded_at);
    Ok(NamedState { name: name.into(), bytes: bytes.into(), recorded_at })
}

/// Lists the states whose names begin with `prefix`, ordered by name.
pub(crate) fn read(
    states: &impl ReadableTable<&'static str, &'static [u8]>,
    prefix: &str,
) -> Result<Vec<NamedState>, StorageError> {
    let mut read = Vec::new();
    for row in states.range(prefix..).map_err(failed)? {
        let (name, value) = row.map_err(failed)?;
        if !name.value().starts_with(prefix) {
            break;
        }
        read.push(from_bytes(name.value(), value.value())?);
    }
    Ok(read)
}
