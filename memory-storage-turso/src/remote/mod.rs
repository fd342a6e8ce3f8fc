//! The carrier of an exchange of records that lies on a libsql server: sqld or Turso Cloud.
//!
//! `table` holds the statements, `link` the thread that runs them, `address` reads what a user
//! wrote, `failure` says what an error of libsql means to an exchange.
//!
//! Faults of libsql's client that are left to its caller, and how this module makes up for them:
//! - A body that ends early looks like an end of the rows: each answer says how many there are.
//! - A commit whose stream the server has closed is told as done: a push is one request, which is
//!   one transaction. A larger one is staged in several and published by one.
//! - It leaves the stream of a query open at the server: each is closed here.
//! - It panics on some answers: the calls run as tasks of a runtime, whose panics are failures.
//! - It waits for ever: every call has a limit of time.

mod address;
mod failure;
mod link;
mod pull;
mod push;
mod table;

use std::fmt;
use std::time::Duration;

use memory_core::Timestamp;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};

use address::Address;
use link::Link;
use push::Seen;

/// Most bytes of one entry: sqld takes no value and no row of more than 5,000,000 bytes.
const MAX_ENTRY_BYTES: usize = 4_900_000;

/// Options of the access to a server.
#[derive(Clone)]
pub struct RemoteOptions {
    /// The token of the server, if it asks for one. Never part of a message.
    pub token: Option<Box<str>>,
    /// Longest time of one call of the server. Default 30 s.
    pub call_limit: Duration,
    /// Most bytes of entries in one request. Default 4 MiB.
    pub request_bytes: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self { token: None, call_limit: Duration::from_secs(30), request_bytes: 4 << 20 }
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("has_token", &self.token.is_some())
            .field("call_limit", &self.call_limit)
            .field("request_bytes", &self.request_bytes)
            .finish()
    }
}

/// Carrier that keeps its entries in a table of a libsql server.
///
/// The table is made by the first call. A connection is made when it is needed, and anew after a
/// failure. One place is one database: which of a server's it is, its address says.
pub struct RemoteCarrier {
    link: Link,
    request_bytes: usize,
    /// Whether the table is known to be there.
    is_ready: bool,
    /// What the last push left.
    seen: Option<Seen>,
}

impl RemoteCarrier {
    /// Makes a carrier for `address` (`libsql://`, `https://` or `http://`), without asking the
    /// server.
    ///
    /// # Errors
    ///
    /// [`CarrierError::Refused`] when the address is none of a server, or carries credentials;
    /// [`CarrierError::Away`] when no thread can be started.
    pub fn open(address: &str, options: RemoteOptions) -> Result<Self, CarrierError> {
        let address = Address::read(address)?;
        let RemoteOptions { token, call_limit, request_bytes } = options;
        let link = Link::start(address, token, call_limit)?;
        Ok(Self { link, request_bytes, is_ready: false, seen: None })
    }

    /// Makes sure that the table is there.
    fn prepare(&mut self) -> Result<(), CarrierError> {
        if !self.is_ready {
            table::make(&self.link)?;
            self.is_ready = true;
        }
        Ok(())
    }
}

impl fmt::Debug for RemoteCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCarrier").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Carrier for RemoteCarrier {
    fn address(&self) -> &str {
        self.link.address().shown()
    }

    fn largest_entry(&self) -> usize {
        MAX_ENTRY_BYTES
    }

    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.prepare()?;
        // Unknown again, should this push fail.
        let seen = self.seen.take();
        match push::push(&self.link, entries, self.request_bytes, seen) {
            Ok(seen) => {
                self.seen = Some(seen);
                Ok(())
            }
            Err(error) => {
                self.is_ready = false;
                Err(error)
            }
        }
    }

    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError> {
        self.prepare()?;
        let limit_bytes = limit_bytes.min(self.request_bytes);
        let pulled = pull::pull(&self.link, own, scopes, after, limit_bytes);
        self.is_ready = pulled.is_ok();
        pulled
    }

    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError> {
        table::now(&self.link).map(Some)
    }
}
