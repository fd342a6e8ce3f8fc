//! What is in memory, and how a batch changes it: all or nothing.

use std::collections::BTreeMap;

use super::vectors::{self, Vectors};
use crate::model::{
    Closing, Episode, EpisodeId, Feedback, Note, NoteId, RecordId, RecordKind, Scope, Source,
    Status, Step,
};
use crate::storage::{Applied, ChangeOp, Commit, Op, Rejection, Seq, WriteBatch};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) episodes: BTreeMap<EpisodeId, (Episode, Vec<Step>)>,
    pub(super) notes: BTreeMap<NoteId, Note>,
    pub(super) sources: BTreeMap<(RecordKind, Source), RecordId>,
    pub(super) changes: BTreeMap<Seq, (RecordId, ChangeOp)>,
    pub(super) newest: BTreeMap<RecordId, Seq>,
    pub(super) seq: Seq,
    pub(super) vectors: Vectors,
}

/// What takes back one change; a failed batch is undone from its end.
enum Undo {
    RemoveEpisode(EpisodeId),
    TruncateSteps(EpisodeId, usize),
    Reopen(EpisodeId),
    Feedback(RecordId, Feedback),
    /// The episode without its steps as it was.
    Episode(Box<Episode>),
    Digest(EpisodeId, Option<Box<[u8]>>),
    RemoveNote(NoteId),
    RestoreEpisode(Box<(Episode, Vec<Step>)>),
    RestoreNote(Box<Note>),
    Vector(vectors::Undo),
}

impl State {
    /// Applies the whole batch or nothing.
    pub(super) fn apply(&mut self, batch: WriteBatch) -> Result<Commit, Rejection> {
        let mut undo = Vec::new();
        let mut touched = Vec::with_capacity(batch.ops.len());
        let mut applied = Vec::with_capacity(batch.ops.len());
        for op in batch.ops {
            match self.apply_op(op, &mut undo, &mut touched) {
                Ok(done) => applied.push(done),
                Err(rejection) => {
                    while let Some(step) = undo.pop() {
                        self.take_back(step);
                    }
                    return Err(rejection);
                }
            }
        }
        for (id, op) in touched {
            self.record_change(id, op);
        }
        Ok(Commit { seq: self.seq, applied })
    }

    fn apply_op(
        &mut self,
        op: Op,
        undo: &mut Vec<Undo>,
        touched: &mut Vec<(RecordId, ChangeOp)>,
    ) -> Result<Applied, Rejection> {
        match op {
            Op::InsertEpisode { episode, steps } => {
                touched.push((episode.id.into(), ChangeOp::Put));
                undo.push(Undo::RemoveEpisode(self.insert_episode(*episode, steps)?));
                self.count_steps(touched)
            }
            Op::AppendSteps { episode, steps, limit } => {
                let before = self.append_steps(episode, steps, limit)?;
                undo.push(Undo::TruncateSteps(episode, before));
                touched.push((episode.into(), ChangeOp::Put));
                self.count_steps(touched)
            }
            Op::Close { episode, closing } => {
                self.close(episode, *closing)?;
                undo.push(Undo::Reopen(episode));
                touched.push((episode.into(), ChangeOp::Put));
                Ok(Applied::Done)
            }
            Op::InsertNote(note) => {
                let id = note.id;
                self.insert_note(*note, undo, touched)?;
                touched.push((id.into(), ChangeOp::Put));
                Ok(Applied::Done)
            }
            Op::Remove(id) => {
                self.remove(id, undo, touched)?;
                touched.push((id, ChangeOp::Remove));
                Ok(Applied::Done)
            }
            op @ (Op::Judge { .. }
            | Op::Merge { .. }
            | Op::Tie { .. }
            | Op::SetScope { .. }
            | Op::KeepDigest { .. }) => self.mark(op, undo, touched),
            op @ (Op::PutVectors { .. } | Op::RemoveVectors { .. } | Op::KeepModel(_)) => {
                self.apply_to_vectors(op, undo)
            }
        }
    }

    /// Changes what is kept beside the text of a record.
    fn mark(
        &mut self,
        op: Op,
        undo: &mut Vec<Undo>,
        touched: &mut Vec<(RecordId, ChangeOp)>,
    ) -> Result<Applied, Rejection> {
        match op {
            Op::Judge { id, helpful } => {
                let feedback = self.feedback(id).ok_or(Rejection::Missing { id })?;
                undo.push(Undo::Feedback(id, *feedback));
                let count =
                    if helpful { &mut feedback.n_helpful } else { &mut feedback.n_unhelpful };
                *count = count.saturating_add(1);
                touched.push((id, ChangeOp::Put));
            }
            Op::Merge { note: id, at } => {
                let note = self.notes.get_mut(&id).ok_or(Rejection::Missing { id: id.into() })?;
                undo.push(Undo::RestoreNote(Box::new(note.clone())));
                note.n_merged = note.n_merged.saturating_add(1);
                note.merged_at = Some(at);
                touched.push((id.into(), ChangeOp::Put));
            }
            Op::Tie { episode: id, relations, shown, followed } => {
                let stored = self.episodes.get_mut(&id);
                let (episode, _) = stored.ok_or(Rejection::Missing { id: id.into() })?;
                undo.push(Undo::Episode(Box::new(episode.clone())));
                episode.relations = relations;
                episode.shown = shown;
                if let Some(closing) = &mut episode.closing {
                    closing.followed = followed;
                }
                touched.push((id.into(), ChangeOp::Put));
            }
            Op::SetScope { id, scope } => {
                self.set_scope(id, scope, undo)?;
                touched.push((id, ChangeOp::Put));
            }
            Op::KeepDigest { episode, digest } => {
                if let Some((stored, _)) = self.episodes.get_mut(&episode) {
                    undo.push(Undo::Digest(episode, stored.digest.replace(digest)));
                }
            }
            _ => {}
        }
        Ok(Applied::Done)
    }

    fn set_scope(
        &mut self,
        id: RecordId,
        scope: Scope,
        undo: &mut Vec<Undo>,
    ) -> Result<(), Rejection> {
        let missing = Rejection::Missing { id };
        match id {
            RecordId::Episode(id) => {
                let (episode, _) = self.episodes.get_mut(&id).ok_or(missing)?;
                undo.push(Undo::Episode(Box::new(episode.clone())));
                episode.scope = scope;
            }
            RecordId::Note(id) => {
                let note = self.notes.get_mut(&id).ok_or(missing)?;
                undo.push(Undo::RestoreNote(Box::new(note.clone())));
                note.scope = scope;
            }
        }
        Ok(())
    }

    fn feedback(&mut self, id: RecordId) -> Option<&mut Feedback> {
        match id {
            RecordId::Episode(id) => {
                self.episodes.get_mut(&id).map(|(episode, _)| &mut episode.feedback)
            }
            RecordId::Note(id) => self.notes.get_mut(&id).map(|note| &mut note.feedback),
        }
    }

    fn apply_to_vectors(&mut self, op: Op, undo: &mut Vec<Undo>) -> Result<Applied, Rejection> {
        let Self { episodes, notes, vectors, .. } = self;
        let mut undo_vectors = Vec::new();
        match op {
            Op::PutVectors { model, vectors: new } => {
                let is_stored = |id| is_stored(episodes, notes, id);
                vectors.put(&model, new, is_stored, &mut undo_vectors)?;
            }
            Op::RemoveVectors { model, units } => {
                for unit in units {
                    vectors.remove(unit, &model, &mut undo_vectors);
                }
            }
            Op::KeepModel(model) => vectors.keep_model(&model, &mut undo_vectors),
            _ => {}
        }
        undo.extend(undo_vectors.into_iter().map(Undo::Vector));
        Ok(Applied::Done)
    }

    pub(super) fn is_stored(&self, id: RecordId) -> bool {
        is_stored(&self.episodes, &self.notes, id)
    }

    fn count_steps(&self, touched: &[(RecordId, ChangeOp)]) -> Result<Applied, Rejection> {
        match touched.last() {
            Some((RecordId::Episode(id), _)) => {
                let n_steps = self.open_or_closed(*id)?.0.n_steps;
                Ok(Applied::Steps { n_steps })
            }
            _ => Ok(Applied::Done),
        }
    }

    fn open_or_closed(&self, id: EpisodeId) -> Result<&(Episode, Vec<Step>), Rejection> {
        self.episodes.get(&id).ok_or(Rejection::Missing { id: id.into() })
    }

    fn open(&mut self, id: EpisodeId) -> Result<&mut (Episode, Vec<Step>), Rejection> {
        let stored = self.episodes.get_mut(&id).ok_or(Rejection::Missing { id: id.into() })?;
        match stored.0.status() {
            Status::Open => Ok(stored),
            status => Err(Rejection::Closed { id, status }),
        }
    }

    fn insert_episode(
        &mut self,
        mut episode: Episode,
        mut steps: Vec<Step>,
    ) -> Result<EpisodeId, Rejection> {
        let id = episode.id;
        if self.episodes.contains_key(&id) {
            return Err(Rejection::Exists { id: id.into() });
        }
        self.claim_source(episode.source.as_ref(), id.into())?;
        number_steps(&mut steps, 0);
        episode.n_steps = len_u32(&steps);
        self.episodes.insert(id, (episode, steps));
        Ok(id)
    }

    fn append_steps(
        &mut self,
        id: EpisodeId,
        mut steps: Vec<Step>,
        limit: u32,
    ) -> Result<usize, Rejection> {
        let (episode, stored) = self.open(id)?;
        let (before, got) = (stored.len(), stored.len() + steps.len());
        if got > limit as usize {
            return Err(Rejection::TooManySteps { limit: limit as usize, got });
        }
        number_steps(&mut steps, episode.n_steps);
        stored.append(&mut steps);
        episode.n_steps = len_u32(stored);
        Ok(before)
    }

    fn close(&mut self, id: EpisodeId, closing: Closing) -> Result<(), Rejection> {
        self.open(id)?.0.closing = Some(closing);
        Ok(())
    }

    fn insert_note(
        &mut self,
        note: Note,
        undo: &mut Vec<Undo>,
        touched: &mut Vec<(RecordId, ChangeOp)>,
    ) -> Result<(), Rejection> {
        let id = note.id;
        if self.notes.contains_key(&id) {
            return Err(Rejection::Exists { id: id.into() });
        }
        if let Some(episode) = note.episode {
            self.open_or_closed(episode)?;
        }
        if let Some(old) = note.supersedes {
            match self.notes.get(&old).map(|old| old.superseded_by) {
                None => return Err(Rejection::Missing { id: old.into() }),
                Some(Some(by)) => return Err(Rejection::Superseded { id: old, by }),
                Some(None) => {}
            }
        }
        self.claim_source(note.source.as_ref(), id.into())?;
        if let Some(old) = note.supersedes.and_then(|old| self.notes.get_mut(&old)) {
            undo.push(Undo::RestoreNote(Box::new(old.clone())));
            old.superseded_by = Some(id);
            touched.push((old.id.into(), ChangeOp::Put));
        }
        self.notes.insert(id, note);
        undo.push(Undo::RemoveNote(id));
        Ok(())
    }

    fn remove(
        &mut self,
        id: RecordId,
        undo: &mut Vec<Undo>,
        touched: &mut Vec<(RecordId, ChangeOp)>,
    ) -> Result<(), Rejection> {
        let source = match id {
            RecordId::Episode(episode) => {
                let stored = self.episodes.remove(&episode).ok_or(Rejection::Missing { id })?;
                let source = stored.0.source.clone();
                undo.push(Undo::RestoreEpisode(Box::new(stored)));
                source
            }
            RecordId::Note(note) => {
                let stored = self.notes.remove(&note).ok_or(Rejection::Missing { id })?;
                let source = stored.source.clone();
                undo.push(Undo::RestoreNote(Box::new(stored)));
                source
            }
        };
        if let Some(source) = source {
            self.sources.remove(&(id.kind(), source));
        }
        let mut undo_vectors = Vec::new();
        self.vectors.remove_record(id, &mut undo_vectors);
        undo.extend(undo_vectors.into_iter().map(Undo::Vector));
        for note in self.notes.values_mut() {
            let links = [
                note.episode.map(RecordId::from),
                note.superseded_by.map(RecordId::from),
                note.supersedes.map(RecordId::from),
            ];
            if !links.contains(&Some(id)) {
                continue;
            }
            undo.push(Undo::RestoreNote(Box::new(note.clone())));
            touched.push((note.id.into(), ChangeOp::Put));
            note.episode = note.episode.filter(|episode| RecordId::from(*episode) != id);
            note.superseded_by = note.superseded_by.filter(|by| RecordId::from(*by) != id);
            note.supersedes = note.supersedes.filter(|old| RecordId::from(*old) != id);
        }
        Ok(())
    }

    fn claim_source(&mut self, source: Option<&Source>, id: RecordId) -> Result<(), Rejection> {
        let Some(source) = source else { return Ok(()) };
        let key = (id.kind(), source.clone());
        if let Some(stored) = self.sources.get(&key) {
            return Err(Rejection::Exists { id: *stored });
        }
        self.sources.insert(key, id);
        Ok(())
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::RemoveEpisode(id) => {
                if let Some((Episode { source: Some(source), .. }, _)) = self.episodes.remove(&id) {
                    self.sources.remove(&(RecordKind::Episode, source));
                }
            }
            Undo::RemoveNote(id) => {
                if let Some(Note { source: Some(source), .. }) = self.notes.remove(&id) {
                    self.sources.remove(&(RecordKind::Note, source));
                }
            }
            Undo::TruncateSteps(id, n) => {
                if let Some((episode, steps)) = self.episodes.get_mut(&id) {
                    steps.truncate(n);
                    episode.n_steps = len_u32(steps);
                }
            }
            Undo::Reopen(id) => {
                if let Some((episode, _)) = self.episodes.get_mut(&id) {
                    episode.closing = None;
                }
            }
            Undo::Feedback(id, before) => {
                if let Some(feedback) = self.feedback(id) {
                    *feedback = before;
                }
            }
            Undo::Episode(before) => {
                if let Some((episode, _)) = self.episodes.get_mut(&before.id) {
                    *episode = *before;
                }
            }
            Undo::Digest(id, before) => {
                if let Some((episode, _)) = self.episodes.get_mut(&id) {
                    episode.digest = before;
                }
            }
            Undo::RestoreEpisode(stored) => {
                let (id, source) = (stored.0.id, stored.0.source.clone());
                if let Some(source) = source {
                    self.sources.insert((RecordKind::Episode, source), id.into());
                }
                self.episodes.insert(id, *stored);
            }
            Undo::RestoreNote(note) => {
                if let Some(source) = note.source.clone() {
                    self.sources.insert((RecordKind::Note, source), note.id.into());
                }
                self.notes.insert(note.id, *note);
            }
            Undo::Vector(undo) => self.vectors.take_back(undo),
        }
    }

    fn record_change(&mut self, id: RecordId, op: ChangeOp) {
        self.seq += 1;
        if let Some(older) = self.newest.insert(id, self.seq) {
            self.changes.remove(&older);
        }
        self.changes.insert(self.seq, (id, op));
    }
}

fn is_stored(
    episodes: &BTreeMap<EpisodeId, (Episode, Vec<Step>)>,
    notes: &BTreeMap<NoteId, Note>,
    id: RecordId,
) -> bool {
    match id {
        RecordId::Episode(id) => episodes.contains_key(&id),
        RecordId::Note(id) => notes.contains_key(&id),
    }
}

fn number_steps(steps: &mut [Step], first: u32) {
    for (idx, step) in (first..).zip(steps) {
        step.idx = idx;
    }
}

pub(super) fn len_u32(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}
