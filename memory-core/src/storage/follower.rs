//! Following the change feed: pages of changes with the records that they are about.
//!
//! Whatever is derived from the storage (the index, what was learned) is kept up to date by one
//! loop: read a page, take it in, remember its position.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{ChangeOp, Seq, Storage, StorageError, records};
use crate::model::{Episode, Note, Record, RecordId};

/// Changes between two positions of the change feed, as they are stored now.
pub(crate) struct Page {
    /// Records that were removed.
    pub(crate) removed: Vec<RecordId>,
    /// Episodes that were put and are still stored.
    pub(crate) episodes: Vec<Episode>,
    /// Notes that were put and are still stored; none where the follower wants no notes.
    pub(crate) notes: Vec<Note>,
    /// Position of the last change of the page.
    pub(crate) seq: Seq,
    /// Number of changes.
    pub(crate) n_changes: usize,
}

/// Reads the change feed from a position on, page by page.
pub(crate) struct Follower<'a> {
    /// Storage whose changes are read.
    pub(crate) storage: &'a dyn Storage,
    /// Most changes of one page.
    pub(crate) page_size: usize,
    /// True when notes are wanted besides episodes.
    pub(crate) with_notes: bool,
    /// Set when nobody will ask any more: the following ends before the next page.
    pub(crate) abandoned: &'a AtomicBool,
}

impl Follower<'_> {
    /// Hands all pages after `seq` to `take`, oldest first; gives the number of changes.
    ///
    /// `take` keeps the position of the page once the page is taken in. Cost: one query of the
    /// feed, and one for the records of each kind in a page.
    ///
    /// # Errors
    ///
    /// Those of the storage and of `take`; the pages before are taken in.
    pub(crate) fn follow(
        &self,
        mut seq: Seq,
        mut take: impl FnMut(Page) -> Result<(), StorageError>,
    ) -> Result<usize, StorageError> {
        let mut n_changes = 0;
        while let Some(page) = self.page(seq)? {
            (seq, n_changes) = (page.seq, n_changes + page.n_changes);
            take(page)?;
        }
        Ok(n_changes)
    }

    fn page(&self, after: Seq) -> Result<Option<Page>, StorageError> {
        let changes = self.storage.changes(after, self.page_size)?;
        let Some(last) = changes.last().filter(|_| !self.abandoned.load(Ordering::Relaxed)) else {
            return Ok(None);
        };
        let (mut removed, mut put) = (Vec::new(), Vec::new());
        for change in &changes {
            match (change.op, change.id) {
                (ChangeOp::Remove, id) => removed.push(id),
                (ChangeOp::Put, RecordId::Note(_)) if !self.with_notes => {}
                (ChangeOp::Put, id) => put.push(id),
            }
        }
        let (mut episodes, mut notes) = (Vec::new(), Vec::new());
        for record in records(self.storage, &put)? {
            match record {
                Record::Episode(episode) => episodes.push(*episode),
                Record::Note(note) => notes.push(*note),
            }
        }
        let (seq, n_changes) = (last.seq, changes.len());
        Ok(Some(Page { removed, episodes, notes, seq, n_changes }))
    }
}
