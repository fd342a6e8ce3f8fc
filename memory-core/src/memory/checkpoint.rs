//! Going on later: checkpoints of an episode, and all that another agent needs to take it over.

use super::{Memory, outgoing};
use crate::error::Error;
use crate::intake::{NewEpisode, NewNote, Receipt};
use crate::learn::{Ending, Incident};
use crate::memory::learning::digest_of;
use crate::model::{
    Episode, EpisodeId, Note, NoteId, NoteKind, RecordId, RecordKind, Relation, RelationKind,
    Scope, Step,
};
use crate::secret::mask;
use crate::storage::{self, Durability, ListEntry, Op, RecordFilter, StepRange, WriteBatch};

/// Last steps that a handoff shows.
const N_LAST_STEPS: u32 = 6;

/// Errors without an end that a handoff shows, newest first.
const N_OPEN_ERRORS: usize = 3;

/// Newest checkpoints and lessons of the scope among which those of the episode are looked for.
const N_LISTED: usize = 400;

/// Newest lessons of the scope among which those of attempts at a task are looked for: read in half
/// a millisecond or so.
const N_LESSONS_LISTED: usize = 64;

/// All that is needed to go on with an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Handoff {
    /// The episode.
    pub episode: Episode,
    /// Its checkpoints and lessons, oldest first.
    pub notes: Vec<Note>,
    /// Its last steps, oldest first.
    pub last_steps: Vec<Step>,
    /// What was done so far, in one line; empty where nothing is known.
    pub synopsis: String,
    /// Errors that nothing resolved, newest first, without those among the last steps.
    pub open_errors: Vec<Step>,
}

impl Memory {
    /// Keeps a note of where an episode stands, so that it can be resumed from there.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty text, [`Error::NotFound`], [`Error::Conflict`] when the
    /// episode has ended, [`Error::Storage`].
    pub fn checkpoint(&self, id: EpisodeId, text: &str) -> Result<Receipt<NoteId>, Error> {
        let Receipt { value, n_masked, n_cut } = self.keep_checkpoint(&self.episode(id)?, text)?;
        Ok(Receipt { value: value.id, n_masked, n_cut })
    }

    /// Keeps a checkpoint and gathers what is needed to go on from it; nothing is read once the
    /// checkpoint is stored.
    ///
    /// # Errors
    ///
    /// As for [`Memory::checkpoint`].
    pub fn hand_over(
        &self,
        id: EpisodeId,
        text: &str,
    ) -> Result<Receipt<(NoteId, Handoff)>, Error> {
        let mut handoff = self.handoff(id)?;
        let Receipt { value, n_masked, n_cut } = self.keep_checkpoint(&handoff.episode, text)?;
        let note_id = value.id;
        handoff.notes.push(value);
        Ok(Receipt { value: (note_id, handoff), n_masked, n_cut })
    }

    /// Stores a checkpoint of an episode and returns it as it is stored.
    fn keep_checkpoint(&self, episode: &Episode, text: &str) -> Result<Receipt<Note>, Error> {
        let id = episode.id;
        if episode.closing.is_some() {
            let reason =
                format!("is already {}; nothing is left to resume", episode.status().name());
            return Err(Error::Conflict { id: id.into(), reason: reason.into() });
        }
        let mut intake = self.intake();
        let new = NewNote {
            episode: Some(id),
            position: episode.n_steps,
            ..NewNote::new(episode.scope.clone(), NoteKind::Checkpoint, text)
        };
        let note_id = NoteId::from_bytes(self.clock.next_id());
        let note = intake.note(note_id, new)?;
        let insert = WriteBatch::of(Op::InsertNote(Box::new(note.clone())));
        self.apply("keep checkpoint", insert, Durability::Power)?;
        Ok(intake.receipt(note))
    }

    /// Gathers what is needed to go on with an episode, open or ended.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn handoff(&self, id: EpisodeId) -> Result<Handoff, Error> {
        let episode = self.episode(id)?;
        let from = episode.n_steps.saturating_sub(N_LAST_STEPS);
        let read = Error::storage("read steps");
        let digest = digest_of(self.storage.as_ref(), id).map_err(read)?;
        let is_open = |incident: &&Incident| incident.at < from && incident.ending == Ending::Open;
        let open = digest.incidents.iter().rev().filter(is_open).take(N_OPEN_ERRORS);
        let mut ranges = vec![StepRange { episode: id, from, limit: N_LAST_STEPS }];
        ranges.extend(open.map(|open| StepRange { episode: id, from: open.at, limit: 1 }));
        let read = self.storage.steps(&ranges).map_err(Error::storage("read steps"))?;
        let mut read = read.into_iter().map(|steps| steps.into_iter().map(outgoing::step));
        let last_steps = read.next().map(Iterator::collect).unwrap_or_default();
        let notes = self.notes_of(&episode)?;
        let (synopsis, _) = mask(digest.synopsis.text());
        let open_errors = read.flatten().collect();
        Ok(Handoff { episode, notes, last_steps, synopsis, open_errors })
    }

    /// Goes on with the episode that an id names, or that a checkpoint is of: the same one while it
    /// is open, otherwise a new one at the same task that follows it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a note that is no checkpoint, [`Error::NotFound`],
    /// [`Error::Storage`].
    pub fn resume(&self, from: RecordId) -> Result<(EpisodeId, Handoff), Error> {
        let id = match from {
            RecordId::Episode(id) => id,
            RecordId::Note(id) => {
                let note = self.note(id)?;
                note.episode.filter(|_| note.kind == NoteKind::Checkpoint).ok_or_else(|| {
                    let what = format!("note {id} is no checkpoint of an episode that is stored");
                    Error::invalid("resume", what)
                })?
            }
        };
        let handoff = self.handoff(id)?;
        if handoff.episode.closing.is_none() {
            return Ok((id, handoff));
        }
        let ended = &handoff.episode;
        let next = NewEpisode {
            context: ended.context.clone(),
            relations: vec![Relation { kind: RelationKind::Follows, episode: id }],
            ..NewEpisode::new(ended.scope.clone(), ended.task.as_str())
        };
        Ok((self.start(next)?.value, handoff))
    }

    /// Returns the current lessons that some episodes of a scope taught, newest first; looks at the
    /// newest of the scope alone.
    pub(super) fn lessons_of(
        &self,
        scope: &Scope,
        episodes: &[EpisodeId],
    ) -> Result<Vec<Note>, Error> {
        let filter = RecordFilter {
            scope: Some(scope.clone()),
            note_kind: Some(NoteKind::Lesson),
            current_only: true,
            ..RecordFilter::default()
        };
        let listed = self.list(RecordKind::Note, &filter, None, N_LESSONS_LISTED)?;
        let ids = listed.iter().filter_map(|entry| match entry.id {
            RecordId::Note(id) => Some(id),
            RecordId::Episode(_) => None,
        });
        let ids: Vec<NoteId> = ids.collect();
        let read =
            storage::notes(self.storage.as_ref(), &ids).map_err(Error::storage("read notes"))?;
        let is_taught = |note: &Note| note.episode.is_some_and(|id| episodes.contains(&id));
        Ok(read.into_iter().flatten().filter(is_taught).collect())
    }

    /// The checkpoints and lessons of an episode, oldest first.
    pub(super) fn notes_of(&self, episode: &Episode) -> Result<Vec<Note>, Error> {
        let mut ids = Vec::new();
        for kind in [NoteKind::Checkpoint, NoteKind::Lesson] {
            let filter = RecordFilter {
                scope: Some(episode.scope.clone()),
                note_kind: Some(kind),
                since: Some(episode.started_at),
                current_only: true,
                ..RecordFilter::default()
            };
            let listed: Vec<ListEntry> = self.list(RecordKind::Note, &filter, None, N_LISTED)?;
            ids.extend(listed.iter().filter_map(|entry| match entry.id {
                RecordId::Note(id) => Some(id),
                RecordId::Episode(_) => None,
            }));
        }
        let read =
            storage::notes(self.storage.as_ref(), &ids).map_err(Error::storage("read notes"))?;
        let own = read.into_iter().flatten().filter(|note| note.episode == Some(episode.id));
        let own = own.map(outgoing::note);
        let mut notes: Vec<Note> = own.collect();
        notes.sort_by_key(|note| (note.occurred_at, note.id));
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::intake::Completion;
    use crate::model::Scope;
    use crate::storage::MemStorage;

    #[test]
    fn a_hand_over_is_what_a_handoff_gives_after_the_checkpoint() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let new = NewEpisode::new(Scope::new("acme/shop").unwrap(), "a task");
        let id = memory.start(new).unwrap().value;
        memory.checkpoint(id, "half done").unwrap();
        let (note, handoff) = memory.hand_over(id, "nearly done").unwrap().value;
        assert_eq!(handoff, memory.handoff(id).unwrap());
        assert_eq!(handoff.notes.last().map(|note| note.id), Some(note));
        memory.finish(id, Completion::default()).unwrap();
        let error = memory.hand_over(id, "too late").unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }
}
