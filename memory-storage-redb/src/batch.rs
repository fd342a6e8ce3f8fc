//! One batch inside an open transaction: the tables that [`memory_core::backend::apply`] works on.

use memory_core::backend::{
    EpisodeState, Found, NamedState, NoteState, StoredCall, StoredVector, Tables,
};
use memory_core::{
    ChangeOp, Closing, Episode, EpisodeId, Note, NoteId, RecordId, RecordKind, Seq, Source, Status,
    Step, StorageError, Timestamp,
};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use crate::changes::{self, RecordRow, State};
use crate::error::{corrupt, decode, encode, failed};
use crate::schema::{
    CALLS, CHANGES, EPISODES, LINKS, LISTS, META, META_VECTOR_SEQ, MODELS, NOTES, RECORDS, SOURCES,
    STATES, STEPS, UNITS, VECTORS, call_key, link_key, record_key, step_key, unit_key, vector_key,
};
use crate::{episodes, list, notes, sources, states, steps, vectors};

type Values<'t, K> = Table<'t, K, &'static [u8]>;

/// The tables of one transaction.
pub(crate) struct OpenTables<'t> {
    meta: Values<'t, &'static str>,
    records: Values<'t, &'static [u8; 17]>,
    episodes: Values<'t, &'static [u8; 16]>,
    notes: Values<'t, &'static [u8; 16]>,
    steps: Values<'t, &'static [u8; 20]>,
    calls: Table<'t, &'static [u8], u32>,
    changes: Values<'t, u64>,
    sources: Values<'t, &'static [u8]>,
    links: Table<'t, &'static [u8; 33], ()>,
    lists: Table<'t, &'static [u8], ()>,
    states: Values<'t, &'static str>,
    models: Table<'t, &'static str, u32>,
    vectors: Values<'t, &'static [u8; 12]>,
    units: Table<'t, &'static [u8; 25], u64>,
    /// Position of the newest change.
    seq: Seq,
    /// Position of the newest vector, once it is known.
    vector_seq: Option<u64>,
}

impl<'t> OpenTables<'t> {
    /// Opens all tables; makes those that are not there.
    pub(crate) fn open(txn: &'t WriteTransaction) -> Result<Self, StorageError> {
        let changes = txn.open_table(CHANGES).map_err(failed)?;
        let seq = changes::newest(&changes)?;
        Ok(Self {
            meta: txn.open_table(META).map_err(failed)?,
            records: txn.open_table(RECORDS).map_err(failed)?,
            episodes: txn.open_table(EPISODES).map_err(failed)?,
            notes: txn.open_table(NOTES).map_err(failed)?,
            steps: txn.open_table(STEPS).map_err(failed)?,
            calls: txn.open_table(CALLS).map_err(failed)?,
            changes,
            sources: txn.open_table(SOURCES).map_err(failed)?,
            links: txn.open_table(LINKS).map_err(failed)?,
            lists: txn.open_table(LISTS).map_err(failed)?,
            states: txn.open_table(STATES).map_err(failed)?,
            models: txn.open_table(MODELS).map_err(failed)?,
            vectors: txn.open_table(VECTORS).map_err(failed)?,
            units: txn.open_table(UNITS).map_err(failed)?,
            seq,
            vector_seq: None,
        })
    }

    /// Returns the position of the newest change.
    pub(crate) fn seq(&self) -> Seq {
        self.seq
    }

    /// Keeps what is counted in memory while the tables are open.
    pub(crate) fn finish(mut self) -> Result<(), StorageError> {
        if let Some(seq) = self.vector_seq {
            self.meta.insert(META_VECTOR_SEQ, &*encode(&seq)?).map_err(failed)?;
        }
        Ok(())
    }

    fn row(&self, id: RecordId) -> Result<Option<RecordRow>, StorageError> {
        let row = self.records.get(&record_key(id)).map_err(failed)?;
        row.map(|row| RecordRow::from_bytes(row.value())).transpose()
    }

    /// Changes the row of a record, which is made where there is none.
    fn set_row(
        &mut self,
        id: RecordId,
        change: impl FnOnce(&mut RecordRow),
    ) -> Result<(), StorageError> {
        let none = RecordRow { seq: 0, state: State::Removed, n_steps: 0 };
        let mut row = self.row(id)?.unwrap_or(none);
        change(&mut row);
        self.records.insert(&record_key(id), &*row.to_bytes()?).map_err(failed)?;
        Ok(())
    }

    fn stored_episode(&self, id: EpisodeId) -> Result<Episode, StorageError> {
        let value = self.episodes.get(&id.to_bytes()).map_err(failed)?;
        let value = value.ok_or_else(|| corrupt(&format!("episode {id} has no value")))?;
        let n_steps = self.row(id.into())?.map_or(0, |row| row.n_steps);
        episodes::from_bytes(id, n_steps, value.value())
    }

    fn stored_note(&self, id: NoteId) -> Result<Option<Note>, StorageError> {
        let value = self.notes.get(&id.to_bytes()).map_err(failed)?;
        value.map(|value| notes::from_bytes(id, value.value())).transpose()
    }

    fn put_episode(&mut self, episode: &Episode) -> Result<(), StorageError> {
        let value = episodes::to_bytes(episode)?;
        self.episodes.insert(&episode.id.to_bytes(), &*value).map_err(failed)?;
        Ok(())
    }

    fn put_note(&mut self, note: &Note) -> Result<(), StorageError> {
        self.notes.insert(&note.id.to_bytes(), &*notes::to_bytes(note)?).map_err(failed)?;
        Ok(())
    }

    fn put_source(
        &mut self,
        source: Option<&Source>,
        kind: RecordKind,
        id: Option<RecordId>,
    ) -> Result<(), StorageError> {
        if let Some(source) = source {
            let key = sources::key(kind, source);
            self.sources.insert(&*key, &*sources::to_bytes(id)?).map_err(failed)?;
        }
        Ok(())
    }

    /// Lists a record under `new` instead of `old`, both in order.
    fn relist(&mut self, old: &[Vec<u8>], new: &[Vec<u8>]) -> Result<(), StorageError> {
        for key in old.iter().filter(|key| new.binary_search(key).is_err()) {
            self.lists.remove(&**key).map_err(failed)?;
        }
        for key in new.iter().filter(|key| old.binary_search(key).is_err()) {
            self.lists.insert(&**key, ()).map_err(failed)?;
        }
        Ok(())
    }

    /// Sets which records a note names.
    fn relink(&mut self, old: Option<&Note>, new: Option<&Note>) -> Result<(), StorageError> {
        let keys = |note: &Note| {
            let id = note.id.to_bytes();
            notes::links(note).map(move |named| link_key(named, id))
        };
        for key in old.into_iter().flat_map(keys) {
            self.links.remove(&key).map_err(failed)?;
        }
        for key in new.into_iter().flat_map(keys) {
            self.links.insert(&key, ()).map_err(failed)?;
        }
        Ok(())
    }

    fn remove_steps(&mut self, id: EpisodeId) -> Result<(), StorageError> {
        let (first, last) = (step_key(id, 0), step_key(id, u32::MAX));
        self.steps.retain_in::<&[u8; 20], _>(&first..=&last, |_, _| false).map_err(failed)?;
        let first = call_key(id, "");
        let mut calls = Vec::new();
        for row in self.calls.range::<&[u8]>(&*first..).map_err(failed)? {
            let (key, _) = row.map_err(failed)?;
            if !key.value().starts_with(&first) {
                break;
            }
            calls.push(key.value().to_vec());
        }
        for key in calls {
            self.calls.remove(&*key).map_err(failed)?;
        }
        Ok(())
    }

    fn remove_vectors(&mut self, id: RecordId) -> Result<(), StorageError> {
        let (first, last) = (unit_key(id, 0, 0), unit_key(id, u32::MAX, u32::MAX));
        let mut found = Vec::new();
        for row in self.units.range::<&[u8; 25]>(&first..=&last).map_err(failed)? {
            let (key, seq) = row.map_err(failed)?;
            found.push((*key.value(), seq.value()));
        }
        for (key, seq) in found {
            let [.., a, b, c, d] = key;
            let model = u32::from_be_bytes([a, b, c, d]);
            self.vectors.remove(&vector_key(model, seq)).map_err(failed)?;
            self.units.remove(&key).map_err(failed)?;
        }
        Ok(())
    }

    fn model(&self, name: &str) -> Result<Option<u32>, StorageError> {
        Ok(self.models.get(name).map_err(failed)?.map(|number| number.value()))
    }

    /// Returns the number of a model, which gets one where it has none.
    fn number_of_model(&mut self, name: &str) -> Result<u32, StorageError> {
        if let Some(number) = self.model(name)? {
            return Ok(number);
        }
        let n_models = self.models.len().map_err(failed)?;
        let number = u32::try_from(n_models).unwrap_or(u32::MAX);
        self.models.insert(name, number).map_err(failed)?;
        Ok(number)
    }

    fn next_vector_seq(&mut self) -> Result<u64, StorageError> {
        let newest = match self.vector_seq {
            Some(newest) => newest,
            None => match self.meta.get(META_VECTOR_SEQ).map_err(failed)? {
                Some(value) => decode(value.value(), &"the counter of vectors")?,
                None => 0,
            },
        };
        self.vector_seq = Some(newest + 1);
        Ok(newest + 1)
    }
}

fn state_of(episode: &Episode) -> State {
    let is_provisional = episode.closing.as_ref().is_some_and(Closing::is_provisional);
    match episode.status() {
        Status::Open if episode.author.is_some() => State::OpenElsewhere,
        Status::Open => State::Open,
        Status::Completed => State::Completed(is_provisional),
        Status::Abandoned => State::Abandoned(is_provisional),
    }
}

impl Tables for OpenTables<'_> {
    fn episode(&self, id: EpisodeId) -> Result<Option<EpisodeState>, StorageError> {
        let Some(row) = self.row(id.into())? else { return Ok(None) };
        let (status, is_provisional) = match row.state {
            State::Removed | State::Note => return Ok(None),
            State::Open | State::OpenElsewhere => (Status::Open, false),
            State::Completed(is_provisional) => (Status::Completed, is_provisional),
            State::Abandoned(is_provisional) => (Status::Abandoned, is_provisional),
        };
        let is_elsewhere = row.state == State::OpenElsewhere;
        Ok(Some(EpisodeState { status, is_provisional, is_elsewhere, n_steps: row.n_steps }))
    }

    fn note(&self, id: NoteId) -> Result<Option<NoteState>, StorageError> {
        let note = self.stored_note(id)?;
        Ok(note.map(|note| NoteState {
            supersedes: note.supersedes,
            superseded_by: note.superseded_by,
        }))
    }

    fn by_source(&self, kind: RecordKind, source: &Source) -> Result<Found, StorageError> {
        sources::find_one(&self.sources, kind, source)
    }

    fn call(&self, id: EpisodeId, call_id: &str) -> Result<Option<StoredCall>, StorageError> {
        let Some(idx) = self.calls.get(&*call_key(id, call_id)).map_err(failed)? else {
            return Ok(None);
        };
        let idx = idx.value();
        let step = self.steps.get(&step_key(id, idx)).map_err(failed)?;
        let step = step.ok_or_else(|| corrupt(&format!("a call of episode {id} has no step")))?;
        Ok(Some(steps::stored_call(&steps::from_bytes(idx, step.value())?)))
    }

    fn linked_notes(&self, id: RecordId) -> Result<Vec<NoteId>, StorageError> {
        let (first, last) = (link_key(id, [0; 16]), link_key(id, [0xff; 16]));
        let rows = self.links.range::<&[u8; 33]>(&first..=&last).map_err(failed)?;
        rows.map(|row| {
            let (key, ()) = row.map(|(key, _)| (key, ())).map_err(failed)?;
            let (_, note) = key.value().split_last_chunk().ok_or_else(|| corrupt("a link"))?;
            Ok(NoteId::from_bytes(*note))
        })
        .collect()
    }

    fn dimension(&self, model: &str) -> Result<Option<usize>, StorageError> {
        match self.model(model)? {
            Some(model) => vectors::dimension(&self.vectors, model),
            None => Ok(None),
        }
    }

    fn newest_change(&self, id: RecordId) -> Result<Seq, StorageError> {
        Ok(self.row(id)?.map_or(0, |row| row.seq))
    }

    fn insert_episode(&mut self, episode: Episode) -> Result<(), StorageError> {
        let id = RecordId::from(episode.id);
        self.put_source(episode.source.as_ref(), RecordKind::Episode, Some(id))?;
        self.put_episode(&episode)?;
        self.relist(&[], &list::keys_of_episode(&episode))?;
        self.set_row(id, |row| (row.state, row.n_steps) = (state_of(&episode), 0))
    }

    fn update_episode(
        &mut self,
        id: EpisodeId,
        change: impl FnOnce(&mut Episode),
    ) -> Result<(), StorageError> {
        let mut episode = self.stored_episode(id)?;
        let (old, old_state) = (list::keys_of_episode(&episode), state_of(&episode));
        change(&mut episode);
        self.put_episode(&episode)?;
        self.relist(&old, &list::keys_of_episode(&episode))?;
        let state = state_of(&episode);
        if state == old_state {
            return Ok(());
        }
        self.set_row(id.into(), |row| row.state = state)
    }

    fn append_steps(&mut self, id: EpisodeId, new: Vec<Step>) -> Result<(), StorageError> {
        let n_new = u32::try_from(new.len()).unwrap_or(u32::MAX);
        for step in new {
            if let Some(call_id) = &step.call_id {
                self.calls.insert(&*call_key(id, call_id), step.idx).map_err(failed)?;
            }
            self.replace_step(id, step)?;
        }
        self.set_row(id.into(), |row| row.n_steps = row.n_steps.saturating_add(n_new))
    }

    fn set_steps(&mut self, id: EpisodeId, steps: Vec<Step>) -> Result<(), StorageError> {
        self.remove_steps(id)?;
        self.set_row(id.into(), |row| row.n_steps = 0)?;
        self.append_steps(id, steps)
    }

    fn replace_step(&mut self, id: EpisodeId, step: Step) -> Result<(), StorageError> {
        let value = steps::to_bytes(&step)?;
        self.steps.insert(&step_key(id, step.idx), &*value).map_err(failed)?;
        Ok(())
    }

    fn insert_note(&mut self, note: Note) -> Result<(), StorageError> {
        let id = RecordId::from(note.id);
        self.put_source(note.source.as_ref(), RecordKind::Note, Some(id))?;
        self.put_note(&note)?;
        self.relink(None, Some(&note))?;
        self.relist(&[], &list::keys_of_note(&note))?;
        self.set_row(id, |row| row.state = State::Note)
    }

    fn update_note(
        &mut self,
        id: NoteId,
        change: impl FnOnce(&mut Note),
    ) -> Result<(), StorageError> {
        let old = self.stored_note(id)?;
        let old = old.ok_or_else(|| corrupt(&format!("note {id} is linked but not stored")))?;
        let mut note = old.clone();
        change(&mut note);
        self.put_note(&note)?;
        self.relink(Some(&old), Some(&note))?;
        self.relist(&list::keys_of_note(&old), &list::keys_of_note(&note))
    }

    fn remove(&mut self, id: RecordId) -> Result<Option<Source>, StorageError> {
        let source = match id {
            RecordId::Episode(episode) => {
                let stored = self.stored_episode(episode)?;
                self.relist(&list::keys_of_episode(&stored), &[])?;
                self.remove_steps(episode)?;
                self.episodes.remove(&episode.to_bytes()).map_err(failed)?;
                stored.source
            }
            RecordId::Note(note) => {
                let Some(stored) = self.stored_note(note)? else { return Ok(None) };
                self.relist(&list::keys_of_note(&stored), &[])?;
                self.relink(Some(&stored), None)?;
                self.notes.remove(&note.to_bytes()).map_err(failed)?;
                stored.source
            }
        };
        if let Some(source) = &source {
            self.sources.remove(&*sources::key(id.kind(), source)).map_err(failed)?;
        }
        self.remove_vectors(id)?;
        self.set_row(id, |row| (row.state, row.n_steps) = (State::Removed, 0))?;
        Ok(source)
    }

    fn bury(&mut self, kind: RecordKind, source: Source) -> Result<(), StorageError> {
        self.put_source(Some(&source), kind, None)
    }

    fn lift(&mut self, kind: RecordKind, source: &Source) -> Result<bool, StorageError> {
        let is_forgotten = self.by_source(kind, source)? == Found::Forgotten;
        if is_forgotten {
            self.sources.remove(&*sources::key(kind, source)).map_err(failed)?;
        }
        Ok(is_forgotten)
    }

    fn keep_state(&mut self, state: NamedState) -> Result<(), StorageError> {
        if state.bytes.is_empty() {
            self.states.remove(&*state.name).map_err(failed)?;
        } else {
            self.states.insert(&*state.name, &*states::to_bytes(&state)?).map_err(failed)?;
        }
        Ok(())
    }

    fn drop_states(&mut self, before: Timestamp) -> Result<(), StorageError> {
        for state in states::read(&self.states, "")? {
            if state.recorded_at < before {
                self.states.remove(&*state.name).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn put_vector(&mut self, model: &str, vector: StoredVector) -> Result<(), StorageError> {
        let number = self.number_of_model(model)?;
        let unit = unit_key(vector.unit.record, vector.unit.part, number);
        let seq = self.next_vector_seq()?;
        let older = self.units.insert(&unit, seq).map_err(failed)?.map(|older| older.value());
        if let Some(older) = older {
            self.vectors.remove(&vector_key(number, older)).map_err(failed)?;
        }
        let value = vectors::to_bytes(&vector)?;
        self.vectors.insert(&vector_key(number, seq), &*value).map_err(failed)?;
        Ok(())
    }

    fn drop_vectors(&mut self, model: &str, limit: u32) -> Result<(), StorageError> {
        let Some(number) = self.model(model)? else { return Ok(()) };
        for row in vectors::read(&self.vectors, number, 0, limit as usize)? {
            let unit = row.vector.unit;
            self.vectors.remove(&vector_key(number, row.seq)).map_err(failed)?;
            self.units.remove(&unit_key(unit.record, unit.part, number)).map_err(failed)?;
        }
        Ok(())
    }

    fn record_change(&mut self, id: RecordId, op: ChangeOp) -> Result<Seq, StorageError> {
        let seq = self.seq + 1;
        if let Some(older) = self.row(id)?.map(|row| row.seq) {
            self.changes.remove(older).map_err(failed)?;
        }
        let value = changes::to_bytes(&memory_core::Change { seq, id, op })?;
        self.changes.insert(seq, &*value).map_err(failed)?;
        self.set_row(id, |row| row.seq = seq)?;
        self.seq = seq;
        Ok(seq)
    }
}
