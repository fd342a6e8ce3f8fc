//! A clock that is wrong by a fixed amount.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use memory_core::{Clock, Timestamp};

use crate::sample;

/// Shows the common time and its error; its ids begin with that time, as those of a UUIDv7 do.
pub(super) struct SkewedClock {
    machine: u8,
    now_ms: AtomicI64,
    n_ids: AtomicU64,
}

impl SkewedClock {
    /// The clock of the machine of that number.
    pub(super) fn new(machine: usize, error_ms: i64) -> Self {
        let now_ms = AtomicI64::new(sample::EPOCH_MS + error_ms);
        Self { machine: u8::try_from(machine).unwrap(), now_ms, n_ids: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub(super) fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The time that it shows.
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.load(Ordering::Relaxed))
    }

    /// A new id.
    pub(super) fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&self.time().as_millis().to_be_bytes()[2..]);
        (id[6], id[8], id[9]) = (0x70, 0x80, self.machine);
        let n = self.n_ids.fetch_add(1, Ordering::Relaxed);
        id[10..].copy_from_slice(&n.to_be_bytes()[2..]);
        id
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn next_id(&self) -> [u8; 16] {
        self.id()
    }
}
