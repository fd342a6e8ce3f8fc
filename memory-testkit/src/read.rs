//! Reading records of one kind from a storage that must answer.

use memory_core::{Episode, EpisodeId, Note, NoteId, Record, Storage};

/// Reads episodes, one entry per id.
#[must_use]
pub fn episodes(storage: &(impl Storage + ?Sized), ids: &[EpisodeId]) -> Vec<Option<Episode>> {
    let ids: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
    let read = storage.records(&ids).unwrap().into_iter().map(|record| match record? {
        Record::Episode(episode) => Some(*episode),
        Record::Note(note) => panic!("a note in place of an episode: {note:?}"),
    });
    read.collect()
}

/// Reads notes, one entry per id.
#[must_use]
pub fn notes(storage: &(impl Storage + ?Sized), ids: &[NoteId]) -> Vec<Option<Note>> {
    let ids: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
    let read = storage.records(&ids).unwrap().into_iter().map(|record| match record? {
        Record::Note(note) => Some(*note),
        Record::Episode(episode) => panic!("an episode in place of a note: {episode:?}"),
    });
    read.collect()
}
