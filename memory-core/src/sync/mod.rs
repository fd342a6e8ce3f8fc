//! Exchange of records between machines: what is sent, and how two states of a record merge.
//!
//! A [`Carrier`] moves bytes that it cannot read; what they mean is this module's.

mod carrier;

pub use carrier::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};
