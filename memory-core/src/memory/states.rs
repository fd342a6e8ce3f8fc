//! Small states that a program keeps between its calls: which episode is open in a client's
//! session, what was shown in it.
//!
//! Used by capture, whose processes live for one event. Limits: a state is lost after 30 days in
//! which it was not kept again, and is neither masked nor exported.

use super::Memory;
use crate::error::Error;
use crate::model::Timestamp;
use crate::storage::{Durability, NamedState, Op, WriteBatch};

/// Longest name of a state, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Largest state, in bytes: it is read and written whole with every event.
const MAX_STATE_BYTES: usize = 256 * 1024;

/// Age at which a state is dropped, in days: longer than a session of a client lasts.
const STATE_DAYS: i64 = 30;

const MS_PER_DAY: i64 = 24 * 60 * 60 * 1_000;

impl Memory {
    /// Keeps bytes under a name, in place of what is kept there; empty ones remove it. States that
    /// are older than 30 days are dropped on the way.
    ///
    /// What it holds is written as it is: secrets are the keeper's to mask. It survives the end of
    /// the process.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty name, [`Error::LimitExceeded`], [`Error::Storage`].
    pub fn keep_state(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let ops = self.state_ops(name, bytes)?;
        let stored = self.storage.apply(WriteBatch { ops }, Durability::Process);
        stored.map(drop).map_err(Error::storage("keep state"))
    }

    /// Returns what keeps a state.
    pub(super) fn state_ops(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<Op>, Error> {
        if name.is_empty() {
            return Err(Error::invalid("name", "of a state must not be empty"));
        }
        Error::check_limit("bytes of a state's name", MAX_NAME_BYTES, name.len())?;
        Error::check_limit("bytes of a state", MAX_STATE_BYTES, bytes.len())?;
        let at = self.clock.now();
        let oldest = at.as_millis().saturating_sub(STATE_DAYS * MS_PER_DAY);
        Ok(vec![
            Op::DropStates { before: Timestamp::from_millis(oldest) },
            Op::KeepState { name: name.into(), bytes: bytes.into(), at },
        ])
    }

    /// Lists the states whose names begin with `prefix`, ordered by name.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn states(&self, prefix: &str) -> Result<Vec<NamedState>, Error> {
        self.storage.states(prefix).map_err(Error::storage("read states"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::clock::StepClock;
    use crate::memory::Memory;
    use crate::model::Timestamp;
    use crate::storage::MemStorage;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn a_state_is_kept_for_thirty_days_after_it_was_last_kept() {
        let clock = StepClock::new(Timestamp::from_millis(0), 20 * DAY_MS);
        let storage = Arc::new(MemStorage::new());
        let memory = Memory::builder(storage).clock(Arc::new(clock)).open().unwrap();
        let names = || -> Vec<String> {
            memory.states("").unwrap().iter().map(|state| state.name.to_string()).collect()
        };
        memory.keep_state("a", vec![1]).unwrap();
        memory.keep_state("b", vec![2]).unwrap();
        assert_eq!(names(), ["a", "b"]);
        memory.keep_state("b", vec![3]).unwrap();
        assert_eq!(names(), ["b"], "`a` is older than 30 days");
        memory.keep_state("b", vec![]).unwrap();
        assert!(names().is_empty());
    }

    #[test]
    fn a_state_without_a_name_or_beyond_all_measure_is_refused() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        for (name, n_bytes) in [("", 1), ("n", 256 * 1024 + 1)] {
            assert!(memory.keep_state(name, vec![0; n_bytes]).is_err());
        }
        assert!(memory.states("").unwrap().is_empty());
    }
}
