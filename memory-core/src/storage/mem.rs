//! Storage in memory: the reference that the backends are compared with.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

mod state;
mod vectors;

use state::{State, len_u32};

use super::{
    Change, Commit, Durability, Found, Head, ListEntry, NamedState, RecordFilter, Seq, StepRange,
    Storage, StorageError, StorageStats, VectorRow, WriteBatch,
};
use crate::model::{Record, RecordId, RecordKind, Source, Status, Step};

/// Format that [`MemStorage`] reports; it has no file whose format could change.
const FORMAT: u32 = 1;

/// Keeps everything in ordered maps behind one lock; nothing survives the process.
///
/// Flushing does nothing, because there is nothing more durable to flush to.
#[derive(Debug)]
pub struct MemStorage {
    store_id: [u8; 16],
    state: RwLock<State>,
}

impl Default for MemStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl MemStorage {
    /// An empty store with a new identity.
    #[must_use]
    pub fn new() -> Self {
        Self { store_id: *uuid::Uuid::now_v7().as_bytes(), state: RwLock::default() }
    }

    /// An empty store with that identity.
    #[cfg(test)]
    pub(crate) fn with_id(store_id: [u8; 16]) -> Self {
        Self { store_id, state: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A batch is checked before it changes anything, so even a panic leaves whole batches.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemStorage {
    fn apply(&self, batch: WriteBatch, _: Durability) -> Result<Commit, StorageError> {
        self.write().apply(batch)
    }

    fn head(&self) -> Result<Head, StorageError> {
        Ok(Head { store_id: self.store_id, seq: self.read().seq, format: FORMAT })
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        let state = self.read();
        let read = |id: &RecordId| match id {
            RecordId::Episode(id) => {
                state.episodes.get(id).map(|(e, _)| Record::Episode(Box::new(e.clone())))
            }
            RecordId::Note(id) => state.notes.get(id).map(|n| Record::Note(Box::new(n.clone()))),
        };
        Ok(ids.iter().map(read).collect())
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        let state = self.read();
        let read = |range: &StepRange| {
            let steps = state.episodes.get(&range.episode).map_or(&[][..], |(_, steps)| steps);
            let steps = steps.iter().skip(range.from as usize).take(range.limit as usize);
            steps.cloned().collect()
        };
        Ok(ranges.iter().map(read).collect())
    }

    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        let state = self.read();
        Ok(sources.iter().map(|source| state.by_source(&(kind, source.clone()))).collect())
    }

    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        let state = self.read();
        let from = (std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded);
        let states = state.states.range::<str, _>(from);
        let states = states.take_while(|(name, _)| name.starts_with(prefix));
        Ok(states.map(|(_, state)| state.clone()).collect())
    }

    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        let state = self.read();
        let mut entries: Vec<ListEntry> = match kind {
            RecordKind::Episode => {
                let passing = state.episodes.values().filter(|(e, _)| filter.passes_episode(e));
                passing.map(|(e, _)| ListEntry { id: e.id.into(), at: e.started_at }).collect()
            }
            RecordKind::Note => {
                let passing = state.notes.values().filter(|note| filter.passes_note(note));
                passing.map(|n| ListEntry { id: n.id.into(), at: n.occurred_at }).collect()
            }
        };
        entries.retain(|e| cursor.is_none_or(|cursor| (e.at, e.id) < (cursor.at, cursor.id)));
        entries.sort_unstable_by_key(|e| std::cmp::Reverse((e.at, e.id)));
        entries.truncate(limit);
        Ok(entries)
    }

    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        let state = self.read();
        let newer =
            state.changes.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        Ok(newer
            .take(limit)
            .map(|(seq, (id, op))| Change { seq: *seq, id: *id, op: *op })
            .collect())
    }

    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        Ok(self.read().vectors.after(model, after).take(limit).collect())
    }

    fn stats(&self) -> Result<StorageStats, StorageError> {
        let state = self.read();
        let (vectors, size_bytes) = state.vectors.size();
        let n_notes = state.notes.len() as u64;
        let mut counts = StorageStats { n_notes, vectors, size_bytes, ..StorageStats::default() };
        let mut scopes = BTreeMap::<Box<str>, u64>::new();
        for (episode, steps) in state.episodes.values() {
            counts.n_episodes += 1;
            counts.n_open += u64::from(episode.status() == Status::Open);
            counts.n_steps += steps.len() as u64;
            *scopes.entry(episode.scope.as_str().into()).or_default() += 1;
            let texts = steps.iter().map(|s| s.args.as_str().len() + s.observation.as_str().len());
            counts.size_bytes += (episode.task.as_str().len() + texts.sum::<usize>()) as u64;
        }
        for note in state.notes.values() {
            *scopes.entry(note.scope.as_str().into()).or_default() += 1;
            counts.size_bytes += note.text.as_str().len() as u64;
        }
        counts.scopes = scopes.into_iter().collect();
        Ok(counts)
    }

    fn flush(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn check(&self) -> Result<Vec<String>, StorageError> {
        let state = self.read();
        let miscounted = state.episodes.values().filter(|(e, steps)| e.n_steps != len_u32(steps));
        let findings = miscounted.map(|(e, _)| format!("episode {} miscounts its steps", e.id));
        Ok(findings.chain(state.vectors.check(|id| state.is_stored(id))).collect())
    }
}
