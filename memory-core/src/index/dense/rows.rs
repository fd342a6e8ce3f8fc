//! The vectors of a slab: in memory, or in a file with those that have changed since beside it.
//!
//! They are most of the index and only some hundred of them are read for a query, so a full slab leaves
//! them in the snapshot. They are read, not mapped: a mapping would be counted as resident with the
//! first query (the system maps what lies around a page that is asked for), and a file that is cut short
//! would end the process. A read takes .6 µs where memory takes .1.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::pages::Pages;
use crate::index::snapshot::Checksum;

/// The vectors of the rows of a slab, padded to the width.
#[derive(Debug)]
pub(super) enum Rows {
    /// In memory.
    Held(Pages<f32>),
    /// In a file.
    Filed(Filed),
}

/// Vectors in a file that nobody writes to any more.
#[derive(Debug, Clone)]
pub(super) struct Filed {
    file: Arc<File>,
    /// Byte of the file at which row 0 begins.
    start: u64,
    /// Checksum of each row.
    checksums: Arc<[u32]>,
    /// Rows that were written since.
    changed: FxHashMap<usize, Box<[f32]>>,
}

/// Where a row is put that has to be read.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl Buffer {
    /// One that a search can use behind a shared reference.
    pub(super) fn shared() -> RefCell<Self> {
        RefCell::default()
    }
}

impl Rows {
    /// A copy of the first `used` rows. Errors: no memory.
    pub(super) fn copy(&self, used: usize, width: usize) -> io::Result<Self> {
        Ok(match self {
            Self::Held(pages) => Self::Held(pages.copy(used * width)?),
            Self::Filed(filed) => Self::Filed(filed.clone()),
        })
    }

    /// The vector of `row`.
    ///
    /// Errors: of the system, or `InvalidData` for a row that is not the one which was written.
    pub(super) fn read<'a>(
        &'a self,
        row: usize,
        width: usize,
        buffer: &'a mut Buffer,
    ) -> io::Result<&'a [f32]> {
        match self {
            Self::Held(_) => Ok(self.held(row, width).unwrap_or_default()),
            Self::Filed(filed) => match filed.changed.get(&row) {
                Some(changed) => Ok(changed),
                None => filed.read(row, width, buffer),
            },
        }
    }

    /// The vector of `row`, if it is in memory with all others.
    pub(super) fn held(&self, row: usize, width: usize) -> Option<&[f32]> {
        let Self::Held(pages) = self else { return None };
        pages.get().get(row * width..(row + 1) * width)
    }

    /// Sets the vector of `row` and pads it with zeros.
    pub(super) fn write(&mut self, row: usize, width: usize, vector: &[f32]) {
        let padded = match self {
            Self::Held(pages) => pages.get_mut().get_mut(row * width..(row + 1) * width),
            Self::Filed(filed) => {
                let fresh = || vec![0.0; width].into_boxed_slice();
                Some(&mut **filed.changed.entry(row).or_insert_with(fresh))
            }
        };
        if let Some(padded) = padded {
            let (values, padding) = padded.split_at_mut(vector.len().min(padded.len()));
            values.copy_from_slice(vector.get(..values.len()).unwrap_or_default());
            padding.fill(0.0);
        }
    }

    /// The checksum of `row`, where it is known without reading.
    pub(super) fn known_checksum(&self, row: usize) -> Option<u32> {
        let Self::Filed(filed) = self else { return None };
        let unchanged = !filed.changed.contains_key(&row);
        filed.checksums.get(row).copied().filter(|_| unchanged)
    }

    /// Memory of the process that they take, in bytes.
    pub(super) fn size_bytes(&self, used: usize, width: usize) -> usize {
        match self {
            Self::Held(_) => used * width * size_of::<f32>(),
            Self::Filed(filed) => {
                filed.checksums.len() * size_of::<u32>()
                    + filed.changed.len() * width * size_of::<f32>()
            }
        }
    }
}

impl Filed {
    /// Rows of `file` from byte `start` on, one for each checksum.
    pub(super) fn new(file: Arc<File>, start: u64, checksums: Arc<[u32]>) -> Self {
        Self { file, start, checksums, changed: FxHashMap::default() }
    }

    fn read<'a>(&self, row: usize, width: usize, buffer: &'a mut Buffer) -> io::Result<&'a [f32]> {
        let n_bytes = width * size_of::<f32>();
        buffer.bytes.resize(n_bytes, 0);
        read_at(&self.file, &mut buffer.bytes, self.start + (row * n_bytes) as u64)?;
        if self.checksums.get(row) != Some(&row_checksum(&buffer.bytes)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a vector is damaged"));
        }
        buffer.values.clear();
        let values = buffer.bytes.as_chunks().0.iter();
        buffer.values.extend(values.map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(&buffer.values)
    }
}

/// The checksum that is kept of a row's bytes.
#[expect(clippy::cast_possible_truncation, reason = "half of it serves")]
pub(super) fn row_checksum(bytes: &[u8]) -> u32 {
    let sum = Checksum::of(bytes);
    (sum ^ sum >> 32) as u32
}

/// Reads exactly as many bytes, wherever others read the same file.
#[cfg(unix)]
fn read_at(file: &File, place: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, place, at)
}

/// Reads exactly as many bytes, wherever others read the same file.
#[cfg(windows)]
fn read_at(file: &File, mut place: &mut [u8], mut at: u64) -> io::Result<()> {
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
