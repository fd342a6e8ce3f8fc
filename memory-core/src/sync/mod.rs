//! Exchange of records between machines: what is sent, and how two states of a record merge.
//!
//! A [`Carrier`] moves bytes that it cannot read; what they mean is this module's. `state.rs` is
//! the state of a record and the rule by which two become one; `shadow.rs` what is kept beside a
//! record to notice changes; `session.rs`, `pull.rs` and `push.rs` are the three parts of an
//! exchange, which `exchange.rs` runs.

mod carrier;
mod error;
mod exchange;
mod gate;
mod pull;
mod push;
mod session;
mod shadow;
mod stamp;
mod standing;
mod state;
mod wire;

pub use carrier::{Carrier, CarrierError, Cursor, Entry, Pulled};
pub use error::ExchangeError;
pub use exchange::{Report, Terms, exchange, leave, preview};
pub use standing::Standing;
