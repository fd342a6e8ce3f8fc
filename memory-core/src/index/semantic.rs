//! Vectors of the units of one embedding model, over [`memory_dense`], and the units that still
//! wait for theirs.
//!
//! Used by the index alone. It knows hashes of texts, by which a vector that was made from an older
//! text is told from a current one, but neither texts nor the embedder.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use memory_dense::DenseIndex;

use super::UnitNo;
use super::snapshot::codec::{Reader, Writer};
use super::snapshot::error::SnapshotError;
use super::snapshot::reading::Reading;
use super::unit::content_hash;

/// Vectors of one embedding model, by unit number.
pub(crate) struct Semantic {
    model: Box<str>,
    dense: DenseIndex,
    /// Hash of each unit's text, by unit number.
    hashes: Vec<u64>,
    pending: BTreeSet<UnitNo>,
    /// Position up to which stored vectors are known.
    seq: u64,
    /// Reason why stored vectors could not be read the last time, if so.
    failure: Option<Box<str>>,
}

impl Semantic {
    /// Returns an index without vectors, of a model of that many dimensions.
    pub(super) fn new(model: &str, n_dims: usize) -> Result<Self, memory_dense::Error> {
        Ok(Self {
            model: model.into(),
            dense: DenseIndex::new(n_dims)?,
            hashes: Vec::new(),
            pending: BTreeSet::new(),
            seq: 0,
            failure: None,
        })
    }

    /// Writes all but the position and the vectors.
    pub(super) fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<(), SnapshotError> {
        out.array(&self.hashes, u64::to_le_bytes)?;
        let pending: Vec<UnitNo> = self.pending.iter().copied().collect();
        out.array(&pending, u32::to_le_bytes)
    }

    /// Reads what [`Semantic::write`] wrote, for vectors up to position `seq`; to be completed by
    /// [`Semantic::open_vectors`].
    pub(super) fn read(
        input: &mut Reader<impl Read>,
        (model, n_dims): (&str, usize),
        seq: u64,
    ) -> Result<Self, SnapshotError> {
        let hashes = input.array(u64::from_le_bytes)?;
        let pending = input.array(u32::from_le_bytes)?.into_iter().collect();
        Ok(Self { hashes, pending, seq, ..Self::new(model, n_dims)? })
    }

    /// Reads the vectors, which were saved from byte `start` of `file` on.
    pub(super) fn open_vectors(
        &mut self,
        file: &Arc<File>,
        start: u64,
        reading: Reading,
    ) -> Result<(), SnapshotError> {
        let n_dims = self.dense.n_dims();
        self.dense = match reading {
            Reading::Whole => DenseIndex::open(file, start, n_dims)?,
            Reading::OnDemand => DenseIndex::open_on_demand(file, start, n_dims)?,
        };
        Ok(())
    }

    /// Forgets all vectors; `units` are those that wait for theirs now.
    pub(super) fn reset(&mut self, units: impl Iterator<Item = UnitNo>) {
        self.dense.clear();
        self.pending = units.collect();
        self.seq = 0;
    }

    /// Returns an index of the same model without units.
    pub(super) fn emptied(mut self) -> Self {
        self.hashes.clear();
        self.reset(std::iter::empty());
        self
    }

    /// Returns the reason why stored vectors could not be read the last time, if so.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn set_failure(&mut self, failure: Option<Box<str>>) {
        self.failure = failure;
    }

    pub(crate) const fn model(&self) -> &str {
        &self.model
    }

    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) const fn advance(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// Returns the vectors.
    pub(crate) const fn dense(&self) -> &DenseIndex {
        &self.dense
    }

    /// Returns the vectors, to be saved or recoded.
    pub(super) const fn dense_mut(&mut self) -> &mut DenseIndex {
        &mut self.dense
    }

    /// Returns the hash of a unit's text and its vector, if it has one.
    pub(super) fn get(&self, unit: UnitNo) -> Option<(u64, Vec<f32>)> {
        Some((*self.hashes.get(unit as usize)?, self.dense.vector(unit)?))
    }

    /// Notes that a unit has this text from now on, and no vector yet; returns the hash of the
    /// text.
    #[expect(clippy::indexing_slicing, reason = "the hashes were resized to reach the unit")]
    pub(super) fn expect(&mut self, unit: UnitNo, text: &str) -> u64 {
        let (at, hash) = (unit as usize, content_hash(text));
        if self.hashes.len() <= at {
            self.hashes.resize(at + 1, 0);
        }
        self.hashes[at] = hash;
        self.dense.remove(unit);
        self.pending.insert(unit);
        hash
    }

    /// Removes a unit.
    pub(super) fn remove(&mut self, unit: UnitNo) {
        self.dense.remove(unit);
        self.pending.remove(&unit);
    }

    /// Gives a unit its vector, unless that was made from another text than the unit has now;
    /// returns whether that changes anything.
    ///
    /// A vector that the index cannot hold (of another dimension, not finite) is left out and the
    /// unit is not asked for again: it stays searchable by its words.
    pub(super) fn put(&mut self, unit: UnitNo, hash: u64, vector: &[f32]) -> bool {
        let is_current = self.hashes.get(unit as usize) == Some(&hash);
        // Vectors that this process stored come back with the next refresh.
        if !is_current || (!self.pending.remove(&unit) && self.dense.contains(unit, vector)) {
            return false;
        }
        if let Err(error) = self.dense.put(unit, vector) {
            tracing::warn!(%error, "a vector cannot be indexed");
        }
        true
    }

    /// Returns whether any unit has its vector.
    pub(crate) fn has_vectors(&self) -> bool {
        !self.dense.is_empty()
    }

    /// Returns the number of units that wait for a vector.
    pub(crate) fn n_pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns at most `limit` of those, the newest first; `skip` of them come last instead.
    pub(super) fn pending(&self, skip: usize, limit: usize) -> Vec<UnitNo> {
        let skip = skip.checked_rem(self.pending.len()).unwrap_or(0);
        let newest = self.pending.iter().rev();
        newest.clone().skip(skip).chain(newest.take(skip)).take(limit).copied().collect()
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
            + self.dense.size_bytes()
            + self.pending.len() * 16
    }
}
