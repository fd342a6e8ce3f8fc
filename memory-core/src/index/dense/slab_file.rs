//! The slab file: the dense index on disk, so that a start does not have to code every vector anew.
//!
//! Derived state: the vectors in storage are the truth, and whatever is wrong with the file is a
//! typed error upon which the caller rebuilds. The path is the caller's; this module is the only
//! file access of the index. Little-endian, one version, in this order:
//!
//! ```text
//! head    256 bytes: magic, version, shape, rows, seq, store, checksums, model id
//! front   Σ vectors (f64 × width) · checksum of the vectors of each slab (u64)
//!         then per slab: codes · scales · |x − x̂| · |x̂| · units     (whole blocks)
//! rows    per slab: vectors (f32 × width, whole blocks)
//! ```
//!
//! Head and front are checked and copied at load; vectors stay in the file, mapped privately, but
//! for the last slab, which may grow. [`verify_rows`] reads them all, for a caller with time.

use super::checksum::Checksum;
use super::kernel::ROWS;
use super::pages::Pages;
use super::quantise::Shape;
use super::slab::{NONE, Slab};
use super::{Dense, DenseError, UNIT_LIMIT, kernel};
use head::{HEAD_BYTES, Head};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

mod head;

/// Format written and read.
pub(crate) const SLAB_FILE_VERSION: u32 = 1;

/// Which vectors a slab file must hold to be of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    /// Id of the store whose units are numbered.
    pub(crate) store: [u8; 16],
    /// Embedding model of the vectors; at most 128 bytes of it are compared.
    pub(crate) model: &'a str,
    /// Dimensions of the vectors.
    pub(crate) dims: usize,
}

/// Why a slab file was not written or not read. The remedy is to rebuild from storage.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlabFileError {
    /// There is none yet.
    #[error("there is no slab file")]
    Missing,
    /// The file is no slab file, or of another store, model or dimension.
    #[error("the slab file belongs to another {what}")]
    Foreign {
        /// What differs.
        what: &'static str,
    },
    /// Written by another version.
    #[error("the slab file has format {found}, this build reads {supported}")]
    Format {
        /// Version in the file.
        found: u32,
        /// Version of this build.
        supported: u32,
    },
    /// Shorter or longer than its head says.
    #[error("the slab file has {got} bytes, its head says {expected}")]
    Truncated {
        /// Bytes by the head.
        expected: u64,
        /// Bytes there are.
        got: u64,
    },
    /// A checksum or an invariant does not hold.
    #[error("the slab file is damaged: {what}")]
    Corrupt {
        /// What does not hold.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {op} the slab file")]
    Io {
        /// What was tried.
        op: &'static str,
        /// Its reason.
        source: io::Error,
    },
    /// The index for the vectors cannot be made.
    #[error("the slab file does not fit this index")]
    Dense(#[from] DenseError),
}

fn failed(op: &'static str) -> impl FnOnce(io::Error) -> SlabFileError {
    move |source| SlabFileError::Io { op, source }
}

/// Writes `dense` as of change `seq` to `path`: to a neighbour first, then synced and renamed, so
/// that readers see the old file or the new one, and mappings of the old one stay valid.
///
/// Cost: the size of the vectors and codes, 1.3 times `f32`; run it beside the searches.
pub(crate) fn save(
    dense: &Dense,
    path: &Path,
    identity: &Identity<'_>,
    seq: u64,
) -> Result<(), SlabFileError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    // Two processes must not write to one neighbour.
    name.push(format!(".{}.new", std::process::id()));
    let neighbour = path.with_file_name(name);
    let written = write(dense, &neighbour, identity, seq)
        .and_then(|()| fs::rename(&neighbour, path).map_err(failed("rename")));
    if let Err(error) = written {
        // The first error is the one to tell.
        drop(fs::remove_file(&neighbour));
        return Err(error);
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed("sync the folder of"))?;
    }
    Ok(())
}

fn write(
    dense: &Dense,
    path: &Path,
    identity: &Identity<'_>,
    seq: u64,
) -> Result<(), SlabFileError> {
    let mut file = File::create(path).map_err(failed("create"))?;
    // The head comes last, when the checksums are known: an unfinished file has none.
    file.write_all(&[0; HEAD_BYTES]).map_err(failed("write"))?;
    let mut checksum = Checksum::new();
    let mut put = |bytes: &[u8], checksum: Option<&mut Checksum>| {
        if let Some(checksum) = checksum {
            checksum.update(bytes);
        }
        file.write_all(bytes).map_err(failed("write"))
    };
    let mut sum = dense.sum.clone();
    sum.resize(dense.shape.width, 0.0);
    put(&bytes_of(&sum, f64::to_le_bytes), Some(&mut checksum))?;
    let rows = |slab: &Slab| slab.blocks() * ROWS;
    let vectors = |slab: &Slab| {
        let all = slab.rows.get();
        let used = all.get(..rows(slab) * dense.shape.width);
        bytes_of(used.unwrap_or_default(), f32::to_le_bytes)
    };
    let sums: Vec<u64> = dense.slabs.iter().map(|slab| Checksum::of(&vectors(slab))).collect();
    put(&bytes_of(&sums, u64::to_le_bytes), Some(&mut checksum))?;
    for slab in &dense.slabs {
        let codes = slab.codes.get().get(..slab.blocks() * dense.shape.block_bytes());
        put(codes.unwrap_or_default(), Some(&mut checksum))?;
        for column in [&slab.scales, &slab.errors, &slab.norms] {
            let column = column.get(..rows(slab)).unwrap_or_default();
            put(&bytes_of(column, f32::to_le_bytes), Some(&mut checksum))?;
        }
        let units = slab.units.get(..rows(slab)).unwrap_or_default();
        put(&bytes_of(units, u32::to_le_bytes), Some(&mut checksum))?;
    }
    for slab in &dense.slabs {
        put(&vectors(slab), None)?;
    }
    let head = Head::new(dense.shape, dense.len, identity, seq, checksum.finish());
    file.seek(SeekFrom::Start(0)).map_err(failed("write"))?;
    file.write_all(&head.encode()).map_err(failed("write"))?;
    file.sync_all().map_err(failed("sync"))
}

/// The bytes of numbers, lowest byte first.
fn bytes_of<T: Copy, const N: usize>(numbers: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut out = vec![0; numbers.len() * N];
    for (place, &number) in out.as_chunks_mut::<N>().0.iter_mut().zip(numbers) {
        *place = bytes(number);
    }
    out
}

/// Reads the index at `path` and the change it is as of; changes after that are to be applied.
///
/// Errors: any of [`SlabFileError`]; nothing is left behind. Cost: a copy of codes and columns
/// (about .3 of the size of the vectors), some 15 ms at 100,000 × 384 with the file in the page
/// cache. While the index lives the file may be replaced or unlinked, but must not be cut.
pub(crate) fn load(path: &Path, identity: &Identity<'_>) -> Result<(Dense, u64), SlabFileError> {
    let (mut file, head) = open(path, identity)?;
    let shape = head.shape;
    let mut dense = Dense::with(shape, kernel::best());
    let mut front = Front { file: &mut file, checksum: Checksum::new() };
    let sum = front.numbers(shape.width, f64::from_le_bytes)?;
    dense.sum = sum.into_iter().take(shape.dims).collect();
    front.numbers(head.slabs(), u64::from_le_bytes)?;
    let mut offset = head.rows_start();
    for rows in head.slab_rows() {
        let slab = front.slab(shape, rows, offset)?;
        offset += (rows.next_multiple_of(ROWS) * shape.width * size_of::<f32>()) as u64;
        dense.slabs.push(slab);
    }
    if front.checksum.finish() != head.front_checksum {
        return Err(SlabFileError::Corrupt { what: "codes" });
    }
    index_units(&mut dense)?;
    Ok((dense, head.seq))
}

/// Reads all vectors of the slab file at `path` and compares their checksums.
///
/// [`load`] leaves them unread, since they are most of the file. Errors as there.
pub(crate) fn verify_rows(path: &Path, identity: &Identity<'_>) -> Result<(), SlabFileError> {
    let (mut file, head) = open(path, identity)?;
    let mut front = Front { file: &mut file, checksum: Checksum::new() };
    front.numbers(head.shape.width, f64::from_le_bytes)?;
    let sums = front.numbers(head.slabs(), u64::from_le_bytes)?;
    file.seek(SeekFrom::Start(head.rows_start())).map_err(failed("read"))?;
    let mut vectors = Vec::new();
    for (rows, expected) in head.slab_rows().zip(sums) {
        vectors.resize(rows.next_multiple_of(ROWS) * head.shape.width * size_of::<f32>(), 0);
        file.read_exact(&mut vectors).map_err(failed("read"))?;
        if Checksum::of(&vectors) != expected {
            return Err(SlabFileError::Corrupt { what: "vectors" });
        }
    }
    Ok(())
}

/// Opens the file and checks its head and size.
fn open(path: &Path, identity: &Identity<'_>) -> Result<(BufReader<File>, Head), SlabFileError> {
    let mut file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SlabFileError::Missing,
        _ => SlabFileError::Io { op: "open", source },
    })?;
    let got = file.metadata().map_err(failed("read"))?.len();
    let mut bytes = [0; HEAD_BYTES];
    if got < HEAD_BYTES as u64 {
        return Err(SlabFileError::Truncated { expected: HEAD_BYTES as u64, got });
    }
    file.read_exact(&mut bytes).map_err(failed("read"))?;
    let head = Head::decode(&bytes, identity)?;
    let expected = head.file_bytes();
    if got != expected {
        return Err(SlabFileError::Truncated { expected, got });
    }
    Ok((BufReader::with_capacity(1 << 16, file), head))
}

/// Reads the front in order, taking everything into the checksum.
struct Front<'a> {
    file: &'a mut BufReader<File>,
    checksum: Checksum,
}

impl Front<'_> {
    fn numbers<T, const N: usize>(
        &mut self,
        count: usize,
        number: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, SlabFileError> {
        let mut bytes = vec![0; count * N];
        self.file.read_exact(&mut bytes).map_err(failed("read"))?;
        self.checksum.update(&bytes);
        Ok(bytes.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect())
    }

    /// A slab of `rows` rows whose vectors lie at byte `offset`.
    fn slab(&mut self, shape: Shape, rows: usize, offset: u64) -> Result<Slab, SlabFileError> {
        let full = rows == shape.slab_rows();
        let blocks = rows.div_ceil(ROWS);
        let mut slab = Slab::new(shape).map_err(DenseError::Memory)?;
        let codes = slab.codes.get_mut().get_mut(..blocks * shape.block_bytes());
        let codes = codes.unwrap_or_default();
        self.file.read_exact(codes).map_err(failed("read"))?;
        self.checksum.update(codes);
        for column in [&mut slab.scales, &mut slab.errors, &mut slab.norms] {
            let read = self.numbers(blocks * ROWS, f32::from_le_bytes)?;
            column.splice(..blocks * ROWS, read);
        }
        let units = self.numbers(blocks * ROWS, u32::from_le_bytes)?;
        slab.units.splice(..blocks * ROWS, units);
        if full {
            slab.rows = Pages::mapped(self.file.get_ref(), offset, rows * shape.width)
                .map_err(failed("map"))?;
        } else {
            self.copy_rows(&mut slab, blocks * ROWS * shape.width, offset)?;
        }
        slab.adopt(rows);
        Ok(slab)
    }

    /// Copies the vectors of a slab that has room for more.
    fn copy_rows(
        &mut self,
        slab: &mut Slab,
        count: usize,
        offset: u64,
    ) -> Result<(), SlabFileError> {
        let back = self.file.stream_position().map_err(failed("read"))?;
        self.file.seek(SeekFrom::Start(offset)).map_err(failed("read"))?;
        let mut bytes = vec![0; count * size_of::<f32>()];
        self.file.read_exact(&mut bytes).map_err(failed("read"))?;
        for (value, bytes) in slab.rows.get_mut().iter_mut().zip(bytes.as_chunks().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        self.file.seek(SeekFrom::Start(back)).map_err(failed("read"))?;
        Ok(())
    }
}

/// Fills the table from unit to slot and the length.
fn index_units(dense: &mut Dense) -> Result<(), SlabFileError> {
    let units = dense.slabs.iter().flat_map(|slab| slab.units.iter().take(slab.used()));
    let mut slots: Vec<u32> = Vec::new();
    let mut len = 0;
    for (slot, &unit) in (0_u32..).zip(units) {
        if unit >= UNIT_LIMIT {
            return Err(SlabFileError::Corrupt { what: "units" });
        }
        if slots.len() <= unit as usize {
            slots.resize(unit as usize + 1, NONE);
        }
        if let Some(entry) = slots.get_mut(unit as usize) {
            if *entry != NONE {
                return Err(SlabFileError::Corrupt { what: "units" });
            }
            *entry = slot;
        }
        len += 1;
    }
    dense.slots = slots;
    dense.len = len;
    Ok(())
}

#[cfg(test)]
mod tests;
