//! Values of steps, and runs of them.

use memory_core::backend::{StepRange, StoredCall};
use memory_core::{Step, StorageError, Timestamp};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode, failed};
use crate::schema::step_key;
use crate::text::Text;

/// A step as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    V1(#[serde(borrow)] V1<'a>),
}

#[derive(Serialize, Deserialize)]
struct V1<'a> {
    call_id: Option<&'a str>,
    tool: &'a str,
    action: Option<&'a str>,
    #[serde(borrow)]
    args: Text<'a>,
    observation: Text<'a>,
    ok: bool,
    error: Option<Text<'a>>,
    latency_ms: Option<u64>,
    n_tokens: Option<u64>,
    occurred_at: i64,
}

/// Returns the value of a step.
pub(crate) fn to_bytes(step: &Step) -> Result<Vec<u8>, StorageError> {
    encode(&Value::V1(V1 {
        call_id: step.call_id.as_deref(),
        tool: &step.tool,
        action: step.action.as_deref(),
        args: Text::of(&step.args),
        observation: Text::of(&step.observation),
        ok: step.ok,
        error: step.error.as_ref().map(Text::of),
        latency_ms: step.latency_ms,
        n_tokens: step.n_tokens,
        occurred_at: step.occurred_at.as_millis(),
    }))
}

/// Reads the value of a step at position `idx`.
///
/// # Errors
///
/// [`StorageError::Corrupt`] where the bytes are no such value.
pub(crate) fn from_bytes(idx: u32, bytes: &[u8]) -> Result<Step, StorageError> {
    let Value::V1(value) = decode(bytes, &"a step")?;
    Ok(Step {
        idx,
        call_id: value.call_id.map(Into::into),
        tool: value.tool.into(),
        action: value.action.map(Into::into),
        args: value.args.excerpt(),
        observation: value.observation.excerpt(),
        ok: value.ok,
        error: value.error.map(Text::excerpt),
        latency_ms: value.latency_ms,
        n_tokens: value.n_tokens,
        occurred_at: Timestamp::from_millis(value.occurred_at),
    })
}

/// Reads a run of steps.
pub(crate) fn read(
    steps: &impl ReadableTable<&'static [u8; 20], &'static [u8]>,
    range: &StepRange,
) -> Result<Vec<Step>, StorageError> {
    if range.limit == 0 {
        return Ok(Vec::new());
    }
    let last = range.from.saturating_add(range.limit - 1);
    let keys = step_key(range.episode, range.from)..=step_key(range.episode, last);
    let (first, last) = (keys.start(), keys.end());
    let mut read = Vec::new();
    for row in steps.range::<&[u8; 20]>(first..=last).map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let [.., a, b, c, d] = *key.value();
        read.push(from_bytes(u32::from_be_bytes([a, b, c, d]), value.value())?);
    }
    Ok(read)
}

/// Returns what another telling of a step's call depends on.
pub(crate) fn stored_call(step: &Step) -> StoredCall {
    StoredCall { idx: step.idx, occurred_at: step.occurred_at, has_result: step.has_result() }
}
