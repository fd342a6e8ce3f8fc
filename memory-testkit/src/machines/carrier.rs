//! Ways to a place that fail.

use fastrand::Rng;
use memory_core::Timestamp;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};

/// Shares of calls, in percent, that go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Calls that do nothing, or lose their answer.
    pub failed: u32,
    /// Pulls that list entries twice and in another order.
    pub repeated: u32,
}

/// A carrier whose calls fail now and then, before or after they took effect.
pub struct FaultyCarrier<C> {
    inner: C,
    faults: Faults,
    rng: Rng,
}

impl<C: Carrier> FaultyCarrier<C> {
    /// Passes calls on, with faults that follow from a seed.
    pub fn new(inner: C, faults: Faults, seed: u64) -> Self {
        Self { inner, faults, rng: Rng::with_seed(seed) }
    }

    fn fail(&mut self) -> Result<(), CarrierError> {
        if self.rng.u32(0..100) < self.faults.failed {
            let reason = "the wire is cut".into();
            return Err(CarrierError::Away { address: self.address().into(), reason });
        }
        Ok(())
    }
}

impl<C: Carrier> Carrier for FaultyCarrier<C> {
    fn address(&self) -> &str {
        self.inner.address()
    }

    fn largest_entry(&self) -> usize {
        self.inner.largest_entry()
    }

    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError> {
        self.fail()?;
        self.inner.push(entries)?;
        // Stored, and nobody hears of it.
        self.fail()
    }

    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError> {
        self.fail()?;
        // Small pages, so that exchanges end between them.
        let limit = if self.faults.failed > 0 { self.rng.usize(1..2_000) } else { limit_bytes };
        let mut pulled = self.inner.pull(own, scopes, after, limit)?;
        if self.rng.u32(0..100) < self.faults.repeated {
            let again = pulled.entries.clone();
            pulled.entries.extend(again);
            self.rng.shuffle(&mut pulled.entries);
        }
        Ok(pulled)
    }

    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError> {
        self.inner.now()
    }
}
