//! Progress of the exchange with other machines.

use super::Memory;
use crate::error::Error;
use crate::model::{RecordId, Timestamp};
use crate::storage::Seq;
use crate::sync::Standing;

/// State of the exchange of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeStatus {
    /// Where the store stands.
    pub standing: Standing,
    /// Records that wait to be sent.
    pub n_waiting: usize,
    /// Records that are larger than the place takes, and stay here until they change.
    pub too_large: Vec<RecordId>,
    /// Changes of the store that the exchange has not looked at yet, at most.
    pub n_unseen: Seq,
    /// Milliseconds by which the newest change that was seen is ahead of this machine's clock: some
    /// clock is wrong by as much.
    pub ahead_ms: u64,
    /// Time at which this was found out.
    pub now: Timestamp,
}

impl Memory {
    /// Returns the state of the exchange with other machines; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn exchange_status(&self) -> Result<Option<ExchangeStatus>, Error> {
        let failed = || Error::storage("read the state of the exchange");
        let standing = Standing::of(&*self.storage).map_err(failed())?;
        let Some(standing) = standing.filter(|standing| !standing.address.is_empty()) else {
            return Ok(None);
        };
        let n_waiting = Standing::n_waiting(&*self.storage).map_err(failed())?;
        let too_large = Standing::too_large(&*self.storage).map_err(failed())?;
        let head = self.storage.head().map_err(failed())?;
        let now = self.clock.now();
        Ok(Some(ExchangeStatus {
            n_waiting,
            too_large,
            n_unseen: head.seq.saturating_sub(standing.observed),
            ahead_ms: standing.ahead_ms(now),
            now,
            standing,
        }))
    }
}
