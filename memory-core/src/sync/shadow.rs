//! Shadow of a record that is exchanged, kept beside the record: when its fields were set,
//! and by what a change that was made here is noticed. Local writes keep nothing, so that they cost
//! what they cost without an exchange.

use super::stamp::Stamp;
use super::state::{self, Counts, Dead, Live, Versions};
use super::wire;
use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::{Author, EpisodeId, NoteId, Record, RecordId, RecordKind, Scope, Source, Step};

/// Version of the bytes of a shadow.
const VERSION: u8 = 1;

/// Shadow of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shadow {
    /// It is stored here.
    Live(Box<Seen>),
    /// It was forgotten here or elsewhere.
    Dead {
        /// Its state.
        dead: Dead,
        /// Scope in which others may know it.
        offered: Option<Scope>,
    },
}

/// A stored record, as it was last seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// Versions of its fields.
    pub(crate) versions: Versions,
    /// Its source.
    pub(crate) source: Option<Source>,
    /// Records that it named, also such as are not stored any more.
    pub(crate) links: (Option<EpisodeId>, Option<NoteId>),
    /// Its scope.
    pub(crate) scope: Scope,
    /// Names of its end, its ties and its whole state.
    pub(crate) hashes: [u64; 3],
    /// Scope in which others may know it.
    pub(crate) offered: Option<Scope>,
}

impl Seen {
    /// Hashes of a state.
    pub(crate) fn of(live: &Live, offered: Option<Scope>) -> Self {
        let whole = state::State::Live(Box::new(live.clone())).to_bytes();
        Self {
            versions: live.versions.clone(),
            source: live.record.source().cloned(),
            links: live.links(),
            scope: live.record.scope().clone(),
            hashes: [live.closing_hash(), live.ties_hash(), wire::hash(&whole)],
            offered,
        }
    }
}

/// Returns the state of a stored record; what differs from what was last seen was changed here.
pub(crate) fn observe(
    me: &Author,
    mut record: Record,
    steps: Vec<Step>,
    seen: Option<&Seen>,
    mut stamp: impl FnMut() -> Stamp,
) -> Live {
    let mut versions =
        seen.map_or_else(|| Versions::first(me.clone()), |seen| seen.versions.clone());
    let others = versions.counts.iter().filter(|(machine, _)| **machine != me.machine);
    let others = others.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
    let own = versions.counts.get(&me.machine).copied().unwrap_or_default();
    let own = own.max(Counts::of(&record).minus(others));
    if own != Counts::default() {
        versions.counts.insert(me.machine, own);
    }
    if let (Record::Note(note), Some(seen)) = (&mut record, seen) {
        // A link that was lost with its record is no change of the note.
        note.episode = note.episode.or(seen.links.0);
        note.supersedes = note.supersedes.or(seen.links.1);
    }
    let mut live = Live::new(record, steps, versions);
    let Some(seen) = seen else { return live };
    let [closing, ties, _] = seen.hashes;
    if *live.record.scope() != seen.scope {
        live.versions.scope = stamp();
    }
    if live.closing_hash() != closing {
        live.versions.closing = stamp();
    }
    if live.ties_hash() != ties {
        live.versions.ties = stamp();
    }
    live
}

/// Marks of a source: when it was forgotten, and when a record of it was stored again after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// The newest time at which it was forgotten.
    pub(crate) buried: Option<Stamp>,
    /// The newest time at which that was lifted.
    pub(crate) lifted: Option<Stamp>,
}

impl Mark {
    /// Returns whether the source is forgotten.
    pub(crate) fn is_forgotten(self) -> bool {
        self.buried > self.lifted
    }
}

/// Returns the name of a record within names of states.
pub(crate) fn key(id: RecordId) -> String {
    let kind = if id.kind() == RecordKind::Episode { 'e' } else { 'n' };
    let digits = id.to_bytes().map(|byte| format!("{byte:02x}")).concat();
    format!("{kind}{digits}")
}

/// Reads what [`key`] wrote.
pub(crate) fn id_of(key: &str) -> Option<RecordId> {
    let kind = match key.get(..1)? {
        "e" => RecordKind::Episode,
        "n" => RecordKind::Note,
        _ => return None,
    };
    let bytes = u128::from_str_radix(key.get(1..)?, 16).ok()?.to_be_bytes();
    Some(RecordId::from_bytes(kind, bytes))
}

/// Returns the name of a source within names of states.
pub(crate) fn source_key(kind: RecordKind, source: &Source) -> String {
    let mut out = ByteWriter::new();
    wire::put_source(&mut out, Some(source));
    let (bytes, n) = (out.into_bytes(), u8::from(kind == RecordKind::Note));
    // Two sums of 64 bits that begin apart.
    let (one, two) = (wire::hash(&bytes), wire::hash(&[&bytes[..], &[n, 0x5a]].concat()));
    format!("{n}{one:016x}{two:016x}")
}

impl Shadow {
    /// Returns the bytes that are kept.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        match self {
            Self::Dead { dead, offered } => {
                out.u8(0);
                state::put_dead(&mut out, dead);
                put_scope(&mut out, offered.as_ref());
            }
            Self::Live(seen) => {
                out.u8(1);
                state::put_versions(&mut out, &seen.versions);
                wire::put_source(&mut out, seen.source.as_ref());
                wire::put_optional(&mut out, seen.links.0, |o, id| o.bytes(&id.to_bytes()));
                wire::put_optional(&mut out, seen.links.1, |o, id| o.bytes(&id.to_bytes()));
                out.text(seen.scope.as_str());
                seen.hashes.iter().for_each(|hash| out.u64(*hash));
                put_scope(&mut out, seen.offered.as_ref());
            }
        }
        out.into_bytes()
    }

    /// Reads what is kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = ByteReader::new(bytes);
        if input.u8()? != VERSION {
            return Err(DecodeError::Invalid { what: "version of a shadow" });
        }
        let shadow = if input.u8()? == 0 {
            let dead = state::dead(&mut input)?;
            Self::Dead { dead, offered: wire::optional(&mut input, wire::scope)? }
        } else {
            let input = &mut input;
            Self::Live(Box::new(Seen {
                versions: state::versions(input)?,
                source: wire::source(input)?,
                links: (
                    wire::optional(input, ByteReader::array)?.map(EpisodeId::from_bytes),
                    wire::optional(input, ByteReader::array)?.map(NoteId::from_bytes),
                ),
                scope: wire::scope(input)?,
                hashes: [input.u64()?, input.u64()?, input.u64()?],
                offered: wire::optional(input, wire::scope)?,
            }))
        };
        input.finish()?;
        Ok(shadow)
    }
}

impl Mark {
    /// Returns the bytes that are kept.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        wire::put_optional(&mut out, self.buried, state::put_stamp);
        wire::put_optional(&mut out, self.lifted, state::put_stamp);
        out.into_bytes()
    }

    /// Reads what is kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = ByteReader::new(bytes);
        if input.u8()? != VERSION {
            return Err(DecodeError::Invalid { what: "version of a mark" });
        }
        let buried = wire::optional(&mut input, state::stamp)?;
        let lifted = wire::optional(&mut input, state::stamp)?;
        input.finish()?;
        Ok(Self { buried, lifted })
    }
}

fn put_scope(out: &mut ByteWriter, scope: Option<&Scope>) {
    wire::put_optional(out, scope, |out, scope| out.text(scope.as_str()));
}
