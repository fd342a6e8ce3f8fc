//! View of what a machine holds of the scopes that are exchanged, as all should hold it.

use std::collections::{BTreeMap, BTreeSet};

use memory_core::backend::{Found, StepRange};
use memory_core::{
    EpisodeId, Record, RecordFilter, RecordId, RecordKind, Scope, Source, Step, Storage,
};

use crate::sample;

/// Records with their steps, without what is each machine's own: authors and digests.
#[derive(Debug, PartialEq)]
pub struct View {
    /// Records by id.
    pub records: BTreeMap<RecordId, Record>,
    /// Steps of episodes.
    pub steps: BTreeMap<EpisodeId, Vec<Step>>,
    /// What is stored of the sources that are imported. That one is forgotten is told only to whom
    /// it concerns.
    pub sources: BTreeMap<(RecordKind, Source), Option<RecordId>>,
}

impl View {
    /// What a store holds.
    #[must_use]
    pub fn of(storage: &dyn Storage, scopes: &[Scope]) -> Self {
        let (mut records, mut steps) = (BTreeMap::new(), BTreeMap::new());
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let listed = storage.list(kind, &RecordFilter::default(), None, usize::MAX).unwrap();
            let ids: Vec<RecordId> = listed.into_iter().map(|entry| entry.id).collect();
            for mut record in storage.records(&ids).unwrap().into_iter().flatten() {
                if !scopes.contains(record.scope()) {
                    continue;
                }
                match &mut record {
                    Record::Episode(episode) => {
                        let id = episode.id;
                        let range = StepRange { episode: id, from: 0, limit: u32::MAX };
                        steps.insert(id, storage.steps(&[range]).unwrap().remove(0));
                        (episode.author, episode.digest) = (None, None);
                    }
                    Record::Note(note) => note.author = None,
                }
                records.insert(record.id(), record);
            }
        }
        drop_dangling(&mut records);
        let names: Vec<Source> = (0..9).map(|n| sample::source(&format!("e{n}"))).collect();
        let found = storage.find(RecordKind::Episode, &names).unwrap();
        let sources = names.into_iter().map(|name| (RecordKind::Episode, name)).zip(found);
        let sources = sources.map(|(name, found): (_, Found)| (name, found.id()));
        Self { records, steps, sources: sources.collect() }
    }

    /// Checks that it is the same as that of machine 0.
    pub fn assert_same(&self, other: &Self, n: usize) {
        let ids = self.records.keys().chain(other.records.keys());
        for id in ids {
            assert_eq!(self.records.get(id), other.records.get(id), "{id}: machine {n} and 0");
        }
        assert_eq!(self.steps, other.steps, "steps of machines {n} and 0");
        assert_eq!(self.sources, other.sources, "sources of machines {n} and 0");
    }
}

/// A link to a record that is not there is none.
fn drop_dangling(records: &mut BTreeMap<RecordId, Record>) {
    let there: BTreeSet<RecordId> = records.keys().copied().collect();
    for record in records.values_mut() {
        if let Record::Note(note) = record {
            note.episode = note.episode.filter(|id| there.contains(&(*id).into()));
            note.supersedes = note.supersedes.filter(|id| there.contains(&(*id).into()));
        }
    }
}
