//! The vectors of units, and which units still wait for theirs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use super::UnitNo;
use super::dense::{Dense, DenseError};
use super::snapshot::{Reader, SnapshotError, Writer};
use super::unit::content_hash;

/// The dense index of one embedding model over the units.
pub(crate) struct Semantic {
    model: Box<str>,
    dense: Dense,
    /// Hash of each unit's text, by unit number.
    hashes: Vec<u64>,
    pending: BTreeSet<UnitNo>,
    /// Position up to which stored vectors are known.
    seq: u64,
    /// Why stored vectors could not be read the last time, if so.
    failure: Option<Box<str>>,
}

impl Semantic {
    /// No vectors yet of a model of that many dimensions.
    pub(super) fn new(model: &str, dimension: usize) -> Result<Self, DenseError> {
        Ok(Self {
            model: model.into(),
            dense: Dense::new(dimension)?,
            hashes: Vec::new(),
            pending: BTreeSet::new(),
            seq: 0,
            failure: None,
        })
    }

    /// Writes all but the position and what the dense index holds.
    pub(super) fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<(), SnapshotError> {
        out.array(&self.hashes, u64::to_le_bytes)?;
        let pending: Vec<UnitNo> = self.pending.iter().copied().collect();
        out.array(&pending, u32::to_le_bytes)
    }

    /// Reads what [`Semantic::write`] wrote, and the dense index behind it, whose vectors lie in `file` from
    /// byte `start` on. To be completed by [`Semantic::index_units`].
    pub(super) fn read(
        input: &mut Reader<impl Read>,
        (model, dimension): (&str, usize),
        seq: u64,
        file: &Arc<File>,
        start: u64,
    ) -> Result<Self, SnapshotError> {
        let hashes = input.array(u64::from_le_bytes)?;
        let pending = input.array(u32::from_le_bytes)?.into_iter().collect();
        let dense = Dense::read(input, dimension, file, start)?;
        Ok(Self { model: model.into(), dense, hashes, pending, seq, failure: None })
    }

    /// Completes what was read, once it is known to be what was written.
    pub(super) fn index_units(&mut self) -> Result<(), SnapshotError> {
        self.dense.index_units()
    }

    /// Forgets all vectors; these are the units that wait for theirs now.
    pub(super) fn reset(&mut self, units: impl Iterator<Item = UnitNo>) {
        self.dense.clear();
        self.pending = units.collect();
        self.seq = 0;
    }

    /// Why stored vectors could not be read the last time, if so.
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

    /// The vectors.
    pub(crate) const fn dense(&self) -> &Dense {
        &self.dense
    }

    /// The vectors, to be filed or sketched.
    pub(super) const fn dense_mut(&mut self) -> &mut Dense {
        &mut self.dense
    }

    /// Hash of a unit's text, and its vector if it has one.
    pub(super) fn get(&self, unit: UnitNo) -> Option<(u64, Vec<f32>)> {
        Some((*self.hashes.get(unit as usize)?, self.dense.vector(unit)?))
    }

    /// A unit has this text from now on, and no vector yet; gives the hash of the text.
    pub(super) fn expect(&mut self, unit: UnitNo, text: &str) -> u64 {
        let (at, hash) = (unit as usize, content_hash(text));
        if self.hashes.len() <= at {
            self.hashes.resize(at + 1, 0);
        }
        if let Some(place) = self.hashes.get_mut(at) {
            *place = hash;
        }
        self.dense.remove(unit);
        self.pending.insert(unit);
        hash
    }

    /// A unit is gone.
    pub(super) fn remove(&mut self, unit: UnitNo) {
        self.dense.remove(unit);
        self.pending.remove(&unit);
    }

    /// Gives a unit its vector, unless it was made from another text than the unit has now; whether that
    /// changes anything.
    ///
    /// A vector that the index cannot hold (of another dimension, not finite) is left out and the unit
    /// is not asked for again: it stays searchable by its words.
    pub(super) fn put(&mut self, unit: UnitNo, hash: u64, vector: &[f32]) -> bool {
        let is_current = self.hashes.get(unit as usize) == Some(&hash);
        // What this process stored comes back with the next refresh.
        if !is_current || (!self.pending.remove(&unit) && self.dense.holds(unit, vector)) {
            return false;
        }
        if let Err(error) = self.dense.put(unit, vector) {
            tracing::warn!(%error, "a vector cannot be indexed");
        }
        true
    }

    /// Units that wait for a vector.
    pub(crate) fn n_pending(&self) -> usize {
        self.pending.len()
    }

    /// At most `limit` of those, beginning at `from` and then from the first on.
    pub(super) fn pending(&self, from: UnitNo, limit: usize) -> Vec<UnitNo> {
        self.pending.range(from..).chain(self.pending.range(..from)).take(limit).copied().collect()
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
            + self.dense.size_bytes()
            + self.pending.len() * 16
    }
}
