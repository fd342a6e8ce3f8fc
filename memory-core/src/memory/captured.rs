//! Episodes that capture records while a client works: little is read, so that an event costs
//! little.
//!
//! Unlike [`Memory::begin`] and [`Memory::finish`], nothing is looked up and nothing reflected on:
//! nobody reads the answer. Who calls it: hooks of clients.

use super::Memory;
use super::finish::over;
use super::learning::steps_of;
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::learn::Digest;
use crate::model::{Closing, EpisodeId, RecordId, RecordKind, Source, Step};
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

    /// Begins to collect what an event of a client means.
    pub fn capture(&self) -> CaptureBatch<'_> {
        let (batch, begun, logged) = (WriteBatch::default(), Vec::new(), Vec::new());
        CaptureBatch { memory: self, batch, begun, logged }
    }
}

/// What an event of a client means: written as a whole or not at all, with the state of its
/// session, so that a process that is killed in between leaves nothing half told.
#[must_use]
pub struct CaptureBatch<'m> {
    memory: &'m Memory,
    batch: WriteBatch,
    /// Episodes that begin in it.
    begun: Vec<(Source, EpisodeId)>,
    /// Steps in it.
    logged: Vec<(EpisodeId, Step)>,
}

impl CaptureBatch<'_> {
    /// Begins an episode without a look at what is stored.
    ///
    /// # Errors
    ///
    /// Those of the intake, as of [`Memory::start`].
    pub fn begin(&mut self, new: NewEpisode) -> Result<(), Error> {
        let id = EpisodeId::from_bytes(self.memory.clock.next_id());
        let source = new.source.clone();
        let episode = Box::new(self.memory.intake().episode(id, new)?);
        self.begun.extend(source.map(|source| (source, id)));
        self.batch.ops.push(Op::InsertEpisode { episode, steps: Vec::new() });
        Ok(())
    }

    /// Appends a step to an open episode, without a look for cures; one that was told before, by
    /// the id of its call, changes nothing. Without such an episode it is passed by.
    ///
    /// # Errors
    ///
    /// As [`Memory::log`].
    pub fn log(&mut self, source: &Source, step: NewStep) -> Result<(), Error> {
        let Some(episode) = self.episode_of(source)? else { return Ok(()) };
        let steps = self.memory.intake().steps(vec![step])?;
        self.logged.extend(steps.iter().map(|step| (episode, step.clone())));
        let limit = u32::try_from(self.memory.config.max_steps).unwrap_or(u32::MAX);
        self.batch.ops.push(Op::AppendSteps { episode, steps, limit });
        Ok(())
    }

    /// Ends an episode without a reflection; without such an episode nothing happens.
    ///
    /// # Errors
    ///
    /// As [`Memory::finish`].
    pub fn close(&mut self, source: &Source, completion: Completion) -> Result<(), Error> {
        let Some(id) = self.episode_of(source)? else { return Ok(()) };
        let is_timed = completion.ended_at.is_some();
        let (mut closing, _) = self.memory.intake().closing(completion)?;
        let is_new = self.begun.iter().any(|(_, begun)| *begun == id);
        let mut steps = Vec::new();
        if !is_new {
            let before = self.memory.episode(id)?.closing;
            if let Some(before) = before.filter(Closing::is_provisional) {
                closing = over(before, closing, is_timed);
            }
            let read = steps_of(self.memory.storage.as_ref(), id);
            steps = read.map_err(Error::storage("read steps"))?;
        }
        let known: Vec<_> = steps.iter().filter_map(|step| step.call_id.clone()).collect();
        let is_known = |step: &Step| step.call_id.as_ref().is_some_and(|id| known.contains(id));
        let logged = self.logged.iter().filter(|(episode, step)| *episode == id && !is_known(step));
        steps.extend(logged.map(|(_, step)| step.clone()));
        let digest = Digest::of(&steps).encode().into();
        self.batch.ops.push(Op::Close { episode: id, closing: Box::new(closing) });
        self.batch.ops.push(Op::KeepDigest { episode: id, digest });
        Ok(())
    }

    /// Keeps the state of the session, as [`Memory::keep_state`] does.
    ///
    /// # Errors
    ///
    /// [`Error::LimitExceeded`], [`Error::Invalid`].
    pub fn keep_state(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.batch.ops.extend(self.memory.state_ops(name, bytes)?);
        Ok(())
    }

    /// Writes all of it. It survives the end of the process.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] where an episode in it was told before, [`Error::Forgotten`] where it is
    /// to stay so: then nothing of it is written. [`Error::Storage`].
    pub fn apply(self) -> Result<(), Error> {
        if self.batch.ops.is_empty() {
            return Ok(());
        }
        self.memory.apply("record an event", self.batch, Durability::Process).map(drop)
    }

    fn episode_of(&self, source: &Source) -> Result<Option<EpisodeId>, Error> {
        let begun = self.begun.iter().find(|(begun, _)| begun == source);
        match begun {
            Some((_, id)) => Ok(Some(*id)),
            None => self.memory.episode_of(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::learning::stored_digest;
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
        let step =
            || NewStep { call_id: Some("c1".into()), tool: "bash".into(), ..NewStep::default() };
        let mut begins = memory.capture();
        begins.begin(new()).unwrap();
        begins.log(&source, step()).unwrap();
        begins.keep_state("session/codex/s", vec![1]).unwrap();
        begins.apply().unwrap();
        let id = memory.episode_of(&source).unwrap().unwrap();

        // The same again: nothing of it is written, not even the state.
        let mut again = memory.capture();
        again.begin(new()).unwrap();
        again.keep_state("session/codex/s", vec![2]).unwrap();
        assert!(matches!(again.apply(), Err(Error::Conflict { .. })));
        assert_eq!(*memory.states("session/").unwrap()[0].bytes, [1]);

        let ends = Completion {
            outcome: Some(Outcome::Success),
            inferred: Some("the tests passed".into()),
            ..Completion::default()
        };
        let mut last = memory.capture();
        last.log(&source, step()).unwrap();
        last.log(&source, NewStep { call_id: Some("c2".into()), ..step() }).unwrap();
        last.close(&source, ends).unwrap();
        last.apply().unwrap();
        let episode = memory.episode(id).unwrap();
        assert_eq!((episode.n_steps, episode.status()), (2, Status::Completed));
        assert_eq!(stored_digest(&episode).unwrap().moves.len(), 2, "both steps are in it");
    }
}
