//! The codes of the rows of a slab: in blocks for the scan, and row by row for what is looked at next.

use super::kernel::{GROUP, ROWS, TOGETHER};
use super::pages::Pages;
use super::quantise::{Coded, Meaning, Shape};
use std::io;

/// What is scanned.
#[derive(Debug)]
pub(super) struct Coarse {
    /// In blocks as [`super::kernel::Blocks`] says.
    pub(super) bytes: Pages<u8>,
    /// Value of a code step of each row; 0 for slots out of use.
    pub(super) scales: Vec<f32>,
    /// |x − x̂| + [`SHARE`] · |x̂| of each row, rounded up.
    pub(super) errors: Vec<f32>,
    /// Bounds the errors and norms of all rows; kept when rows leave.
    pub(super) worst: Reach,
}

/// How much of its length a query's codes are expected to miss: as much of |x̂| is counted with the error of a
/// row, which is looked at, and only the rest by what bounds the |x̂| of all rows.
pub(super) const SHARE: f32 = 1.0 / 256.0;

/// The largest errors and norms of several rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reach {
    /// |x − x̂| + [`SHARE`] · |x̂|.
    pub(super) error: f32,
    /// |x̂|.
    pub(super) norm: f32,
}

impl Reach {
    /// The larger of each.
    pub(super) fn or(self, other: Self) -> Self {
        Self { error: self.error.max(other.error), norm: self.norm.max(other.norm) }
    }
}

impl Coarse {
    /// Room for the rows of a slab. Errors: no memory.
    pub(super) fn new(shape: Shape) -> io::Result<Self> {
        let zeros = || vec![0.0; shape.slab_rows()];
        let bytes = Pages::zeroed(shape.slab_blocks * shape.block_bytes())?;
        Ok(Self { bytes, scales: zeros(), errors: zeros(), worst: Reach::default() })
    }

    /// A copy of the first `blocks` blocks. Errors: no memory.
    pub(super) fn copy(&self, blocks: usize, shape: Shape) -> io::Result<Self> {
        let bytes = self.bytes.copy(blocks * shape.block_bytes())?;
        Ok(Self { bytes, scales: self.scales.clone(), errors: self.errors.clone(), ..*self })
    }

    /// Sets the codes of a row.
    pub(super) fn put(&mut self, row: usize, coded: &Coded, shape: Shape) {
        let start = row / ROWS * shape.block_bytes();
        let block = self.bytes.get_mut().get_mut(start..start + shape.block_bytes());
        let groups = block.unwrap_or_default().as_chunks_mut::<GROUP>().0.iter_mut();
        let lanes =
            groups.filter_map(|group| group.as_chunks_mut::<TOGETHER>().0.get_mut(row % ROWS));
        for (stored, bytes) in lanes.zip(coded.bytes.as_chunks::<TOGETHER>().0) {
            *stored = *bytes;
        }
        let Meaning { scale, error, norm } = coded.meaning;
        let error = (error + norm * SHARE) * (1.0 + f32::EPSILON);
        self.worst = self.worst.or(Reach { error, norm });
        self.set(row, scale, error);
    }

    /// Takes a row out of use.
    pub(super) fn clear(&mut self, row: usize) {
        self.set(row, 0.0, 0.0);
    }

    fn set(&mut self, row: usize, scale: f32, error: f32) {
        for (column, value) in [(&mut self.scales, scale), (&mut self.errors, error)] {
            if let Some(slot) = column.get_mut(row) {
                *slot = value;
            }
        }
    }
}

/// Codes of eight bits.
#[derive(Debug)]
pub(super) struct Fine {
    width: usize,
    /// Row by row, with 128 added.
    pub(super) bytes: Pages<u8>,
    /// What the codes of each row stand for.
    pub(super) meanings: Vec<Meaning>,
}

impl Fine {
    /// Room for the rows of a slab. Errors: no memory.
    pub(super) fn new(shape: Shape) -> io::Result<Self> {
        let (rows, width) = (shape.slab_rows(), shape.width);
        let meanings = vec![Meaning::default(); rows];
        Ok(Self { width, bytes: Pages::zeroed(rows * width)?, meanings })
    }

    /// A copy of the first `used` rows. Errors: no memory.
    pub(super) fn copy(&self, used: usize) -> io::Result<Self> {
        let bytes = self.bytes.copy(used * self.width)?;
        Ok(Self { width: self.width, bytes, meanings: self.meanings.clone() })
    }

    /// Sets the codes of a row.
    pub(super) fn put(&mut self, row: usize, coded: &Coded) {
        let place = row * self.width..(row + 1) * self.width;
        if let Some(place) = self.bytes.get_mut().get_mut(place) {
            place.copy_from_slice(&coded.bytes);
        }
        self.set(row, coded.meaning);
    }

    /// Takes a row out of use.
    pub(super) fn clear(&mut self, row: usize) {
        self.set(row, Meaning::default());
    }

    fn set(&mut self, row: usize, meaning: Meaning) {
        if let Some(slot) = self.meanings.get_mut(row) {
            *slot = meaning;
        }
    }

    /// The codes of a row.
    pub(super) fn codes(&self, row: usize) -> &[u8] {
        let place = row * self.width..(row + 1) * self.width;
        self.bytes.get().get(place).unwrap_or_default()
    }

    /// The codes of a row, and what they stand for.
    pub(super) fn row(&self, row: usize) -> Option<(&[u8], &Meaning)> {
        Some((self.codes(row), self.meanings.get(row)?))
    }
}
