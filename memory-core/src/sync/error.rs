//! Errors of an exchange.

use super::carrier::CarrierError;
use crate::storage::StorageError;

/// Reason why an exchange ended early; what was exchanged before stays, the rest comes next time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The carrier.
    #[error(transparent)]
    Carrier(#[from] CarrierError),
    /// The store of this machine.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another machine runs a newer program.
    #[error("another machine sends records in a newer format: update this program")]
    Newer,
}
