//! A storage that fails on demand: the n-th call of a scenario, for every n.
//!
//! First the scenario runs without a fault and [`FaultStorage::n_calls`] counts the calls that it
//! makes; then it runs once per call with that call failing, before or after it took effect.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_core::backend::{
    Commit, Durability, Found, NamedState, StepRange, VectorRow, WriteBatch,
};
use memory_core::{
    Change, Head, ListEntry, Record, RecordFilter, RecordId, RecordKind, Seq, Source, Step,
    Storage, StorageError, StorageStats,
};

/// Calls that a fault counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// All of them.
    All,
    /// `apply` and `flush`.
    Writes,
}

/// Moment at which a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The storage behind is not called.
    Before,
    /// The storage behind did its work, but the caller gets an error: as when the answer
    /// of a remote store is lost.
    After,
}

/// Makes the error that a fault answers with.
pub type MakeError = Box<dyn Fn() -> StorageError + Send + Sync>;

/// Calls that are to fail.
pub struct Fault {
    /// The calls that count.
    pub calls: Calls,
    /// Number of them that succeed first.
    pub n_good: u64,
    /// Number of them that fail then.
    pub n_bad: u64,
    /// Moment of the failure: before or after they take effect.
    pub moment: Moment,
    /// Their answer.
    pub error: MakeError,
}

impl Fault {
    /// One call fails, after `n_good` that succeed.
    pub fn once(
        calls: Calls,
        n_good: u64,
        moment: Moment,
        error: impl Fn() -> StorageError + Send + Sync + 'static,
    ) -> Self {
        Self { calls, n_good, n_bad: 1, moment, error: Box::new(error) }
    }

    /// Every call fails, after `n_good` that succeed.
    pub fn from(
        calls: Calls,
        n_good: u64,
        moment: Moment,
        error: impl Fn() -> StorageError + Send + Sync + 'static,
    ) -> Self {
        Self { n_bad: u64::MAX, ..Self::once(calls, n_good, moment, error) }
    }
}

#[derive(Default)]
struct Counts {
    n_calls: u64,
    n_writes: u64,
    n_failed: u64,
    fault: Option<Fault>,
}

impl Counts {
    /// Counts a call; the moment and error if it is to fail.
    fn count(&mut self, is_write: bool) -> Option<(Moment, StorageError)> {
        self.n_calls += 1;
        self.n_writes += u64::from(is_write);
        let fault = self.fault.as_mut().filter(|f| is_write || f.calls == Calls::All)?;
        if fault.n_good > 0 {
            fault.n_good -= 1;
            return None;
        }
        fault.n_bad = fault.n_bad.checked_sub(1)?;
        self.n_failed += 1;
        Some((fault.moment, (fault.error)()))
    }
}

/// Passes every call to another storage, but for those that are to fail.
pub struct FaultStorage {
    inner: Arc<dyn Storage>,
    counts: Mutex<Counts>,
}

impl FaultStorage {
    /// Passes everything, until a fault is armed.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// Sets what is to fail from now on, in place of any fault before.
    pub fn arm(&self, fault: Fault) {
        self.counts().fault = Some(fault);
    }

    /// Lets everything pass again.
    pub fn disarm(&self) {
        self.counts().fault = None;
    }

    /// Calls so far, failed ones too.
    pub fn n_calls(&self) -> u64 {
        self.counts().n_calls
    }

    /// Calls of `apply` and `flush` so far, failed ones too.
    pub fn n_writes(&self) -> u64 {
        self.counts().n_writes
    }

    /// Calls that were made to fail so far.
    pub fn n_failed(&self) -> u64 {
        self.counts().n_failed
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A test that failed elsewhere must not hide its message behind a poisoned lock.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass<T>(
        &self,
        is_write: bool,
        call: impl FnOnce(&(dyn Storage + 'static)) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        // The lock is not held during the call, or concurrent callers would be put in a row.
        let failure = self.counts().count(is_write);
        match failure {
            None => call(&*self.inner),
            Some((Moment::Before, error)) => Err(error),
            Some((Moment::After, error)) => call(&*self.inner).and(Err(error)),
        }
    }
}

impl Storage for FaultStorage {
    fn apply(&self, batch: WriteBatch, durability: Durability) -> Result<Commit, StorageError> {
        self.pass(true, |inner| inner.apply(batch, durability))
    }

    fn head(&self) -> Result<Head, StorageError> {
        self.pass(false, Storage::head)
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.pass(false, |inner| inner.records(ids))
    }

    fn steps(&self, ranges: &[StepRange]) -> Result<Vec<Vec<Step>>, StorageError> {
        self.pass(false, |inner| inner.steps(ranges))
    }

    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Found>, StorageError> {
        self.pass(false, |inner| inner.find(kind, sources))
    }

    fn states(&self, prefix: &str) -> Result<Vec<NamedState>, StorageError> {
        self.pass(false, |inner| inner.states(prefix))
    }

    fn list(
        &self,
        kind: RecordKind,
        filter: &RecordFilter,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, StorageError> {
        self.pass(false, |inner| inner.list(kind, filter, cursor, limit))
    }

    fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.pass(false, |inner| inner.changes(after, limit))
    }

    fn vectors(
        &self,
        model: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VectorRow>, StorageError> {
        self.pass(false, |inner| inner.vectors(model, after, limit))
    }

    fn stats(&self) -> Result<StorageStats, StorageError> {
        self.pass(false, Storage::stats)
    }

    fn flush(&self) -> Result<(), StorageError> {
        self.pass(true, Storage::flush)
    }

    fn check(&self) -> Result<Vec<String>, StorageError> {
        self.pass(false, Storage::check)
    }
}

#[cfg(test)]
mod tests {
    use memory_core::MemStorage;
    use memory_core::backend::Op;

    use super::*;
    use crate::sample;

    /// Stores four notes and reads them; as many calls as the counters say.
    fn scenario(storage: &dyn Storage) -> Result<(), StorageError> {
        for n in 0..4 {
            let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::note(n))));
            storage.apply(batch, Durability::Process)?;
            storage.records(&[sample::note_id(n).into()])?;
        }
        storage.flush()
    }

    fn n_stored(storage: &FaultStorage) -> u64 {
        storage.inner.stats().unwrap().n_notes
    }

    fn new() -> FaultStorage {
        FaultStorage::new(Arc::new(MemStorage::new()))
    }

    #[test]
    fn the_counters_tell_how_many_calls_a_scenario_makes() {
        let storage = new();
        scenario(&storage).unwrap();
        assert_eq!((storage.n_calls(), storage.n_writes(), storage.n_failed()), (9, 5, 0));
    }

    #[test]
    fn every_call_can_be_made_to_fail_before_or_after_its_effect() {
        for n_good in 0..4 {
            for (moment, n_effects) in [(Moment::Before, n_good), (Moment::After, n_good + 1)] {
                let storage = new();
                storage.arm(Fault::once(Calls::Writes, n_good, moment, || StorageError::Busy));
                assert!(matches!(scenario(&storage), Err(StorageError::Busy)));
                assert_eq!(n_stored(&storage), n_effects);
                assert_eq!((storage.n_writes(), storage.n_failed()), (n_good + 1, 1));
                storage.flush().unwrap();
            }
        }
        let storage = new();
        storage.arm(Fault::once(Calls::All, 1, Moment::Before, || StorageError::Busy));
        assert!(matches!(scenario(&storage), Err(StorageError::Busy)));
        assert_eq!((storage.n_calls(), n_stored(&storage)), (2, 1));
    }

    #[test]
    fn a_lasting_fault_ends_when_it_is_disarmed() {
        let storage = new();
        storage.arm(Fault::from(Calls::Writes, 1, Moment::Before, || StorageError::Poisoned {
            reason: "a test said so".into(),
        }));
        for _ in 0..3 {
            assert!(matches!(
                scenario(&storage),
                Err(StorageError::Poisoned { .. } | StorageError::Rejected(_))
            ));
        }
        assert_eq!(n_stored(&storage), 1);
        storage.disarm();
        storage.flush().unwrap();
    }

    #[test]
    fn a_call_that_fails_by_itself_says_so() {
        let storage = new();
        storage.arm(Fault::from(Calls::All, 0, Moment::After, || StorageError::Busy));
        let batch = WriteBatch::of(Op::Remove(sample::note_id(1).into()));
        let result = storage.apply(batch, Durability::Process);
        assert!(matches!(result, Err(StorageError::Rejected(_))), "{result:?}");
    }
}
