//! Ratings of records by their readers, and the helpfulness of records.

use super::Memory;
use crate::error::Error;
use crate::learn::Helpfulness;
use crate::model::{Feedback, Record, RecordId};
use crate::storage::{Durability, Op, WriteBatch};

/// Maximum number of records that are rated at once.
const MAX_RATED: usize = 100;

/// Helpfulness of a record before and after a rating.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedbackResult {
    /// The record.
    pub id: RecordId,
    /// Helpfulness before the rating.
    pub before: Helpfulness,
    /// Helpfulness with the rating.
    pub after: Helpfulness,
}

impl Memory {
    /// Counts a rating of records, all or none; each once, however often it is named.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no ids, [`Error::LimitExceeded`], [`Error::NotFound`] when one is not
    /// stored (any more), [`Error::Storage`].
    pub fn feedback(&self, ids: &[RecordId], helpful: bool) -> Result<Vec<FeedbackResult>, Error> {
        let mut once: Vec<RecordId> = Vec::with_capacity(ids.len());
        for id in ids {
            if !once.contains(id) {
                once.push(*id);
            }
        }
        if once.is_empty() {
            return Err(Error::invalid("ids", "name at least one record"));
        }
        Error::check_limit("ids", MAX_RATED, once.len())?;
        let before = self.helpfulness(&once)?;
        let ops = once.iter().map(|id| Op::Judge { id: *id, helpful }).collect();
        self.apply("count feedback", WriteBatch { ops }, Durability::Power)?;
        // Nothing is read from here on: a rating that is stored must not be reported as a failure.
        let (learned, now) = (self.learning.learned(), self.clock.now());
        let results = once.into_iter().zip(before).map(|(id, before)| {
            let Feedback { n_helpful, n_unhelpful } = before.feedback;
            let feedback = Feedback {
                n_helpful: n_helpful.saturating_add(u32::from(helpful)),
                n_unhelpful: n_unhelpful.saturating_add(u32::from(!helpful)),
            };
            FeedbackResult { id, before, after: learned.helpfulness(id, feedback, now) }
        });
        Ok(results.collect())
    }

    /// Returns the helpfulness of records so far, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when one is not stored, [`Error::Storage`].
    pub fn helpfulness(&self, ids: &[RecordId]) -> Result<Vec<Helpfulness>, Error> {
        let records = self.read(ids)?;
        self.learn()?;
        let (learned, now) = (self.learning.learned(), self.clock.now());
        // The records that are stored come in the order of `ids`.
        let mut records = records.iter().peekable();
        ids.iter()
            .map(|id| {
                let record = records.next_if(|record| record.id() == *id);
                let feedback = match record.ok_or_else(|| Error::not_found(*id))? {
                    Record::Episode(episode) => episode.feedback,
                    Record::Note(note) => note.feedback,
                };
                Ok(learned.helpfulness(*id, feedback, now))
            })
            .collect()
    }
}
