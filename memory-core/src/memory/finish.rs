//! End of an episode: its outcome, its lessons and its digest in one batch, then what it teaches.

use super::learning::digest_of;
use super::{Memory, Reflection, Remembered};
use crate::error::Error;
use crate::intake::{Completion, Receipt};
use crate::learn::Contradiction;
use crate::model::{Closing, EpisodeId, NoteId};
use crate::storage::{Durability, Op, WriteBatch};

/// An episode that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Number of its steps.
    pub n_steps: u32,
    /// Results of remembering its lessons, in their order, as by [`Memory::remember`].
    pub lessons: Vec<Remembered>,
    /// Lessons of a comparison with those before it; nothing where that could not be read.
    pub reflection: Reflection,
}

impl Memory {
    /// Ends an open episode and gives what it teaches.
    ///
    /// One that has ended with an inferred outcome, or unjudged, is ended again: with the outcome
    /// that is known now, and with the earlier texts and time where none are given.
    ///
    /// Outcome, lessons and the digest from which others learn are stored as one batch. Everything
    /// that can fail is read before; once the batch is stored the call succeeds.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an empty lesson or a reward outside of [0, 1], [`Error::NotFound`]
    /// for the episode or a record that was followed, [`Error::Conflict`] when the episode has
    /// ended with a reported outcome or was abandoned, [`Error::LimitExceeded`],
    /// [`Error::Storage`]. Nothing is stored then.
    pub fn finish(
        &self,
        id: EpisodeId,
        completion: Completion,
    ) -> Result<Receipt<Finished>, Error> {
        let mut intake = self.intake();
        let is_timed = completion.ended_at.is_some();
        let (mut closing, texts) = intake.closing(completion)?;
        self.check_stored(&closing.followed)?;
        let mut episode = self.episode(id)?;
        if let Some(before) = episode.closing.take().filter(Closing::is_provisional) {
            closing = over(before, closing, is_timed);
        }
        let digest = digest_of(self.storage.as_ref(), id).map_err(Error::storage("read steps"))?;
        let mut batch =
            WriteBatch::of(Op::Close { episode: id, closing: Box::new(closing.clone()) });
        batch.ops.push(Op::KeepDigest { episode: id, digest: digest.encode().into() });
        let (mut lessons, mut contradictions) = (Vec::with_capacity(texts.len()), Vec::new());
        for text in texts {
            let note_id = NoteId::from_bytes(self.clock.next_id());
            let note = intake.lesson(note_id, &episode, closing.ended_at, text);
            let quoted = note.text.as_str().to_owned();
            let (op, lesson) = self.deduplicate(note)?;
            if let Remembered::New { contradicts, .. } = &lesson {
                for other in contradicts {
                    let other = (*other, self.note(*other)?.text.as_str().to_owned());
                    contradictions.push(Contradiction { one: (note_id, quoted.clone()), other });
                }
            }
            batch.ops.extend(op);
            lessons.push(lesson);
        }
        // Earlier episodes are only wanted for the reflection, which is an extra.
        let learned = self.learn();
        self.apply("complete episode", batch, Durability::Power)?;
        episode.closing = Some(closing);
        self.learning.put(&episode, &digest);
        let is_asked = lessons.is_empty() || !contradictions.is_empty();
        let reflection = learned.and_then(|()| self.reflection(id, is_asked, &contradictions));
        let reflection = reflection.unwrap_or_else(|error| {
            tracing::warn!(%error, "an episode ends without a reflection");
            None
        });
        Ok(intake.receipt(Finished {
            n_steps: u32::try_from(digest.moves.len()).unwrap_or(u32::MAX),
            lessons,
            reflection: reflection.unwrap_or_default(),
        }))
    }
}

/// Returns a later end of an episode with what it does not say taken from the earlier one.
pub(super) fn over(before: Closing, closing: Closing, is_timed: bool) -> Closing {
    let artifacts = if closing.artifacts.is_empty() { before.artifacts } else { closing.artifacts };
    let followed = if closing.followed.is_empty() { before.followed } else { closing.followed };
    Closing {
        ended_at: if is_timed { closing.ended_at } else { before.ended_at },
        summary: closing.summary.or(before.summary),
        artifacts,
        followed,
        reflection: closing.reflection.or(before.reflection),
        ..closing
    }
}
