//! Every limit and constant of the engine that a user may set, with its unit and default.

use std::path::PathBuf;

use crate::error::Error;

/// Limits and constants of the engine. Reads no environment; the program that embeds it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Longest task kept whole, in bytes; longer ones keep head and tail.
    pub max_task_bytes: usize,
    /// Longest argument text of a step kept whole, in bytes; longer ones keep head and tail.
    pub max_args_bytes: usize,
    /// Longest observation of a step kept whole, in bytes; longer ones keep head and tail.
    pub max_observation_bytes: usize,
    /// Longest note, summary, reflection or error kept whole, in bytes; longer ones keep head and
    /// tail.
    pub max_note_bytes: usize,
    /// Most steps of one episode; more are refused.
    pub max_steps: usize,
    /// Most tags, artifacts or lessons of one record; more are refused.
    pub max_labels: usize,
    /// Hits of a recall that names no limit.
    pub default_limit: usize,
    /// Most hits of one recall; more are refused.
    pub max_limit: usize,
    /// Size of a recall's answer that names no `max_tokens`, in tokens of about four bytes.
    pub default_max_tokens: usize,
    /// Half-life of the recency bonus of an experience, in days.
    pub recency_half_life_days: f64,
    /// Longest wait of a query for the index that is still being loaded, in milliseconds.
    pub index_wait_ms: u64,
    /// Memory for answers that are kept to be given again, in bytes; 0 keeps none.
    pub cache_bytes: usize,
    /// Age up to which an answer is cached while nothing is written, in milliseconds; 0 caches
    /// none.
    pub cache_age_ms: u64,
    /// File in which the search index is kept between starts, best beside the store; without one it
    /// is built from the storage at every start. Rebuilt whenever anything is wrong with it.
    pub snapshot_path: Option<PathBuf>,
}

/// Longest age of a kept answer: recency is counted in days.
const MAX_CACHE_AGE_MS: u64 = 24 * 60 * 60 * 1_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            max_task_bytes: 32 * 1024,
            max_args_bytes: 16 * 1024,
            max_observation_bytes: 16 * 1024,
            max_note_bytes: 32 * 1024,
            max_steps: 5_000,
            max_labels: 64,
            default_limit: 10,
            max_limit: 200,
            default_max_tokens: 1_000,
            recency_half_life_days: 90.0,
            index_wait_ms: 30_000,
            cache_bytes: 4 * 1024 * 1024,
            cache_age_ms: 60_000,
            snapshot_path: None,
        }
    }
}

impl Config {
    /// Checks that the values make sense together.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the field's name.
    pub fn validate(&self) -> Result<(), Error> {
        let at_least_one = [
            ("max_task_bytes", self.max_task_bytes),
            ("max_args_bytes", self.max_args_bytes),
            ("max_observation_bytes", self.max_observation_bytes),
            ("max_note_bytes", self.max_note_bytes),
            ("max_steps", self.max_steps),
            ("max_labels", self.max_labels),
            ("default_limit", self.default_limit),
            ("max_limit", self.max_limit),
            ("default_max_tokens", self.default_max_tokens),
        ];
        if let Some((field, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(Error::invalid(field, "must be at least 1"));
        }
        if u32::try_from(self.max_steps).is_err() {
            return Err(Error::invalid("max_steps", "must be below 4294967296"));
        }
        if self.default_limit > self.max_limit {
            return Err(Error::invalid("default_limit", "must not exceed max_limit"));
        }
        if self.recency_half_life_days.is_nan() || self.recency_half_life_days <= 0.0 {
            return Err(Error::invalid("recency_half_life_days", "must be above 0"));
        }
        if self.cache_age_ms > MAX_CACHE_AGE_MS {
            return Err(Error::invalid("cache_age_ms", "must be at most 86400000, which is a day"));
        }
        Ok(())
    }
}
