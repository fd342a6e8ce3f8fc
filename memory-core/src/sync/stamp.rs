//! Stamps of fields, when and by which machine they were set: a hybrid logical clock.
//!
//! A stamp is the time of the machine's clock, but later than every stamp that the machine has seen
//! or made: whoever changes what they have seen wins over it, however wrong the clocks are.

use crate::model::{MachineId, Timestamp};

/// Bits below the milliseconds, in which stamps of one millisecond are counted.
const COUNT_BITS: u32 = 16;

/// Time of a change and the machine that made it; the later one wins, of equal times the machine of
/// the higher id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Milliseconds since the Unix epoch and a count; 0 for what a record was made with.
    pub(crate) at: u64,
    /// The machine.
    pub(crate) machine: MachineId,
}

impl Stamp {
    /// The stamp of what a record was made with.
    pub(crate) const fn first(machine: MachineId) -> Self {
        Self { at: 0, machine }
    }
}

/// Makes stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HybridClock {
    /// The newest stamp that was made or seen.
    pub(crate) newest: u64,
}

impl HybridClock {
    /// Returns a stamp that is later than all before.
    pub(crate) fn next(&mut self, machine: MachineId, now: Timestamp) -> Stamp {
        self.newest = (milliseconds(now) << COUNT_BITS).max(self.newest.saturating_add(1));
        Stamp { at: self.newest, machine }
    }

    /// Takes note of a stamp of another machine.
    pub(crate) fn see(&mut self, at: u64) {
        self.newest = self.newest.max(at);
    }

    /// Returns by how many milliseconds the newest stamp is ahead of a clock.
    pub(crate) fn ahead_ms(self, now: Timestamp) -> u64 {
        (self.newest >> COUNT_BITS).saturating_sub(milliseconds(now))
    }
}

/// Milliseconds that leave room for the count.
fn milliseconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(0).min(u64::MAX >> COUNT_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_later_than_all_that_were_seen_though_the_clock_is_behind() {
        let (machine, mut clock) = (MachineId([1; 16]), HybridClock { newest: 0 });
        let first = clock.next(machine, Timestamp::from_millis(5));
        let same_instant = clock.next(machine, Timestamp::from_millis(5));
        let back = clock.next(machine, Timestamp::from_millis(-9));
        assert!(first < same_instant && same_instant < back);
        clock.see(u64::from(u32::MAX) << COUNT_BITS);
        let after = clock.next(machine, Timestamp::from_millis(6));
        assert!(after.at > u64::from(u32::MAX) << COUNT_BITS);
        assert_eq!(clock.ahead_ms(Timestamp::from_millis(0)), u64::from(u32::MAX));
        let late = clock.next(machine, Timestamp::from_millis(i64::MAX));
        assert!(late > after);
    }
}
