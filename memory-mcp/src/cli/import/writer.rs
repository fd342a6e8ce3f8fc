//! The writing side: from batches to the store.

use std::collections::{BTreeMap, BTreeSet};

use memory_core::{Error, Import, Memory, RecordId, RecordKind, Relation, Shown, Source, Storage};

use super::Report;
use super::files::Item;
use crate::cli::Failure;
use crate::cli::jsonl::{Link, Role, Tie};
use crate::store::Store;

/// Episodes that are tied to what they name at once.
const TIED: usize = 200;

/// Writes batches and counts.
pub(super) struct Writer<'s> {
    memory: &'s Memory,
    storage: &'s dyn Storage,
    /// Episodes and what they name, which may come later. Some hundred bytes for each tie.
    named: Vec<(Source, Vec<Tie>)>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { memory: &store.memory, storage: store.storage.as_ref(), named: Vec::new() }
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
            if let Import::Episode(new, ..) = &item.parsed.record
                && let Some(source) = new.source.clone()
                && !item.parsed.ties.is_empty()
            {
                self.named.push((source, std::mem::take(&mut item.parsed.ties)));
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

    /// Ties the episodes to what they name, now that all of it is stored that ever will be.
    pub(super) fn finish(self, report: &mut Report) -> Result<(), Failure> {
        for episodes in self.named.chunks(TIED) {
            let own: Vec<Source> = episodes.iter().map(|(source, _)| source.clone()).collect();
            let own = self.find(RecordKind::Episode, &own)?;
            let known = self.find_ties(episodes)?;
            let mut records = Vec::with_capacity(episodes.len());
            for ((_, ties), id) in episodes.iter().zip(own) {
                // One that was refused has been complained of.
                let Some(RecordId::Episode(episode)) = id else { continue };
                let (mut relations, mut shown, mut followed) = (Vec::new(), Vec::new(), Vec::new());
                for Tie { role, kind, link: Link(source) } in ties {
                    match (role, known.get(&(*kind, source)).copied()) {
                        (Role::Related(kind), Some(RecordId::Episode(episode))) => {
                            relations.push(Relation { kind: *kind, episode });
                        }
                        (Role::Shown { strong }, Some(record)) => {
                            shown.push(Shown { record, strong: *strong });
                        }
                        (Role::Followed, Some(record)) => followed.push(record),
                        _ => report.n_links_unknown += 1,
                    }
                }
                records.push(Import::Ties { episode, relations, shown, followed });
            }
            self.memory.import(records)?;
        }
        Ok(())
    }

    /// The records that these episodes name, as far as they are stored.
    fn find_ties<'t>(
        &self,
        episodes: &'t [(Source, Vec<Tie>)],
    ) -> Result<BTreeMap<(RecordKind, &'t Source), RecordId>, Failure> {
        let mut known = BTreeMap::new();
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let ties = episodes.iter().flat_map(|(_, ties)| ties);
            let of_kind = ties.filter(|tie| tie.kind == kind).map(|tie| &tie.link.0);
            let named: Vec<&Source> = of_kind.collect::<BTreeSet<_>>().into_iter().collect();
            let sources: Vec<Source> = named.iter().copied().cloned().collect();
            let found = named.into_iter().zip(self.find(kind, &sources)?);
            known.extend(found.filter_map(|(source, id)| Some(((kind, source), id?))));
        }
        Ok(known)
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
        if let Some(Link(source)) = supersedes {
            match self.find(RecordKind::Note, &[source])?.first() {
                Some(Some(RecordId::Note(id))) => note.supersedes = Some(*id),
                _ => report.n_links_unknown += 1,
            }
        }
        if let Some(Link(source)) = episode {
            match self.find(RecordKind::Episode, &[source])?.first() {
                Some(Some(RecordId::Episode(id))) => note.episode = Some(*id),
                _ => report.n_links_unknown += 1,
            }
        }
        Ok(())
    }

    /// Records by their sources, else by the id that they have in this store.
    fn find(&self, kind: RecordKind, sources: &[Source]) -> Result<Vec<Option<RecordId>>, Failure> {
        let masked: Vec<Source> = sources.iter().cloned().map(Source::masked).collect();
        let mut found = self
            .storage
            .find(kind, &masked)
            .map_err(|error| Failure::Failed(format!("find records by source: {error}")))?;
        for (id, source) in found.iter_mut().zip(sources) {
            if id.is_some() || source.external_id.len() != 36 {
                continue;
            }
            match self.memory.resolve(&[kind], &source.external_id) {
                Ok(native) => *id = Some(native),
                Err(error @ Error::Storage { .. }) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(found)
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
        Import::Ties { .. } => {}
    }
    report.n_rewards_clamped += u64::from(item.parsed.reward_clamped);
    report.n_times_unknown += u64::from(item.parsed.time_unknown);
}
