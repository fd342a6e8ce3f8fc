//! Author of a record that was not made in this store.

/// Identity of one store that takes part in an exchange of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub [u8; 16]);

/// Person and machine that a record came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Author {
    /// Name of the person, as they set it; may be empty.
    pub name: Box<str>,
    /// The machine.
    pub machine: MachineId,
}
