//! The writing side: from batches to the store.

use std::collections::BTreeSet;

use memory_core::{Error, Import, Memory, RecordId, RecordKind, Storage};

use super::Report;
use super::files::Item;
use crate::cli::Failure;
use crate::cli::jsonl::Link;
use crate::store::Store;

/// Writes batches and counts.
pub(super) struct Writer<'s> {
    memory: &'s Memory,
    storage: &'s dyn Storage,
}

impl<'s> Writer<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { memory: &store.memory, storage: store.storage.as_ref() }
    }

    /// Writes a batch; gives what is wrong with records that were left out.
    pub(super) fn write(
        &mut self,
        batch: Vec<Item>,
        report: &mut Report,
    ) -> Result<Vec<String>, Failure> {
        let mut complaints = Vec::new();
        let mut pending = Vec::with_capacity(batch.len());
        let natives = self.stored_natives(&batch)?;
        for mut item in batch {
            count(&item, report);
            if item.parsed.native.is_some_and(|id| natives.contains(&id)) {
                report.n_known += 1;
                continue;
            }
            if item.parsed.supersedes.is_some() || item.parsed.episode.is_some() {
                // What it names may stand right before it in the file.
                self.store(std::mem::take(&mut pending), report, &mut complaints)?;
                self.link(&mut item, report)?;
            }
            pending.push(item);
        }
        self.store(pending, report, &mut complaints)?;
        Ok(complaints)
    }

    /// Records of this very store that come back from an export of it.
    fn stored_natives(&self, batch: &[Item]) -> Result<BTreeSet<RecordId>, Failure> {
        let ids: Vec<RecordId> = batch.iter().filter_map(|item| item.parsed.native).collect();
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(self.memory.read(&ids)?.iter().map(memory_core::Record::id).collect())
    }

    /// Stores a batch at once, or one by one when something in it is refused, so that only that is
    /// left out.
    fn store(
        &self,
        items: Vec<Item>,
        report: &mut Report,
        complaints: &mut Vec<String>,
    ) -> Result<(), Failure> {
        if items.is_empty() {
            return Ok(());
        }
        let records = items.iter().map(|item| item.parsed.record.clone()).collect();
        match self.import(records, items.len(), report) {
            Err(error) if is_about_a_record(&error) => {}
            done => return done.map_err(Failure::from),
        }
        for item in items {
            // A copy is kept only of where it stands: the record goes.
            let (path, line) = (item.path, item.line);
            match self.import(vec![item.parsed.record], 1, report) {
                Ok(()) => {}
                Err(error) if is_about_a_record(&error) => {
                    complaints.push(super::files::complaint(&path, line, &error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn import(&self, records: Vec<Import>, n: usize, report: &mut Report) -> Result<(), Error> {
        let receipt = self.memory.import(records)?;
        report.n_new += receipt.value as u64;
        report.n_known += n.saturating_sub(receipt.value) as u64;
        report.n_masked += u64::from(receipt.n_masked);
        report.n_cut += u64::from(receipt.n_cut);
        Ok(())
    }

    /// Finds the records that a note names.
    fn link(&self, item: &mut Item, report: &mut Report) -> Result<(), Failure> {
        let supersedes = item.parsed.supersedes.take();
        let episode = item.parsed.episode.take();
        let Import::Note(note) = &mut item.parsed.record else { return Ok(()) };
        if let Some(link) = supersedes {
            match self.find(RecordKind::Note, &link)? {
                Some(RecordId::Note(id)) => note.supersedes = Some(id),
                _ => report.n_links_unknown += 1,
            }
        }
        if let Some(link) = episode {
            match self.find(RecordKind::Episode, &link)? {
                Some(RecordId::Episode(id)) => note.episode = Some(id),
                _ => report.n_links_unknown += 1,
            }
        }
        Ok(())
    }

    /// A record by its source, else by the id that it has in this store.
    fn find(&self, kind: RecordKind, link: &Link) -> Result<Option<RecordId>, Failure> {
        let Link(source) = link;
        let found = self
            .storage
            .find(kind, std::slice::from_ref(source))
            .map_err(|error| Failure::Failed(format!("find records by source: {error}")))?;
        if let Some(id) = found.into_iter().flatten().next() {
            return Ok(Some(id));
        }
        if source.external_id.len() != 36 {
            return Ok(None);
        }
        match self.memory.resolve(&[kind], &source.external_id) {
            Ok(id) => Ok(Some(id)),
            Err(error @ Error::Storage { .. }) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}

/// Whether the error is one record's, so that the others can be stored without it.
const fn is_about_a_record(error: &Error) -> bool {
    matches!(
        error,
        Error::Invalid { .. }
            | Error::LimitExceeded { .. }
            | Error::Conflict { .. }
            | Error::NotFound { .. }
    )
}

fn count(item: &Item, report: &mut Report) {
    match &item.parsed.record {
        Import::Episode(_, steps, _) => {
            report.n_episodes += 1;
            report.n_steps += steps.len() as u64;
        }
        Import::Note(_) => report.n_notes += 1,
    }
    report.n_rewards_clamped += u64::from(item.parsed.reward_clamped);
    report.n_times_unknown += u64::from(item.parsed.time_unknown);
}
