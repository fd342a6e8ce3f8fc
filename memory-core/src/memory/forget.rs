//! Removal of records for good: by ids, by a filter, and the records that a policy names.

use super::Memory;
use crate::error::Error;
use crate::model::{NoteId, Record, RecordId, RecordKind, Scope, Source};
use crate::retention::{Expired, Retention, Usage};
use crate::storage::{self, Durability, ListEntry, Op, RecordFilter, WriteBatch};

/// Records that are read at once.
const PAGE: usize = 500;

/// Records that are selected to be removed.
#[derive(Debug, Clone)]
pub enum Selection {
    /// The records with these ids; one that is named twice counts once.
    Ids(Vec<RecordId>),
    /// The records of these kinds that fit a filter, the newest of each kind first.
    Filter(Vec<RecordKind>, RecordFilter),
}

/// Records that were removed, or would be.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// Their ids, in order.
    pub ids: Vec<RecordId>,
    /// True when more fit the selection than were taken.
    pub has_more: bool,
    /// The first of them, as they were.
    pub first: Vec<Record>,
}

impl Memory {
    /// Removes at most `limit` selected records for good, all or none, and shows the first
    /// `n_shown` of them; with `dry_run` nothing is removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when a record that is to be removed is not stored, [`Error::Storage`].
    pub fn forget_selection(
        &self,
        selection: Selection,
        limit: usize,
        n_shown: usize,
        dry_run: bool,
    ) -> Result<Forgotten, Error> {
        let mut ids = match selection {
            Selection::Ids(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                ids
            }
            Selection::Filter(kinds, filter) => {
                let mut ids = Vec::new();
                for kind in kinds {
                    // One more than is taken tells whether there are more.
                    let found =
                        self.list(kind, &filter, None, (limit - ids.len()).saturating_add(1))?;
                    ids.extend(found.iter().map(|entry| entry.id));
                    if ids.len() > limit {
                        break;
                    }
                }
                ids
            }
        };
        let has_more = ids.len() > limit;
        ids.truncate(limit);
        ids.sort_unstable();
        let first: Vec<RecordId> = ids.iter().copied().take(n_shown).collect();
        let first = self.read(&first)?;
        if !dry_run && !ids.is_empty() {
            self.forget(&ids)?;
        }
        Ok(Forgotten { ids, has_more, first })
    }

    /// Removes records for good, all or none. One that has a source is not imported again, until
    /// [`Memory::lift`] allows it. Returns the number removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when one is not stored, [`Error::Storage`].
    pub fn forget(&self, ids: &[RecordId]) -> Result<usize, Error> {
        let ops = ids.iter().map(|id| Op::Remove(*id)).collect();
        self.apply("forget records", WriteBatch { ops }, Durability::Power)?;
        Ok(ids.len())
    }

    /// Lets the records of a source be stored again that were forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where nothing of that source was forgotten, [`Error::Storage`].
    pub fn lift(&self, source: Source) -> Result<(), Error> {
        let lift = WriteBatch::of(Op::Lift(source.masked()));
        self.apply("lift what was forgotten", lift, Durability::Power).map(drop)
    }

    /// Returns the records of a scope, or of all, that a policy names, in the order of their ids;
    /// nothing is removed. Reads every record.
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

    /// Returns records with what a policy judges them by.
    fn valued(&self, ids: &[RecordId]) -> Result<Vec<(Record, Usage)>, Error> {
        let records = self.read(ids)?;
        let by = |record: &Record| match record {
            Record::Note(note) => note.superseded_by,
            Record::Episode(_) => None,
        };
        let successors: Vec<NoteId> = records.iter().filter_map(by).collect();
        let read = storage::notes(self.storage.as_ref(), &successors)
            .map_err(Error::storage("read notes"))?;
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

#[cfg(test)]
mod tests;
