//! Forgetting: what is named, and what a policy names.

use super::Memory;
use crate::error::Error;
use crate::model::{NoteId, Record, RecordId, RecordKind, Scope};
use crate::retention::{Expired, Retention, Usage};
use crate::storage::{Durability, ListEntry, Op, RecordFilter, WriteBatch};

/// Records that are read at once.
const PAGE: usize = 500;

impl Memory {
    /// Removes records for good, all or none; gives the number removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when one is not stored, [`Error::Storage`].
    pub fn forget(&self, ids: &[RecordId]) -> Result<usize, Error> {
        let ops = ids.iter().map(|id| Op::Remove(*id)).collect();
        self.apply("forget records", WriteBatch { ops }, Durability::Power)?;
        Ok(ids.len())
    }

    /// The records of a scope, or of all, that a policy names, in the order of their ids; nothing is
    /// removed. Reads every record.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] when what was learned could not be loaded, [`Error::Storage`].
    pub fn expired(
        &self,
        policy: &Retention,
        scope: Option<&Scope>,
    ) -> Result<Vec<Expired>, Error> {
        self.learn()?;
        let now = self.clock.now();
        let filter = RecordFilter { scope: scope.cloned(), ..RecordFilter::default() };
        let mut expired = Vec::new();
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let mut cursor: Option<ListEntry> = None;
            loop {
                let page = self.list(kind, &filter, cursor, PAGE)?;
                let ids: Vec<RecordId> = page.iter().map(|entry| entry.id).collect();
                for (record, usage) in self.valued(&ids)? {
                    expired.extend(policy.names(&record, &usage, now));
                }
                cursor = page.last().copied();
                if page.len() < PAGE {
                    break;
                }
            }
        }
        expired.sort_unstable_by_key(|expired| expired.id);
        Ok(expired)
    }

    /// Records with the facts about their use.
    fn valued(&self, ids: &[RecordId]) -> Result<Vec<(Record, Usage)>, Error> {
        let records = self.read(ids)?;
        let by = |record: &Record| match record {
            Record::Note(note) => note.superseded_by,
            Record::Episode(_) => None,
        };
        let successors: Vec<NoteId> = records.iter().filter_map(by).collect();
        let read = self.storage.notes(&successors).map_err(Error::storage("read notes"))?;
        let mut successors = read.into_iter();
        let learned = self.learning.learned();
        let valued = records.into_iter().map(|record| {
            let superseded_at =
                by(&record).and_then(|_| successors.next().flatten()).map(|by| by.recorded_at);
            let usage = Usage { followed: learned.is_followed(record.id()), superseded_at };
            (record, usage)
        });
        Ok(valued.collect())
    }
}
