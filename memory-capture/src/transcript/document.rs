//! Files that are one JSON value, read element by element.

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::rc::Rc;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{MAX_RECORD_BYTES, Place, Unreadable, foreign};
use crate::client::Client;
use crate::clients::frame::Frame;
use crate::clients::{atif, cline, gemini, mini_swe_agent, open_code, open_hands, swe_agent};
use crate::event::Event;
use crate::fields::{Object, text};
use crate::unpack::unpacked;

/// Longest file that is read into memory as a whole: a parser of a stream takes twice the time.
const MAX_WHOLE_BYTES: usize = 4 << 20;

/// Size of the buffer of a file.
const BUFFER_BYTES: usize = 128 << 10;

/// Reads a file that is one JSON value and hands its events on; `open` opens the file, for some
/// formats twice.
///
/// Memory: one element of its list of messages, and files of up to 4 MiB as a whole.
///
/// # Errors
///
/// [`Unreadable`] for a file that is no such value, or no longer one from some place on; the events
/// before it were handed on.
pub fn read_document<R: Read>(
    client: Client,
    place: &Place,
    open: impl FnMut() -> std::io::Result<R>,
    sink: impl FnMut(Event),
) -> Result<(), Unreadable> {
    read_within(client, place, open, sink, MAX_WHOLE_BYTES)
}

/// Reads a file as [`read_document`] does; one of up to so many bytes as a whole.
fn read_within<R: Read>(
    client: Client,
    place: &Place,
    mut open: impl FnMut() -> std::io::Result<R>,
    mut sink: impl FnMut(Event),
    whole_bytes: usize,
) -> Result<(), Unreadable> {
    let mut reader = Reader::new(client, place)?;
    let mut events = Vec::new();
    for lists in reader.passes() {
        let mut file = unpacked(open()?, BUFFER_BYTES)?;
        if let Some(unreadable) = foreign(file.fill_buf()?) {
            return Err(unreadable);
        }
        let budget = Budget::default();
        let mut on_item = |list: &str, item: Value| {
            budget.set_paused(false);
            reader.item(list, &item, &mut events);
            for mut event in events.drain(..) {
                place.fill(&mut event);
                sink(event);
            }
        };
        let document = Document { lists, on_item: &mut on_item, budget: &budget };
        let mut whole = Vec::new();
        file.by_ref().take(whole_bytes as u64 + 1).read_to_end(&mut whole)?;
        let read = if whole.len() <= whole_bytes {
            document.deserialize(&mut serde_json::Deserializer::from_slice(&whole))
        } else {
            let file = Metered { file: whole.chain(file), budget: budget.clone() };
            let file = BufReader::with_capacity(BUFFER_BYTES, file);
            document.deserialize(&mut serde_json::Deserializer::from_reader(file))
        };
        if let Err(error) = read {
            return Err(if budget.is_spent() {
                Unreadable::TooLong { limit: MAX_RECORD_BYTES }
            } else {
                Unreadable::Json(error.to_string().into())
            });
        }
    }
    Ok(())
}

/// The adapter of a client, with what it keeps between elements.
enum Kind {
    MiniSweAgent(mini_swe_agent::Transcript),
    SweAgent(swe_agent::Transcript),
    Cline(cline::Transcript),
    Gemini(gemini::Transcript),
    OpenCode,
    OpenHands,
    Atif,
}

struct Reader {
    kind: Kind,
    frame: Frame,
}

/// Name of the list that is the whole document.
const WHOLE: &str = "";

/// Name of the whole object, without its lists.
const REST: &str = "*";

impl Reader {
    fn new(client: Client, place: &Place) -> Result<Self, Unreadable> {
        let kind = match client {
            Client::MiniSweAgent => Kind::MiniSweAgent(mini_swe_agent::Transcript::default()),
            Client::SweAgent => Kind::SweAgent(swe_agent::Transcript::default()),
            Client::Cline | Client::Roo => Kind::Cline(cline::Transcript::default()),
            Client::Gemini => Kind::Gemini(gemini::Transcript::default()),
            Client::OpenCode => Kind::OpenCode,
            Client::OpenHands => Kind::OpenHands,
            Client::Atif => Kind::Atif,
            client => return Err(Unreadable::NoFormat { client: client.title() }),
        };
        let frame = Frame {
            session: place.session.clone(),
            agent: None,
            folder: place.folder.clone(),
            at: None,
            turn: None,
        };
        Ok(Self { kind, frame })
    }

    /// The lists that are read, pass by pass.
    const fn passes(&self) -> &'static [&'static [&'static str]] {
        match self.kind {
            Kind::OpenCode => &[&["messages"]],
            // The task stands in the history, behind the steps.
            Kind::SweAgent(_) => &[&["history"], &["trajectory"]],
            Kind::MiniSweAgent(_) | Kind::Cline(_) => &[&[WHOLE, "messages"]],
            Kind::Gemini(_) => &[&[REST], &["messages"]],
            Kind::OpenHands => &[&[REST, WHOLE]],
            Kind::Atif => &[&[REST], &["steps"]],
        }
    }

    fn item(&mut self, list: &str, item: &Value, events: &mut Vec<Event>) {
        let Value::Object(item) = item else { return };
        let frame = &mut self.frame;
        match (&mut self.kind, list) {
            (Kind::MiniSweAgent(reader), _) => reader.message(item, frame, events),
            (Kind::SweAgent(reader), "history") => reader.history(item, frame, events),
            (Kind::SweAgent(reader), _) => reader.step(item, frame, events),
            (Kind::Cline(reader), _) => reader.message(item, frame, events),
            (Kind::Gemini(reader), REST) => reader.record(item, None, events),
            (Kind::Gemini(reader), _) => reader.record(item, frame.folder.as_deref(), events),
            (Kind::OpenCode, _) => {
                let session = item.get("info").and_then(Value::as_object);
                let session = session.and_then(|info| text(info, "sessionID"));
                let session = session.unwrap_or(&frame.session);
                open_code::message(item, session, frame.folder.as_deref(), events);
            }
            (Kind::OpenHands, _) => open_hands::event(item, frame, events),
            (Kind::Atif, REST) => {
                if let Some(session) = text(item, "session_id") {
                    frame.session = session.into();
                }
            }
            (Kind::Atif, _) => atif::step(item, frame, events),
        }
    }
}

/// A document of which some lists are handed on item by item.
struct Document<'d, F> {
    lists: &'static [&'static str],
    on_item: &'d mut F,
    budget: &'d Budget,
}

impl<'de, F: FnMut(&str, Value)> DeserializeSeed<'de> for Document<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&str, Value)> Visitor<'de> for Document<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        if self.lists.contains(&WHOLE) {
            return List { name: WHOLE, on_item: self.on_item }.visit_seq(seq);
        }
        let mut seq = seq;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let keeps_rest = self.lists.contains(&REST);
        let mut rest = Object::new();
        while let Some(key) = map.next_key::<String>()? {
            if let Some(name) = self.lists.iter().find(|name| **name == key) {
                map.next_value_seed(List { name, on_item: &mut *self.on_item })?;
            } else if keeps_rest && !["messages", "steps"].contains(&key.as_str()) {
                rest.insert(key, map.next_value()?);
            } else {
                self.budget.set_paused(true);
                map.next_value::<IgnoredAny>()?;
                self.budget.set_paused(false);
            }
        }
        if keeps_rest {
            (self.on_item)(REST, rest.into());
        }
        Ok(())
    }
}

/// A list whose items are handed on; anything else in its place is passed over.
struct List<'d, F> {
    name: &'static str,
    on_item: &'d mut F,
}

impl<'de, F: FnMut(&str, Value)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str, Value)> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<Value>()? {
            (self.on_item)(self.name, item);
        }
        Ok(())
    }
}

/// Bytes that may be read before the next item is complete.
#[derive(Clone, Default)]
struct Budget(Rc<Cell<Meter>>);

/// Bytes since the last item.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    n_bytes: usize,
    /// True while what is read is passed over and needs no memory.
    is_paused: bool,
}

impl Budget {
    fn set_paused(&self, is_paused: bool) {
        self.0.set(Meter { n_bytes: 0, is_paused });
    }

    fn take(&self, n_bytes: usize) {
        let meter = self.0.get();
        if !meter.is_paused {
            self.0.set(Meter { n_bytes: meter.n_bytes + n_bytes, ..meter });
        }
    }

    fn is_spent(&self) -> bool {
        self.0.get().n_bytes > MAX_RECORD_BYTES
    }
}

/// A file of which no item is read that is too long.
struct Metered<R> {
    file: R,
    budget: Budget,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.budget.is_spent() {
            return Err(std::io::Error::other("a record is too long"));
        }
        let n_bytes = self.file.read(buffer)?;
        self.budget.take(n_bytes);
        Ok(n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_streamed_gives_the_events_of_one_that_is_read_as_a_whole() {
        let at = memory_core::Timestamp::from_millis(1);
        let place = Place { session: "s".into(), folder: None, at };
        for (client, document) in [
            (Client::MiniSweAgent, include_str!("samples/mini-swe-agent.json")),
            (Client::SweAgent, include_str!("samples/swe-agent.json")),
            (Client::Roo, include_str!("samples/roo.json")),
            (Client::Atif, include_str!("samples/atif.json")),
            (Client::MiniSweAgent, "[{\"role\":\"user\",\"content\":\"mend it\"},{\"ro"),
        ] {
            let [whole, stream] = [usize::MAX >> 1, 7].map(|whole_bytes| {
                let mut events = Vec::new();
                let open = || Ok(document.as_bytes());
                let sink = |event| events.push(event);
                let read = read_within(client, &place, open, sink, whole_bytes);
                (read.is_ok(), events)
            });
            assert_eq!(whole, stream, "{client:?}");
            assert!(!whole.1.is_empty(), "{client:?}");
        }
    }
}
