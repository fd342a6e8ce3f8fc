//! The dense index in a snapshot: codes and columns in front, to be read whole; vectors behind, where
//! they stay.
//!
//! ```text
//! front   number of vectors · blocks of a slab · Σ vectors (f64 × dims)
//!         number of vectors when axes were looked for · axes (none: no numbers, and zeros), i16 each · value of
//!         a step · of the code steps of each section · skew
//!         then per slab: codes that are scanned (whole blocks) · scales · errors · the largest error and norm,
//!         8-bit codes · scale, error and norm of each row, units · checksum of each vector
//! rows    vectors (f32 × width), slab by slab
//! ```

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::axes::Axes;
use super::coarse::Coder;
use super::codes::Reach;
use super::error::UNIT_LIMIT;
use super::kernel::{self, ROWS};
use super::quantise::{Meaning, Shape};
use super::rows::{Buffer, Filed, Rows, row_checksum};
use super::sketch::Sketch;
use super::slab::{NONE, Slab};
use super::{Dense, DenseError, SKETCH_FROM};
use crate::index::snapshot::{Reader, SnapshotError, Writer};

/// Bytes of vectors that are written at once.
const WRITE_BYTES: usize = 1 << 18;

/// By how much a corpus grows until its sketches are centred anew.
const RESKETCH_GROWTH: usize = 4;

/// The index as it was at one moment, for reading beside its changes.
#[derive(Debug)]
pub(in crate::index) struct Frozen {
    shape: Shape,
    coder: Arc<Coder>,
    axes_sought_for: usize,
    slabs: Vec<Arc<Slab>>,
    sum: Vec<f64>,
    len: usize,
    damaged: Arc<AtomicBool>,
}

/// A full slab whose vectors lie in a file now.
pub(in crate::index) struct WrittenSlab {
    /// State of the slab that was written.
    version: u64,
    /// Byte at which its vectors begin, from that of the first.
    offset: u64,
    checksums: Arc<[u32]>,
}

impl Frozen {
    /// Writes all but the vectors; gives the slabs that may let go of theirs once those are written.
    pub(in crate::index) fn write_front<W: Write>(
        &self,
        out: &mut Writer<W>,
    ) -> Result<Vec<Option<WrittenSlab>>, SnapshotError> {
        out.number(self.len as u64)?;
        out.number(self.shape.slab_blocks as u64)?;
        out.array(&self.sum, f64::to_le_bytes)?;
        out.number(self.axes_sought_for as u64)?;
        let axes = self.coder.axes().map(Axes::parts);
        let (matrix, step, [first, second, third], skew) = axes.unwrap_or_default();
        out.array(matrix, i16::to_le_bytes)?;
        out.array(&[step, first, second, third], f32::to_le_bytes)?;
        out.array(&[skew], f64::to_le_bytes)?;
        let mut written = Vec::with_capacity(self.slabs.len());
        let mut offset = 0;
        for slab in &self.slabs {
            let rows = slab.blocks() * ROWS;
            let (coarse, fine) = (&slab.coarse, &slab.fine);
            let n_bytes = slab.blocks() * self.shape.block_bytes();
            out.part(coarse.bytes.get().get(..n_bytes).unwrap_or_default())?;
            for column in [&coarse.scales, &coarse.errors] {
                out.array(column.get(..rows).unwrap_or_default(), f32::to_le_bytes)?;
            }
            out.array(&[coarse.worst.error, coarse.worst.norm], f32::to_le_bytes)?;
            out.part(fine.bytes.get().get(..rows * self.shape.width).unwrap_or_default())?;
            let meanings = fine.meanings.iter().take(rows);
            let meanings: Vec<f32> = meanings.flat_map(|m| [m.scale, m.error, m.norm]).collect();
            out.array(&meanings, f32::to_le_bytes)?;
            out.array(slab.units.get(..rows).unwrap_or_default(), u32::to_le_bytes)?;
            let checksums: Arc<[u32]> = self.checksums(slab)?.into();
            out.array(&checksums, u32::to_le_bytes)?;
            let is_full = slab.used() == self.shape.slab_rows();
            let full = WrittenSlab { version: slab.version(), offset, checksums };
            written.push(is_full.then_some(full));
            offset += (slab.used() * self.row_bytes()) as u64;
        }
        Ok(written)
    }

    /// Writes the vectors, as long as `go_on` says so.
    pub(in crate::index) fn write_rows(
        &self,
        out: &mut impl Write,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), SnapshotError> {
        let mut bytes = Vec::with_capacity(WRITE_BYTES + self.row_bytes());
        for slab in &self.slabs {
            for row in 0..slab.used() {
                self.push_row(slab, row, &mut bytes)?;
                if bytes.len() >= WRITE_BYTES {
                    if !go_on() {
                        return Err(SnapshotError::Stopped);
                    }
                    out.write_all(&bytes).map_err(SnapshotError::io("write"))?;
                    bytes.clear();
                }
            }
        }
        out.write_all(&bytes).map_err(SnapshotError::io("write"))
    }

    /// Bytes of all vectors.
    pub(in crate::index) const fn rows_bytes(&self) -> u64 {
        (self.len * self.row_bytes()) as u64
    }

    /// How many vectors.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Sizes.
    pub(super) const fn shape(&self) -> Shape {
        self.shape
    }

    /// The slabs.
    pub(super) fn slabs(&self) -> &[Arc<Slab>] {
        &self.slabs
    }

    const fn row_bytes(&self) -> usize {
        self.shape.width * size_of::<f32>()
    }

    fn checksums(&self, slab: &Slab) -> Result<Vec<u32>, SnapshotError> {
        let mut bytes = Vec::with_capacity(self.row_bytes());
        let checksum = |row| {
            if let Some(known) = slab.rows.known_checksum(row) {
                return Ok(known);
            }
            bytes.clear();
            self.push_row(slab, row, &mut bytes)?;
            Ok(row_checksum(&bytes))
        };
        (0..slab.used()).map(checksum).collect()
    }

    fn push_row(&self, slab: &Slab, row: usize, bytes: &mut Vec<u8>) -> Result<(), SnapshotError> {
        let mut buffer = Buffer::default();
        let vector = slab.row(row, &mut buffer).map_err(|source| {
            self.damaged.store(true, Ordering::Relaxed);
            SnapshotError::Io { op: "read a vector of", source }
        })?;
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        Ok(())
    }

    /// The sketches of all rows, to be taken over by [`Dense::adopt_sketch`]. Cost: some 3 µs a row.
    ///
    /// `None` when a vector cannot be read, or `go_on` says no.
    pub(in crate::index) fn sketch(&self, go_on: &dyn Fn() -> bool) -> Option<Sketch> {
        let mut sketch = Sketch::new(self.shape.dims, &self.sum, self.len);
        for (number, slab) in self.slabs.iter().enumerate() {
            if !go_on() {
                return None;
            }
            sketch_slab(&mut sketch, slab, number, self.shape).ok()?;
        }
        Some(sketch)
    }
}

fn sketch_slab(sketch: &mut Sketch, slab: &Slab, number: usize, shape: Shape) -> io::Result<()> {
    let mut buffer = Buffer::default();
    for row in 0..slab.used() {
        let slot = u32::try_from(number * shape.slab_rows() + row).unwrap_or(NONE);
        let vector = slab.row(row, &mut buffer)?;
        sketch.write(slot, vector.get(..shape.dims).unwrap_or_default());
    }
    Ok(())
}

impl Dense {
    /// The index as it is now, to be read while it changes. Cost: a pointer per slab.
    pub(in crate::index) fn freeze(&self) -> Frozen {
        Frozen {
            shape: self.shape,
            coder: Arc::clone(&self.coder),
            axes_sought_for: self.axes_sought_for,
            slabs: self.slabs.clone(),
            sum: self.sum.clone(),
            len: self.len,
            damaged: Arc::clone(&self.damaged),
        }
    }

    /// Whether a full slab holds its vectors in memory until they are written.
    pub(in crate::index) fn has_slab_to_write(&self) -> bool {
        let mut full = self.slabs.iter().filter(|slab| slab.used() == self.shape.slab_rows());
        full.any(|slab| slab.held_row(0).is_some())
    }

    /// Lets go of the vectors that were written to `file` and have not changed since; gives them, so that
    /// their memory can be freed without a lock.
    pub(in crate::index) fn attach(
        &mut self,
        file: &Arc<File>,
        start: u64,
        written: Vec<Option<WrittenSlab>>,
    ) -> impl Sized + use<> {
        let mut freed = Vec::new();
        for (slab, written) in self.slabs.iter_mut().zip(written) {
            let Some(written) = written.filter(|written| written.version == slab.version()) else {
                continue;
            };
            // Shared means that somebody saves it again, who will do this later.
            if let Some(slab) = Arc::get_mut(slab) {
                let at = start + written.offset;
                let filed = Filed::new(Arc::clone(file), at, written.checksums);
                freed.push(std::mem::replace(&mut slab.rows, Rows::Filed(filed)));
            }
        }
        freed
    }

    /// Reads what [`Frozen::write_front`] wrote; the vectors of full slabs stay in `file`, from byte
    /// `start` on. To be completed by [`Dense::index_units`] once the checksum is known to hold.
    pub(in crate::index) fn read(
        input: &mut Reader<impl Read>,
        dims: usize,
        file: &Arc<File>,
        start: u64,
    ) -> Result<Self, SnapshotError> {
        let mut dense = Self::with(Shape::new(dims)?, kernel::best());
        let shape = dense.shape;
        dense.len = input.count(shape.width)?;
        if input.number()? != shape.slab_blocks as u64 {
            return Err(SnapshotError::Foreign { what: "slab size" });
        }
        dense.sum = input.array(f64::from_le_bytes)?;
        if dense.sum.len() != dims {
            return Err(WRONG);
        }
        dense.axes_sought_for = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        if let Some(axes) = read_axes(input, shape.width)? {
            dense.coder = Arc::new(Coder::along(axes));
            dense.shape.layout = dense.coder.layout();
        }
        let shape = dense.shape;
        let (mut at, mut left) = (start, dense.len);
        while left > 0 {
            let rows = left.min(shape.slab_rows());
            dense.slabs.push(Arc::new(read_slab(input, shape, rows, file, at)?));
            at += (rows * shape.width * size_of::<f32>()) as u64;
            left -= rows;
        }
        Ok(dense)
    }

    /// Fills the table from unit to slot.
    pub(in crate::index) fn index_units(&mut self) -> Result<(), SnapshotError> {
        let units = self.slabs.iter().flat_map(|slab| slab.units.iter().take(slab.used()));
        let mut slots: Vec<u32> = Vec::new();
        for (slot, &unit) in (0_u32..).zip(units) {
            if unit >= UNIT_LIMIT {
                return Err(WRONG);
            }
            if slots.len() <= unit as usize {
                slots.resize(unit as usize + 1, NONE);
            }
            if let Some(entry) = slots.get_mut(unit as usize) {
                if *entry != NONE {
                    return Err(WRONG);
                }
                *entry = slot;
            }
        }
        self.slots = slots;
        Ok(())
    }

    /// Whether there are enough units for sketches to be worth making, or making anew: they are centred
    /// on the mean of what there was. Along axes a scan is as fast, and exact.
    pub(crate) fn wants_sketch(&self) -> bool {
        let made_for = self.sketch.as_ref().map_or(0, Sketch::made_for);
        self.coder.axes().is_none() && self.len > SKETCH_FROM.max(made_for * RESKETCH_GROWTH)
    }

    /// Whether there are sketches for [`Dense::search_fast`].
    #[cfg(test)]
    pub(crate) const fn is_sketched(&self) -> bool {
        self.sketch.is_some()
    }

    /// Takes over sketches of the index as it was; later changes keep them.
    ///
    /// Cost: some 3 µs for each row of a slab that has changed since.
    pub(in crate::index) fn adopt_sketch(&mut self, mut sketch: Sketch, of: &Frozen) {
        for (number, slab) in self.slabs.iter().enumerate() {
            if of.slabs.get(number).is_none_or(|old| old.version() != slab.version())
                && let Err(error) = sketch_slab(&mut sketch, slab, number, self.shape)
            {
                return self.damaged_by(&error, ());
            }
        }
        self.sketch = Some(sketch);
    }
}

/// Reads the axes, if there are any.
fn read_axes(input: &mut Reader<impl Read>, width: usize) -> Result<Option<Axes>, SnapshotError> {
    let matrix = input.array(i16::from_le_bytes)?;
    let [step, first, second, third] =
        input.array(f32::from_le_bytes)?.try_into().map_err(|_| WRONG)?;
    let [skew] = input.array(f64::from_le_bytes)?.try_into().map_err(|_| WRONG)?;
    if matrix.is_empty() {
        return Ok(None);
    }
    Axes::with(width, matrix, step, [first, second, third], skew).map(Some).ok_or(WRONG)
}

/// Reads a slab of `rows` rows whose vectors lie at byte `start`.
fn read_slab(
    input: &mut Reader<impl Read>,
    shape: Shape,
    rows: usize,
    file: &Arc<File>,
    start: u64,
) -> Result<Slab, SnapshotError> {
    let mut slab = Slab::new(shape).map_err(DenseError::Memory)?;
    let blocks = rows.div_ceil(ROWS);
    let coarse = &mut slab.coarse;
    input
        .part(coarse.bytes.get_mut().get_mut(..blocks * shape.block_bytes()).unwrap_or_default())?;
    for column in [&mut coarse.scales, &mut coarse.errors] {
        fill(column, &input.array(f32::from_le_bytes)?, blocks * ROWS)?;
    }
    let [error, norm] = input.array(f32::from_le_bytes)?.try_into().map_err(|_| WRONG)?;
    coarse.worst = Reach { error, norm };
    let n_bytes = blocks * ROWS * shape.width;
    input.part(slab.fine.bytes.get_mut().get_mut(..n_bytes).unwrap_or_default())?;
    let meanings = input.array(f32::from_le_bytes)?;
    let meanings = meanings.as_chunks().0.iter();
    let meanings: Vec<Meaning> =
        meanings.map(|&[scale, error, norm]| Meaning { scale, error, norm }).collect();
    fill(&mut slab.fine.meanings, &meanings, blocks * ROWS)?;
    fill(&mut slab.units, &input.array(u32::from_le_bytes)?, blocks * ROWS)?;
    let checksums = input.array(u32::from_le_bytes)?;
    if checksums.len() != rows {
        return Err(WRONG);
    }
    let filed = Rows::Filed(Filed::new(Arc::clone(file), start, checksums.into()));
    if rows == shape.slab_rows() {
        slab.rows = filed;
    } else {
        // The last slab grows.
        let mut buffer = Buffer::default();
        for row in 0..rows {
            let vector = filed.read(row, shape.width, &mut buffer);
            slab.rows.write(row, shape.width, vector.map_err(SnapshotError::io("read"))?);
        }
    }
    slab.adopt(rows);
    Ok(slab)
}

fn fill<T: Copy>(column: &mut [T], values: &[T], count: usize) -> Result<(), SnapshotError> {
    let place = column.get_mut(..count).filter(|_| values.len() == count).ok_or(WRONG)?;
    place.copy_from_slice(values);
    Ok(())
}

/// Vectors whose parts do not fit together.
const WRONG: SnapshotError = SnapshotError::Corrupt { what: "vectors" };
