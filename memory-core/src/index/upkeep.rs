//! Work on the index beside the requests: it is loaded, its snapshot saved, its vectors coded along
//! their principal axes.
//!
//! **When it is saved.** A start takes in what was changed since the snapshot, at some 10 µs a unit
//! and 7 µs a vector, so the snapshot may lag behind by a share of the whole: an eighth while the
//! process runs (the sum of all that is ever written stays below nine times the last size) and a
//! 64th when it ends. Once no text waits for its vector, a 32nd is enough if it makes room (the sum
//! then stays below 33 times): vectors are held in memory until they are saved, and after an import
//! that can be for long.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use memory_dense::{DenseIndex, FrozenIndex};

use super::semantic::Semantic;
use super::snapshot::error::SnapshotError;
use super::snapshot::reading::Reading;
use super::snapshot::{self, Draft, Identity};
use super::{Bm25, Columns, Contents, Index, lock, refresh};
use crate::background::Task;
use crate::error::Error;
use crate::storage::{Change, ChangeOp, Seq, Storage};

/// Changes below which nothing is saved while the process runs: a start takes them in within 40 ms.
const MIN_UNSAVED: usize = 4_096;

/// Share 1/n of units and vectors that may change until the index is saved.
const UNSAVED_SHARE: usize = 8;

/// The share where saving makes room in memory and nothing waits.
const UNSAVED_SHARE_AT_REST: usize = 32;

/// Changes below which nothing is saved at the end.
const MIN_UNSAVED_AT_END: usize = 512;

/// Share 1/n of units and vectors from which on saving at the end is worth it.
const UNSAVED_SHARE_AT_END: usize = 64;

/// Changes of records after the snapshot from which on it is not read for one question: that would
/// take a tenth of a second and more.
const MAX_UNREAD: usize = 1_024;

/// Changes of records after the snapshot from which on it is brought up to date: so many cost a
/// question some ten milliseconds.
const MIN_UNKEPT: usize = 128;

/// Longest time of saving at the end; a process that is asked to end has five seconds.
const MAX_SAVE_AT_END: Duration = Duration::from_millis(1_500);

/// The snapshot and the thread that works for the index.
#[derive(Default)]
pub(super) struct Upkeep {
    /// File of the snapshot; without it nothing is saved.
    path: Option<PathBuf>,
    /// Id of the store, once it is known.
    store: OnceLock<[u8; 16]>,
    outcome: Mutex<Outcome>,
    task: Mutex<Option<Task>>,
    /// The first load was not given up.
    is_complete: AtomicBool,
    /// Until when the work may go on, once the end has come.
    until: OnceLock<Instant>,
}

/// State of the snapshot.
#[derive(Debug, Clone, Default)]
struct Outcome {
    /// The index came from it.
    loaded: bool,
    /// Reason why it did not, though there was a file.
    failure: Option<String>,
    /// Reason why it could not be saved the last time.
    unsaved: Option<String>,
    /// There is a file of no use.
    is_bad: bool,
    /// Changes that were unsaved when saving failed.
    failed_at: Option<usize>,
}

impl Upkeep {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Returns whether the index came from the snapshot, and the fault of that.
    pub(super) fn status(&self) -> (bool, Option<String>) {
        let outcome = lock(&self.outcome).clone();
        (outcome.loaded, outcome.unsaved.or(outcome.failure))
    }

    /// The index of the last snapshot, if that is of use.
    pub(super) fn load(
        &self,
        storage: &dyn Storage,
        model: Option<(&str, usize)>,
        reading: Reading,
    ) -> Result<Option<Contents>, Error> {
        let Some(path) = &self.path else { return Ok(None) };
        let head = storage.head().map_err(Error::storage("read head"))?;
        let id = *self.store.get_or_init(|| head.store_id);
        let started = Instant::now();
        let loaded = snapshot::load(path, &Identity::new(id, model), head.seq, reading);
        let checked = match loaded {
            Ok(contents) if !is_of(&contents, storage)? => Err(SnapshotError::OtherHistory),
            loaded => loaded,
        };
        match checked {
            Ok(contents) => {
                let elapsed_ms = started.elapsed().as_millis();
                tracing::debug!(
                    elapsed_ms,
                    seq = contents.seq,
                    "search index read from its snapshot"
                );
                lock(&self.outcome).loaded = true;
                Ok(Some(contents))
            }
            Err(SnapshotError::Missing) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "the search index is built anew");
                self.reject(&error.to_string());
                Ok(None)
            }
        }
    }

    /// The snapshot turned out to be of no use.
    pub(super) fn reject(&self, reason: &str) {
        let mut outcome = lock(&self.outcome);
        outcome.loaded = false;
        outcome.is_bad = true;
        outcome.failure = Some(reason.to_owned());
    }

    /// Returns whether the index should be saved while the process runs.
    fn is_due(&self, contents: &Contents) -> bool {
        let outcome = lock(&self.outcome);
        let rests =
            |semantic: &Semantic| semantic.n_pending() == 0 && semantic.dense().has_unsaved_slab();
        let enough = if contents.semantic.as_ref().is_some_and(rests) {
            size(contents) / UNSAVED_SHARE_AT_REST
        } else {
            MIN_UNSAVED.max(size(contents) / UNSAVED_SHARE)
        };
        let from = outcome.failed_at.map_or(0, |failed| failed + MIN_UNSAVED);
        self.path.is_some()
            && (contents.n_changed >= enough || outcome.is_bad)
            && contents.n_changed >= from
    }

    /// Returns whether saving is worth it when the process ends.
    fn is_due_at_end(contents: &Contents, saved: Option<super::Position>) -> bool {
        let enough = MIN_UNSAVED_AT_END.max(size(contents) / UNSAVED_SHARE_AT_END);
        let own = contents.position();
        // Another process may have saved what this one would.
        let saved =
            saved.is_some_and(|saved| saved.changes >= own.changes && saved.vectors >= own.vectors);
        contents.n_changed >= enough && !saved
    }

    fn goes_on(&self) -> bool {
        self.until.get().is_none_or(|until| Instant::now() < *until)
    }
}

/// Returns whether contents know the records that the change feed names last before their
/// position.
///
/// Copies of a store have its id, but what each of them is told later are other records. Of a
/// record the feed holds the newest change alone, so the last ones are looked for further and
/// further back. Cost: one read of some tens of changes, where few records were changed since.
fn is_of(contents: &Contents, storage: &dyn Storage) -> Result<bool, Error> {
    let until = contents.seq;
    let mut n_back = N_COMPARED_CHANGES;
    loop {
        let after = until.saturating_sub(n_back);
        let limit = if after == 0 { u64::from(u32::MAX) } else { n_back };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let changes = storage.changes(after, limit).map_err(Error::storage("read changes"))?;
        let mut known = changes.iter().take_while(|change| change.seq <= until).peekable();
        if known.peek().is_some() {
            return Ok(known.all(|change| {
                contents.columns.find(change.id).is_some() == (change.op == ChangeOp::Put)
            }));
        }
        if after == 0 {
            // All that it holds was changed since, and is named again.
            let is_known = |change: &&Change| contents.columns.find(change.id).is_some();
            return Ok(changes.iter().filter(is_known).count() == contents.columns.n_records());
        }
        n_back = n_back.saturating_mul(CHANGES_FACTOR);
    }
}

/// Returns the number of records that changed after a position, `limit` at most.
fn n_changes(storage: &dyn Storage, after: Seq, limit: usize) -> Result<usize, Error> {
    let changes = storage.changes(after, limit).map_err(Error::storage("read changes"))?;
    Ok(changes.len())
}

/// Positions before that of a snapshot whose changes are compared, and by what factor more of them
/// if there are none.
const N_COMPARED_CHANGES: Seq = 64;
const CHANGES_FACTOR: Seq = 64;

/// Units and vectors.
fn size(contents: &Contents) -> usize {
    let vectors = contents.semantic.as_ref().map_or(0, |semantic| semantic.dense().len());
    contents.columns.n_units() + vectors
}

fn model(contents: &Contents) -> Option<(&str, usize)> {
    let semantic = contents.semantic.as_ref()?;
    Some((semantic.model(), semantic.dense().n_dims()))
}

impl Index {
    /// Fills the index for the first time: from the snapshot, and what came after from the storage.
    pub(super) fn fill(&self, storage: &dyn Storage) -> Result<(), Error> {
        self.read_snapshot(storage, Reading::Whole)?;
        self.catch_up(storage)
    }

    /// Reads for one question what is needed of the snapshot, and what came after from the storage.
    pub(super) fn read_for_question(&self, storage: &dyn Storage) -> Result<(), Error> {
        self.read_snapshot(storage, Reading::OnDemand)?;
        let position = self.contents().position();
        if n_changes(storage, position.changes, MAX_UNREAD)? >= MAX_UNREAD {
            let reason = "is too far behind the store to be read for one question; a server, an \
                          import or the end of a session brings it up to date";
            return Err(Error::Index { reason: reason.into() });
        }
        self.catch_up(storage)?;
        self.finish_load(Ok(()));
        Ok(())
    }

    /// Brings the snapshot up to date if many changes came after it, in that time at most; what is
    /// missing then is left to the next time. Returns whether it was written.
    pub(crate) fn keep_up(&self, storage: &dyn Storage, within: Duration) -> Result<bool, Error> {
        let (Some(path), until) = (&self.upkeep.path, Instant::now() + within) else {
            return Ok(false);
        };
        let head = storage.head().map_err(Error::storage("read head"))?;
        let saved = {
            let contents = self.contents();
            snapshot::position(path, &Identity::new(head.store_id, model(&contents)))
        };
        let after = saved.map(|saved| saved.changes).filter(|saved| *saved <= head.seq);
        if n_changes(storage, after.unwrap_or(0), MIN_UNKEPT)? < MIN_UNKEPT {
            return Ok(false);
        }
        self.read_snapshot(storage, Reading::Whole)?;
        refresh::catch_up(&self.contents, storage, &self.abandoned, Some(until))
            .map_err(Error::storage("refresh search index"))?;
        self.save(false);
        Ok(lock(&self.upkeep.outcome).unsaved.is_none())
    }

    fn read_snapshot(&self, storage: &dyn Storage, reading: Reading) -> Result<(), Error> {
        let model = {
            let contents = self.contents();
            if let Some(semantic) = &contents.semantic {
                let kernels = semantic.dense().instruction_set();
                tracing::debug!(kernels, "vectors are searched");
            }
            model(&contents).map(|(model, dimension)| (model.to_owned(), dimension))
        };
        let model = model.as_ref().map(|(model, dimension)| (model.as_str(), *dimension));
        if let Some(contents) = self.upkeep.load(storage, model, reading)? {
            *self.contents.write().unwrap_or_else(PoisonError::into_inner) = contents;
        }
        Ok(())
    }

    /// Starts a thread for what is due, unless one works already. The index knows all of the store.
    pub(super) fn tend(&self) {
        if self.is_on_demand {
            return;
        }
        self.upkeep.is_complete.store(true, Ordering::Relaxed);
        let is_due = {
            let contents = self.contents();
            self.upkeep.is_due(&contents) || is_so(&contents, DenseIndex::wants_recoding)
        };
        let Some(index) = self.me.upgrade().filter(|_| is_due && self.upkeep.until.get().is_none())
        else {
            return;
        };
        let mut task = lock(&self.upkeep.task);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let started = Task::start("memory-upkeep", move |_| {
            // Again for what came in meanwhile: nobody may ask for it later.
            loop {
                if is_so(&index.contents(), DenseIndex::wants_recoding) {
                    index.recode();
                }
                if !index.upkeep.is_due(&index.contents()) || !index.upkeep.goes_on() {
                    break;
                }
                index.save(true);
            }
        });
        *task = started.inspect_err(|error| tracing::warn!(%error, "no thread for upkeep")).ok();
    }

    /// Ends the work beside the requests, and saves the index if that is worth it.
    pub(crate) fn close(&self) {
        let until = *self.upkeep.until.get_or_init(|| Instant::now() + MAX_SAVE_AT_END);
        // A task that is joined decides by itself what is still worth doing.
        let task = lock(&self.upkeep.task).take();
        if let Some(task) = task {
            task.join();
        }
        if !self.upkeep.is_complete.load(Ordering::Relaxed) || Instant::now() >= until {
            return;
        }
        let (Some(path), Some(store)) = (&self.upkeep.path, self.upkeep.store.get()) else {
            return;
        };
        let is_due = {
            let contents = self.contents();
            let saved = snapshot::position(path, &Identity::new(*store, model(&contents)));
            Upkeep::is_due_at_end(&contents, saved)
        };
        if is_due {
            self.save(false);
        }
    }

    /// Saves the index beside all else that goes on, and lets go of the vectors that lie in the
    /// file then.
    pub(super) fn save(&self, sync: bool) {
        let (Some(path), Some(store)) = (&self.upkeep.path, self.upkeep.store.get()) else {
            return;
        };
        let started = Instant::now();
        let (draft, n_changed, model) = {
            let contents = self.contents();
            let model = model(&contents).map(|(model, dimension)| (model.to_owned(), dimension));
            (Draft::of(&contents), contents.n_changed, model)
        };
        let model = model.as_ref().map(|(model, dimension)| (model.as_str(), *dimension));
        let identity = Identity::new(*store, model);
        let go_on = || self.upkeep.goes_on();
        // A process that is about to end does not wait for the disk.
        let sync = || sync && self.upkeep.until.get().is_none();
        let saved = draft.and_then(|draft| draft.save(path, &identity, &sync, &go_on));
        let elapsed_ms = started.elapsed().as_millis();
        let mut outcome = lock(&self.upkeep.outcome);
        match saved {
            Ok(filed) => {
                outcome.is_bad = false;
                outcome.failed_at = None;
                outcome.unsaved = None;
                drop(outcome);
                let freed = {
                    let mut contents =
                        self.contents.write().unwrap_or_else(PoisonError::into_inner);
                    contents.n_changed -= n_changed.min(contents.n_changed);
                    contents.semantic.as_mut().map(|semantic| filed.attach(semantic.dense_mut()))
                };
                drop(freed);
                tracing::debug!(elapsed_ms, "search index saved");
            }
            Err(SnapshotError::Stopped) => outcome.failed_at = Some(n_changed),
            Err(error) => {
                tracing::warn!(%error, elapsed_ms, "the search index was not saved");
                outcome.failed_at = Some(n_changed);
                outcome.unsaved = Some(error.to_string());
            }
        }
    }

    fn frozen(&self) -> Option<FrozenIndex> {
        self.contents().semantic.as_ref().map(|semantic| semantic.dense().freeze())
    }

    /// Codes all vectors along their principal axes, beside all else that goes on.
    fn recode(&self) {
        let started = Instant::now();
        // A process that is about to end has no use for it.
        let go_on = || self.upkeep.until.get().is_none();
        let Some(codes) = self.frozen().and_then(|frozen| frozen.recode(&go_on)) else { return };
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        let Contents { semantic, n_changed, .. } = &mut *contents;
        if let Some(semantic) = semantic
            && semantic.dense_mut().adopt(codes)
        {
            // So that they are saved, and not looked for again after every start.
            *n_changed += semantic.dense().len();
            let elapsed_ms = started.elapsed().as_millis();
            tracing::debug!(elapsed_ms, "vectors coded along their principal axes");
        }
    }

    /// Returns whether a part of the snapshot could not be read; the next refresh takes that from
    /// the storage.
    pub(crate) fn is_damaged(&self) -> bool {
        let contents = self.contents();
        contents.lexical.is_damaged() || is_so(&contents, DenseIndex::is_damaged)
    }

    /// After damage: forgets all vectors, or all, so that they are read from the storage again.
    pub(super) fn repair(&self) {
        if !self.is_damaged() {
            return;
        }
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        if contents.lexical.is_damaged() {
            let semantic = contents.semantic.take().map(Semantic::emptied);
            *contents = Contents::new(Columns::default(), Bm25::new(), semantic, 0);
            self.upkeep.reject("a page of the snapshot was damaged");
            if let Some(path) = &self.upkeep.path {
                snapshot::discard(path);
            }
            return;
        }
        let Contents { columns, semantic, n_changed, .. } = &mut *contents;
        if let Some(semantic) = semantic {
            semantic.reset(columns.units());
            *n_changed += columns.n_units();
            self.upkeep.reject("a vector in the snapshot was damaged");
        }
    }
}

/// Returns whether there are vectors of which that holds.
fn is_so(contents: &Contents, what: fn(&DenseIndex) -> bool) -> bool {
    contents.semantic.as_ref().map(Semantic::dense).is_some_and(what)
}

#[cfg(test)]
impl Index {
    /// Waits until the work beside the requests is done.
    pub(crate) fn settle(&self) {
        // A change that came when one task was about to end is left to the next.
        for _ in 0..2 {
            self.tend();
            while let Some(task) = { lock(&self.upkeep.task).take() } {
                assert!(task.join(), "the upkeep ends well");
            }
        }
    }

    /// Returns whether the codes of vectors are along principal axes.
    pub(crate) fn has_principal_axes(&self) -> bool {
        is_so(&self.contents(), DenseIndex::has_principal_axes)
    }

    /// Saves the index now, whether it is due or not.
    pub(crate) fn save_now(&self) {
        self.settle();
        self.save(false);
    }
}
