//! Lists of other records that a record names, as JSON lists of short texts.
//!
//! Nothing joins them: what they name may have been removed since.

use libsql::Value;
use memory_core::{
    EpisodeId, NoteId, RecordId, RecordKind, Relation, RelationKind, Shown, StorageError,
};

use crate::connection::{Row, labels};

/// Returns the three columns of what an episode names.
pub(crate) fn columns(
    of: &[Relation],
    were_shown: &[Shown],
    followed: &[RecordId],
) -> Result<[Value; 3], StorageError> {
    Ok([relations(of)?, shown(were_shown)?, records(followed)?])
}

/// Returns the column of relations to other episodes: `retries <id>`.
pub(crate) fn relations(relations: &[Relation]) -> Result<Value, StorageError> {
    let text = |tie: &Relation| format!("{} {}", tie.kind.name(), tie.episode).into();
    labels(&relations.iter().map(text).collect::<Vec<_>>())
}

/// Returns the column of records that were shown: `note <id> strong`.
pub(crate) fn shown(shown: &[Shown]) -> Result<Value, StorageError> {
    let text = |shown: &Shown| {
        let strength = if shown.strong { " strong" } else { "" };
        format!("{}{strength}", record_text(shown.record)).into()
    };
    labels(&shown.iter().map(text).collect::<Vec<_>>())
}

/// Returns the column of records: `note <id>`.
pub(crate) fn records(records: &[RecordId]) -> Result<Value, StorageError> {
    labels(&records.iter().map(|id| record_text(*id).into()).collect::<Vec<_>>())
}

/// Reads what [`relations`] wrote.
pub(crate) fn read_relations(row: &mut Row) -> Result<Vec<Relation>, StorageError> {
    read(row, |text| {
        let (kind, id) = text.split_once(' ')?;
        Some(Relation { kind: RelationKind::from_name(kind)?, episode: id.parse().ok()? })
    })
}

/// Reads what [`shown`] wrote.
pub(crate) fn read_shown(row: &mut Row) -> Result<Vec<Shown>, StorageError> {
    read(row, |text| {
        let weak = text.strip_suffix(" strong");
        Some(Shown { record: record(weak.unwrap_or(text))?, strong: weak.is_some() })
    })
}

/// Reads what [`records`] wrote.
pub(crate) fn read_records(row: &mut Row) -> Result<Vec<RecordId>, StorageError> {
    read(row, record)
}

fn record_text(id: RecordId) -> String {
    format!("{} {id}", id.kind().name())
}

fn record(text: &str) -> Option<RecordId> {
    let (kind, id) = text.split_once(' ')?;
    if kind == RecordKind::Episode.name() {
        id.parse::<EpisodeId>().ok().map(RecordId::from)
    } else if kind == RecordKind::Note.name() {
        id.parse::<NoteId>().ok().map(RecordId::from)
    } else {
        None
    }
}

fn read<T>(row: &mut Row, tie: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, StorageError> {
    let texts = row.labels()?;
    let read: Option<Vec<T>> = texts.iter().map(|text| tie(text)).collect();
    read.ok_or_else(|| row.damaged("no name of a record"))
}
