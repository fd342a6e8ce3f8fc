//! Time and identity, injected so that every test can be replayed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::model::Timestamp;

/// Tells the time and makes ids.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// The 16 bytes of a new UUIDv7 (RFC 9562, section 5.7); never the same twice.
    fn next_id(&self) -> [u8; 16];
}

/// The clock of the machine, with ids from its random numbers.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn next_id(&self) -> [u8; 16] {
        id_at(SystemTime::now())
    }
}

/// Returns a new UUIDv7 of an instant, which is that of the machine's clock. An instant before 1970
/// counts as its beginning.
fn id_at(now: SystemTime) -> [u8; 16] {
    // `now_v7` cannot tell an instant before 1970; ids of one millisecond are in order by it.
    let id = if now < UNIX_EPOCH {
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0))
    } else {
        Uuid::now_v7()
    };
    *id.as_bytes()
}

/// A clock for tests: begins at a given instant, advances by a given step at each reading, and
/// numbers its ids.
#[derive(Debug)]
pub struct StepClock {
    start_ms: i64,
    step_ms: i64,
    n_readings: AtomicU64,
    n_ids: AtomicU64,
}

impl StepClock {
    /// A clock that shows `start` first and `step_ms` more at each reading (less if negative).
    #[must_use]
    pub fn new(start: Timestamp, step_ms: i64) -> Self {
        let (n_readings, n_ids) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start_ms: start.as_millis(), step_ms, n_readings, n_ids }
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        let n = self.n_readings.fetch_add(1, Ordering::Relaxed);
        let offset_ms = self.step_ms.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX));
        Timestamp::from_millis(self.start_ms.saturating_add(offset_ms))
    }

    fn next_id(&self) -> [u8; 16] {
        let n = self.n_ids.fetch_add(1, Ordering::Relaxed);
        let ms = u64::try_from(self.start_ms).unwrap_or(0);
        *uuid::Builder::from_unix_timestamp_millis(
            ms,
            &((u128::from(n)).to_be_bytes()[6..].try_into().unwrap_or([0; 10])),
        )
        .into_uuid()
        .as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_1970_makes_ids_of_its_beginning() {
        let before = UNIX_EPOCH - std::time::Duration::from_hours(1);
        let (one, two) = (id_at(before), id_at(before));
        assert_eq!(one[..6], [0; 6], "the time is 0");
        assert_ne!(one, two);
        assert_ne!(id_at(UNIX_EPOCH)[..6], [0; 6], "else the time is now");
    }
}
