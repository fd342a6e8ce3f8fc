//! Section of a file: an index as it is saved. Columns in front, to be read whole; codes and
//! vectors behind, where vectors stay, and codes where a process searches once.
//!
//! ```text
//! front     magic · version · dimensions · blocks of a slab · number of rows
//!           · number of rows when principal axes were computed · number of codes of the axes
//!           Σ vectors (f64 × dimensions)
//!           axes: codes (i16 each) · step · units of the three sections · skew; zeros without axes
//!           then for each slab: steps · errors · the largest error and norm
//!           · step, error and norm of each row · ids
//!           · checksums of each block of scanned codes, of the 8-bit codes of each row, of each
//!           vector
//!           checksum of all of that
//! slabs     scanned codes (whole blocks) · 8-bit codes · vectors (f32 × width for each row), slab
//!           by slab
//! ```
//!
//! Numbers are stored lowest byte first. No length is believed beyond what the file holds.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use crate::checksum::Checksum;
use crate::code_bytes::{CodeBytes, FiledCodes};
use crate::error::{Error, ID_LIMIT};
use crate::error_bound::{RowStats, WorstRow};
use crate::kernel::ROWS;
use crate::principal_axes::{AxesMatrix, PrincipalAxes};
use crate::row_format::RowFormat;
use crate::row_store::RowStore;
use crate::scan_quantizer::ScanQuantizer;
use crate::slab::Slab;
use crate::slot_table::SlotTable;
use crate::vectors::{FiledVectors, ReadBuffer, Vectors, read_at, row_checksum};

/// First bytes of every section.
const MAGIC: [u8; 8] = *b"memdense";

/// Format written and read.
const VERSION: u64 = 2;

/// Numbers that follow the magic.
const N_HEAD: usize = 6;

/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 18;

/// Vectors that are written between two looks whether to go on.
const ROWS_BETWEEN_CHECKS: usize = 128;

/// The vectors that were saved, and where they lie; see [`crate::DenseIndex::attach`].
#[derive(Debug)]
pub struct SavedVectors {
    pub(crate) slabs: Vec<SavedSlab>,
    n_bytes: u64,
}

impl SavedVectors {
    /// Returns the length of all that was written, in bytes.
    #[must_use]
    pub const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }
}

/// A slab whose vectors lie in a file.
#[derive(Debug)]
pub(crate) struct SavedSlab {
    /// Version of the slab that was written.
    pub(crate) version: u64,
    /// Byte of the section at which its vectors begin.
    pub(crate) offset: u64,
    pub(crate) checksums: Arc<[u32]>,
}

/// Writes all rows, as long as `keep_going` returns true.
pub(crate) fn write(
    rows: &RowStore,
    out: &mut impl Write,
    keep_going: &dyn Fn() -> bool,
) -> Result<SavedVectors, Error> {
    if !keep_going() {
        return Err(Error::Stopped);
    }
    let mut writer = FrontWriter {
        out: BufWriter::with_capacity(WRITE_BYTES, out),
        checksum: Checksum::new(),
        n_bytes: 0,
    };
    writer.head(rows)?;
    let mut slabs = Vec::with_capacity(rows.slabs.len());
    for slab in &rows.slabs {
        if !keep_going() {
            return Err(Error::Stopped);
        }
        slabs.push(writer.slab(rows, slab)?);
    }
    let FrontWriter { mut out, checksum, n_bytes } = writer;
    out.write_all(&checksum.finish().to_le_bytes()).map_err(Error::io("write"))?;
    let mut n_bytes = n_bytes + size_of::<u64>() as u64;
    let mut buffer = ReadBuffer::default();
    for (slab, saved) in rows.slabs.iter().zip(&mut slabs) {
        if !keep_going() {
            return Err(Error::Stopped);
        }
        let mut room = Vec::new();
        for codes in [Codes::Scanned, Codes::Bytes] {
            let bytes = codes.of(rows, slab, &mut room)?;
            out.write_all(bytes).map_err(Error::io("write"))?;
            n_bytes += bytes.len() as u64;
        }
        saved.offset = n_bytes;
        for row in 0..slab.n_used() {
            if row.is_multiple_of(ROWS_BETWEEN_CHECKS) && !keep_going() {
                return Err(Error::Stopped);
            }
            let bytes = vector_bytes(rows, slab, row, &mut buffer)?;
            out.write_all(&bytes).map_err(Error::io("write"))?;
            n_bytes += bytes.len() as u64;
        }
    }
    out.flush().map_err(Error::io("write"))?;
    Ok(SavedVectors { slabs, n_bytes })
}

/// Checksums of what lies behind the front, of one slab.
struct Checksums {
    /// Of each block of scanned codes.
    scanned: Arc<[u32]>,
    /// Of the 8-bit codes of each row.
    bytes: Arc<[u32]>,
    /// Of each vector.
    vectors: Arc<[u32]>,
}

/// The codes of a slab.
#[derive(Clone, Copy)]
enum Codes {
    /// Those that are scanned, in whole blocks.
    Scanned,
    /// Those of eight bits, for all rows of these blocks.
    Bytes,
}

impl Codes {
    /// Returns number and size of the pieces that are read one by one.
    fn pieces(self, n_blocks: usize, format: RowFormat) -> (usize, usize) {
        match self {
            Self::Scanned => (n_blocks, format.block_bytes()),
            Self::Bytes => (n_blocks * ROWS, format.width),
        }
    }

    /// Returns the codes of a slab, in `room` if they lie in a file. Codes that cannot be read mark
    /// the rows as damaged.
    #[expect(clippy::indexing_slicing, reason = "there are codes for all blocks of a slab")]
    fn of<'a>(
        self,
        rows: &RowStore,
        slab: &'a Slab,
        room: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        let (n, piece_bytes) = self.pieces(slab.n_blocks(), rows.format);
        let bytes = match self {
            Self::Scanned => &slab.scan.bytes,
            Self::Bytes => &slab.bytes.bytes,
        };
        let read = bytes.read(0, n, piece_bytes, room).map_err(|error| {
            rows.damage.record(&error);
            Error::Damaged
        })?;
        Ok(&read[..n * piece_bytes])
    }
}

/// Returns a vector as it is stored. A vector that cannot be read marks the rows as damaged.
fn vector_bytes(
    rows: &RowStore,
    slab: &Slab,
    row: usize,
    buffer: &mut ReadBuffer,
) -> Result<Vec<u8>, Error> {
    let vector = slab.vector(row, buffer).map_err(|error| {
        rows.damage.record(&error);
        Error::Damaged
    })?;
    Ok(vector.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// Writes the front, and sums it up.
struct FrontWriter<W: Write> {
    out: W,
    checksum: Checksum,
    n_bytes: u64,
}

#[expect(clippy::indexing_slicing, reason = "the columns are made for all rows of a slab")]
impl<W: Write> FrontWriter<W> {
    fn head(&mut self, rows: &RowStore) -> Result<(), Error> {
        let no_axes = AxesMatrix::default();
        let axes = rows.quantizer.axes().map_or(&no_axes, PrincipalAxes::matrix);
        self.bytes(&MAGIC)?;
        let RowFormat { n_dims, slab_blocks, .. } = rows.format;
        let counts = [n_dims, slab_blocks, rows.n_rows, rows.n_rows_at_axes, axes.codes.len()];
        let numbers = [VERSION].into_iter().chain(counts.map(|count| count as u64));
        self.values(numbers, u64::to_le_bytes)?;
        self.values(rows.sum.iter().copied(), f64::to_le_bytes)?;
        self.values(axes.codes.iter().copied(), i16::to_le_bytes)?;
        self.values([axes.step].into_iter().chain(axes.units), f32::to_le_bytes)?;
        self.values([axes.skew], f64::to_le_bytes)
    }

    /// Writes the columns of a slab and all its checksums; the offset of its vectors is not known
    /// yet.
    fn slab(&mut self, rows: &RowStore, slab: &Slab) -> Result<SavedSlab, Error> {
        let n_rows = slab.n_blocks() * ROWS;
        let (scan, bytes) = (&slab.scan, &slab.bytes);
        self.values(scan.steps[..n_rows].iter().copied(), f32::to_le_bytes)?;
        self.values(scan.errors[..n_rows].iter().copied(), f32::to_le_bytes)?;
        self.values([scan.worst.error, scan.worst.norm], f32::to_le_bytes)?;
        let stats = bytes.stats[..n_rows].iter();
        self.values(stats.flat_map(|row| [row.step, row.error, row.norm]), f32::to_le_bytes)?;
        self.values(slab.ids[..n_rows].iter().copied(), u32::to_le_bytes)?;
        let mut room = Vec::new();
        for codes in [Codes::Scanned, Codes::Bytes] {
            let (_, piece_bytes) = codes.pieces(slab.n_blocks(), rows.format);
            let pieces = codes.of(rows, slab, &mut room)?.chunks(piece_bytes.max(1));
            let checksums: Vec<u32> = pieces.map(row_checksum).collect();
            self.values(checksums, u32::to_le_bytes)?;
        }
        let mut buffer = ReadBuffer::default();
        let checksum = |row| match slab.vectors.known_checksum(row) {
            Some(known) => Ok(known),
            None => Ok(row_checksum(&vector_bytes(rows, slab, row, &mut buffer)?)),
        };
        let checksums: Arc<[u32]> = (0..slab.n_used()).map(checksum).collect::<Result<_, _>>()?;
        self.values(checksums.iter().copied(), u32::to_le_bytes)?;
        Ok(SavedSlab { version: slab.version(), offset: 0, checksums })
    }

    fn values<T, const N: usize>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<(), Error> {
        let bytes: Vec<u8> = values.into_iter().flat_map(bytes).collect();
        self.bytes(&bytes)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.checksum.update(bytes);
        self.n_bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(Error::io("write"))
    }
}

/// Reads an index of `n_dims` dimensions that was written from byte `start` of `file` on. The
/// codes and vectors stay in the file.
pub(crate) fn read(
    file: &Arc<File>,
    start: u64,
    n_dims: usize,
) -> Result<(RowStore, SlotTable), Error> {
    let end = file.metadata().map_err(Error::io("read"))?.len();
    let mut reader = FrontReader { file, at: start, end, checksum: Checksum::new() };
    let mut rows = reader.head(n_dims)?;
    let mut left = rows.n_rows;
    let mut slabs = Vec::new();
    while left > 0 {
        let n_used = left.min(rows.format.slab_rows());
        slabs.push((n_used, reader.slab(rows.format, n_used)?));
        left -= n_used;
    }
    let mut at = reader.finish()?;
    for (n_used, (mut slab, checksums)) in slabs {
        let Checksums { scanned, bytes, vectors } = checksums;
        let n_blocks = n_used.div_ceil(ROWS);
        for (codes, checksums) in [(Codes::Scanned, scanned), (Codes::Bytes, bytes)] {
            let (n, piece_bytes) = codes.pieces(n_blocks, rows.format);
            let (room, _) = codes.pieces(rows.format.slab_blocks, rows.format);
            let filed = FiledCodes {
                file: Arc::clone(file),
                start: at,
                checksums,
                room: room * piece_bytes,
            };
            match codes {
                Codes::Scanned => slab.scan.bytes = CodeBytes::Filed(filed),
                Codes::Bytes => slab.bytes.bytes = CodeBytes::Filed(filed),
            }
            at += (n * piece_bytes) as u64;
        }
        slab.vectors = Vectors::Filed(FiledVectors::new(Arc::clone(file), at, vectors));
        slab.set_used(n_used);
        at += (n_used * rows.format.vector_bytes()) as u64;
        rows.slabs.push(Arc::new(slab));
    }
    if at > end {
        return Err(LENGTHS);
    }
    let slots = slots_of(&rows)?;
    Ok((rows, slots))
}

/// Returns the slots by id.
fn slots_of(rows: &RowStore) -> Result<SlotTable, Error> {
    let mut slots = SlotTable::default();
    let ids = rows.slabs.iter().flat_map(|slab| slab.ids.iter().take(slab.n_used()));
    for (slot, &id) in (0_u32..).zip(ids) {
        if id >= ID_LIMIT || slots.set(id, slot).is_some() {
            return Err(Error::Corrupt { what: "ids" });
        }
    }
    Ok(slots)
}

/// Reads the front in the order in which it was written.
struct FrontReader<'a> {
    file: &'a File,
    /// Byte that is read next.
    at: u64,
    /// Length of the file.
    end: u64,
    checksum: Checksum,
}

impl FrontReader<'_> {
    /// Reads what precedes the slabs; gives the rows without slabs.
    fn head(&mut self, n_dims: usize) -> Result<RowStore, Error> {
        let mut magic = [0; MAGIC.len()];
        self.bytes(&mut magic)?;
        if magic != MAGIC {
            return Err(Error::Foreign { what: "kind" });
        }
        let head = self.values(N_HEAD, u64::from_le_bytes)?;
        let &[version, dims, slab_blocks, n_rows, n_rows_at_axes, n_axes_codes] = head.as_slice()
        else {
            return Err(LENGTHS);
        };
        let mut rows = RowStore::of_dims(n_dims)?;
        for (what, is_same) in [
            ("format", version == VERSION),
            ("dimension", dims == n_dims as u64),
            ("slab size", slab_blocks == rows.format.slab_blocks as u64),
        ] {
            if !is_same {
                return Err(Error::Foreign { what });
            }
        }
        rows.n_rows = self.count(n_rows, rows.format.width)?;
        rows.n_rows_at_axes = usize::try_from(n_rows_at_axes).unwrap_or(usize::MAX);
        rows.sum = self.values(n_dims, f64::from_le_bytes)?;
        let codes = self.values(self.count(n_axes_codes, size_of::<i16>())?, i16::from_le_bytes)?;
        let scales: [f32; 4] = self.array(f32::from_le_bytes)?;
        let [skew] = self.array(f64::from_le_bytes)?;
        if !codes.is_empty() {
            let [step, units @ ..] = scales;
            let axes = AxesMatrix { codes, step, units, skew };
            let axes = PrincipalAxes::from_matrix(rows.format.width, axes);
            let quantizer = ScanQuantizer::along(axes.ok_or(Error::Corrupt { what: "axes" })?);
            rows.format.scan_layout = quantizer.layout();
            rows.quantizer = Arc::new(quantizer);
        }
        Ok(rows)
    }

    /// Reads the columns of a slab, and the checksums of its scanned codes, its 8-bit codes and its
    /// vectors.
    #[expect(clippy::indexing_slicing, reason = "a slab has room for more rows than it has in use")]
    fn slab(&mut self, format: RowFormat, n_used: usize) -> Result<(Slab, Checksums), Error> {
        let mut slab = Slab::new(format).map_err(Error::Memory)?;
        let n_blocks = n_used.div_ceil(ROWS);
        let n_rows = n_blocks * ROWS;
        for column in [&mut slab.scan.steps, &mut slab.scan.errors] {
            column[..n_rows].copy_from_slice(&self.values(n_rows, f32::from_le_bytes)?);
        }
        let [error, norm] = self.array(f32::from_le_bytes)?;
        slab.scan.worst = WorstRow { error, norm };
        let stats = self.values(n_rows * 3, f32::from_le_bytes)?;
        let stats = stats.as_chunks().0.iter();
        let stats = stats.map(|&[step, error, norm]| RowStats { step, error, norm });
        for (place, stats) in slab.bytes.stats.iter_mut().zip(stats) {
            *place = stats;
        }
        slab.ids[..n_rows].copy_from_slice(&self.values(n_rows, u32::from_le_bytes)?);
        let mut checksums = |n| self.values(n, u32::from_le_bytes).map(Arc::from);
        let (scanned, bytes) = (checksums(n_blocks)?, checksums(n_rows)?);
        let vectors = checksums(n_used)?;
        Ok((slab, Checksums { scanned, bytes, vectors }))
    }

    /// Returns a number of values of at least `size` bytes that may still follow.
    fn count(&self, count: u64, size: usize) -> Result<usize, Error> {
        let fits = count.checked_mul(size as u64).is_some_and(|bytes| bytes <= self.end - self.at);
        usize::try_from(count).ok().filter(|_| fits).ok_or(LENGTHS)
    }

    fn array<T, const N: usize, const M: usize>(
        &mut self,
        value: impl Fn([u8; N]) -> T,
    ) -> Result<[T; M], Error> {
        self.values(M, value)?.try_into().map_err(|_| LENGTHS)
    }

    fn values<T, const N: usize>(
        &mut self,
        n: usize,
        value: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let mut bytes = vec![0; self.count(n as u64, N)? * N];
        self.bytes(&mut bytes)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect())
    }

    fn bytes(&mut self, place: &mut [u8]) -> Result<(), Error> {
        self.count(place.len() as u64, 1)?;
        read_at(self.file, place, self.at).map_err(Error::io("read"))?;
        self.checksum.update(place);
        self.at += place.len() as u64;
        Ok(())
    }

    /// Checks the sum of what was read; returns the byte at which the vectors begin.
    fn finish(mut self) -> Result<u64, Error> {
        let expected = self.checksum.finish();
        let [found] = self.array(u64::from_le_bytes)?;
        if found == expected { Ok(self.at) } else { Err(Error::Corrupt { what: "codes" }) }
    }
}

/// A length that the file cannot hold.
const LENGTHS: Error = Error::Corrupt { what: "lengths" };
