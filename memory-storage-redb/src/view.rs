//! The newest commit as readers see it: one snapshot with its tables open, kept until the next.
//!
//! Opening a snapshot and its tables costs several times what a point read does.

use memory_core::{Episode, EpisodeId, Note, NoteId, StorageError};
use redb::{Database, ReadOnlyTable, ReadableDatabase};

use crate::changes::RecordRow;
use crate::error::{corrupt, failed};
use crate::schema::{
    CALLS, CHANGES, EPISODES, LINKS, LISTS, MODELS, NOTES, RECORDS, SOURCES, STATES, STEPS, UNITS,
    VECTORS, record_key,
};
use crate::{episodes, notes};

type Values<K> = ReadOnlyTable<K, &'static [u8]>;

/// All tables of one snapshot.
pub(crate) struct View {
    pub(crate) records: Values<&'static [u8; 17]>,
    pub(crate) episodes: Values<&'static [u8; 16]>,
    pub(crate) notes: Values<&'static [u8; 16]>,
    pub(crate) steps: Values<&'static [u8; 20]>,
    pub(crate) calls: ReadOnlyTable<&'static [u8], u32>,
    pub(crate) changes: Values<u64>,
    pub(crate) sources: Values<&'static [u8]>,
    pub(crate) links: ReadOnlyTable<&'static [u8; 33], ()>,
    pub(crate) lists: ReadOnlyTable<&'static [u8], ()>,
    pub(crate) states: Values<&'static str>,
    pub(crate) models: ReadOnlyTable<&'static str, u32>,
    pub(crate) vectors: Values<&'static [u8; 12]>,
    pub(crate) units: ReadOnlyTable<&'static [u8; 25], u64>,
}

impl View {
    /// Opens the newest commit.
    pub(crate) fn open(db: &Database) -> Result<Self, StorageError> {
        let txn = db.begin_read().map_err(failed)?;
        Ok(Self {
            records: txn.open_table(RECORDS).map_err(failed)?,
            episodes: txn.open_table(EPISODES).map_err(failed)?,
            notes: txn.open_table(NOTES).map_err(failed)?,
            steps: txn.open_table(STEPS).map_err(failed)?,
            calls: txn.open_table(CALLS).map_err(failed)?,
            changes: txn.open_table(CHANGES).map_err(failed)?,
            sources: txn.open_table(SOURCES).map_err(failed)?,
            links: txn.open_table(LINKS).map_err(failed)?,
            lists: txn.open_table(LISTS).map_err(failed)?,
            states: txn.open_table(STATES).map_err(failed)?,
            models: txn.open_table(MODELS).map_err(failed)?,
            vectors: txn.open_table(VECTORS).map_err(failed)?,
            units: txn.open_table(UNITS).map_err(failed)?,
        })
    }

    /// Reads an episode.
    pub(crate) fn episode(&self, id: EpisodeId) -> Result<Option<Episode>, StorageError> {
        let Some(value) = self.episodes.get(&id.to_bytes()).map_err(failed)? else {
            return Ok(None);
        };
        let row = self.records.get(&record_key(id.into())).map_err(failed)?;
        let row = row.ok_or_else(|| corrupt(&format!("episode {id} has no row")))?;
        let n_steps = RecordRow::from_bytes(row.value())?.n_steps;
        episodes::from_bytes(id, n_steps, value.value()).map(Some)
    }

    /// Reads a note.
    pub(crate) fn note(&self, id: NoteId) -> Result<Option<Note>, StorageError> {
        let value = self.notes.get(&id.to_bytes()).map_err(failed)?;
        value.map(|value| notes::from_bytes(id, value.value())).transpose()
    }
}
