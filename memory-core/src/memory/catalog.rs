//! The file of the catalog beside the store: what a process that lives for one question reads in
//! place of everything that was learned.
//!
//! Derived and replaced as a whole: one that is damaged, of another store or version, or ahead of
//! the store is made anew. Limits: a question reads a bounded part of what is new since.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::learning::{READ, digest_of, stored_digest};
use crate::error::Error;
use crate::learn::{Attempts, CallKey, Catalog, CatalogChanges, Learned, MetError, TaskGroup};
use crate::model::{EpisodeId, Feedback, RecordId};
use crate::retrieve::LearnedFacts;
use crate::storage::{Follower, Storage, StorageError, episodes};

/// Changes that are read at once.
const PAGE_CHANGES: usize = 256;

/// Pages that one question reads at most; the next one goes on.
const MAX_PAGES: usize = 4;

/// Changes from which on the file is written again.
const MIN_CHANGES: usize = 64;

/// What is asked about.
pub(super) enum Wanted<'a> {
    /// Errors that were met.
    Errors(&'a [MetError]),
    /// A call in a scope.
    Call(&'a str, CallKey),
}

/// The catalog of a store, with its file.
pub(super) struct CatalogFile {
    path: PathBuf,
    catalog: Mutex<Option<Catalog>>,
}

impl CatalogFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, catalog: Mutex::new(None) }
    }

    /// Returns what the episodes taught that say something of what is asked.
    pub(super) fn select(
        &self,
        storage: &dyn Storage,
        wanted: &Wanted<'_>,
    ) -> Result<Learned, StorageError> {
        let mut kept = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let catalog = self.caught_up(storage, kept.take(), MAX_PAGES, &AtomicBool::new(false))?;
        let mut ids: Vec<EpisodeId> = match wanted {
            Wanted::Errors(met) => met.iter().flat_map(|met| catalog.with_error(met)).collect(),
            Wanted::Call(scope, call) => catalog.with_risky_call(scope, *call),
        };
        let mut seen = rustc_hash::FxHashSet::default();
        ids.retain(|id| seen.insert(*id));
        let mut learned = catalog.table();
        *kept = Some(catalog);
        drop(kept);
        let total = learned.plain_retries();
        put_all(&mut learned, storage, &ids)?;
        learned.set_plain_retries(total);
        Ok(learned)
    }

    /// Passes the catalog, with what is new in it, to `ask`.
    fn asked<T>(
        &self,
        storage: &dyn Storage,
        ask: impl FnOnce(&Catalog) -> T,
    ) -> Result<T, StorageError> {
        let mut kept = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let caught_up = self.caught_up(storage, kept.take(), MAX_PAGES, &AtomicBool::new(false));
        Ok(ask(kept.insert(caught_up?)))
    }

    /// Takes in all that is stored, and writes the file.
    pub(super) fn keep(
        &self,
        storage: &dyn Storage,
        abandoned: &AtomicBool,
    ) -> Result<(), StorageError> {
        let mut kept = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(self.caught_up(storage, kept.take(), usize::MAX, abandoned)?);
        Ok(())
    }

    /// Returns a catalog with what is new, up to a number of pages.
    fn caught_up(
        &self,
        storage: &dyn Storage,
        catalog: Option<Catalog>,
        max_pages: usize,
        is_enough: &AtomicBool,
    ) -> Result<Catalog, StorageError> {
        let head = storage.head()?;
        let read = || {
            let bytes = fs::read(&self.path).ok()?;
            Catalog::decode(&bytes, head.store_id).ok()
        };
        let is_of_now = |catalog: &Catalog| catalog.seq <= head.seq;
        let mut catalog = catalog.or_else(read).filter(is_of_now).unwrap_or_default();
        if catalog.seq == head.seq {
            return Ok(catalog);
        }
        let feed =
            Follower { storage, page_size: PAGE_CHANGES, with_notes: false, abandoned: is_enough };
        let (mut n_pages, mut changes, mut seq) = (0, CatalogChanges::default(), catalog.seq);
        let n_changes = feed.follow(seq, |page| {
            for id in page.removed {
                if let RecordId::Episode(id) = id {
                    changes.remove(id);
                }
            }
            for episode in page.episodes {
                if episode.closing.is_none() {
                    changes.remove(episode.id);
                    continue;
                }
                let digest = match stored_digest(&episode) {
                    Some(digest) => digest,
                    None => digest_of(storage, episode.id)?,
                };
                changes.put(&episode, &digest);
            }
            seq = page.seq;
            n_pages += 1;
            is_enough.fetch_or(n_pages >= max_pages, Ordering::Relaxed);
            Ok(())
        })?;
        // A file that cannot be used now must not seem to fit later, when the store has grown.
        let is_unfit = catalog.seq == 0 && self.path.exists();
        catalog.change(&changes);
        catalog.seq = seq;
        if (n_changes >= MIN_CHANGES || is_unfit)
            && let Err(error) = self.write(&catalog.encode(head.store_id))
        {
            // It is derived: the next process makes it again.
            tracing::warn!(%error, "the catalog was not written");
        }
        Ok(catalog)
    }

    /// Puts bytes in the place of the file.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.new", std::process::id()));
        let beside = self.path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        // It tells what is remembered.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&beside).and_then(|mut file| file.write_all(bytes));
        let placed = written.and_then(|()| fs::rename(&beside, &self.path));
        if placed.is_err() {
            // What went wrong before is what is told.
            drop(fs::remove_file(&beside));
        }
        placed
    }
}

/// Learns some episodes.
fn put_all(
    learned: &mut Learned,
    storage: &dyn Storage,
    ids: &[EpisodeId],
) -> Result<(), StorageError> {
    for episode in episodes(storage, ids)?.into_iter().flatten() {
        let digest = match stored_digest(&episode) {
            Some(digest) => digest,
            None => digest_of(storage, episode.id)?,
        };
        learned.put(&episode, &digest);
    }
    Ok(())
}

/// Facts of records for a search in a process that lives for one question: of what was learned
/// only that is read which speaks of them.
pub(super) struct CatalogFacts<'a> {
    pub(super) catalog: &'a CatalogFile,
    pub(super) storage: &'a dyn Storage,
}

impl CatalogFacts<'_> {
    /// Learns the episodes that `ask` names.
    fn learned(&self, ask: impl FnOnce(&Catalog) -> Vec<EpisodeId>) -> Result<Learned, Error> {
        let mut learned = Learned::default();
        let ids = self.catalog.asked(self.storage, ask);
        ids.and_then(|ids| put_all(&mut learned, self.storage, &ids))
            .map_err(Error::storage(READ))?;
        Ok(learned)
    }
}

impl LearnedFacts for CatalogFacts<'_> {
    fn usefulness(&self, records: &[(RecordId, Feedback)]) -> Result<Vec<f64>, Error> {
        let ids = records.iter().map(|(id, _)| *id).collect();
        let learned = self.learned(|catalog| catalog.with_followed(&ids))?;
        Ok(records.iter().map(|(id, feedback)| learned.usefulness(*id, *feedback)).collect())
    }

    fn task_groups(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<TaskGroup>>, Error> {
        let groups = self.catalog.asked(self.storage, |catalog| catalog.task_groups(episodes));
        groups.map_err(Error::storage(READ))
    }

    fn attempts(&self, episodes: &[EpisodeId]) -> Result<Vec<Option<Attempts>>, Error> {
        let learned = self.learned(|catalog| catalog.attempts_with(episodes))?;
        Ok(episodes.iter().map(|id| learned.attempts_in_short(*id)).collect())
    }
}

#[cfg(test)]
mod tests;
