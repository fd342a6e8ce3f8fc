//! The seam between the exchange of records and what carries them.

use crate::model::{MachineId, RecordId, Timestamp};

/// State of one record, as one machine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The machine.
    pub machine: MachineId,
    /// The record, stored or forgotten.
    pub record: RecordId,
    /// The scope that the record belongs to; a carrier lists by it.
    pub scope: Box<str>,
    /// The state, in a form that carriers do not read.
    pub bytes: Box<[u8]>,
}

/// Position in what a carrier holds, in a form that this carrier alone reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub Box<[u8]>);

/// Entries of other machines, in the order in which the carrier got them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Position after the last of them.
    pub cursor: Cursor,
    /// True when more entries follow.
    pub more: bool,
}

/// A place through which machines exchange records: a server or a folder.
///
/// It holds at most one entry of each machine and record: the newest that was pushed. Every call
/// may block.
pub trait Carrier: Send {
    /// Address of the place, without credentials, as messages name it.
    fn address(&self) -> &str;

    /// Most bytes of one entry that it takes.
    fn largest_entry(&self) -> usize;

    /// Stores entries, each in place of an older one of the same machine and record.
    ///
    /// All are stored or none. A push that is repeated, because its answer was lost, changes
    /// nothing but positions.
    ///
    /// # Errors
    ///
    /// See [`CarrierError`].
    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError>;

    /// Lists entries of these scopes that others than `own` pushed after a position (`None`: from
    /// the beginning), some `limit_bytes` of them; at least one where there is one.
    ///
    /// An entry that is replaced later is listed at its newest position alone. None that was
    /// stored before the call is left out by repeated pulls.
    ///
    /// # Errors
    ///
    /// See [`CarrierError`].
    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError>;

    /// Time by the clock of the place, if it has one of its own: shows how wrong this machine's is.
    ///
    /// # Errors
    ///
    /// See [`CarrierError`].
    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError>;
}

/// Reason why a carrier did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarrierError {
    /// The place cannot be reached, or broke off: what was pushed may be stored or not, try again.
    #[error("{address} is away: {reason}")]
    Away {
        /// The place.
        address: Box<str>,
        /// Reason, as a clause.
        reason: Box<str>,
    },
    /// The place says no: a wrong token, a missing permission, a newer format.
    #[error("{address} refuses: {reason}")]
    Refused {
        /// The place.
        address: Box<str>,
        /// Reason, and what would help.
        reason: Box<str>,
    },
    /// The content of the place cannot be read.
    #[error("{address} is damaged: {what}")]
    Corrupt {
        /// The place.
        address: Box<str>,
        /// The damaged part.
        what: Box<str>,
    },
}
