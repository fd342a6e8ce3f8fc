//! The index: vectors by id, and what is asked of them.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::arithmetic::squared_norm;
use crate::error::{Error, ID_LIMIT};
use crate::estimate::Estimator;
use crate::frozen::FrozenIndex;
use crate::mask::Mask;
use crate::principal_axes::PrincipalAxes;
use crate::query::Query;
use crate::recode::{self, NewCodes};
use crate::row_codes::RowCodes;
use crate::row_store::RowStore;
use crate::search::{Ranking, Search};
use crate::section::{self, SavedVectors};
use crate::selection::Selection;
use crate::slab::{NONE, Slab};
use crate::slot_table::SlotTable;
use crate::vectors::{FiledVectors, Vectors};

/// Number of the best that a survey scores exactly.
pub(crate) const SURVEY_EXACT: usize = 16;

/// Exact index of vectors of one number of dimensions, by id.
///
/// See the documentation of the crate for how it works and what it costs.
#[derive(Debug)]
pub struct DenseIndex {
    pub(crate) rows: RowStore,
    pub(crate) slots: SlotTable,
    /// Number of rows written so far.
    n_writes: u64,
}

/// A query that single vectors are compared with.
#[derive(Debug)]
pub struct QueryScorer<'a> {
    index: &'a DenseIndex,
    query: Query,
}

impl QueryScorer<'_> {
    /// Returns the score of a vector by its 8-bit codes; `None` for an id without vector.
    ///
    /// For unit vectors of 384 dimensions within .015 of the exact one, with a deviation near
    /// .0005. Cost: 20–50 ns.
    #[must_use]
    pub fn score(&self, id: u32) -> Option<f32> {
        let slot = self.index.slots.get(id)?;
        let estimator = Estimator { rows: &self.index.rows, query: &self.query };
        Some(estimator.estimate(slot).score)
    }
}

impl DenseIndex {
    /// Returns an empty index for vectors of `n_dims` dimensions, 1 to 16,384.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedDimension`].
    pub fn new(n_dims: usize) -> Result<Self, Error> {
        Ok(Self::of_rows(RowStore::of_dims(n_dims)?))
    }

    /// Returns an empty index over a store without rows.
    pub(crate) fn of_rows(rows: RowStore) -> Self {
        Self { rows, slots: SlotTable::default(), n_writes: 0 }
    }

    /// Reads an index of `n_dims` dimensions that [`FrozenIndex::write`] wrote from byte `start` of
    /// `file` on. Vectors stay in the file, which nobody may write to any more; they are checked
    /// when they are read.
    ///
    /// Cost: a copy of the codes, .1 s at 100,000 vectors of 384 dimensions.
    ///
    /// # Errors
    ///
    /// [`Error::Foreign`] and [`Error::Corrupt`] for a file that cannot be used, [`Error::Io`],
    /// [`Error::Memory`], [`Error::UnsupportedDimension`].
    pub fn open(file: &Arc<File>, start: u64, n_dims: usize) -> Result<Self, Error> {
        let mut index = Self::open_on_demand(file, start, n_dims)?;
        for slab in &mut index.rows.slabs {
            if let Some(slab) = Arc::get_mut(slab) {
                slab.hold().map_err(Error::reading_codes)?;
            }
        }
        Ok(index)
    }

    /// Reads an index as [`DenseIndex::open`] does, but leaves the codes in the file as well: a
    /// search reads those that it looks at. For a process that searches once; its answers are the
    /// same. Codes that turn out to be damaged end a search in [`Error::Damaged`].
    ///
    /// Cost: a copy of 32 bytes for each vector.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::open`].
    pub fn open_on_demand(file: &Arc<File>, start: u64, n_dims: usize) -> Result<Self, Error> {
        let (rows, slots) = section::read(file, start, n_dims)?;
        Ok(Self { rows, slots, n_writes: 0 })
    }

    /// Removes all vectors, and the mark of damage with them.
    pub fn clear(&mut self) {
        let mut format = self.rows.format;
        format.scan_layout = crate::row_format::plain_layout(format.width);
        self.rows = RowStore::new(format, self.rows.kernels);
        self.slots = SlotTable::default();
    }

    /// Returns true if a vector could not be read from its file: searches fail until the index is
    /// cleared.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.rows.damage.is_recorded()
    }

    /// Returns the memory that the index takes, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let slabs: usize = self.rows.slabs.iter().map(|slab| slab.size_bytes()).sum();
        let axes = self.rows.quantizer.axes().map_or(0, PrincipalAxes::size_bytes);
        slabs + axes + self.slots.size_bytes()
    }

    /// Returns the number of dimensions.
    #[must_use]
    pub fn n_dims(&self) -> usize {
        self.rows.format.n_dims
    }

    /// Returns the number of vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.n_rows
    }

    /// Returns true if there is no vector.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the name of the instruction set in use, for logs.
    #[must_use]
    pub fn instruction_set(&self) -> &'static str {
        self.rows.kernels.name
    }

    /// Returns the vector of `id`; `None` if it has none, or one that cannot be read.
    #[must_use]
    pub fn vector(&self, id: u32) -> Option<Vec<f32>> {
        let vector = self.rows.vector(self.slots.get(id)?);
        vector.inspect_err(|error| self.rows.damage.record(error)).ok()
    }

    /// Returns true if the vector of `id` is this one.
    #[must_use]
    pub fn contains(&self, id: u32, vector: &[f32]) -> bool {
        self.vector(id).is_some_and(|held| held == vector)
    }

    /// Returns the vector of `id` at norm 1, by its 8-bit codes: the cosine of two is within .01 of
    /// the exact one for 384 dimensions. `None` if it has no vector or a zero one. Cost: half a
    /// microsecond.
    ///
    /// The vector is padded with zeros.
    #[must_use]
    pub fn direction(&self, id: u32) -> Option<Vec<f32>> {
        let (slab, row) = self.rows.place(self.slots.get(id)?);
        let mut buffer = Vec::new();
        let codes = slab.bytes.row(row, &mut buffer);
        let codes = codes.inspect_err(|error| self.rows.damage.record(error)).ok()?.iter();
        let mut direction: Vec<f32> = codes.map(|code| f32::from(*code) - 128.0).collect();
        let norm = direction.iter().map(|value| value * value).sum::<f32>().sqrt();
        for value in &mut direction {
            *value /= norm;
        }
        Some(direction).filter(|_| norm > 0.0)
    }

    /// Gives `id` a vector, in place of the one that it may have. Cost: one to five microseconds.
    ///
    /// # Errors
    ///
    /// Without effect: [`Error::IdTooLarge`] from 2²⁶ on, [`Error::DimensionMismatch`],
    /// [`Error::NotFinite`], [`Error::NormOutOfRange`], [`Error::Memory`]. [`Error::Damaged`] if
    /// the vector could not be written.
    pub fn put(&mut self, id: u32, vector: &[f32]) -> Result<(), Error> {
        if id >= ID_LIMIT {
            return Err(Error::IdTooLarge { id });
        }
        let norm = self.rows.format.check(vector)?;
        let codes = self.rows.codes(vector, norm);
        let slot = match self.slots.get(id) {
            Some(slot) => {
                self.subtract_from_sum(slot);
                slot
            }
            None => self.append(id)?,
        };
        self.write(slot, id, vector, &codes).map_err(|error| self.damaged_by(&error))?;
        for (sum, value) in self.rows.sum.iter_mut().zip(vector) {
            *sum += f64::from(*value);
        }
        Ok(())
    }

    /// Removes the vector of `id`; returns false if it has none. Cost: moving one row.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        self.subtract_from_sum(slot);
        let last = u32::try_from(self.rows.n_rows - 1).unwrap_or(NONE);
        if slot != last {
            self.move_row(last, slot);
        }
        match self.rows.place_mut(last) {
            Ok((slab, _)) => {
                slab.pop();
                if slab.n_used() == 0 {
                    self.rows.slabs.pop();
                }
            }
            Err(error) => self.rows.damage.record(&error),
        }
        self.slots.remove(id);
        self.rows.n_rows -= 1;
        if self.rows.n_rows == 0 {
            // What rounding left of vectors that are gone.
            self.rows.sum.fill(0.0);
        }
        true
    }

    /// Returns the best `k` ids by inner product with `query`, among those of `mask` (all without
    /// one), exactly as a full scan would. `k` may exceed the number of vectors.
    ///
    /// Cost at 384 dimensions on one core with AVX-512: some 1.5 ns a row from the third-level
    /// cache, 3.5 from memory, and 20–60 µs. A contiguous mask lowers it in proportion; a scattered
    /// one pays below about a fifth of the rows. On top of that .6 µs for each of some tens of
    /// vectors that are read from a file.
    ///
    /// # Errors
    ///
    /// For the query [`Error::DimensionMismatch`], [`Error::NotFinite`], [`Error::NormOutOfRange`];
    /// [`Error::Damaged`].
    pub fn search(&self, query: &[f32], k: usize, mask: Option<&Mask>) -> Result<Ranking, Error> {
        self.ranking(query, k, None, mask)
    }

    /// Returns the best ids up to `n`: the 16 best exactly, and after them more by their 8-bit
    /// codes. Otherwise as [`DenseIndex::search`].
    ///
    /// If more than 4,096 rows are so near the best that the codes of a scan cannot tell them apart
    /// (near duplicates by the thousand), one of the best may be missing, though that was not seen.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::search`].
    pub fn survey(&self, query: &[f32], n: usize, mask: Option<&Mask>) -> Result<Ranking, Error> {
        self.ranking(query, n.min(SURVEY_EXACT), Some(n), mask)
    }

    /// Returns a query to compare single vectors with.
    ///
    /// # Errors
    ///
    /// As [`DenseIndex::search`], for the query.
    pub fn scorer(&self, query: &[f32]) -> Result<QueryScorer<'_>, Error> {
        Ok(QueryScorer { index: self, query: self.rows.query(query)? })
    }

    /// Returns the index as it is now, to be saved or recoded while it changes. Cost: a pointer per
    /// slab.
    #[must_use]
    pub fn freeze(&self) -> FrozenIndex {
        FrozenIndex { rows: self.rows.clone() }
    }

    /// Returns true if there are enough vectors for their codes to be computed along principal
    /// axes, or computed anew: from 4,096 on, and again at four times as many.
    #[must_use]
    pub fn wants_recoding(&self) -> bool {
        recode::is_due(&self.rows)
    }

    /// Returns true if the codes are along principal axes.
    #[must_use]
    pub fn has_principal_axes(&self) -> bool {
        self.rows.quantizer.axes().is_some()
    }

    /// Adopts codes that were computed from a frozen copy; later changes are coded likewise.
    /// Returns whether codes have changed.
    ///
    /// Cost: five microseconds for each row of a slab that has changed since.
    pub fn adopt(&mut self, codes: NewCodes) -> bool {
        codes.adopt(&mut self.rows).unwrap_or_else(|error| {
            self.rows.damage.record(&error);
            false
        })
    }

    /// Returns true if a full slab holds its vectors in memory until they are saved.
    #[must_use]
    pub fn has_unsaved_slab(&self) -> bool {
        let mut full = self.rows.slabs.iter().filter(|slab| slab.is_full());
        full.any(|slab| slab.held_vector(0).is_some())
    }

    /// Lets go of the vectors that were saved to `file` from byte `start` on and have not changed
    /// since. Returns them, so that their memory can be freed without a lock.
    pub fn attach(
        &mut self,
        file: &Arc<File>,
        start: u64,
        saved: SavedVectors,
    ) -> impl Sized + use<> {
        let mut freed = Vec::new();
        for (slab, saved) in self.rows.slabs.iter_mut().zip(saved.slabs) {
            if saved.version != slab.version() {
                continue;
            }
            // Shared means that somebody saves it again, who will do this later.
            if let Some(slab) = Arc::get_mut(slab) {
                let at = start + saved.offset;
                let filed = FiledVectors::new(Arc::clone(file), at, saved.checksums);
                freed.push(std::mem::replace(&mut slab.vectors, Vectors::Filed(filed)));
            }
        }
        freed
    }

    /// Returns the best `k` of the rows that `mask` selects, and those that a survey adds to them.
    fn ranking(
        &self,
        query: &[f32],
        k: usize,
        n_surveyed: Option<usize>,
        mask: Option<&Mask>,
    ) -> Result<Ranking, Error> {
        let query = self.rows.query(query)?;
        if self.is_damaged() {
            return Err(Error::Damaged);
        }
        let selection = Selection::of(&self.rows, &self.slots, mask);
        let k = k.min(self.rows.n_rows);
        let search = Search { rows: &self.rows, query: &query, selection: &selection, k };
        let ranking = n_surveyed.map_or_else(|| search.exact(), |n| search.survey(n));
        let ranking = ranking.map_err(|error| self.damaged_by(&error))?;
        // Codes that cannot be read leave the mark alone.
        if self.is_damaged() { Err(Error::Damaged) } else { Ok(ranking) }
    }

    fn damaged_by(&self, error: &io::Error) -> Error {
        self.rows.damage.record(error);
        Error::Damaged
    }

    /// Appends a slot for `id`; with a new slab where the last is full.
    fn append(&mut self, id: u32) -> Result<u32, Error> {
        let slot = u32::try_from(self.rows.n_rows).map_err(|_| Error::IdTooLarge { id })?;
        if self.rows.n_rows == self.rows.slabs.len() * self.rows.format.slab_rows() {
            let slab = Slab::new(self.rows.format).map_err(Error::Memory)?;
            self.rows.slabs.push(Arc::new(slab));
        }
        self.slots.set(id, slot);
        self.rows.n_rows += 1;
        Ok(slot)
    }

    fn write(
        &mut self,
        slot: u32,
        id: u32,
        vector: &[f32],
        codes: &[RowCodes; 2],
    ) -> io::Result<()> {
        self.n_writes += 1;
        let (slab, row) = self.rows.place_mut(slot)?;
        slab.write(self.n_writes, row, id, vector, codes);
        Ok(())
    }

    /// Subtracts the vector of `slot` from the sum.
    fn subtract_from_sum(&mut self, slot: u32) {
        match self.rows.vector(slot) {
            Ok(vector) => {
                for (sum, value) in self.rows.sum.iter_mut().zip(vector) {
                    *sum -= f64::from(value);
                }
            }
            Err(error) => self.rows.damage.record(&error),
        }
    }

    /// Moves the row of slot `from` over that of slot `to`. A vector that cannot be read marks the
    /// index as damaged.
    fn move_row(&mut self, from: u32, to: u32) {
        let id = self.rows.id(from);
        let moved = self.rows.vector(from).and_then(|vector| {
            let codes = self.rows.codes(&vector, squared_norm(&vector).sqrt());
            self.write(to, id, &vector, &codes)
        });
        if let Err(error) = moved {
            self.rows.damage.record(&error);
        }
        self.slots.set(id, to);
    }
}
