//! Episodes that capture records while a client works: little is read, so that an event costs
//! little.
//!
//! Unlike [`Memory::begin`] and [`Memory::finish`], nothing is looked up and nothing reflected on:
//! nobody reads the answer. Who calls it: hooks of clients.

use super::Memory;
use super::finish::over;
use super::learning::digest_of;
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::model::{Closing, EpisodeId, RecordId, RecordKind, Source};
use crate::storage::{Durability, Op, WriteBatch};

impl Memory {
    /// Returns the episode that was recorded from a source, if one is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn episode_of(&self, source: &Source) -> Result<Option<EpisodeId>, Error> {
        let found = self.storage.find(RecordKind::Episode, &[source.clone().masked()]);
        let found = found.map_err(Error::storage("find a source"))?;
        Ok(found.into_iter().find_map(|found| match found.id() {
            Some(RecordId::Episode(id)) => Some(id),
            _ => None,
        }))
    }

    /// Begins an episode without a look at what is stored. It survives the end of the process.
    ///
    /// # Errors
    ///
    /// As [`Memory::start`].
    pub fn open_captured(&self, new: NewEpisode) -> Result<EpisodeId, Error> {
        let mut intake = self.intake();
        let id = EpisodeId::from_bytes(self.clock.next_id());
        let episode = Box::new(intake.episode(id, new)?);
        let insert = Op::InsertEpisode { episode, steps: Vec::new() };
        self.apply("start episode", WriteBatch::of(insert), Durability::Process)?;
        Ok(id)
    }

    /// Appends a step to an open episode, without a look for cures; one that was told before, by
    /// the id of its call, changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Memory::log`].
    pub fn log_captured(&self, episode: EpisodeId, step: NewStep) -> Result<(), Error> {
        let steps = self.intake().steps(vec![step])?;
        let limit = u32::try_from(self.config.max_steps).unwrap_or(u32::MAX);
        let append = Op::AppendSteps { episode, steps, limit };
        self.apply("log steps", WriteBatch::of(append), Durability::Process).map(drop)
    }

    /// Ends an episode without a reflection.
    ///
    /// # Errors
    ///
    /// As [`Memory::finish`].
    pub fn close_captured(&self, id: EpisodeId, completion: Completion) -> Result<(), Error> {
        let mut intake = self.intake();
        let is_timed = completion.ended_at.is_some();
        let (mut closing, _) = intake.closing(completion)?;
        if let Some(before) = self.episode(id)?.closing.filter(Closing::is_provisional) {
            closing = over(before, closing, is_timed);
        }
        let digest = digest_of(self.storage.as_ref(), id).map_err(Error::storage("read steps"))?;
        let mut batch = WriteBatch::of(Op::Close { episode: id, closing: Box::new(closing) });
        batch.ops.push(Op::KeepDigest { episode: id, digest: digest.encode().into() });
        self.apply("complete episode", batch, Durability::Process).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Outcome, Scope, Status};
    use crate::storage::MemStorage;

    #[test]
    fn a_captured_episode_is_found_by_its_source_and_told_once() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let source = Source { importer: "codex".into(), external_id: "p1".into() };
        assert_eq!(memory.episode_of(&source).unwrap(), None);
        let new = || NewEpisode {
            source: Some(source.clone()),
            ..NewEpisode::new(Scope::new("shop").unwrap(), "mend the till")
        };
        let id = memory.open_captured(new()).unwrap();
        assert!(matches!(memory.open_captured(new()), Err(Error::Conflict { .. })));
        assert_eq!(memory.episode_of(&source).unwrap(), Some(id));
        let step =
            || NewStep { call_id: Some("c1".into()), tool: "bash".into(), ..NewStep::default() };
        memory.log_captured(id, step()).unwrap();
        memory.log_captured(id, step()).unwrap();
        let ends = Completion {
            outcome: Some(Outcome::Success),
            inferred: Some("the tests passed".into()),
            ..Completion::default()
        };
        memory.close_captured(id, ends).unwrap();
        let episode = memory.episode(id).unwrap();
        assert_eq!((episode.n_steps, episode.status()), (1, Status::Completed));
    }
}
