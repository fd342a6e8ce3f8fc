//! The part that all events of one record share.

use memory_core::Timestamp;

use crate::event::{Event, EventKind};

/// Session, subagent, turn, folder and time of the events of one record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    pub(crate) session: Box<str>,
    pub(crate) agent: Option<Box<str>>,
    pub(crate) turn: Option<Box<str>>,
    pub(crate) folder: Option<Box<str>>,
    pub(crate) at: Option<Timestamp>,
}

impl Frame {
    /// Returns an event in this frame.
    pub(crate) fn event(&self, kind: EventKind) -> Event {
        Event {
            session: self.session.clone(),
            agent: self.agent.clone(),
            turn: self.turn.clone(),
            folder: self.folder.clone(),
            at: self.at,
            kind,
        }
    }
}

/// Returns an owned copy of a name that may be missing.
pub(crate) fn owned(name: Option<&str>) -> Option<Box<str>> {
    name.map(Into::into)
}
