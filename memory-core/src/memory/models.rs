//! Vectors of models that are not in use: kept while another process may need them, then removed.
//!
//! Used by the background embedding and by whoever asks for it. Limits: a process that writes no
//! use of its model down, of a version before this, is known by the vectors that it leaves alone.

use super::Memory;
use super::embedding::Embedding;
use crate::error::Error;
use crate::model::Timestamp;
use crate::storage::{Durability, Op, Storage, WriteBatch};

/// Vectors that are removed at once: a tenth of a second in which nobody else writes.
const DROP_AT_ONCE: u32 = 2_048;

/// Prefix of the states that hold when a model was last seen in use.
const USED: &str = "model/";

/// Age at which a use is written down again, in milliseconds: a day.
const NOTED_AGAIN_MS: i64 = 24 * 60 * 60 * 1_000;

/// Time after its last use, or after it was first seen unused, in which a model's vectors stay:
/// windows of an older version may be open for days. Shorter than the life of a state.
const UNUSED_MS: i64 = 14 * NOTED_AGAIN_MS;

impl Memory {
    /// Removes all vectors of a model that this memory does not use; gives their number.
    ///
    /// Another process that still uses the model goes on with those that it has loaded, and finds
    /// later ones by words alone until it has embedded them.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for the model in use, [`Error::NotFound`] for one without vectors,
    /// [`Error::Storage`].
    pub fn drop_vectors(&self, model: &str) -> Result<u64, Error> {
        if self.embedder.as_ref().is_some_and(|embedder| embedder.id() == model) {
            let reason = "is in use: what is removed would be embedded again";
            return Err(Error::invalid("model", reason));
        }
        let stats = self.storage.stats().map_err(Error::storage("count vectors"))?;
        let stored = stats.vectors.iter().find(|(name, _)| **name == *model);
        let Some((_, n_vectors)) = stored else {
            return Err(Error::NotFound { kind: "model with vectors", id: model.into() });
        };
        drop_all(self.storage.as_ref(), model)?;
        Ok(*n_vectors)
    }
}

impl Embedding {
    /// Writes down that this model is in use, and removes the vectors of those that have not been
    /// for long; for a moment in which nothing waits.
    pub(super) fn retire_others(&self, now: Timestamp) -> Result<(), Error> {
        let storage = self.storage.as_ref();
        let used = storage.states(USED).map_err(Error::storage("read the use of models"))?;
        let age_ms = |model: &str| {
            let noted = used.iter().find(|state| state.name.strip_prefix(USED) == Some(model));
            noted.map(|state| now.as_millis().saturating_sub(state.recorded_at.as_millis()))
        };
        let own = self.embedder.id();
        if age_ms(own).is_none_or(|age_ms| age_ms >= NOTED_AGAIN_MS) {
            note_use(storage, own, now)?;
        }
        let stats = storage.stats().map_err(Error::storage("count vectors"))?;
        for (model, _) in stats.vectors.iter().filter(|(model, _)| **model != *own) {
            match age_ms(model) {
                None => note_use(storage, model, now)?,
                Some(age_ms) if age_ms > UNUSED_MS => drop_all(storage, model)?,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn note_use(storage: &dyn Storage, model: &str, at: Timestamp) -> Result<(), Error> {
    let op = Op::KeepState { name: format!("{USED}{model}").into(), bytes: [1].into(), at };
    let stored = storage.apply(WriteBatch::of(op), Durability::Process);
    stored.map(drop).map_err(Error::storage("keep the use of a model"))
}

fn drop_all(storage: &dyn Storage, model: &str) -> Result<(), Error> {
    let failed = || Error::storage("remove vectors");
    while !storage.vectors(model, 0, 1).map_err(failed())?.is_empty() {
        let op = Op::DropVectors { model: model.into(), limit: DROP_AT_ONCE };
        storage.apply(WriteBatch::of(op), Durability::Process).map_err(failed())?;
    }
    Ok(())
}
