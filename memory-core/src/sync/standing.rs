//! Standing of a store in its exchange: who it is, how far it has read and sent.

use super::carrier::Cursor;
use super::shadow;
use super::stamp::HybridClock;
use super::wire;
use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::{MachineId, RecordId, Timestamp};
use crate::storage::{Op, Seq, Storage, StorageError};

/// Name of the state that holds the [`Standing`].
const STANDING: &str = "exchange/standing";
/// Beginning of the names of what is to be sent, before the key of a record.
pub(crate) const OUT: &str = "exchange/out/";
/// Bytes of what is to be sent.
pub(crate) const WAITS: &[u8] = &[1];
/// Bytes of what the carrier cannot take; it waits for a change of the record.
pub(crate) const TOO_LARGE: &[u8] = &[2];
/// Beginning of the names of shadows, before the key of a record.
pub(crate) const RECORD: &str = "exchange/record/";
/// Beginning of the names of marks, before the key of a source.
pub(crate) const SOURCE: &str = "exchange/source/";

/// Version of the bytes of a standing.
const VERSION: u8 = 1;

/// Standing of a store in its exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Identity of this machine.
    pub machine: MachineId,
    /// Name of the store's file when it took that identity.
    pub place: Box<str>,
    /// Address of the carrier.
    pub address: Box<str>,
    /// Scopes that are exchanged, by name.
    pub scopes: Vec<Box<str>>,
    /// Position of the feed up to which local changes were noticed.
    pub observed: Seq,
    /// Position up to which was read what others sent.
    pub cursor: Option<Cursor>,
    /// The newest stamp that was made or seen.
    pub(crate) clock: HybridClock,
    /// Time of the last exchange that went to its end.
    pub synced_at: Option<Timestamp>,
    /// Time of the last attempt.
    pub tried_at: Option<Timestamp>,
    /// Reason why the last attempt ended early.
    pub error: Option<Box<str>>,
    /// Milliseconds by which this machine's clock was ahead of the carrier's; negative behind it.
    pub skew_ms: Option<i64>,
    /// Entries that could not be read, of all times.
    pub n_damaged: u64,
}

impl Standing {
    /// The standing of a machine that begins.
    pub(crate) fn new(machine: MachineId, place: &str) -> Self {
        Self {
            machine,
            place: place.into(),
            address: "".into(),
            scopes: Vec::new(),
            observed: 0,
            cursor: None,
            clock: HybridClock { newest: 0 },
            synced_at: None,
            tried_at: None,
            error: None,
            skew_ms: None,
            n_damaged: 0,
        }
    }

    /// Reads where a store stands; `None` where it takes no part in an exchange.
    ///
    /// # Errors
    ///
    /// Those of the storage; [`StorageError::Corrupt`] for bytes that no version writes.
    pub fn of(storage: &dyn Storage) -> Result<Option<Self>, StorageError> {
        let states = storage.states(STANDING)?;
        let Some(state) = states.iter().find(|state| &*state.name == STANDING) else {
            return Ok(None);
        };
        Self::from_bytes(&state.bytes).map(Some).map_err(|error| unreadable(STANDING, error))
    }

    /// Counts the records that wait to be sent.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn n_waiting(storage: &dyn Storage) -> Result<usize, StorageError> {
        Ok(outgoing(storage, WAITS)?.len())
    }

    /// Lists the records that are larger than the carrier takes. They stay on this machine.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn too_large(storage: &dyn Storage) -> Result<Vec<RecordId>, StorageError> {
        outgoing(storage, TOO_LARGE)
    }

    /// Returns by how many milliseconds the newest change that was seen is ahead of a clock: some
    /// machine's clock is ahead by as much.
    #[must_use]
    pub fn ahead_ms(&self, now: Timestamp) -> u64 {
        self.clock.ahead_ms(now)
    }

    /// Returns the operation that keeps it.
    pub(crate) fn keep(&self) -> Op {
        keep(STANDING.into(), self.to_bytes())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        out.bytes(&self.machine.0);
        out.text(&self.place);
        out.text(&self.address);
        wire::put_labels(&mut out, &self.scopes);
        out.varint(self.observed);
        wire::put_optional(&mut out, self.cursor.as_ref(), |out, cursor| {
            out.count(cursor.0.len());
            out.bytes(&cursor.0);
        });
        out.varint(self.clock.newest);
        wire::put_optional(&mut out, self.synced_at, wire::put_time);
        wire::put_optional(&mut out, self.tried_at, wire::put_time);
        wire::put_optional(&mut out, self.error.as_deref(), ByteWriter::text);
        wire::put_optional(&mut out, self.skew_ms, |out, ms| out.u64(ms.cast_unsigned()));
        out.varint(self.n_damaged);
        out.into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = ByteReader::new(bytes);
        if input.u8()? != VERSION {
            return Err(DecodeError::Invalid { what: "version of a standing" });
        }
        let reader = &mut input;
        let standing = Self {
            machine: MachineId(reader.array()?),
            place: reader.text()?.into(),
            address: reader.text()?.into(),
            scopes: wire::labels(reader)?,
            observed: reader.varint()?,
            cursor: wire::optional(reader, |input| {
                let n_bytes = input.count(1)?;
                Ok(Cursor(input.bytes(n_bytes)?.into()))
            })?,
            clock: HybridClock { newest: reader.varint()? },
            synced_at: wire::optional(reader, wire::time)?,
            tried_at: wire::optional(reader, wire::time)?,
            error: wire::optional(reader, |input| input.text().map(Into::into))?,
            skew_ms: wire::optional(reader, |input| input.u64().map(u64::cast_signed))?,
            n_damaged: reader.varint()?,
        };
        input.finish()?;
        Ok(standing)
    }
}

/// Lists the records that changed here since they were sent, and are in that state.
pub(crate) fn outgoing(storage: &dyn Storage, bytes: &[u8]) -> Result<Vec<RecordId>, StorageError> {
    let states = storage.states(OUT)?;
    let states = states.iter().filter(|state| *state.bytes == *bytes);
    let keys = states.filter_map(|state| state.name.strip_prefix(OUT));
    Ok(keys.filter_map(shadow::id_of).collect())
}

/// Returns the operation that keeps a state for as long as the exchange lasts; empty bytes remove
/// it.
pub(crate) fn keep(name: Box<str>, bytes: Vec<u8>) -> Op {
    // States are dropped by their age; this one never is.
    Op::KeepState { name, bytes: bytes.into(), at: Timestamp::from_millis(i64::MAX) }
}

/// The error of a state that cannot be read.
pub(crate) fn unreadable(name: &str, error: DecodeError) -> StorageError {
    StorageError::Corrupt {
        what: format!("the state `{name}`: {error}; `sync --leave` and join again").into(),
    }
}
