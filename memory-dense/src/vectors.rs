//! Vectors of a slab: in memory, or in a file with those that have changed since beside it.
//!
//! They are most of an index and only some hundred of them are read for a query, so a slab leaves
//! them in the file that it was saved to. They are read, not mapped: a mapping would be
//! counted as resident with the first query (the system maps what lies around a page that is asked
//! for), and a file that is cut short would end the process. A read takes .6 µs where memory takes
//! .1.

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::checksum::Checksum;
use crate::pages::Pages;

/// Vectors of the rows of a slab, padded to the width.
#[derive(Debug)]
pub(crate) enum Vectors {
    /// All of them in memory.
    Held(Pages<f32>),
    /// In a file.
    Filed(FiledVectors),
}

/// Vectors in a file that nobody writes to any more.
#[derive(Debug, Clone)]
pub(crate) struct FiledVectors {
    file: Arc<File>,
    /// Byte of the file at which row 0 begins.
    start: u64,
    /// Checksum of each row.
    checksums: Arc<[u32]>,
    /// Rows that were written since.
    changed: FxHashMap<usize, Box<[f32]>>,
}

/// Place for a row that has to be read.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    values: Vec<f32>,
}

#[expect(clippy::indexing_slicing, reason = "made for all rows; every row is below their number")]
impl Vectors {
    /// Copies the first `n_used` rows. Errors: no memory.
    pub(crate) fn copy(&self, n_used: usize, width: usize) -> io::Result<Self> {
        Ok(match self {
            Self::Held(pages) => Self::Held(pages.copy(n_used * width)?),
            Self::Filed(filed) => Self::Filed(filed.clone()),
        })
    }

    /// Returns the vector of `row`.
    ///
    /// Errors: of the system, or `InvalidData` for a row that is not the one which was written.
    pub(crate) fn read<'a>(
        &'a self,
        row: usize,
        width: usize,
        buffer: &'a mut ReadBuffer,
    ) -> io::Result<&'a [f32]> {
        match self {
            Self::Held(pages) => Ok(&pages[row * width..(row + 1) * width]),
            Self::Filed(filed) => match filed.changed.get(&row) {
                Some(changed) => Ok(changed),
                None => filed.read(row, width, buffer),
            },
        }
    }

    /// Returns the vector of `row` if it is in memory with all others.
    pub(crate) fn held(&self, row: usize, width: usize) -> Option<&[f32]> {
        let Self::Held(pages) = self else { return None };
        Some(&pages[row * width..(row + 1) * width])
    }

    /// Sets the vector of `row`, which has at most `width` numbers, and pads it with zeros.
    pub(crate) fn write(&mut self, row: usize, width: usize, vector: &[f32]) {
        let place = match self {
            Self::Held(pages) => &mut pages[row * width..(row + 1) * width],
            Self::Filed(filed) => {
                filed.changed.entry(row).or_insert_with(|| vec![0.0; width].into_boxed_slice())
            }
        };
        let (values, padding) = place.split_at_mut(vector.len());
        values.copy_from_slice(vector);
        padding.fill(0.0);
    }

    /// Returns the checksum of `row`, if it is known without reading.
    pub(crate) fn known_checksum(&self, row: usize) -> Option<u32> {
        let Self::Filed(filed) = self else { return None };
        (!filed.changed.contains_key(&row)).then(|| filed.checksums[row])
    }

    /// Returns the memory of the process that they take, in bytes.
    pub(crate) fn size_bytes(&self, n_used: usize, width: usize) -> usize {
        let row_bytes = width * size_of::<f32>();
        match self {
            Self::Held(_) => n_used * row_bytes,
            Self::Filed(filed) => {
                filed.checksums.len() * size_of::<u32>() + filed.changed.len() * row_bytes
            }
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "there is a checksum for every row")]
impl FiledVectors {
    /// Returns the rows of `file` from byte `start` on, one for each checksum.
    pub(crate) fn new(file: Arc<File>, start: u64, checksums: Arc<[u32]>) -> Self {
        Self { file, start, checksums, changed: FxHashMap::default() }
    }

    /// Reads a row of the file, whatever has changed since.
    pub(crate) fn read<'a>(
        &self,
        row: usize,
        width: usize,
        buffer: &'a mut ReadBuffer,
    ) -> io::Result<&'a [f32]> {
        let n_bytes = width * size_of::<f32>();
        buffer.bytes.resize(n_bytes, 0);
        read_at(&self.file, &mut buffer.bytes, self.start + (row * n_bytes) as u64)?;
        if self.checksums[row] != row_checksum(&buffer.bytes) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a vector is damaged"));
        }
        buffer.values.clear();
        let values = buffer.bytes.as_chunks().0.iter();
        buffer.values.extend(values.map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(&buffer.values)
    }
}

/// Returns the checksum that is kept of a row's bytes.
#[expect(clippy::cast_possible_truncation, reason = "half of it serves")]
pub(crate) fn row_checksum(bytes: &[u8]) -> u32 {
    let sum = Checksum::of(bytes);
    (sum ^ sum >> 32) as u32
}

/// Reads exactly as many bytes from byte `at` on, whatever position others read the file at.
///
/// # Errors
///
/// Those of the system; `UnexpectedEof` where the file ends before.
#[cfg(unix)]
pub fn read_at(file: &File, place: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, place, at)
}

/// Reads exactly as many bytes from byte `at` on, whatever position others read the file at.
///
/// # Errors
///
/// Those of the system; `UnexpectedEof` where the file ends before.
#[cfg(windows)]
pub fn read_at(file: &File, mut place: &mut [u8], mut at: u64) -> io::Result<()> {
    while !place.is_empty() {
        let n_bytes = std::os::windows::fs::FileExt::seek_read(file, place, at)?;
        if n_bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        place = place.get_mut(n_bytes..).unwrap_or_default();
        at += n_bytes as u64;
    }
    Ok(())
}
