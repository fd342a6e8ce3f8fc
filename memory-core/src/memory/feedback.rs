//! What readers say of records, and what a record was worth to those who followed it.

use super::Memory;
use crate::error::Error;
use crate::learn::Worth;
use crate::model::{Feedback, Record, RecordId};
use crate::storage::{Durability, Op, WriteBatch};

/// Most records that are judged at once.
const MAX_JUDGED: usize = 100;

/// What a record was worth before and after a judgement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The record.
    pub id: RecordId,
    /// Before it.
    pub before: Worth,
    /// With it.
    pub after: Worth,
}

impl Memory {
    /// Counts a judgement of records, all or none; each once, however often it is named.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no ids, [`Error::LimitExceeded`], [`Error::NotFound`] when one is not stored
    /// (any more), [`Error::Storage`].
    pub fn judge(&self, ids: &[RecordId], helpful: bool) -> Result<Vec<Judged>, Error> {
        let mut once: Vec<RecordId> = Vec::with_capacity(ids.len());
        for id in ids {
            if !once.contains(id) {
                once.push(*id);
            }
        }
        if once.is_empty() {
            return Err(Error::invalid("ids", "name at least one record"));
        }
        Error::check_limit("ids", MAX_JUDGED, once.len())?;
        let before = self.worth(&once)?;
        let ops = once.iter().map(|id| Op::Judge { id: *id, helpful }).collect();
        self.apply("judge records", WriteBatch { ops }, Durability::Power)?;
        // Nothing is read any more: what is counted must not be told as a failure.
        let (learned, now) = (self.learning.learned(), self.clock.now());
        let judged = once.into_iter().zip(before).map(|(id, before)| {
            let Feedback { n_helpful, n_unhelpful } = before.feedback;
            let feedback = Feedback {
                n_helpful: n_helpful.saturating_add(u32::from(helpful)),
                n_unhelpful: n_unhelpful.saturating_add(u32::from(!helpful)),
            };
            Judged { id, before, after: learned.worth(id, feedback, now) }
        });
        Ok(judged.collect())
    }

    /// What records were worth so far, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when one is not stored, [`Error::Storage`].
    pub fn worth(&self, ids: &[RecordId]) -> Result<Vec<Worth>, Error> {
        let records = self.read(ids)?;
        self.learn()?;
        let (learned, now) = (self.learning.learned(), self.clock.now());
        let mut records = records.iter().peekable();
        let worth = |id: &RecordId| {
            let record = records.next_if(|record| record.id() == *id);
            let feedback = match record.ok_or_else(|| Error::not_found(*id))? {
                Record::Episode(episode) => episode.feedback,
                Record::Note(note) => note.feedback,
            };
            Ok(learned.worth(*id, feedback, now))
        };
        ids.iter().map(worth).collect()
    }
}
