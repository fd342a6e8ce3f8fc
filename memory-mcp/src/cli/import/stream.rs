//! The lines of one file, and the events that were read ahead.

use std::collections::VecDeque;
use std::path::PathBuf;

use memory_capture::{Event, Lines, Record, Unreadable};
use memory_core::Timestamp;

use crate::cli::output::Failure;

/// Reason for which a file is not read to its end.
pub(super) enum Stop {
    /// The file cannot be read on; the next one may.
    File(Unreadable),
    /// The store takes nothing more: the import ends.
    Store(Failure),
}

impl From<Unreadable> for Stop {
    fn from(reason: Unreadable) -> Self {
        Self::File(reason)
    }
}

/// The lines of one file, and the events that were read ahead.
pub(super) struct Stream {
    lines: Lines<'static>,
    pub(super) path: PathBuf,
    pub(super) events: VecDeque<Event>,
    is_over: bool,
}

impl Stream {
    pub(super) fn new(lines: Lines<'static>, path: PathBuf) -> Self {
        Self { lines, path, events: VecDeque::new(), is_over: false }
    }

    pub(super) fn at(&self) -> Option<Timestamp> {
        self.events.front().and_then(|event| event.at)
    }

    /// Reads on until there is an event, or nothing more; returns the records that are left out.
    pub(super) fn fill(&mut self) -> Result<Vec<(u64, Unreadable)>, Unreadable> {
        let mut bad = Vec::new();
        while self.events.is_empty() && !self.is_over {
            match self.lines.read()? {
                Some(Record { events: Ok(events), .. }) => self.events.extend(events),
                Some(Record { events: Err(reason), number, .. }) => bad.push((number, reason)),
                None => self.is_over = true,
            }
        }
        Ok(bad)
    }
}
