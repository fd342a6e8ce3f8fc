//! The vectors in memory, and how to take back what a failed batch did to them.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use crate::model::RecordId;
use crate::storage::{StoredVector, UnitKey, VectorRow};

/// A vector with the name of its model.
#[derive(Debug)]
pub(super) struct Entry {
    model: Box<str>,
    stored: StoredVector,
}

/// All vectors, by position and by unit.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    rows: BTreeMap<u64, Entry>,
    by_unit: BTreeMap<(UnitKey, Box<str>), u64>,
    seq: u64,
}

/// Reversal of one change of one vector.
#[derive(Debug)]
pub(super) enum Undo {
    Forget(u64),
    Restore(u64, Entry),
}

impl Vectors {
    /// Number of vectors by model, and their bytes.
    pub(super) fn size(&self) -> (Vec<(Box<str>, u64)>, u64) {
        let mut counts = BTreeMap::<&str, u64>::new();
        let mut n_bytes = 0;
        for entry in self.rows.values() {
            *counts.entry(&entry.model).or_default() += 1;
            n_bytes += size_of_val(&*entry.stored.vector) as u64;
        }
        (counts.into_iter().map(|(model, n)| (model.into(), n)).collect(), n_bytes)
    }

    /// The vectors of a model after a position.
    pub(super) fn after(
        &self,
        model: &str,
        after: u64,
    ) -> impl Iterator<Item = VectorRow> + use<'_> {
        let model: Box<str> = model.into();
        let newer = self.rows.range((Excluded(after), Unbounded));
        newer
            .filter(move |(_, entry)| entry.model == model)
            .map(|(seq, entry)| VectorRow { seq: *seq, vector: entry.stored.clone() })
    }

    /// Dimension of the stored vectors of a model, `None` where there are none.
    pub(super) fn dimension(&self, model: &str) -> Option<usize> {
        let mut of_model = self.rows.values().filter(|entry| *entry.model == *model);
        of_model.next().map(|entry| entry.stored.vector.len())
    }

    /// Stores a vector, in place of the one that its unit has by that model.
    pub(super) fn put(&mut self, model: &str, stored: StoredVector, undo: &mut Vec<Undo>) {
        if let Some(seq) = self.by_unit.get(&(stored.unit, model.into())).copied() {
            self.take(seq, undo);
        }
        self.seq += 1;
        undo.push(Undo::Forget(self.seq));
        self.insert(self.seq, Entry { model: model.into(), stored });
    }

    /// Removes the oldest vectors of a model.
    pub(super) fn drop_oldest(&mut self, model: &str, limit: u32, undo: &mut Vec<Undo>) {
        let of_model = self.rows.iter().filter(|(_, entry)| *entry.model == *model);
        let oldest: Vec<u64> = of_model.map(|(seq, _)| *seq).take(limit as usize).collect();
        for seq in oldest {
            self.take(seq, undo);
        }
    }

    /// Removes all vectors of a record.
    pub(super) fn remove_record(&mut self, record: RecordId, undo: &mut Vec<Undo>) {
        let first = (UnitKey { record, part: 0 }, Box::default());
        let own = self.by_unit.range(first..).take_while(|((unit, _), _)| unit.record == record);
        for seq in own.map(|(_, seq)| *seq).collect::<Vec<_>>() {
            self.take(seq, undo);
        }
    }

    pub(super) fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Forget(seq) => self.take(seq, &mut Vec::new()),
            Undo::Restore(seq, entry) => self.insert(seq, entry),
        }
    }

    /// Says what is wrong with them.
    pub(super) fn check(&self, is_stored: impl Fn(RecordId) -> bool) -> Vec<String> {
        let orphans = self.by_unit.keys().map(|(unit, _)| unit.record).filter(|id| !is_stored(*id));
        orphans.map(|id| format!("{} {id} is gone but has vectors", id.kind().name())).collect()
    }

    fn insert(&mut self, seq: u64, entry: Entry) {
        self.by_unit.insert((entry.stored.unit, entry.model.clone()), seq);
        self.rows.insert(seq, entry);
    }

    fn take(&mut self, seq: u64, undo: &mut Vec<Undo>) {
        let Some(entry) = self.rows.remove(&seq) else { return };
        self.by_unit.remove(&(entry.stored.unit, entry.model.clone()));
        undo.push(Undo::Restore(seq, entry));
    }
}
