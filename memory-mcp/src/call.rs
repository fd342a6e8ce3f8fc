//! One call of a tool: where it goes, and what it means where it says nothing.
//!
//! Made by the server for each request, used by the tools.

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use memory_core::{EpisodeId, Error, Memory, NoteId, RecordId, RecordKind, Scope, Timestamp};

use crate::error::CallError;
use crate::project::Project;

/// State that all calls of a server share.
pub(crate) struct Served {
    /// The project that is meant where a call names none.
    pub(crate) project: Project,
    /// Place of the store, for `status`.
    pub(crate) store: String,
    /// True when answers hold data for programs beside the text.
    pub(crate) structured: bool,
    /// Instant at which the server began.
    pub(crate) started: Instant,
    /// Episodes that its client has under way.
    pub(crate) running: Running,
}

/// Episodes that were begun or resumed here and have not ended: a recall for them does not give
/// them back.
#[derive(Default)]
pub(crate) struct Running(Mutex<Vec<EpisodeId>>);

/// Most episodes that are kept as running; agents that never end one forget the oldest.
const MAX_RUNNING: usize = 64;

impl Running {
    /// Adds an episode.
    pub(crate) fn begin(&self, id: EpisodeId) {
        self.end(id);
        let mut ids = self.lock();
        if ids.len() >= MAX_RUNNING {
            ids.remove(0);
        }
        ids.push(id);
    }

    /// Removes an episode, if it is one of them.
    pub(crate) fn end(&self, id: EpisodeId) {
        self.lock().retain(|&running| running != id);
    }

    /// Returns them, the oldest first.
    pub(crate) fn ids(&self) -> Vec<EpisodeId> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<EpisodeId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) served: &'a Served,
    pub(crate) now: Timestamp,
    /// Version of the protocol that the client speaks.
    pub(crate) protocol: Option<String>,
}

impl Call<'_> {
    /// Returns the scope that is meant: the one given, else that of the project.
    pub(crate) fn scope(&self, given: Option<&str>) -> Result<Scope, CallError> {
        match given {
            None => Ok(self.served.project.scope()),
            Some(name) => Ok(Scope::new(name).map_err(Error::from)?),
        }
    }

    /// Returns the scope to look in; `*` means all of them.
    pub(crate) fn scope_or_all(&self, given: Option<&str>) -> Result<Option<Scope>, CallError> {
        match given.map(str::trim) {
            Some("*") => Ok(None),
            given => self.scope(given).map(Some),
        }
    }

    /// Returns the episode that an id or prefix names. A whole id is taken as it is, so that it
    /// costs no look-up; whether it is stored, the operation itself finds out.
    pub(crate) fn episode_id(
        &self,
        field: &'static str,
        given: &str,
    ) -> Result<EpisodeId, CallError> {
        if let Ok(id) = EpisodeId::from_str(given) {
            return Ok(id);
        }
        match self.memory.resolve(&[RecordKind::Episode], given) {
            Ok(RecordId::Episode(id)) => Ok(id),
            Ok(other) => Err(CallError::Internal(format!("{other} is not an episode"))),
            Err(error) => Err(CallError::at(field, error)),
        }
    }

    /// Returns the episode or note that an id or prefix names.
    pub(crate) fn record_id(
        &self,
        field: &'static str,
        given: &str,
    ) -> Result<RecordId, CallError> {
        let both = [RecordKind::Episode, RecordKind::Note];
        self.memory.resolve(&both, given).map_err(|error| CallError::at(field, error))
    }

    /// Returns the note that an id or prefix names.
    pub(crate) fn note_id(&self, field: &'static str, given: &str) -> Result<NoteId, CallError> {
        if let Ok(id) = NoteId::from_str(given) {
            return Ok(id);
        }
        match self.memory.resolve(&[RecordKind::Note], given) {
            Ok(RecordId::Note(id)) => Ok(id),
            Ok(other) => Err(CallError::Internal(format!("{other} is not a note"))),
            Err(error) => Err(CallError::at(field, error)),
        }
    }
}
