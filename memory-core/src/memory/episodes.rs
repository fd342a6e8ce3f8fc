//! The life of an episode: begun, grown, ended.

use super::cures::Logged;
use super::{Memory, Remembered};
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewStep, Receipt};
use crate::learn::TaskKey;
use crate::model::{Episode, EpisodeId, NoteId, Outcome, RecordId, Relation, RelationKind};
use crate::storage::{Applied, Durability, Op, WriteBatch};

impl Memory {
    /// Begins an episode.
    ///
    /// Where the last attempt at the same task in its scope did not succeed, the episode retries that one.
    /// The first call of a process may wait while what was learned is read.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty task or an overlong name, [`Error::LimitExceeded`] for too many
    /// tags, [`Error::NotFound`] for a tie to an episode that is not stored, [`Error::Conflict`] when its
    /// source is stored already, [`Error::Storage`].
    pub fn start(&self, new: NewEpisode) -> Result<Receipt<EpisodeId>, Error> {
        let mut intake = self.intake();
        let id = EpisodeId::from_bytes(self.clock.next_id());
        let mut episode = Box::new(intake.episode(id, new)?);
        let ties: Vec<RecordId> = episode.relations.iter().map(|tie| tie.episode.into()).collect();
        self.check_stored(&ties)?;
        episode.relations.extend(self.retried(&episode)?);
        let insert = Op::InsertEpisode { episode, steps: Vec::new() };
        self.apply("start episode", WriteBatch::of(insert), Durability::Power)?;
        Ok(intake.receipt(id))
    }

    /// Appends steps to an open episode, all or none; says what is known of errors among them.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no steps or one without a tool, [`Error::NotFound`], [`Error::Conflict`]
    /// when the episode has ended, [`Error::LimitExceeded`] for too many steps, [`Error::Storage`].
    pub fn log(&self, episode: EpisodeId, steps: Vec<NewStep>) -> Result<Receipt<Logged>, Error> {
        if steps.is_empty() {
            return Err(Error::invalid("steps", "must hold at least one step"));
        }
        let mut intake = self.intake();
        let steps = intake.steps(steps)?;
        let failed = self.errors_of(&steps, intake.now());
        let n_new = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let limit = u32::try_from(self.config.max_steps).unwrap_or(u32::MAX);
        let append = Op::AppendSteps { episode, steps, limit };
        let commit = self.apply("log steps", WriteBatch::of(append), Durability::Process)?;
        let n_steps = match commit.applied.first() {
            Some(Applied::Steps { n_steps }) => *n_steps,
            _ => 0,
        };
        let first_idx = n_steps.saturating_sub(n_new);
        let known_errors = self.known_errors(&failed, first_idx);
        Ok(intake.receipt(Logged { n_steps, known_errors }))
    }

    /// Ends an open episode; gives what its lessons became, as by [`Memory::remember`].
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty lesson or a reward outside of [0, 1], [`Error::NotFound`] for the
    /// episode or a record that was followed, [`Error::Conflict`] when the episode has ended,
    /// [`Error::LimitExceeded`], [`Error::Storage`].
    pub fn complete(
        &self,
        episode: EpisodeId,
        completion: Completion,
    ) -> Result<Receipt<Vec<Remembered>>, Error> {
        let mut intake = self.intake();
        let (closing, lessons) = intake.closing(completion)?;
        self.check_stored(&closing.followed)?;
        let ended_at = closing.ended_at;
        let mut batch = WriteBatch::of(Op::Close { episode, closing: Box::new(closing) });
        let mut told = Vec::with_capacity(lessons.len());
        if !lessons.is_empty() {
            let stored = self.episode(episode)?;
            for text in lessons {
                let id = NoteId::from_bytes(self.clock.next_id());
                let (op, lesson) = self.deduplicate(intake.lesson(id, &stored, ended_at, text))?;
                batch.ops.extend(op);
                told.push(lesson);
            }
        }
        self.apply("complete episode", batch, Durability::Power)?;
        Ok(intake.receipt(told))
    }

    /// Refuses ids under which nothing is stored.
    fn check_stored(&self, ids: &[RecordId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let stored = self.read(ids)?;
        let missing = ids.iter().find(|id| stored.iter().all(|record| record.id() != **id));
        missing.map_or(Ok(()), |id| Err(Error::not_found(*id)))
    }

    /// The tie to the last attempt at the same task, if that did not succeed.
    fn retried(&self, episode: &Episode) -> Result<Option<Relation>, Error> {
        let is_tied = |kind| episode.relations.iter().any(|tie| tie.kind == kind);
        if is_tied(RelationKind::Retries) || is_tied(RelationKind::Follows) {
            return Ok(None);
        }
        self.learn()?;
        let learned = self.learning.learned();
        let task = TaskKey::of(episode.task.as_str());
        let last = learned.runs_of_task(episode.scope.as_str(), task).into_iter().next();
        let failed = last
            .filter(|last| !matches!(last.outcome, Some(Outcome::Success | Outcome::Abstained)));
        Ok(failed.map(|last| Relation { kind: RelationKind::Retries, episode: last.id }))
    }
}
