//! The dense index: exact nearest vectors by inner product, in memory, without a graph.
//!
//! Vectors are kept as `f32` rows, as 8-bit codes and as codes of few bits in blocks of 16 rows. A search
//! reads the blocks of the rows that pass the filter in address order and looks more closely at what could
//! belong to the answer ([`search`]); so it returns what a full scan would. From some thousand vectors on, the
//! blocks hold codes along the directions of most energy ([`axes`], [`recode`]), which are fewer bytes. Removing a unit moves
//! the last row into its place: the blocks have no holes, and nothing has to be compacted later.
//!
//! **Score** of a unit: the inner product in `f64` (32 lanes, see [`kernel::Dot`]) rounded to `f32`;
//! the same bits on every processor. **Order**: higher score first, then smaller unit number.

mod axes;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod coarse;
mod codes;
mod coding;
mod error;
mod kernel;
mod pages;
mod quantise;
mod recode;
mod rotation;
mod rows;
mod search;
mod sketch;
mod slab;
mod survivors;
mod topk;

pub(crate) use error::{DenseError, UNIT_LIMIT};

use crate::index::mask::Mask;
use axes::Axes;
use coarse::Coder;
pub(in crate::index) use coding::{Frozen, WrittenSlab};
use kernel::Kernels;
use quantise::{Coded, Query, Shape};
use rows::Buffer;
use search::Search;
use sketch::Sketch;
use slab::{NONE, Slab};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use survivors::Survivors;

/// The vectors of one embedding model, by unit number.
#[derive(Debug)]
pub(crate) struct Dense {
    shape: Shape,
    kernels: &'static Kernels,
    /// How the codes that are scanned are made.
    coder: Arc<Coder>,
    /// Vectors there were when axes were last looked for.
    axes_sought_for: usize,
    /// Filled one after the other; only the last may have slots out of use. Shared with a copy that is
    /// being saved, and then copied before they are changed.
    slabs: Vec<Arc<Slab>>,
    /// Slot of each unit number, [`NONE`] when it has no vector.
    slots: Vec<u32>,
    len: usize,
    /// Σ of the vectors, for the mean score of a query.
    sum: Vec<f64>,
    /// Sign bits of all rows, once asked for.
    sketch: Option<Sketch>,
    /// Rows written so far.
    n_writes: u64,
    /// A vector could not be read.
    damaged: Arc<AtomicBool>,
}

/// How many units make sketches worth their memory for every search, where codes are plain.
pub(crate) const SKETCH_FROM: usize = 200_000;

/// How many of the best a survey gives exactly.
pub(crate) const CERTAIN: usize = 16;

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranking {
    /// Unit and exact score of the best units, best first.
    pub(crate) top: Vec<(u32, f32)>,
    /// Mean score of all units that took part; 0 when none did.
    ///
    /// Without a filter exact but for rounding; with one it may be a mean of scores of the scan, off by
    /// some thousandths for unit vectors of 384 dimensions.
    pub(crate) mean: f32,
}

/// A query that single units are compared with.
pub(crate) struct Probe<'a> {
    dense: &'a Dense,
    query: Query,
}

impl Probe<'_> {
    /// Score of a unit by its 8-bit codes; `None` for one without vector.
    ///
    /// For unit vectors of 384 dimensions within .015 of the exact one, with a deviation near .0005. Cost:
    /// 20–50 ns.
    pub(crate) fn score(&self, unit: u32) -> Option<f32> {
        let slot = self.dense.slot(unit)?;
        Some(self.dense.searching(&self.query, 0).by_fine_codes(slot)?.0)
    }
}

impl Dense {
    /// An index without vectors for vectors of `dims` dimensions.
    ///
    /// Errors: [`DenseError::Shape`] outside 1 to [`error::DIMENSION_LIMIT`].
    pub(crate) fn new(dims: usize) -> Result<Self, DenseError> {
        Ok(Self::with(Shape::new(dims)?, kernel::best()))
    }

    fn with(shape: Shape, kernels: &'static Kernels) -> Self {
        Self {
            shape,
            kernels,
            coder: Arc::new(Coder::plain(shape.width)),
            axes_sought_for: 0,
            slabs: Vec::new(),
            slots: Vec::new(),
            len: 0,
            sum: vec![0.0; shape.dims],
            sketch: None,
            n_writes: 0,
            damaged: Arc::default(),
        }
    }

    /// Takes all vectors out, and the mark of damage with them.
    pub(crate) fn clear(&mut self) {
        let n_writes = self.n_writes;
        let shape = Shape { layout: Coder::plain(self.shape.width).layout(), ..self.shape };
        *self = Self { n_writes, ..Self::with(shape, self.kernels) };
    }

    /// Whether a vector could not be read from its file: searches fail until the index is made anew.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Marks the index as damaged; gives what stands for what could not be read.
    fn damaged_by<T>(&self, error: &io::Error, instead: T) -> T {
        if !self.damaged.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "a vector cannot be read from the snapshot");
        }
        instead
    }

    fn sound<T>(&self, found: T) -> Result<T, DenseError> {
        if self.is_damaged() { Err(DenseError::Damaged) } else { Ok(found) }
    }

    /// Memory that it takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let slabs: usize = self.slabs.iter().map(|slab| slab.size_bytes()).sum();
        slabs
            + self.coder.axes().map_or(0, Axes::size_bytes)
            + self.slots.capacity() * size_of::<u32>()
            + self.sketch.as_ref().map_or(0, Sketch::size_bytes)
    }

    /// Dimensions of the vectors.
    pub(crate) fn dims(&self) -> usize {
        self.shape.dims
    }

    /// How many units have a vector.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The vector of `unit`, if it has one that can be read.
    pub(crate) fn vector(&self, unit: u32) -> Option<Vec<f32>> {
        self.vector_at(self.slot(unit)?)
    }

    /// The vector of a unit at length 1, by its codes: the cosine of two is within .01 of the exact one for
    /// 384 dimensions. `None` where it has no vector or a zero one. Cost: half a microsecond.
    pub(crate) fn direction(&self, unit: u32) -> Option<Vec<f32>> {
        let (slab, row) = self.place(self.slot(unit)?);
        let mut direction = Vec::with_capacity(self.shape.width);
        direction.extend(slab?.fine.codes(row).iter().map(|code| f32::from(*code) - 128.0));
        let norm = direction.iter().map(|value| value * value).sum::<f32>().sqrt();
        for value in &mut direction {
            *value /= norm;
        }
        Some(direction).filter(|_| norm > 0.0)
    }

    /// Name of the instruction set in use, for logs.
    pub(crate) const fn kernels(&self) -> &'static str {
        self.kernels.name
    }

    /// Whether `unit` has exactly this vector.
    pub(crate) fn holds(&self, unit: u32, vector: &[f32]) -> bool {
        self.vector(unit).is_some_and(|held| held == vector)
    }

    /// The vector of a slot in use; `None` where it cannot be read.
    fn vector_at(&self, slot: u32) -> Option<Vec<f32>> {
        let (slab, row) = self.place(slot);
        let mut buffer = Buffer::default();
        match slab?.row(row, &mut buffer) {
            Ok(vector) => vector.get(..self.shape.dims).map(<[f32]>::to_vec),
            Err(error) => self.damaged_by(&error, None),
        }
    }

    /// Gives `unit` a vector, in place of the one it may have. Cost: one to five microseconds.
    ///
    /// Errors, all without effect: [`DenseError::Unit`], [`DenseError::Dimensions`],
    /// [`DenseError::NotFinite`], [`DenseError::Norm`], [`DenseError::Memory`].
    pub(crate) fn put(&mut self, unit: u32, vector: &[f32]) -> Result<(), DenseError> {
        if unit >= UNIT_LIMIT {
            return Err(DenseError::Unit { unit });
        }
        let norm = self.shape.check(vector)?;
        let coded = self.coded(vector, norm);
        let slot = match self.slot(unit) {
            Some(slot) => {
                self.count_out(slot);
                slot
            }
            None => self.append(unit)?,
        };
        let row = slot as usize % self.shape.slab_rows();
        self.n_writes += 1;
        let version = self.n_writes;
        if let Some(slab) = self.slab_mut(slot) {
            slab.write(version, row, unit, vector, &coded);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.write(slot, vector);
        }
        for (sum, value) in self.sum.iter_mut().zip(vector) {
            *sum += f64::from(*value);
        }
        Ok(())
    }

    /// Takes the vector of `unit` away; false when it has none. Cost: moving one row.
    pub(crate) fn remove(&mut self, unit: u32) -> bool {
        let Some(slot) = self.slot(unit) else {
            return false;
        };
        self.count_out(slot);
        let Some(last) = u32::try_from(self.len).ok().and_then(|n| n.checked_sub(1)) else {
            return false;
        };
        if slot != last {
            self.relocate(last, slot);
        }
        if let Some(slab) = self.slab_mut(last) {
            slab.pop();
            if slab.used() == 0 {
                self.slabs.pop();
            }
        }
        if let Some(entry) = self.slots.get_mut(unit as usize) {
            *entry = NONE;
        }
        while self.slots.last() == Some(&NONE) {
            self.slots.pop();
        }
        self.len -= 1;
        if self.len == 0 {
            // What rounding left of vectors that are gone.
            self.sum.fill(0.0);
        }
        true
    }

    /// The best units by inner product with `query`, among those of `mask` (all without one): the
    /// [`CERTAIN`] best exactly, and after them more up to `n` by their 8-bit codes.
    ///
    /// Where more than 4,096 rows are within what the codes of a scan can be off from the best (near duplicates by the
    /// thousand), one of the best may be missing, though that was not met; and where there are sketches
    /// ([`Dense::adopt_sketch`]): recall of the ten best on clustered unit vectors was .9995. Cost at 384
    /// dimensions on one core with AVX-512: some 1.5 ns a row from the third-level cache, 3.5 from memory, and
    /// 20–60 µs. A contiguous filter lowers it in proportion; a scattered one pays below about a fifth of the
    /// rows. On top of that .6 µs for each of some tens of vectors that are read from a file.
    ///
    /// Errors, for the query: [`DenseError::Dimensions`], [`DenseError::NotFinite`],
    /// [`DenseError::Norm`]; [`DenseError::Damaged`].
    pub(crate) fn survey(
        &self,
        query: &[f32],
        n: usize,
        mask: Option<&Mask>,
    ) -> Result<Ranking, DenseError> {
        let query = self.query(query)?;
        let search = self.searching(&query, n.min(CERTAIN));
        self.sound(search.survey(&Survivors::of(self, mask), self.sketch.as_ref(), n))
    }

    /// The best `k` units, exactly; `k` may exceed the number of units. Otherwise as [`Dense::survey`].
    #[cfg(any(test, feature = "bench"))]
    pub(crate) fn search(
        &self,
        query: &[f32],
        k: usize,
        mask: Option<&Mask>,
    ) -> Result<Ranking, DenseError> {
        let query = self.query(query)?;
        self.sound(self.searching(&query, k).run(&Survivors::of(self, mask), None))
    }

    /// The same from sketches where there are any: the scores are exact, but a unit of the best `k` may be
    /// missing.
    #[cfg(any(test, feature = "bench"))]
    pub(crate) fn search_fast(
        &self,
        query: &[f32],
        k: usize,
        mask: Option<&Mask>,
    ) -> Result<Ranking, DenseError> {
        let query = self.query(query)?;
        let survivors = Survivors::of(self, mask);
        self.sound(self.searching(&query, k).run(&survivors, self.sketch.as_ref()))
    }

    /// A query to compare single units with. Errors as [`Dense::search`], for the query.
    pub(crate) fn probe(&self, query: &[f32]) -> Result<Probe<'_>, DenseError> {
        Ok(Probe { dense: self, query: self.query(query)? })
    }

    fn query(&self, vector: &[f32]) -> Result<Query, DenseError> {
        Query::new(vector, self.shape, &self.coder, self.kernels)
    }

    /// The codes of a checked vector of length `norm`: those that are scanned, and those of eight bits.
    fn coded(&self, vector: &[f32], norm: f64) -> [Coded; 2] {
        let padded = self.shape.padded(vector);
        [self.coder.code(&padded, norm, self.kernels), Coded::fine(&padded, self.kernels)]
    }

    fn searching<'a>(&'a self, query: &'a Query, k: usize) -> Search<'a> {
        let buffer = Buffer::shared();
        Search { dense: self, kernels: self.kernels, query, k: k.min(self.len), buffer }
    }

    /// Mean score over all units.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean is reported in single precision"
    )]
    fn mean(&self, query: &Query) -> f32 {
        let query = query.exact.get(..self.sum.len()).unwrap_or_default();
        (quantise::dot(&self.sum, query) / self.len.max(1) as f64) as f32
    }

    /// Slot of `unit`.
    fn slot(&self, unit: u32) -> Option<u32> {
        let slot = self.slots.get(unit as usize).copied();
        slot.filter(|&slot| slot != NONE)
    }

    /// Slab of a slot, and its row in that.
    fn place(&self, slot: u32) -> (Option<&Slab>, usize) {
        let rows = self.shape.slab_rows();
        let slot = slot as usize;
        (self.slabs.get(slot / rows).map(Arc::as_ref), slot % rows)
    }

    /// Slab of a slot, for changes; copied first if somebody else reads it.
    fn slab_mut(&mut self, slot: u32) -> Option<&mut Slab> {
        let slab = self.slabs.get_mut(slot as usize / self.shape.slab_rows())?;
        if Arc::get_mut(slab).is_none() {
            match slab.copy() {
                Ok(copy) => *slab = Arc::new(copy),
                Err(error) => {
                    self.damaged.store(true, Ordering::Relaxed);
                    tracing::warn!(%error, "no memory for a part of the index");
                    return None;
                }
            }
        }
        Arc::get_mut(slab)
    }

    /// A slot after the last one for `unit`; with a new slab where the last is full.
    fn append(&mut self, unit: u32) -> Result<u32, DenseError> {
        let slot = u32::try_from(self.len).map_err(|_| DenseError::Unit { unit })?;
        if self.len == self.slabs.len() * self.shape.slab_rows() {
            self.slabs.push(Arc::new(Slab::new(self.shape)?));
        }
        if self.slots.len() <= unit as usize {
            self.slots.resize(unit as usize + 1, NONE);
        }
        if let Some(entry) = self.slots.get_mut(unit as usize) {
            *entry = slot;
        }
        self.len += 1;
        Ok(slot)
    }

    /// Takes the vector of `slot` out of the sum.
    fn count_out(&mut self, slot: u32) {
        let Some(vector) = self.vector_at(slot) else { return };
        for (sum, value) in self.sum.iter_mut().zip(vector) {
            *sum -= f64::from(value);
        }
    }

    /// Moves the row of slot `from` over that of slot `to`.
    fn relocate(&mut self, from: u32, to: u32) {
        let (Some(slab), row) = self.place(from) else {
            return;
        };
        let unit = slab.unit(row);
        let vector = self.vector_at(from).unwrap_or_else(|| vec![0.0; self.shape.dims]);
        let coded = self.coded(&vector, quantise::square(&vector).sqrt());
        let row = to as usize % self.shape.slab_rows();
        self.n_writes += 1;
        let version = self.n_writes;
        if let Some(slab) = self.slab_mut(to) {
            slab.write(version, row, unit, &vector, &coded);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.write(to, &vector);
        }
        if let Some(entry) = self.slots.get_mut(unit as usize) {
            *entry = to;
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod filed_tests;
#[cfg(test)]
mod tests;
