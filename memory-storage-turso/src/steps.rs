//! Rows of steps. The steps of an episode lie together, in order.

use std::borrow::Cow;

use memory_core::backend::{Placement, Rejection, StepRange, StoredCall};
use memory_core::{Step, StorageError, Timestamp};

use crate::connection::{Connection, Row, excerpt, label, opt};

/// Returns the key of a step: that of its episode × 2³² + its position.
fn step_key(episode_key: i64, idx: u32) -> i64 {
    (episode_key << 32) | i64::from(idx)
}

/// Steps that are given to an episode, with their places.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    new: Cow<'a, [Step]>,
    completed: Vec<Step>,
    /// Position of the last of them, whether it is new or was there.
    pub(crate) last: u32,
}

impl<'a> Placed<'a> {
    /// Places steps in an episode that has `n_before`, whose call of an id `stored` looks up.
    pub(crate) fn of(
        n_before: u32,
        steps: &'a [Step],
        stored: impl FnMut(&str) -> Result<Option<StoredCall>, StorageError>,
    ) -> Result<Self, StorageError> {
        if steps.iter().any(|step| step.call_id.is_some()) {
            let Placement { new, completed, last } =
                Placement::of(n_before, steps.to_vec(), stored)?;
            return Ok(Self { new: new.into(), completed, last });
        }
        let n_new = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let last = if n_new == 0 { 0 } else { n_before.saturating_add(n_new - 1) };
        Ok(Self { new: steps.into(), completed: Vec::new(), last })
    }

    /// Returns whether there is nothing to be stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.completed.is_empty()
    }

    /// Returns the number of steps that the episode has then; it may have `limit`.
    pub(crate) fn count(&self, n_before: u32, limit: u32) -> Result<u32, StorageError> {
        let (limit, got) = (limit as usize, n_before as usize + self.new.len());
        let n_steps = u32::try_from(got).ok().filter(|_| got <= limit);
        n_steps.ok_or_else(|| Rejection::TooManySteps { limit, got }.into())
    }

    /// Stores them, the new ones from position `n_before` on.
    pub(crate) fn store(
        &self,
        conn: &mut Connection,
        episode_key: i64,
        n_before: u32,
    ) -> Result<(), StorageError> {
        for step in &self.completed {
            insert(conn, episode_key, step.idx, std::slice::from_ref(step))?;
        }
        insert(conn, episode_key, n_before, &self.new)
    }
}

/// Puts steps in place of all that an episode has.
pub(crate) fn replace(
    conn: &mut Connection,
    episode_key: i64,
    all: &[Step],
) -> Result<(), StorageError> {
    remove(conn, episode_key)?;
    insert(conn, episode_key, 0, all)
}

/// Looks a step up by the id of its call.
pub(crate) fn call(
    conn: &mut Connection,
    episode_key: i64,
    call_id: &str,
) -> Result<Option<StoredCall>, StorageError> {
    let sql = "SELECT at & 0xffffffff, occurred_at,
               ok = 0 OR error IS NOT NULL OR observation <> '' FROM steps
               WHERE episode = ? AND call_id = ?";
    conn.first(sql, vec![episode_key.into(), call_id.to_owned().into()], |row| {
        let (idx, occurred_at) = (row.u32()?, Timestamp::from_millis(row.int()?));
        Ok(StoredCall { idx, occurred_at, has_result: row.int()? != 0 })
    })
}

/// Stores steps from position `first` on; those that stand there make place for them.
fn insert(
    conn: &mut Connection,
    episode_key: i64,
    first: u32,
    steps: &[Step],
) -> Result<(), StorageError> {
    let sql = "INSERT OR REPLACE INTO steps (at, occurred_at, ok, latency_ms, n_tokens, tool,
               action, args, args_bytes, error, error_bytes, observation, observation_bytes,
               call_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
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
            label(step.call_id.as_deref()),
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
               error_bytes, CAST(observation AS BLOB), observation_bytes, CAST(call_id AS BLOB)
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
        call_id: row.opt_label()?,
    })
}
