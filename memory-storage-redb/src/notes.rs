//! Values of notes.

use memory_core::{EpisodeId, Note, NoteId, NoteKind, RecordId, StorageError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode};
use crate::text::{Judged, Maker, Place, Text, labels, named, origin, owned, scope};

/// A note as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    V1(#[serde(borrow)] Box<V1<'a>>),
    /// One that another machine made.
    V2(#[serde(borrow)] Box<V1<'a>>, Maker<'a>),
}

#[derive(Serialize, Deserialize)]
struct V1<'a> {
    kind: &'a str,
    scope: &'a str,
    #[serde(borrow)]
    text: Text<'a>,
    speaker: Option<&'a str>,
    session: Option<&'a str>,
    position: u32,
    tags: Vec<&'a str>,
    source: Option<Place<'a>>,
    origin: &'a str,
    episode: Option<[u8; 16]>,
    occurred_at: i64,
    recorded_at: i64,
    valid_from: Option<i64>,
    valid_to: Option<i64>,
    supersedes: Option<[u8; 16]>,
    superseded_by: Option<[u8; 16]>,
    n_merged: u32,
    merged_at: Option<i64>,
    judged: Judged,
}

/// Returns the records that a note names.
pub(crate) fn links(note: &Note) -> impl Iterator<Item = RecordId> + use<> {
    let named = [
        note.episode.map(RecordId::from),
        note.supersedes.map(RecordId::from),
        note.superseded_by.map(RecordId::from),
    ];
    named.into_iter().flatten()
}

/// Returns the value of a note.
pub(crate) fn to_bytes(note: &Note) -> Result<Vec<u8>, StorageError> {
    let value = V1 {
        kind: note.kind.name(),
        scope: note.scope.as_str(),
        text: Text::of(&note.text),
        speaker: note.speaker.as_deref(),
        session: note.session.as_deref(),
        position: note.position,
        tags: labels(&note.tags),
        source: note.source.as_ref().map(Place::of),
        origin: note.origin.name(),
        episode: note.episode.map(EpisodeId::to_bytes),
        occurred_at: note.occurred_at.as_millis(),
        recorded_at: note.recorded_at.as_millis(),
        valid_from: note.valid_from.map(Timestamp::as_millis),
        valid_to: note.valid_to.map(Timestamp::as_millis),
        supersedes: note.supersedes.map(NoteId::to_bytes),
        superseded_by: note.superseded_by.map(NoteId::to_bytes),
        n_merged: note.n_merged,
        merged_at: note.merged_at.map(Timestamp::as_millis),
        judged: Judged::of(note.feedback),
    };
    let value = Box::new(value);
    encode(&match &note.author {
        None => Value::V1(value),
        Some(author) => Value::V2(value, Maker::of(author)),
    })
}

/// Reads the value of a note.
///
/// # Errors
///
/// [`StorageError::Corrupt`] where the bytes are no such value.
pub(crate) fn from_bytes(id: NoteId, bytes: &[u8]) -> Result<Note, StorageError> {
    let (value, author) = match decode(bytes, &format_args!("note {id}"))? {
        Value::V1(value) => (value, None),
        Value::V2(value, maker) => (value, Some(maker.author())),
    };
    Ok(Note {
        id,
        kind: named(NoteKind::from_name(value.kind), value.kind)?,
        scope: scope(value.scope)?,
        text: value.text.excerpt(),
        speaker: value.speaker.map(Into::into),
        session: value.session.map(Into::into),
        position: value.position,
        tags: owned(&value.tags),
        source: value.source.map(Place::source),
        origin: origin(value.origin)?,
        author,
        episode: value.episode.map(EpisodeId::from_bytes),
        occurred_at: Timestamp::from_millis(value.occurred_at),
        recorded_at: Timestamp::from_millis(value.recorded_at),
        valid_from: value.valid_from.map(Timestamp::from_millis),
        valid_to: value.valid_to.map(Timestamp::from_millis),
        supersedes: value.supersedes.map(NoteId::from_bytes),
        superseded_by: value.superseded_by.map(NoteId::from_bytes),
        n_merged: value.n_merged,
        merged_at: value.merged_at.map(Timestamp::from_millis),
        feedback: value.judged.feedback(),
    })
}
