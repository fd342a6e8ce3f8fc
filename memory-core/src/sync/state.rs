//! The state of a record, and how two states of it become one.
//!
//! Merging is a join: it does not matter in which order, how often and in which groups states are
//! merged. A field that is written once is the same everywhere; one that is set later has a
//! [`Stamp`], and the later one wins; counts are one number per machine.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::stamp::Stamp;
use super::wire;
use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::{
    Author, EpisodeId, Feedback, MachineId, NoteId, Record, RecordId, Source, Step,
};

/// Version of the bytes of a state.
const VERSION: u8 = 1;

/// State of one record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// It is stored somewhere.
    Live(Box<Live>),
    /// It was forgotten, for good.
    Dead(Dead),
}

/// State of a record that is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Live {
    /// The record. Its author and what follows from other fields are unset; see [`Live::new`].
    pub(crate) record: Record,
    /// Its steps, in order.
    pub(crate) steps: Vec<Step>,
    /// Stamps of its fields.
    pub(crate) versions: Versions,
}

/// Stamps of the fields of a record: when and by whom they were set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Its author.
    pub(crate) author: Author,
    /// Of the scope.
    pub(crate) scope: Stamp,
    /// Of the end.
    pub(crate) closing: Stamp,
    /// Of the ties of an episode; of the time at which a note was last remembered again.
    pub(crate) ties: Stamp,
    /// Stored again after its source had been forgotten: when.
    pub(crate) lifted: Option<Stamp>,
    /// Counts by machine.
    pub(crate) counts: BTreeMap<MachineId, Counts>,
}

/// Counts of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Readers that found the record helpful.
    pub(crate) helpful: u32,
    /// Readers that did not.
    pub(crate) unhelpful: u32,
    /// Times the text of a note was remembered again.
    pub(crate) merged: u32,
}

/// State of a record that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dead {
    /// The source that is forgotten with it, and since when.
    pub(crate) source: Option<(Stamp, Source)>,
}

impl Counts {
    /// Adds two numbers each.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            helpful: self.helpful.saturating_add(other.helpful),
            unhelpful: self.unhelpful.saturating_add(other.unhelpful),
            merged: self.merged.saturating_add(other.merged),
        }
    }

    /// Takes two numbers each from one another, down to 0.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            helpful: self.helpful.saturating_sub(other.helpful),
            unhelpful: self.unhelpful.saturating_sub(other.unhelpful),
            merged: self.merged.saturating_sub(other.merged),
        }
    }

    /// Returns the larger of two numbers each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            helpful: self.helpful.max(other.helpful),
            unhelpful: self.unhelpful.max(other.unhelpful),
            merged: self.merged.max(other.merged),
        }
    }

    /// Returns those of a record.
    pub(crate) fn of(record: &Record) -> Self {
        let (feedback, merged) = match record {
            Record::Episode(episode) => (episode.feedback, 0),
            Record::Note(note) => (note.feedback, note.n_merged),
        };
        Self { helpful: feedback.n_helpful, unhelpful: feedback.n_unhelpful, merged }
    }
}

impl Versions {
    /// Those of a record that nobody has changed yet.
    pub(crate) fn first(author: Author) -> Self {
        let stamp = Stamp::first(author.machine);
        let counts = BTreeMap::new();
        Self { author, scope: stamp, closing: stamp, ties: stamp, lifted: None, counts }
    }

    /// Adds up the counts of all machines.
    pub(crate) fn total(&self) -> Counts {
        self.counts.values().fold(Counts::default(), |sum, counts| sum.plus(*counts))
    }

    /// Lists all stamps.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = Stamp> {
        [self.scope, self.closing, self.ties].into_iter().chain(self.lifted)
    }
}

impl Live {
    /// The state of a stored record; what follows from other fields is unset, and its counts are
    /// those of the versions.
    pub(crate) fn new(mut record: Record, steps: Vec<Step>, versions: Versions) -> Self {
        match &mut record {
            Record::Episode(episode) => {
                (episode.author, episode.digest, episode.n_steps) = (None, None, 0);
            }
            Record::Note(note) => (note.author, note.superseded_by) = (None, None),
        }
        let mut live = Self { record, steps, versions };
        live.add_up();
        live
    }

    /// Sets the counts of the record to the sums of all machines.
    fn add_up(&mut self) {
        let Counts { helpful, unhelpful, merged } = self.versions.total();
        let feedback = Feedback { n_helpful: helpful, n_unhelpful: unhelpful };
        match &mut self.record {
            Record::Episode(episode) => episode.feedback = feedback,
            Record::Note(note) => (note.feedback, note.n_merged) = (feedback, merged),
        }
    }

    /// Returns the records that a note names: its episode and the note that it supersedes.
    pub(crate) fn links(&self) -> (Option<EpisodeId>, Option<NoteId>) {
        match &self.record {
            Record::Episode(_) => (None, None),
            Record::Note(note) => (note.episode, note.supersedes),
        }
    }

    /// Returns a name of the end: equal ends have equal ones.
    pub(crate) fn closing_hash(&self) -> u64 {
        wire::hash(&closing_bytes(&self.record))
    }

    /// Returns a name of the ties, or of the time at which the note was last remembered again.
    pub(crate) fn ties_hash(&self) -> u64 {
        wire::hash(&ties_bytes(&self.record))
    }
}

/// Makes one state of two of the same record.
pub(crate) fn merge(a: State, b: State) -> State {
    match (a, b) {
        (State::Live(a), State::Live(b)) => State::Live(Box::new(merge_live(*a, *b))),
        (State::Dead(a), State::Dead(b)) => State::Dead(Dead { source: a.source.max(b.source) }),
        (dead @ State::Dead(_), State::Live(_)) | (State::Live(_), dead @ State::Dead(_)) => dead,
    }
}

fn merge_live(a: Live, b: Live) -> Live {
    // Only a mask can make two cores differ; one of them is taken, the same everywhere.
    let (mut to, from) =
        if core_bytes(&a.record) <= core_bytes(&b.record) { (a, b) } else { (b, a) };
    let later_scope =
        (from.versions.scope, from.record.scope()) > (to.versions.scope, to.record.scope());
    let later_closing = closing_order(&from, &to) == Ordering::Greater;
    let later_ties =
        (from.versions.ties, ties_bytes(&from.record)) > (to.versions.ties, ties_bytes(&to.record));
    if step_order(&from.steps, &to.steps) == Ordering::Greater {
        to.steps = from.steps;
    }
    match (&mut to.record, from.record) {
        (Record::Episode(to), Record::Episode(from)) => {
            if later_scope {
                to.scope = from.scope;
            }
            if later_closing {
                to.closing = from.closing;
            }
            if later_ties {
                (to.relations, to.shown) = (from.relations, from.shown);
            }
        }
        (Record::Note(to), Record::Note(from)) => {
            if later_scope {
                to.scope = from.scope;
            }
            to.tags.extend(from.tags);
            to.tags.sort_unstable();
            to.tags.dedup();
            if later_ties {
                to.merged_at = from.merged_at;
            }
            to.episode = to.episode.max(from.episode);
            to.supersedes = to.supersedes.max(from.supersedes);
        }
        // Ids of both kinds are apart.
        (Record::Episode(_), Record::Note(_)) | (Record::Note(_), Record::Episode(_)) => {}
    }
    let (into, other) = (&mut to.versions, from.versions);
    into.author = into.author.clone().min(other.author);
    into.scope = into.scope.max(other.scope);
    if later_closing {
        into.closing = other.closing;
    }
    into.ties = into.ties.max(other.ties);
    into.lifted = into.lifted.max(other.lifted);
    for (machine, counts) in other.counts {
        let mine = into.counts.entry(machine).or_default();
        *mine = mine.max(counts);
    }
    to.add_up();
    to
}

/// Orders two ends: none, one that nobody reported, one that was reported; then by their stamps.
fn closing_order(a: &Live, b: &Live) -> Ordering {
    let rank = |live: &Live| match &live.record {
        Record::Episode(episode) => {
            episode.closing.as_ref().map(|closing| !closing.is_provisional())
        }
        Record::Note(_) => None,
    };
    let by_stamp = (rank(a), a.versions.closing).cmp(&(rank(b), b.versions.closing));
    by_stamp.then_with(|| closing_bytes(&a.record).cmp(&closing_bytes(&b.record)))
}

/// Orders the steps that one machine logged: later there are more, or more of them have a result.
fn step_order(a: &[Step], b: &[Step]) -> Ordering {
    let n_results = |steps: &[Step]| steps.iter().filter(|step| step.has_result()).count();
    let by_number = (a.len(), n_results(a)).cmp(&(b.len(), n_results(b)));
    by_number.then_with(|| if a == b { Ordering::Equal } else { step_bytes(a).cmp(&step_bytes(b)) })
}

fn core_bytes(record: &Record) -> Vec<u8> {
    written(|out| wire::put_core(out, record))
}

fn closing_bytes(record: &Record) -> Vec<u8> {
    written(|out| {
        if let Record::Episode(episode) = record {
            wire::put_optional(out, episode.closing.as_ref(), wire::put_closing);
        }
    })
}

fn ties_bytes(record: &Record) -> Vec<u8> {
    written(|out| match record {
        Record::Episode(episode) => wire::put_ties(out, &episode.relations, &episode.shown),
        Record::Note(note) => wire::put_optional(out, note.merged_at, wire::put_time),
    })
}

fn step_bytes(steps: &[Step]) -> Vec<u8> {
    written(|out| put_steps(out, steps))
}

fn written(put: impl FnOnce(&mut ByteWriter)) -> Vec<u8> {
    let mut out = ByteWriter::new();
    put(&mut out);
    out.into_bytes()
}

fn put_steps(out: &mut ByteWriter, steps: &[Step]) {
    out.count(steps.len());
    for step in steps {
        wire::put_step(out, step);
    }
}

/// Appends a stamp.
pub(crate) fn put_stamp(out: &mut ByteWriter, stamp: Stamp) {
    out.varint(stamp.at);
    out.bytes(&stamp.machine.0);
}

/// Reads what [`put_stamp`] wrote.
pub(crate) fn stamp(input: &mut ByteReader<'_>) -> Result<Stamp, DecodeError> {
    Ok(Stamp { at: input.varint()?, machine: MachineId(input.array()?) })
}

/// Appends the versions of a record.
pub(crate) fn put_versions(out: &mut ByteWriter, versions: &Versions) {
    wire::put_author(out, &versions.author);
    put_stamp(out, versions.scope);
    put_stamp(out, versions.closing);
    put_stamp(out, versions.ties);
    wire::put_optional(out, versions.lifted, put_stamp);
    out.count(versions.counts.len());
    for (machine, counts) in &versions.counts {
        out.bytes(&machine.0);
        for count in [counts.helpful, counts.unhelpful, counts.merged] {
            out.varint(u64::from(count));
        }
    }
}

/// Reads what [`put_versions`] wrote.
pub(crate) fn versions(input: &mut ByteReader<'_>) -> Result<Versions, DecodeError> {
    let author = wire::author(input)?;
    let (scope, closing, ties) = (stamp(input)?, stamp(input)?, stamp(input)?);
    let lifted = wire::optional(input, stamp)?;
    let counts = input.list(19, |input| {
        let machine = MachineId(input.array()?);
        let [helpful, unhelpful, merged] =
            [input.varint_u32()?, input.varint_u32()?, input.varint_u32()?];
        Ok((machine, Counts { helpful, unhelpful, merged }))
    })?;
    Ok(Versions { author, scope, closing, ties, lifted, counts: counts.into_iter().collect() })
}

/// Appends the state of a forgotten record.
pub(crate) fn put_dead(out: &mut ByteWriter, dead: &Dead) {
    wire::put_optional(out, dead.source.as_ref(), |out, (at, source)| {
        put_stamp(out, *at);
        wire::put_source(out, Some(source));
    });
}

/// Reads what [`put_dead`] wrote.
pub(crate) fn dead(input: &mut ByteReader<'_>) -> Result<Dead, DecodeError> {
    let source = wire::optional(input, |input| Ok((stamp(input)?, wire::source(input)?)))?;
    Ok(Dead { source: source.and_then(|(at, source)| Some((at, source?))) })
}

impl State {
    /// Returns the bytes that carriers carry.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        match self {
            Self::Dead(dead) => {
                out.u8(0);
                put_dead(&mut out, dead);
            }
            Self::Live(live) => {
                out.u8(1);
                put_live(&mut out, live);
            }
        }
        out.into_bytes()
    }

    /// Reads the state of a record; `None` for one that a newer version wrote.
    pub(crate) fn from_bytes(id: RecordId, bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut input = ByteReader::new(bytes);
        if input.u8()? > VERSION {
            return Ok(None);
        }
        let state = match input.u8()? {
            0 => Self::Dead(dead(&mut input)?),
            1 => Self::Live(Box::new(live(&mut input, id)?)),
            _ => return Err(DecodeError::Invalid { what: "kind of a state" }),
        };
        input.finish()?;
        Ok(Some(state))
    }
}

fn put_live(out: &mut ByteWriter, live: &Live) {
    put_versions(out, &live.versions);
    out.text(live.record.scope().as_str());
    wire::put_core(out, &live.record);
    match &live.record {
        Record::Episode(episode) => {
            out.bytes(&closing_bytes(&live.record));
            wire::put_ties(out, &episode.relations, &episode.shown);
            put_steps(out, &live.steps);
        }
        Record::Note(note) => {
            wire::put_labels(out, &note.tags);
            wire::put_optional(out, note.merged_at, wire::put_time);
            wire::put_optional(out, note.episode, |out, id| out.bytes(&id.to_bytes()));
            wire::put_optional(out, note.supersedes, |out, id| out.bytes(&id.to_bytes()));
        }
    }
}

fn live(input: &mut ByteReader<'_>, id: RecordId) -> Result<Live, DecodeError> {
    let versions = versions(input)?;
    let scope = wire::scope(input)?;
    let mut record = wire::core(input, id, scope)?;
    let mut steps = Vec::new();
    match &mut record {
        Record::Episode(episode) => {
            episode.closing = wire::optional(input, wire::closing)?;
            (episode.relations, episode.shown) = wire::ties(input)?;
            let mut idx = 0..;
            steps = input.list(14, |input| wire::step(input, idx.next().unwrap_or(u32::MAX)))?;
        }
        Record::Note(note) => {
            note.tags = wire::labels(input)?;
            note.merged_at = wire::optional(input, wire::time)?;
            note.episode = wire::optional(input, ByteReader::array)?.map(EpisodeId::from_bytes);
            note.supersedes = wire::optional(input, ByteReader::array)?.map(NoteId::from_bytes);
        }
    }
    Ok(Live::new(record, steps, versions))
}

#[cfg(test)]
mod tests;
