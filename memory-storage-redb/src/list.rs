//! Lists of records by filter, newest first.
//!
//! An entry is a key without a value: the list that it is in, then the instant, then the id. Each
//! record is in the list of its kind, of its scope, of the end of its id and of each of its tags;
//! open episodes in one more. The narrowest list of a filter gives the order; conditions that it
//! does not answer are asked of the records.

use memory_core::{
    Episode, EpisodeId, ListEntry, Note, NoteId, RecordFilter, RecordId, RecordKind, Status,
    StorageError, Timestamp,
};

use crate::error::{corrupt, failed};
use crate::schema::{joined, kind_byte};
use crate::view::View;

/// A list that records of one kind are in.
#[derive(Debug, Clone, Copy)]
enum List<'a> {
    All,
    Open,
    Scope(&'a str),
    Tag(&'a str),
    Tail([u8; 4]),
}

impl List<'_> {
    /// Returns the bytes that all keys of the list begin with. The length keeps names apart that
    /// begin alike.
    fn prefix(self, kind: RecordKind) -> Vec<u8> {
        let (number, name) = match &self {
            Self::All => (0, &[][..]),
            Self::Open => (1, &[][..]),
            Self::Scope(scope) => (2, scope.as_bytes()),
            Self::Tag(tag) => (3, tag.as_bytes()),
            Self::Tail(tail) => (4, &tail[..]),
        };
        let n_bytes = u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[kind_byte(kind), number], &n_bytes[..], name].concat()
    }
}

/// Returns what the lists of scopes of a kind begin with; a length and a name follow.
pub(crate) fn scopes(kind: RecordKind) -> [u8; 2] {
    [kind_byte(kind), 2]
}

/// Returns the number of bytes of an entry after the name of its list.
pub(crate) const fn entry_bytes() -> usize {
    24
}

/// Returns bytes whose order is that of the instants.
fn instant(at: Timestamp) -> [u8; 8] {
    (at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn entry(list: List<'_>, kind: RecordKind, at: Timestamp, id: &[u8; 16]) -> Vec<u8> {
    let mut key = list.prefix(kind);
    key.extend(instant(at));
    key.extend(id);
    key
}

/// Returns the keys under which an episode is listed, in order.
pub(crate) fn keys_of_episode(episode: &Episode) -> Vec<Vec<u8>> {
    let open = (episode.status() == Status::Open).then_some(List::Open);
    let tags = &episode.context.tags;
    keys(RecordId::from(episode.id), episode.started_at, episode.scope.as_str(), tags, open)
}

/// Returns the keys under which a note is listed, in order.
pub(crate) fn keys_of_note(note: &Note) -> Vec<Vec<u8>> {
    keys(RecordId::from(note.id), note.occurred_at, note.scope.as_str(), &note.tags, None)
}

fn keys(
    id: RecordId,
    at: Timestamp,
    scope: &str,
    tags: &[Box<str>],
    open: Option<List<'_>>,
) -> Vec<Vec<u8>> {
    let (kind, bytes) = (id.kind(), id.to_bytes());
    let [.., a, b, c, d] = bytes;
    let own = [List::All, List::Scope(scope), List::Tail([a, b, c, d])];
    let lists = own.into_iter().chain(open).chain(tags.iter().map(|tag| List::Tag(tag)));
    let mut keys: Vec<_> = lists.map(|list| entry(list, kind, at, &bytes)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Lists records of one kind, newest first, at most `limit`, after `cursor`.
pub(crate) fn read(
    view: &View,
    kind: RecordKind,
    filter: &RecordFilter,
    cursor: Option<ListEntry>,
    limit: usize,
) -> Result<Vec<ListEntry>, StorageError> {
    let is_elsewhere = match kind {
        RecordKind::Episode => filter.note_kind.is_some(),
        RecordKind::Note => filter.status.is_some() || filter.outcome.is_some(),
    };
    if is_elsewhere || limit == 0 {
        return Ok(Vec::new());
    }
    if let Some(ids) = filter.ids {
        return in_range(view, kind, filter, cursor, limit, (ids.first, ids.last));
    }
    let (list, rest) = narrowest(filter);
    let rest = (rest != RecordFilter::default()).then_some(rest);
    let prefix = list.prefix(kind);
    let first = [&prefix[..], &instant(filter.since.unwrap_or(Timestamp::from_millis(i64::MIN)))];
    let (first, end) = (first.concat(), end(&prefix, kind, filter.until, cursor));
    let mut listed = Vec::new();
    if first >= end {
        return Ok(listed);
    }
    for row in view.lists.range::<&[u8]>(&*first..&*end).map_err(failed)?.rev() {
        let (key, _) = row.map_err(failed)?;
        let found = parse(kind, key.value()).ok_or_else(|| corrupt("an entry of a list"))?;
        if rest.as_ref().is_none_or(|rest| passes(view, found.id, rest).unwrap_or(true)) {
            // What cannot be read is listed: whoever reads it is told.
            listed.push(found);
        }
        if listed.len() == limit {
            break;
        }
    }
    Ok(listed)
}

/// Returns the list that leaves the fewest records, and the conditions that it does not answer.
fn narrowest(filter: &RecordFilter) -> (List<'_>, RecordFilter) {
    let mut rest = RecordFilter { since: None, until: None, ..filter.clone() };
    let list = if let Some(tail) = filter.tail {
        List::Tail(tail.last_bytes())
    } else if let Some(tag) = &filter.tag {
        rest.tag = None;
        List::Tag(tag)
    } else if filter.status == Some(Status::Open) {
        rest.status = None;
        List::Open
    } else if let Some(scope) = &filter.scope {
        rest.scope = None;
        List::Scope(scope.as_str())
    } else {
        List::All
    };
    (list, rest)
}

/// Returns the first key of a list that is not to be listed any more.
fn end(
    prefix: &[u8],
    kind: RecordKind,
    until: Option<Timestamp>,
    cursor: Option<ListEntry>,
) -> Vec<u8> {
    let after = cursor.map(|cursor| {
        let at = instant(cursor.at);
        match (kind, cursor.id.kind()) {
            (kind, of_cursor) if kind == of_cursor => [prefix, &at, &cursor.id.to_bytes()].concat(),
            // Ids of episodes come before ids of notes, whatever their bytes.
            (RecordKind::Episode, _) => [prefix, &at, &[0xff; 17]].concat(),
            _ => [prefix, &at].concat(),
        }
    });
    let until = until.map(|until| [prefix, &instant(until)].concat());
    let last = [prefix, &[0xff; 25]].concat();
    [Some(last), until, after].into_iter().flatten().min().unwrap_or_default()
}

fn parse(kind: RecordKind, key: &[u8]) -> Option<ListEntry> {
    let (_, entry) = key.split_at_checked(key.len().checked_sub(entry_bytes())?)?;
    let (at, id) = entry.split_at_checked(8)?;
    let at = u64::from_be_bytes(joined(&[at])) ^ (1 << 63);
    let at = Timestamp::from_millis(at.cast_signed());
    Some(ListEntry { id: RecordId::from_bytes(kind, joined(&[id])), at })
}

fn passes(view: &View, id: RecordId, filter: &RecordFilter) -> Result<bool, StorageError> {
    Ok(match id {
        RecordId::Episode(id) => view.episode(id)?.is_some_and(|e| filter.passes_episode(&e)),
        RecordId::Note(id) => view.note(id)?.is_some_and(|note| filter.passes_note(&note)),
    })
}

/// Lists records with ids in a range, which mostly holds one.
fn in_range(
    view: &View,
    kind: RecordKind,
    filter: &RecordFilter,
    cursor: Option<ListEntry>,
    limit: usize,
    (first, last): ([u8; 16], [u8; 16]),
) -> Result<Vec<ListEntry>, StorageError> {
    if first > last {
        return Ok(Vec::new());
    }
    let mut listed = Vec::new();
    match kind {
        RecordKind::Episode => {
            for row in view.episodes.range::<&[u8; 16]>(&first..=&last).map_err(failed)? {
                let id = EpisodeId::from_bytes(*row.map_err(failed)?.0.value());
                let found = view.episode(id)?.filter(|e| filter.passes_episode(e));
                listed.extend(found.map(|e| ListEntry { id: id.into(), at: e.started_at }));
            }
        }
        RecordKind::Note => {
            for row in view.notes.range::<&[u8; 16]>(&first..=&last).map_err(failed)? {
                let id = NoteId::from_bytes(*row.map_err(failed)?.0.value());
                let found = view.note(id)?.filter(|note| filter.passes_note(note));
                listed.extend(found.map(|n| ListEntry { id: id.into(), at: n.occurred_at }));
            }
        }
    }
    listed.retain(|e| cursor.is_none_or(|cursor| (e.at, e.id) < (cursor.at, cursor.id)));
    listed.sort_unstable_by_key(|e| std::cmp::Reverse((e.at, e.id)));
    listed.truncate(limit);
    Ok(listed)
}
