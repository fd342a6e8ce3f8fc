//! The vectors of units, and which units still wait for theirs.

use std::collections::BTreeSet;

use super::UnitNo;
use super::dense::{Dense, DenseError};
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
        })
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

    /// A unit has this text from now on, and no vector yet.
    pub(super) fn expect(&mut self, unit: UnitNo, text: &str) {
        let at = unit as usize;
        if self.hashes.len() <= at {
            self.hashes.resize(at + 1, 0);
        }
        if let Some(hash) = self.hashes.get_mut(at) {
            *hash = content_hash(text);
        }
        self.dense.remove(unit);
        self.pending.insert(unit);
    }

    /// A unit is gone.
    pub(super) fn remove(&mut self, unit: UnitNo) {
        self.dense.remove(unit);
        self.pending.remove(&unit);
    }

    /// Gives a unit its vector, unless it was made from another text than the unit has now.
    ///
    /// A vector that the index cannot hold (of another dimension, not finite) is left out and the unit
    /// is not asked for again: it stays searchable by its words.
    pub(super) fn put(&mut self, unit: UnitNo, hash: u64, vector: &[f32]) {
        if self.hashes.get(unit as usize) != Some(&hash) {
            return;
        }
        if let Err(error) = self.dense.put(unit, vector) {
            tracing::warn!(%error, "a vector cannot be indexed");
        }
        self.pending.remove(&unit);
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
            + self.dense.len() * (self.dense.dims() * 5 + 64)
            + self.pending.len() * 16
    }
}
