//! The state of the exchange with other machines, in one line.

use memory_core::Timestamp;
use memory_core::exchange::ExchangeStatus;
use schemars::JsonSchema;
use serde::Serialize;

use super::moment::{Age, rfc3339};
use super::render::{dot, put};

/// Wrong by more than this, a clock is worth a word.
const WRONG_MS: u64 = 10_000;

/// State of the exchange.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Exchanged {
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    n_waiting: usize,
    n_unseen: u64,
    /// Records that are larger than the place takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    too_large: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Seconds by which a clock is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_off_s: Option<i64>,
    n_damaged: u64,
    #[serde(skip)]
    ages: (Timestamp, Option<Timestamp>, Option<Timestamp>),
}

impl Exchanged {
    /// Takes the state.
    pub(crate) fn new(status: ExchangeStatus) -> Self {
        let ExchangeStatus { standing, n_waiting, too_large, n_unseen, ahead_ms, now } = status;
        let is_wrong = |ms: &i64| ms.unsigned_abs() > WRONG_MS;
        let ahead = i64::try_from(ahead_ms).unwrap_or(i64::MAX);
        let off = standing.skew_ms.filter(is_wrong).or(Some(-ahead).filter(is_wrong));
        Self {
            place: standing.address.into(),
            last: standing.synced_at.map(rfc3339),
            n_waiting,
            n_unseen,
            too_large: too_large.iter().map(ToString::to_string).collect(),
            error: standing.error.map(Into::into),
            clock_off_s: off.map(|ms| ms / 1_000),
            n_damaged: standing.n_damaged,
            ages: (now, standing.synced_at, standing.tried_at),
        }
    }

    /// Returns whether the last exchange failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Returns what is odd, and that nobody has to do anything about.
    pub(crate) fn is_odd(&self) -> bool {
        self.clock_off_s.is_some() || self.n_damaged > 0 || !self.too_large.is_empty()
    }

    /// Says it in one line.
    pub(crate) fn line(&self) -> String {
        let mut out = self.place.clone();
        let (now, synced_at, tried_at) = self.ages;
        match synced_at {
            Some(then) => dot(&mut out, format_args!("last {}", Age { now, then })),
            None => dot(&mut out, "never yet"),
        }
        dot(&mut out, format_args!("{} record(s) wait to be sent", self.n_waiting));
        if self.n_unseen > 0 {
            dot(&mut out, format_args!("at most {} change(s) not looked at", self.n_unseen));
        }
        if let Some(first) = self.too_large.first() {
            let n = self.too_large.len();
            dot(&mut out, format_args!("{n} record(s) are too large to be sent, such as {first}"));
        }
        if let (Some(error), Some(then)) = (&self.error, tried_at) {
            dot(&mut out, format_args!("failed {}: {error}", Age { now, then }));
        }
        match self.clock_off_s {
            Some(s @ 1..) => dot(&mut out, format_args!("this clock is {s} s ahead")),
            Some(s) => dot(&mut out, format_args!("a clock elsewhere is {} s ahead", -s)),
            None => {}
        }
        if self.n_damaged > 0 {
            put(&mut out, format_args!(" · {} entries could not be read", self.n_damaged));
        }
        out
    }
}
