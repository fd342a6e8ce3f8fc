//! The tables of a backend that keeps records as whole values.

use super::error::StorageError;
use super::placement::StoredCall;
use super::vector::StoredVector;
use super::{ChangeOp, Found, NamedState, Seq};
use crate::model::{
    Episode, EpisodeId, Note, NoteId, RecordId, RecordKind, Source, Status, Step, Timestamp,
};

/// Facts of a stored episode that preconditions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpisodeState {
    /// Open, completed or abandoned.
    pub status: Status,
    /// True when nobody has reported how it ended ([`crate::model::Closing::is_provisional`]).
    pub is_provisional: bool,
    /// True when another machine logs its steps.
    pub is_elsewhere: bool,
    /// Number of its steps.
    pub n_steps: u32,
}

/// Facts of a stored note that preconditions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteState {
    /// The note that it supersedes.
    pub supersedes: Option<NoteId>,
    /// The note that superseded it.
    pub superseded_by: Option<NoteId>,
}

/// The tables of one store, as the batch in progress sees them.
///
/// Every method sees the effects of those before it. Errors are the backend's own; nothing here
/// checks a precondition of an [`super::Op`].
pub trait Tables {
    /// Returns the state of an episode, `None` where none is stored.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn episode(&self, id: EpisodeId) -> Result<Option<EpisodeState>, StorageError>;

    /// Returns the state of a note, `None` where none is stored.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn note(&self, id: NoteId) -> Result<Option<NoteState>, StorageError>;

    /// Looks up what is known of a kind and source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn by_source(&self, kind: RecordKind, source: &Source) -> Result<Found, StorageError>;

    /// Looks a step of a stored episode up by the id of its call.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn call(&self, id: EpisodeId, call_id: &str) -> Result<Option<StoredCall>, StorageError>;

    /// Lists the notes that name a record as their episode, successor or predecessor.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn linked_notes(&self, id: RecordId) -> Result<Vec<NoteId>, StorageError>;

    /// Returns the dimension of the stored vectors of a model, `None` where there are none.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn dimension(&self, model: &str) -> Result<Option<usize>, StorageError>;

    /// Returns the position of the newest change of a record, 0 where it has none.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn newest_change(&self, id: RecordId) -> Result<Seq, StorageError>;

    /// Inserts an episode without steps, and its source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn insert_episode(&mut self, episode: Episode) -> Result<(), StorageError>;

    /// Changes a stored episode; neither its id nor its source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn update_episode(
        &mut self,
        id: EpisodeId,
        change: impl FnOnce(&mut Episode),
    ) -> Result<(), StorageError>;

    /// Appends steps, whose `idx` are set, to a stored episode and counts them.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn append_steps(&mut self, id: EpisodeId, steps: Vec<Step>) -> Result<(), StorageError>;

    /// Puts steps, whose `idx` are set, in place of all that a stored episode has, and counts them.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn set_steps(&mut self, id: EpisodeId, steps: Vec<Step>) -> Result<(), StorageError>;

    /// Puts a step in place of the one at its `idx`.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn replace_step(&mut self, id: EpisodeId, step: Step) -> Result<(), StorageError>;

    /// Inserts a note, and its source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn insert_note(&mut self, note: Note) -> Result<(), StorageError>;

    /// Changes a stored note; neither its id nor its source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn update_note(
        &mut self,
        id: NoteId,
        change: impl FnOnce(&mut Note),
    ) -> Result<(), StorageError>;

    /// Removes a stored record with its source, steps and vectors; returns the source.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn remove(&mut self, id: RecordId) -> Result<Option<Source>, StorageError>;

    /// Remembers a source as forgotten.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn bury(&mut self, kind: RecordKind, source: Source) -> Result<(), StorageError>;

    /// Ends that; returns whether the source was forgotten.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn lift(&mut self, kind: RecordKind, source: &Source) -> Result<bool, StorageError>;

    /// Keeps a state, in place of the one of its name; without bytes it is removed.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn keep_state(&mut self, state: NamedState) -> Result<(), StorageError>;

    /// Removes the states that were kept before an instant.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn drop_states(&mut self, before: Timestamp) -> Result<(), StorageError>;

    /// Stores a vector, in place of the one that its unit has by that model.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn put_vector(&mut self, model: &str, vector: StoredVector) -> Result<(), StorageError>;

    /// Removes the oldest vectors of a model, at most `limit`.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn drop_vectors(&mut self, model: &str, limit: u32) -> Result<(), StorageError>;

    /// Adds a change to the feed, in place of the record's older one; returns its position.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn record_change(&mut self, id: RecordId, op: ChangeOp) -> Result<Seq, StorageError>;
}

/// Changes of the batch, in order; they reach the feed once all of the batch is applied.
#[derive(Default)]
pub(super) struct Changes(pub(super) Vec<(RecordId, ChangeOp)>);

impl Changes {
    /// Notes that a record was inserted or changed.
    pub(super) fn put(&mut self, id: impl Into<RecordId>) {
        self.0.push((id.into(), ChangeOp::Put));
    }
}
