//! Encoding of numbers and texts in a snapshot: lowest byte first, arrays as in memory.
//!
//! Everything passes in parts that are summed up on the way. The sum is only known at the end, so
//! that whoever decodes must expect nonsense until then: no length is believed beyond what the file
//! holds.

use std::io::{Read, Write};

use memory_dense::Checksum;

use super::error::SnapshotError;

/// Values of an array that are written or read at once: a multiple of 64 bytes for values of any
/// size.
const CHUNK: usize = 4096;

/// Writes the parts of a snapshot and sums them up.
pub(in crate::index) struct Writer<W> {
    out: W,
    checksum: Checksum,
    n_bytes: u64,
}

impl<W: Write> Writer<W> {
    pub(in crate::index) const fn new(out: W) -> Self {
        Self { out, checksum: Checksum::new(), n_bytes: 0 }
    }

    /// Bytes as they are; the reader must know how many.
    pub(in crate::index) fn part(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.checksum.update(bytes);
        self.n_bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(SnapshotError::io("write"))
    }

    /// A number.
    pub(in crate::index) fn number(&mut self, number: u64) -> Result<(), SnapshotError> {
        self.part(&number.to_le_bytes())
    }

    /// Bytes with their length.
    pub(in crate::index) fn block(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.number(bytes.len() as u64)?;
        self.part(bytes)
    }

    /// Values with their number.
    pub(in crate::index) fn array<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<(), SnapshotError> {
        self.number(values.len() as u64)?;
        let mut buffer = vec![0; values.len().min(CHUNK) * N];
        for chunk in values.chunks(CHUNK) {
            let buffer = buffer.get_mut(..chunk.len() * N).unwrap_or_default();
            for (place, value) in buffer.as_chunks_mut::<N>().0.iter_mut().zip(chunk) {
                *place = bytes(*value);
            }
            self.part(buffer)?;
        }
        Ok(())
    }

    /// The target, the sum of what was written and its length.
    pub(in crate::index) fn finish(self) -> (W, u64, u64) {
        (self.out, self.checksum.finish(), self.n_bytes)
    }
}

/// Reads the parts of a snapshot in the order in which they were written.
pub(in crate::index) struct Reader<R> {
    input: R,
    checksum: Checksum,
    /// Bytes that may still be read.
    left: u64,
}

impl<R: Read> Reader<R> {
    /// A reader of `n_bytes` bytes.
    pub(in crate::index) const fn new(input: R, n_bytes: u64) -> Self {
        Self { input, checksum: Checksum::new(), left: n_bytes }
    }

    /// Fills a place with as many bytes.
    pub(in crate::index) fn part(&mut self, place: &mut [u8]) -> Result<(), SnapshotError> {
        self.left = self.left.checked_sub(place.len() as u64).ok_or(CUT)?;
        self.input.read_exact(place).map_err(SnapshotError::io("read"))?;
        self.checksum.update(place);
        Ok(())
    }

    /// A number.
    pub(in crate::index) fn number(&mut self) -> Result<u64, SnapshotError> {
        let mut bytes = [0; 8];
        self.part(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A number of values of at least `size` bytes that may still follow.
    pub(in crate::index) fn count(&mut self, size: usize) -> Result<usize, SnapshotError> {
        let count = self.number()?;
        let fits = count.checked_mul(size as u64).is_some_and(|bytes| bytes <= self.left);
        usize::try_from(count).ok().filter(|_| fits).ok_or(CUT)
    }

    /// Bytes with their length.
    pub(in crate::index) fn block(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = vec![0; self.count(1)?];
        self.part(&mut bytes)?;
        Ok(bytes)
    }

    /// Values with their number.
    pub(in crate::index) fn array<T, const N: usize>(
        &mut self,
        value: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, SnapshotError> {
        let count = self.count(N)?;
        let mut values = Vec::with_capacity(count);
        let mut buffer = vec![0; count.min(CHUNK) * N];
        while values.len() < count {
            let n_bytes = (count - values.len()).min(CHUNK) * N;
            let buffer = buffer.get_mut(..n_bytes).unwrap_or_default();
            self.part(buffer)?;
            values.extend(buffer.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)));
        }
        Ok(values)
    }

    /// The sum of what was read, unless something is left over.
    pub(in crate::index) fn finish(self) -> Result<u64, SnapshotError> {
        if self.left > 0 { Err(CUT) } else { Ok(self.checksum.finish()) }
    }
}

/// A length that the file cannot hold, or something after the end.
const CUT: SnapshotError = SnapshotError::Corrupt { what: "lengths" };

/// Appends a number of 32 bits.
pub(in crate::index) fn push_u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

/// Appends a count; the index numbers nothing beyond 32 bits.
pub(in crate::index) fn push_count(out: &mut Vec<u8>, count: usize) {
    push_u32(out, u32::try_from(count).unwrap_or(u32::MAX));
}

/// Appends a text with its length.
pub(in crate::index) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_count(out, text.len());
    out.extend(text.as_bytes());
}

/// Fields of a block not yet read.
pub(in crate::index) struct Fields<'a>(pub(in crate::index) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    pub(in crate::index) fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*field)
    }

    pub(in crate::index) fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.take().map(u8::from_le_bytes)
    }

    pub(in crate::index) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(in crate::index) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }

    /// A number of things of at least `size` bytes that may still follow.
    pub(in crate::index) fn count(&mut self, size: usize) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        let fits = count.checked_mul(size).is_some_and(|bytes| bytes <= self.0.len());
        if fits { Ok(count) } else { Err(SHORT) }
    }

    /// A text with its length.
    pub(in crate::index) fn text(&mut self) -> Result<&'a str, SnapshotError> {
        let n_bytes = self.count(1)?;
        let (text, rest) = self.0.split_at_checked(n_bytes).ok_or(SHORT)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| SnapshotError::Corrupt { what: "texts" })
    }

    /// Numbers with their count.
    pub(in crate::index) fn numbers(&mut self) -> Result<Vec<u32>, SnapshotError> {
        let count = self.count(size_of::<u32>())?;
        (0..count).map(|_| self.u32()).collect()
    }

    /// Ends the block.
    pub(in crate::index) const fn finish(self) -> Result<(), SnapshotError> {
        if self.0.is_empty() { Ok(()) } else { Err(SHORT) }
    }
}

/// A block that is shorter or longer than what it should hold.
const SHORT: SnapshotError = SnapshotError::Corrupt { what: "fields" };
