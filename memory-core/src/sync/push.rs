//! Sending what was changed here.

use super::carrier::{Carrier, Entry};
use super::error::ExchangeError;
use super::gate;
use super::session::{Kept, Session, Stored};
use super::shadow::{Seen, Shadow};
use super::standing::{WAITS, outgoing};
use super::state::{Dead, Live, State};
use crate::model::{RecordId, Scope};
use crate::storage::{Durability, Op, StorageError, WriteBatch};

/// Records that are read at once.
const PAGE: usize = 128;

/// Bytes of entries after which they are sent.
const BATCH_BYTES: usize = 4 << 20;

/// Entries of one batch.
const BATCH: usize = 512;

/// Changes by others that are looked through to find those of a page.
const N_CHANGES: usize = 4096;

/// Counts of the records that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sent {
    /// Entries that the carrier took.
    pub(crate) entries: usize,
    /// Secrets that were masked on the way.
    pub(crate) masks: usize,
}

/// Entries on their way, and what is to be noted once they have arrived.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    n_bytes: usize,
    kept: Kept,
    masks: usize,
}

impl Session<'_> {
    /// Sends what waits.
    ///
    /// # Errors
    ///
    /// Those of the carrier and of the storage; what the carrier took is sent.
    pub(crate) fn push(&mut self, carrier: &mut dyn Carrier) -> Result<Sent, ExchangeError> {
        let mut sent = Sent::default();
        let waiting: Vec<RecordId> = self.waiting()?;
        let mut batch = Batch::default();
        for page in waiting.chunks(PAGE) {
            self.fill(&mut batch, page, carrier.largest_entry())?;
            if batch.n_bytes >= BATCH_BYTES || batch.entries.len() >= BATCH {
                self.send(carrier, &mut batch, &mut sent)?;
            }
        }
        self.send(carrier, &mut batch, &mut sent)?;
        Ok(sent)
    }

    /// Lists the records that wait to be sent.
    pub(crate) fn waiting(&self) -> Result<Vec<RecordId>, StorageError> {
        outgoing(self.storage, WAITS)
    }

    /// Adds entries to a batch. One that is larger than the carrier takes would end every push, so
    /// it is kept back.
    fn fill(
        &mut self,
        batch: &mut Batch,
        ids: &[RecordId],
        largest: usize,
    ) -> Result<(), StorageError> {
        let stored = self.read(ids)?;
        // What was changed since would be sent with the stamps of before: it waits for next time.
        let changes = self.storage.changes(self.standing.observed, N_CHANGES)?;
        if changes.len() == N_CHANGES {
            return Ok(());
        }
        for (id, stored) in ids.iter().zip(stored) {
            if changes.iter().any(|change| change.id == *id) {
                continue;
            }
            let known = batch.kept.shadow(self.storage, *id)?;
            batch.kept.set_out(*id, false);
            let state = match (known, stored) {
                (Some(Shadow::Live(seen)), Some(stored)) => self.state_of(&seen, stored),
                (Some(Shadow::Dead { dead, offered }), _) => dead_state(dead, offered),
                // It is in no scope any more, or gone.
                (Some(Shadow::Live(_)) | None, _) => None,
            };
            let Some((state, scope)) = state else { continue };
            let (state, masks) = gate::pass(state);
            let bytes = state.to_bytes();
            if bytes.len() > largest {
                tracing::warn!(record = %id, n_bytes = bytes.len(), "is too large to be sent");
                batch.kept.set_too_large(*id);
                continue;
            }
            batch.masks += masks;
            batch.n_bytes += bytes.len();
            batch.entries.push(Entry {
                machine: self.me.machine,
                record: *id,
                scope: scope.as_str().into(),
                bytes: bytes.into(),
            });
        }
        Ok(())
    }

    /// Returns the state of a stored record with the scope that it is sent in, if it is.
    fn state_of(&mut self, seen: &Seen, stored: Stored) -> Option<(State, Scope)> {
        let (record, steps) = stored;
        let scope = record.scope().clone();
        if !self.takes(&scope) {
            return None;
        }
        let live: Live = self.observed(record, steps, Some(seen));
        Some((State::Live(Box::new(live)), scope))
    }

    fn send(
        &mut self,
        carrier: &mut dyn Carrier,
        batch: &mut Batch,
        sent: &mut Sent,
    ) -> Result<(), ExchangeError> {
        let Batch { entries, kept, masks, .. } = std::mem::take(batch);
        if !entries.is_empty() {
            carrier.push(&entries)?;
        }
        sent.entries += entries.len();
        sent.masks += masks;
        let mut ops: Vec<Op> = kept.ops;
        if !ops.is_empty() {
            ops.push(self.standing.keep());
            self.storage.apply(WriteBatch { ops }, Durability::Process)?;
        }
        Ok(())
    }
}

fn dead_state(dead: Dead, offered: Option<Scope>) -> Option<(State, Scope)> {
    Some((State::Dead(dead), offered?))
}
