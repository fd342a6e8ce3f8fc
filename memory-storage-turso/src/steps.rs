//! Rows of steps. The steps of an episode lie together, in order.

use memory_core::backend::StepRange;
use memory_core::{Step, StorageError, Timestamp};

use crate::connection::{Connection, Row, excerpt, label, opt};

/// Returns the key of a step: that of its episode × 2³² + its position.
fn step_key(episode_key: i64, idx: u32) -> i64 {
    (episode_key << 32) | i64::from(idx)
}

/// Appends steps from position `first` on.
pub(crate) fn insert(
    conn: &mut Connection,
    episode_key: i64,
    first: u32,
    steps: &[Step],
) -> Result<(), StorageError> {
    let sql = "INSERT INTO steps (at, occurred_at, ok, latency_ms, n_tokens, tool, action, args,
               args_bytes, error, error_bytes, observation, observation_bytes)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for (idx, step) in (first..).zip(steps) {
        let [args, args_bytes] = excerpt(Some(&step.args));
        let [error, error_bytes] = excerpt(step.error.as_ref());
        let [observation, observation_bytes] = excerpt(Some(&step.observation));
        let values = vec![
            step_key(episode_key, idx).into(),
            step.occurred_at.as_millis().into(),
            i64::from(step.ok).into(),
            opt(step.latency_ms.map(u64::cast_signed)),
            opt(step.n_tokens.map(u64::cast_signed)),
            step.tool.to_string().into(),
            label(step.action.as_deref()),
            args,
            args_bytes,
            error,
            error_bytes,
            observation,
            observation_bytes,
        ];
        conn.execute(sql, values)?;
    }
    Ok(())
}

/// Removes all steps of an episode.
pub(crate) fn remove(conn: &mut Connection, episode_key: i64) -> Result<(), StorageError> {
    let range = vec![step_key(episode_key, 0).into(), step_key(episode_key, u32::MAX).into()];
    conn.execute("DELETE FROM steps WHERE at BETWEEN ? AND ?", range).map(drop)
}

/// Reads one list of steps per range, all from one state of the store.
pub(crate) fn read(
    conn: &mut Connection,
    ranges: &[StepRange],
) -> Result<Vec<Vec<Step>>, StorageError> {
    conn.snapshot(|conn| ranges.iter().map(|range| read_range(conn, *range)).collect())
}

fn read_range(conn: &mut Connection, range: StepRange) -> Result<Vec<Step>, StorageError> {
    let sql = "SELECT s.at & 0xffffffff, occurred_at, ok, latency_ms, n_tokens, CAST(tool AS BLOB),
               CAST(action AS BLOB), CAST(args AS BLOB), args_bytes, CAST(error AS BLOB),
               error_bytes, CAST(observation AS BLOB), observation_bytes
               FROM (SELECT pk << 32 AS first FROM episodes WHERE id = ?) AS e
               CROSS JOIN steps AS s ON s.at BETWEEN e.first + ? AND e.first + 0xffffffff
               ORDER BY s.at LIMIT ?";
    let values = vec![
        range.episode.to_bytes().to_vec().into(),
        i64::from(range.from).into(),
        i64::from(range.limit).into(),
    ];
    conn.query(sql, values, step)
}

fn step(row: &mut Row) -> Result<Step, StorageError> {
    Ok(Step {
        idx: row.u32()?,
        occurred_at: Timestamp::from_millis(row.int()?),
        ok: row.int()? != 0,
        latency_ms: row.opt_int()?.map(i64::cast_unsigned),
        n_tokens: row.opt_int()?.map(i64::cast_unsigned),
        tool: row.text()?.into(),
        action: row.opt_label()?,
        args: row.excerpt()?,
        error: row.opt_excerpt()?,
        observation: row.excerpt()?,
    })
}
