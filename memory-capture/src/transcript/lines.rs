//! Files of one record a line.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::Value;

use super::{MAX_RECORD_BYTES, Place, Unreadable, foreign, value};
use crate::client::Client;
use crate::clients::{claude_code, codex, copilot, cursor, gemini};
use crate::event::Event;
use crate::unpack::unpacked;

/// Size of the buffer between file and lines.
const BUFFER_BYTES: usize = 256 << 10;

/// Reader of the lines of one file.
pub struct Lines<'f> {
    file: Box<dyn BufRead + 'f>,
    adapter: Adapter,
    place: Place,
    /// Offset of the next line.
    offset: u64,
    number: u64,
    bytes: Vec<u8>,
    /// Whether a last line without an end may still be written on.
    is_live: bool,
}

/// A complete line.
#[derive(Debug)]
pub struct Record {
    /// Offset of its first byte; of a packed file, of what is in it.
    pub offset: u64,
    /// Offset of the first byte after it.
    pub end: u64,
    /// Its number, counted from where the reading began, from 1.
    pub number: u64,
    /// The events in it, or why it is not read; a line that is passed by has none.
    pub events: Result<Vec<Event>, Unreadable>,
}

/// The adapter of a client, with what it keeps between lines.
#[derive(Debug)]
enum Adapter {
    ClaudeCode(Box<claude_code::Transcript>),
    Codex(Box<codex::Transcript>),
    Copilot(Box<copilot::Transcript>),
    Gemini(Box<gemini::Transcript>),
    Cursor,
}

/// The part of a line that says whether it is worth more than a glance.
#[derive(Deserialize)]
struct Head<'l> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'l, str>>,
}

impl<'f> Lines<'f> {
    /// Begins with a file, of which `offset` bytes were read before.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] for a file that is no text, or a client without such files.
    pub fn new(
        client: Client,
        file: impl Read + 'f,
        offset: u64,
        place: Place,
        is_live: bool,
    ) -> Result<Self, Unreadable> {
        let adapter = match client {
            Client::ClaudeCode => Adapter::ClaudeCode(Box::default()),
            Client::Codex => Adapter::Codex(Box::default()),
            Client::Copilot => Adapter::Copilot(Box::default()),
            Client::Gemini => Adapter::Gemini(Box::default()),
            Client::Cursor => Adapter::Cursor,
            client => return Err(Unreadable::NoFormat { client: client.title() }),
        };
        let mut file = unpacked(file, BUFFER_BYTES)?;
        if let Some(unreadable) = foreign(file.fill_buf()?) {
            return Err(unreadable);
        }
        Ok(Self { file, adapter, place, offset, number: 0, bytes: Vec::new(), is_live })
    }

    /// Reads the next line; `None` at the end, and at a last line that may still be written on.
    ///
    /// # Errors
    ///
    /// Those of the file; after one there is nothing more.
    pub fn read(&mut self) -> Result<Option<Record>, Unreadable> {
        self.bytes.clear();
        let limit = MAX_RECORD_BYTES as u64 + 1;
        let mut n_bytes = self.file.by_ref().take(limit).read_until(b'\n', &mut self.bytes)?;
        let is_long = n_bytes > MAX_RECORD_BYTES && self.bytes.last() != Some(&b'\n');
        if is_long {
            n_bytes += self.file.skip_until(b'\n')?;
            self.bytes = Vec::new();
        }
        if n_bytes == 0 {
            return Ok(None);
        }
        let is_complete = is_long || self.bytes.last() == Some(&b'\n');
        let events = if is_long {
            Err(Unreadable::TooLong { limit: MAX_RECORD_BYTES })
        } else {
            self.events()
        };
        // A line that is JSON is complete, whatever follows it; half a line is none.
        if !is_complete && events.is_err() && self.is_live {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += n_bytes as u64;
        self.number += 1;
        // One line of many megabytes must not keep its memory.
        if self.bytes.capacity() > 4 << 20 {
            self.bytes = Vec::new();
        }
        Ok(Some(Record { offset, end: self.offset, number: self.number, events }))
    }

    /// Offset of the next line.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the events of the line that was read.
    fn events(&mut self) -> Result<Vec<Event>, Unreadable> {
        let mut events = Vec::new();
        let line = self.bytes.trim_ascii();
        if line.is_empty() {
            return Ok(events);
        }
        let types = match &self.adapter {
            Adapter::ClaudeCode(_) => claude_code::TYPES,
            Adapter::Codex(_) => codex::TYPES,
            Adapter::Copilot(_) => copilot::TYPES,
            Adapter::Gemini(_) | Adapter::Cursor => &[],
        };
        if !types.is_empty()
            && let Ok(Head { kind }) = serde_json::from_slice::<Head<'_>>(line)
            && !kind.is_some_and(|kind| types.contains(&&*kind))
        {
            return Ok(events);
        }
        let Value::Object(line) = value(line)? else {
            return Err(Unreadable::Json("it is no object".into()));
        };
        match &mut self.adapter {
            Adapter::ClaudeCode(adapter) => adapter.line(&line, &mut events),
            Adapter::Codex(adapter) => adapter.line(&line, &mut events),
            Adapter::Copilot(adapter) => adapter.line(&line, &mut events),
            Adapter::Gemini(adapter) => {
                adapter.record(&line, self.place.folder.as_deref(), &mut events);
            }
            Adapter::Cursor => {
                let folder = self.place.folder.as_deref();
                cursor::line(&line, &self.place.session, folder, &mut events);
            }
        }
        for event in &mut events {
            self.place.fill(event);
        }
        Ok(events)
    }
}

impl Place {
    /// Adds to an event what its record did not tell.
    pub(super) fn fill(&self, event: &mut Event) {
        if event.session.is_empty() {
            event.session.clone_from(&self.session);
        }
        if event.folder.is_none() {
            event.folder.clone_from(&self.folder);
        }
        event.at = event.at.or(Some(self.at));
    }
}
