//! Tables in memory, and a batch on them: applied whole, or taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::vectors::{self, Vectors};
use crate::model::{
    Closing, Episode, EpisodeId, Note, NoteId, RecordId, RecordKind, Source, Step, Timestamp,
};
use crate::storage::{
    ChangeOp, Commit, EpisodeState, Found, NamedState, NoteState, Seq, StorageError, StoredCall,
    StoredVector, Tables, WriteBatch, apply,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) episodes: BTreeMap<EpisodeId, (Episode, Vec<Step>)>,
    pub(super) notes: BTreeMap<NoteId, Note>,
    pub(super) sources: BTreeMap<(RecordKind, Source), RecordId>,
    pub(super) forgotten: BTreeSet<(RecordKind, Source)>,
    pub(super) states: BTreeMap<Box<str>, NamedState>,
    pub(super) changes: BTreeMap<Seq, (RecordId, ChangeOp)>,
    pub(super) newest: BTreeMap<RecordId, Seq>,
    pub(super) seq: Seq,
    pub(super) vectors: Vectors,
}

/// One change that a batch made, with what was there before.
enum Undo {
    /// The episode was inserted.
    InsertedEpisode(EpisodeId),
    /// The episode was changed.
    Episode(Box<Episode>),
    /// Steps were appended to an episode of that many.
    Steps(EpisodeId, usize),
    /// The steps took the place of these.
    AllSteps(EpisodeId, Vec<Step>),
    /// A step took the place of this one.
    Step(EpisodeId, Box<Step>),
    /// The source was remembered as forgotten.
    Buried((RecordKind, Source)),
    /// That was lifted.
    Lifted((RecordKind, Source)),
    /// The state of a name was changed.
    State(Box<str>, Option<NamedState>),
    /// The note was inserted.
    InsertedNote(NoteId),
    /// The note was changed.
    Note(Box<Note>),
    /// The episode was removed.
    RemovedEpisode(Box<(Episode, Vec<Step>)>),
    /// The note was removed.
    RemovedNote(Box<Note>),
    /// A vector was stored or removed.
    Vector(vectors::Undo),
}

impl State {
    /// Applies the whole batch or nothing.
    pub(super) fn apply(&mut self, batch: WriteBatch) -> Result<Commit, StorageError> {
        // An operation checks before it changes anything, so one alone never has to be taken back.
        let undo = (batch.ops.len() > 1).then(Vec::new);
        let seq = self.seq;
        let mut transaction = Transaction { state: self, undo };
        let result = apply(&mut transaction, seq, batch);
        if result.is_err() {
            transaction.take_back();
        }
        result
    }

    pub(super) fn is_stored(&self, id: RecordId) -> bool {
        match id {
            RecordId::Episode(id) => self.episodes.contains_key(&id),
            RecordId::Note(id) => self.notes.contains_key(&id),
        }
    }

    fn put_step(&mut self, id: EpisodeId, step: Step) {
        let steps = self.episodes.get_mut(&id).map(|(_, steps)| steps);
        if let Some(stored) = steps.and_then(|steps| steps.get_mut(step.idx as usize)) {
            *stored = step;
        }
    }

    /// Puts steps in place of all that an episode has; gives those.
    fn set_steps(&mut self, id: EpisodeId, steps: Vec<Step>) -> Vec<Step> {
        let Some((episode, stored)) = self.episodes.get_mut(&id) else { return Vec::new() };
        episode.n_steps = len_u32(&steps);
        std::mem::replace(stored, steps)
    }

    pub(super) fn by_source(&self, key: &(RecordKind, Source)) -> Found {
        match self.sources.get(key) {
            Some(id) => Found::Stored(*id),
            None if self.forgotten.contains(key) => Found::Forgotten,
            None => Found::Unknown,
        }
    }

    fn put_source(&mut self, source: Option<&Source>, id: RecordId) {
        if let Some(source) = source {
            self.sources.insert((id.kind(), source.clone()), id);
        }
    }

    fn drop_source(&mut self, source: Option<&Source>, kind: RecordKind) {
        if let Some(source) = source {
            self.sources.remove(&(kind, source.clone()));
        }
    }
}

/// A batch in progress; with `undo` it can be taken back.
struct Transaction<'a> {
    state: &'a mut State,
    undo: Option<Vec<Undo>>,
}

impl Transaction<'_> {
    fn note_undo(&mut self, undo: impl FnOnce() -> Undo) {
        if let Some(list) = &mut self.undo {
            list.push(undo());
        }
    }

    /// Puts a state in place of the one of its name, or none.
    fn set_state(&mut self, name: Box<str>, state: Option<NamedState>) {
        let before = match state {
            Some(state) => self.state.states.insert(name.clone(), state),
            None => self.state.states.remove(&name),
        };
        self.note_undo(|| Undo::State(name, before));
    }

    fn note_vectors(&mut self, undo: Vec<vectors::Undo>) {
        if let Some(list) = &mut self.undo {
            list.extend(undo.into_iter().map(Undo::Vector));
        }
    }

    /// Takes back all changes, the last one first.
    fn take_back(&mut self) {
        while let Some(undo) = self.undo.as_mut().and_then(Vec::pop) {
            let state = &mut *self.state;
            match undo {
                Undo::InsertedEpisode(id) => {
                    if let Some((episode, _)) = state.episodes.remove(&id) {
                        state.drop_source(episode.source.as_ref(), RecordKind::Episode);
                    }
                }
                Undo::Episode(before) => {
                    if let Some((episode, _)) = state.episodes.get_mut(&before.id) {
                        *episode = *before;
                    }
                }
                Undo::Steps(id, n_before) => {
                    if let Some((episode, steps)) = state.episodes.get_mut(&id) {
                        steps.truncate(n_before);
                        episode.n_steps = len_u32(steps);
                    }
                }
                Undo::AllSteps(id, before) => {
                    state.set_steps(id, before);
                }
                Undo::Step(id, before) => state.put_step(id, *before),
                Undo::Buried(key) => {
                    state.forgotten.remove(&key);
                }
                Undo::Lifted(key) => {
                    state.forgotten.insert(key);
                }
                Undo::State(name, before) => {
                    match before {
                        Some(before) => state.states.insert(name, before),
                        None => state.states.remove(&name),
                    };
                }
                Undo::InsertedNote(id) => {
                    if let Some(note) = state.notes.remove(&id) {
                        state.drop_source(note.source.as_ref(), RecordKind::Note);
                    }
                }
                Undo::Note(before) => {
                    state.notes.insert(before.id, *before);
                }
                Undo::RemovedEpisode(stored) => {
                    state.put_source(stored.0.source.as_ref(), stored.0.id.into());
                    state.episodes.insert(stored.0.id, *stored);
                }
                Undo::RemovedNote(note) => {
                    state.put_source(note.source.as_ref(), note.id.into());
                    state.notes.insert(note.id, *note);
                }
                Undo::Vector(undo) => state.vectors.take_back(undo),
            }
        }
    }
}

impl Tables for Transaction<'_> {
    fn episode(&self, id: EpisodeId) -> Result<Option<EpisodeState>, StorageError> {
        let stored = self.state.episodes.get(&id);
        Ok(stored.map(|(episode, _)| EpisodeState {
            status: episode.status(),
            is_provisional: episode.closing.as_ref().is_some_and(Closing::is_provisional),
            is_elsewhere: episode.author.is_some(),
            n_steps: episode.n_steps,
        }))
    }

    fn note(&self, id: NoteId) -> Result<Option<NoteState>, StorageError> {
        let stored = self.state.notes.get(&id);
        Ok(stored.map(|note| NoteState {
            supersedes: note.supersedes,
            superseded_by: note.superseded_by,
        }))
    }

    fn by_source(&self, kind: RecordKind, source: &Source) -> Result<Found, StorageError> {
        Ok(self.state.by_source(&(kind, source.clone())))
    }

    fn call(&self, id: EpisodeId, call_id: &str) -> Result<Option<StoredCall>, StorageError> {
        let steps = self.state.episodes.get(&id).map_or(&[][..], |(_, steps)| steps);
        // A call that is told again was mostly told just before.
        let step = steps.iter().rev().find(|step| step.call_id.as_deref() == Some(call_id));
        Ok(step.map(|step| StoredCall {
            idx: step.idx,
            occurred_at: step.occurred_at,
            has_result: step.has_result(),
        }))
    }

    fn linked_notes(&self, id: RecordId) -> Result<Vec<NoteId>, StorageError> {
        let is_linked = |note: &&Note| match id {
            RecordId::Episode(id) => note.episode == Some(id),
            RecordId::Note(id) => note.superseded_by == Some(id) || note.supersedes == Some(id),
        };
        Ok(self.state.notes.values().filter(is_linked).map(|note| note.id).collect())
    }

    fn dimension(&self, model: &str) -> Result<Option<usize>, StorageError> {
        Ok(self.state.vectors.dimension(model))
    }

    fn newest_change(&self, id: RecordId) -> Result<Seq, StorageError> {
        Ok(self.state.newest.get(&id).copied().unwrap_or_default())
    }

    fn insert_episode(&mut self, episode: Episode) -> Result<(), StorageError> {
        let id = episode.id;
        self.state.put_source(episode.source.as_ref(), id.into());
        self.state.episodes.insert(id, (episode, Vec::new()));
        self.note_undo(|| Undo::InsertedEpisode(id));
        Ok(())
    }

    fn update_episode(
        &mut self,
        id: EpisodeId,
        change: impl FnOnce(&mut Episode),
    ) -> Result<(), StorageError> {
        if let Some((episode, _)) = self.state.episodes.get_mut(&id) {
            if let Some(undo) = &mut self.undo {
                undo.push(Undo::Episode(Box::new(episode.clone())));
            }
            change(episode);
        }
        Ok(())
    }

    fn append_steps(&mut self, id: EpisodeId, mut steps: Vec<Step>) -> Result<(), StorageError> {
        if let Some((episode, stored)) = self.state.episodes.get_mut(&id) {
            let n_before = stored.len();
            stored.append(&mut steps);
            episode.n_steps = len_u32(stored);
            self.note_undo(|| Undo::Steps(id, n_before));
        }
        Ok(())
    }

    fn set_steps(&mut self, id: EpisodeId, steps: Vec<Step>) -> Result<(), StorageError> {
        let before = self.state.set_steps(id, steps);
        self.note_undo(|| Undo::AllSteps(id, before));
        Ok(())
    }

    fn replace_step(&mut self, id: EpisodeId, step: Step) -> Result<(), StorageError> {
        let steps = self.state.episodes.get(&id).map_or(&[][..], |(_, steps)| steps);
        let before = steps.get(step.idx as usize).cloned();
        self.state.put_step(id, step);
        if let Some(before) = before {
            self.note_undo(|| Undo::Step(id, Box::new(before)));
        }
        Ok(())
    }

    fn insert_note(&mut self, note: Note) -> Result<(), StorageError> {
        let id = note.id;
        self.state.put_source(note.source.as_ref(), id.into());
        self.state.notes.insert(id, note);
        self.note_undo(|| Undo::InsertedNote(id));
        Ok(())
    }

    fn update_note(
        &mut self,
        id: NoteId,
        change: impl FnOnce(&mut Note),
    ) -> Result<(), StorageError> {
        if let Some(note) = self.state.notes.get_mut(&id) {
            if let Some(undo) = &mut self.undo {
                undo.push(Undo::Note(Box::new(note.clone())));
            }
            change(note);
        }
        Ok(())
    }

    fn remove(&mut self, id: RecordId) -> Result<Option<Source>, StorageError> {
        let mut source = None;
        match id {
            RecordId::Episode(episode) => {
                if let Some(stored) = self.state.episodes.remove(&episode) {
                    source.clone_from(&stored.0.source);
                    self.note_undo(|| Undo::RemovedEpisode(Box::new(stored)));
                }
            }
            RecordId::Note(note) => {
                if let Some(stored) = self.state.notes.remove(&note) {
                    source.clone_from(&stored.source);
                    self.note_undo(|| Undo::RemovedNote(Box::new(stored)));
                }
            }
        }
        self.state.drop_source(source.as_ref(), id.kind());
        let mut undo = Vec::new();
        self.state.vectors.remove_record(id, &mut undo);
        self.note_vectors(undo);
        Ok(source)
    }

    fn bury(&mut self, kind: RecordKind, source: Source) -> Result<(), StorageError> {
        let key = (kind, source);
        if self.state.forgotten.insert(key.clone()) {
            self.note_undo(|| Undo::Buried(key));
        }
        Ok(())
    }

    fn lift(&mut self, kind: RecordKind, source: &Source) -> Result<bool, StorageError> {
        let key = (kind, source.clone());
        let was_forgotten = self.state.forgotten.remove(&key);
        if was_forgotten {
            self.note_undo(|| Undo::Lifted(key));
        }
        Ok(was_forgotten)
    }

    fn keep_state(&mut self, state: NamedState) -> Result<(), StorageError> {
        let name = state.name.clone();
        self.set_state(name, Some(state).filter(|state| !state.bytes.is_empty()));
        Ok(())
    }

    fn drop_states(&mut self, before: Timestamp) -> Result<(), StorageError> {
        let states = self.state.states.values();
        let old = states.filter(|state| state.recorded_at < before);
        for name in old.map(|state| state.name.clone()).collect::<Vec<_>>() {
            self.set_state(name, None);
        }
        Ok(())
    }

    fn put_vector(&mut self, model: &str, vector: StoredVector) -> Result<(), StorageError> {
        let mut undo = Vec::new();
        self.state.vectors.put(model, vector, &mut undo);
        self.note_vectors(undo);
        Ok(())
    }

    fn drop_vectors(&mut self, model: &str, limit: u32) -> Result<(), StorageError> {
        let mut undo = Vec::new();
        self.state.vectors.drop_oldest(model, limit, &mut undo);
        self.note_vectors(undo);
        Ok(())
    }

    fn record_change(&mut self, id: RecordId, op: ChangeOp) -> Result<Seq, StorageError> {
        let state = &mut *self.state;
        state.seq += 1;
        if let Some(older) = state.newest.insert(id, state.seq) {
            state.changes.remove(&older);
        }
        state.changes.insert(state.seq, (id, op));
        Ok(state.seq)
    }
}

pub(super) fn len_u32(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}
