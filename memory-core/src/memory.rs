//! The engine: one short method for each thing that a user does.
//!
//! Who calls it: tools, the command line, library users. What it must not know: JSON, SQL,
//! processes.

mod advice;
mod analyze;
mod begin;
mod builder;
mod captured;
mod catalog;
mod checkpoint;
mod cures;
mod embedding;
mod exchange;
mod feedback;
mod finish;
mod foresight;
mod forget;
mod ids;
mod import;
mod injection;
mod known;
mod learning;
mod log;
mod models;
mod moment;
mod notes;
mod outgoing;
mod patterns;
mod quotes;
mod recommend;
mod reflection;
mod scopes;
mod states;
mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use crate::background::Task;
use crate::clock::Clock;
use crate::config::Config;
use crate::embed::Embedder;
use crate::error::Error;
use crate::index::{Index, IndexStatus};
use crate::intake::Intake;
use crate::model::{
    Episode, EpisodeId, Note, NoteId, Record, RecordId, RecordKind, Step, Timestamp,
};
use crate::retrieve::{Query, Recall, RecallCache, Retriever, Weights};
use crate::secret::mask;
use crate::storage::{
    self, Change, Commit, Durability, Head, ListEntry, RecordFilter, Seq, StepRange, Storage,
    StorageStats, WriteBatch,
};

pub use advice::Advice;
pub use begin::{Begun, Lookup};
pub use builder::{MemoryBuilder, SearchIndex};
pub use captured::CaptureBatch;
use catalog::{CatalogFacts, CatalogFile, Wanted};
pub use checkpoint::Handoff;
pub use cures::Logged;
use embedding::Embedding;
pub use exchange::ExchangeStatus;
pub use feedback::FeedbackResult;
pub use finish::Finished;
use foresight::Foresight;
pub use foresight::{MovedOdds, NextTool};
pub use forget::{Forgotten, Selection};
pub use import::{Import, Imported, Link, LinkRole, Links};
pub use injection::{InjectionCounts, Moment, Session};
use learning::Learning;
pub use moment::Warning;
pub use notes::Remembered;
pub use reflection::Reflection;
use told::ToldErrors;

/// State of the engine's parts.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineStatus {
    /// Identity and position of the store.
    pub head: Head,
    /// Counts of the storage.
    pub storage: StorageStats,
    /// State of the search index.
    pub index: IndexStatus,
    /// Recalls that were answered with a kept answer.
    pub n_recalls_cached: u64,
    /// Recalls whose answer was computed.
    pub n_recalls_computed: u64,
    /// Recalls that waited for the answer of an identical one that was being computed.
    pub n_recalls_shared: u64,
}

impl EngineStatus {
    /// Returns the vectors of the embedding model in use, and of others by model.
    #[must_use]
    pub fn vectors(&self) -> (u64, Vec<(&str, u64)>) {
        let own = self.index.model.as_deref();
        let is_own = |(model, _): &(&str, u64)| Some(*model) == own;
        let all = self.storage.vectors.iter().map(|(model, n)| (&**model, *n));
        let (own, others): (Vec<_>, Vec<_>) = all.partition(is_own);
        (own.iter().map(|(_, n)| n).sum(), others)
    }
}

/// The memory: records experience and finds it again.
///
/// Shared by reference between threads; every method may block on the storage. What was
/// acknowledged by [`Memory::log`] survives the end of the process, all else that was acknowledged
/// a power cut.
pub struct Memory {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    config: Config,
    embedder: Option<Arc<dyn Embedder>>,
    // Dropped before the index is abandoned: its thread refreshes it.
    embedding: Option<Task>,
    index: Arc<Index>,
    learning: Arc<Learning>,
    catalog: Option<Arc<CatalogFile>>,
    /// True for a process that reads of what was learned only what is asked about.
    is_selective: bool,
    foresight: Foresight,
    told: ToldErrors,
    // Dropped once the learning is abandoned: its thread reads the storage.
    loading: Option<Task>,
    cache: RecallCache,
    pub(crate) weights: Weights,
}

impl Memory {
    /// Begins to open a memory on a storage.
    #[must_use]
    pub fn builder(storage: Arc<dyn Storage>) -> MemoryBuilder {
        MemoryBuilder::new(storage)
    }

    /// Embeds what waits for it, on the calling thread, and returns when nothing waits any more;
    /// gives the number of texts.
    ///
    /// # Errors
    ///
    /// [`Error::Embed`] when the embedder fails, [`Error::Index`], [`Error::Storage`].
    pub fn embed_all(&self) -> Result<usize, Error> {
        let Some(embedding) = self.embedding_round() else { return Ok(0) };
        let mut n_texts = 0;
        loop {
            match embedding.round()? {
                0 => return Ok(n_texts),
                n => n_texts += n,
            }
        }
    }

    fn embedding_round(&self) -> Option<Embedding> {
        let [.., drawn] = self.clock.next_id();
        Some(Embedding {
            storage: Arc::clone(&self.storage),
            index: Arc::clone(&self.index),
            embedder: Arc::clone(self.embedder.as_ref()?),
            clock: Arc::clone(&self.clock),
            turn: AtomicUsize::new(drawn.into()),
        })
    }

    /// The limits and constants in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Finds the past experience that helps with what the query says.
    ///
    /// Sees every write that was acknowledged before, by this process or another. While the index
    /// is being loaded the call waits for it. An empty text lists the newest records.
    ///
    /// # Errors
    ///
    /// [`Error::LimitExceeded`], [`Error::Invalid`], [`Error::Index`] when the index could not be
    /// loaded in time, [`Error::Storage`].
    pub fn recall(&self, query: &Query) -> Result<Recall, Error> {
        let Some(facts) = self.catalog_facts() else {
            self.refresh()?;
            return self.retriever(self.clock.now()).recall(query);
        };
        self.refresh_index()?;
        let retriever = self.retriever(self.clock.now());
        Retriever { learned: &facts, ..retriever }.recall(query)
    }

    /// Returns what was learned of single records, in a process that lives for one question.
    fn catalog_facts(&self) -> Option<CatalogFacts<'_>> {
        let catalog = self.catalog.as_deref().filter(|_| self.is_selective)?;
        Some(CatalogFacts { catalog, storage: self.storage.as_ref() })
    }

    fn retriever(&self, now: Timestamp) -> Retriever<'_> {
        Retriever {
            embedder: self.embedder.as_deref(),
            storage: self.storage.as_ref(),
            index: &self.index,
            config: &self.config,
            cache: &self.cache,
            now,
            weights: &self.weights,
            learned: self.learning.as_ref(),
        }
    }

    /// Reads an episode.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn episode(&self, id: EpisodeId) -> Result<Episode, Error> {
        let read = storage::episodes(self.storage.as_ref(), &[id])
            .map_err(Error::storage("read episode"))?;
        let episode = read.into_iter().flatten().next().map(outgoing::episode);
        episode.ok_or_else(|| Error::not_found(id.into()))
    }

    /// Reads at most `limit` steps of an episode, from position `from` on.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`]; an unknown episode has no steps.
    pub fn steps(&self, episode: EpisodeId, from: u32, limit: u32) -> Result<Vec<Step>, Error> {
        let range = StepRange { episode, from, limit };
        let read = self.storage.steps(&[range]).map_err(Error::storage("read steps"))?;
        let steps = read.into_iter().next().unwrap_or_default();
        Ok(steps.into_iter().map(outgoing::step).collect())
    }

    /// Reads an episode with at most `limit` of its steps, from position `from` on. Steps that are
    /// appended meanwhile are left out, so that both are of one state.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn episode_with_steps(
        &self,
        id: EpisodeId,
        from: u32,
        limit: u32,
    ) -> Result<(Episode, Vec<Step>), Error> {
        let episode = self.episode(id)?;
        let limit = limit.min(episode.n_steps.saturating_sub(from));
        let steps = self.steps(id, from, limit)?;
        Ok((episode, steps))
    }

    /// Returns what was done in an episode, in one line of at most 240 bytes; empty where nothing
    /// is known. Reads the steps where the episode has no digest yet.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn synopsis(&self, episode: &Episode) -> Result<String, Error> {
        let digest = match learning::stored_digest(episode) {
            Some(digest) => digest,
            None => learning::digest_of(self.storage.as_ref(), episode.id)
                .map_err(Error::storage("read steps"))?,
        };
        let (text, _) = mask(digest.synopsis.text());
        Ok(text)
    }

    /// Reads a note, also one that is superseded.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn note(&self, id: NoteId) -> Result<Note, Error> {
        let read =
            storage::notes(self.storage.as_ref(), &[id]).map_err(Error::storage("read note"))?;
        let note = read.into_iter().flatten().next().map(outgoing::note);
        note.ok_or_else(|| Error::not_found(id.into()))
    }

    /// Reads records in the order of their ids; those that are not stored are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn read(&self, ids: &[RecordId]) -> Result<Vec<Record>, Error> {
        let read = storage::records(self.storage.as_ref(), ids);
        let records = read.map_err(Error::storage("read records"))?;
        Ok(records.into_iter().map(outgoing::record).collect())
    }

    /// Lists records of one kind, newest first, after `cursor`.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, Error> {
        self.storage.list(kind, filter, cursor, limit).map_err(Error::storage("list records"))
    }

    /// Lists changes after `after`, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, Error> {
        self.storage.changes(after, limit).map_err(Error::storage("read changes"))
    }

    /// Probes storage and index and says how they are.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] when the storage does not answer.
    pub fn status(&self) -> Result<EngineStatus, Error> {
        let head = self.storage.head().map_err(Error::storage("read head"))?;
        let storage = self.storage.stats().map_err(Error::storage("count records"))?;
        let counts = self.cache.counts();
        Ok(EngineStatus {
            head,
            storage,
            index: self.index.status(),
            n_recalls_cached: counts.cached,
            n_recalls_computed: counts.computed,
            n_recalls_shared: counts.shared,
        })
    }

    /// Reads all of the store and says what is wrong with it; an empty list means it is sound.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn check(&self) -> Result<Vec<String>, Error> {
        self.storage.check().map_err(Error::storage("check store"))
    }

    /// Waits until all that was acknowledged survives a power cut.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn flush(&self) -> Result<(), Error> {
        self.storage.flush().map_err(Error::storage("flush"))
    }

    /// Waits until the index is loaded and, with what was learned, knows all that is stored now.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] when it could not be loaded in time, [`Error::Storage`].
    pub fn refresh(&self) -> Result<(), Error> {
        self.refresh_index()?;
        let position = self.index.contents().position();
        self.learning.refresh_to(self.storage.as_ref(), position.changes)
    }

    fn refresh_index(&self) -> Result<(), Error> {
        let wait = Duration::from_millis(self.config.index_wait_ms);
        self.index.refresh(self.storage.as_ref(), wait)
    }

    /// Takes in what was learned up to now; unlike [`Memory::refresh`] it needs no index.
    fn learn(&self) -> Result<(), Error> {
        self.learning.refresh(self.storage.as_ref())
    }

    /// Takes in what was learned that says something of what is asked: all of it, unless this
    /// process lives for one question.
    fn learn_of(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<(), Error> {
        match self.catalog.as_ref().filter(|_| self.is_selective) {
            None => self.learning.refresh_if_due(self.storage.as_ref(), now),
            Some(catalog) => {
                let selected = catalog.select(self.storage.as_ref(), wanted);
                let learned = selected.map_err(Error::storage("read what was learned"))?;
                self.learning.replace(learned, now);
                Ok(())
            }
        }
    }

    /// Brings the catalog beside the store up to date, if one is set: the file by which processes
    /// that only record find cures and warnings. Reads what is new since it was written.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`]; a file that cannot be written is no error, as it is derived.
    pub fn keep_catalog(&self) -> Result<(), Error> {
        let Some(catalog) = &self.catalog else { return Ok(()) };
        catalog
            .keep(self.storage.as_ref(), &AtomicBool::new(false))
            .map_err(Error::storage("read what was learned"))
    }

    /// Brings the snapshot of the search index up to date if much was changed since it was written,
    /// within about that time, and says whether it was written. For the end of a session in a
    /// process with [`SearchIndex::OnDemand`]: so the next question finds one, though no server
    /// runs.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`]; a file that cannot be written is no error, as it is derived.
    pub fn keep_index(&self, within: Duration) -> Result<bool, Error> {
        self.index.keep_up(self.storage.as_ref(), within)
    }

    fn intake(&self) -> Intake<'_> {
        Intake::new(&self.config, self.clock.now())
    }

    fn apply(
        &self,
        op: &'static str,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<Commit, Error> {
        let commit = self.storage.apply(batch, durability).map_err(Error::storage(op))?;
        if let Some(embedding) = &self.embedding {
            embedding.wake();
        }
        Ok(commit)
    }
}

impl Drop for Memory {
    /// Ends the load of the index, so that the storage is closed with its last user, and saves the
    /// index if that is worth it; within two seconds, but for the text that is being embedded.
    fn drop(&mut self) {
        self.learning.abandon();
        self.index.abandon();
        drop(self.loading.take());
        // Before the embedding, which may wait for a provider.
        self.index.close();
        drop(self.embedding.take());
    }
}

#[cfg(test)]
mod advice_tests;
#[cfg(test)]
mod analyze_tests;
#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod dates_tests;
#[cfg(test)]
mod experience_tests;
#[cfg(test)]
mod meaning_tests;
#[cfg(test)]
mod notes_tests;
#[cfg(test)]
mod on_demand_tests;
#[cfg(test)]
mod recoding_tests;
#[cfg(test)]
mod reembedding_tests;
#[cfg(test)]
mod script_tests;
#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod variety_tests;
