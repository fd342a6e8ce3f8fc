//! Bytes of the codes of a slab, in pieces (a block, or a row): in memory, or in the file that they
//! were saved to.
//!
//! A process that searches once leaves them in the file and reads the pieces that it looks at; each
//! has a checksum. For changes they come into memory.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::pages::Pages;
use crate::vectors::{read_at, row_checksum};

/// Bytes of codes.
#[derive(Debug)]
pub(crate) enum CodeBytes {
    /// All of them in memory.
    Held(Pages<u8>),
    /// In a file.
    Filed(FiledCodes),
}

/// Codes in a file that nobody writes to any more.
#[derive(Debug, Clone)]
pub(crate) struct FiledCodes {
    pub(crate) file: Arc<File>,
    /// Byte of the file at which the first piece begins.
    pub(crate) start: u64,
    /// Checksum of each piece.
    pub(crate) checksums: Arc<[u32]>,
    /// Room in memory for all pieces of a slab, in bytes.
    pub(crate) room: usize,
}

#[expect(clippy::indexing_slicing, reason = "made for all pieces of a slab")]
impl CodeBytes {
    /// Returns the bytes of `n` pieces from number `first` on, and perhaps what follows them; in
    /// `buffer` if they had to be read.
    ///
    /// Errors: of the system, or `InvalidData` for a piece that is not the one which was written.
    pub(crate) fn read<'a>(
        &'a self,
        first: usize,
        n: usize,
        piece_bytes: usize,
        buffer: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        match self {
            Self::Held(pages) => Ok(&pages[first * piece_bytes..]),
            Self::Filed(filed) => {
                buffer.resize(n * piece_bytes, 0);
                filed.read(first, piece_bytes, buffer)?;
                Ok(buffer)
            }
        }
    }

    /// Returns true if they are in memory.
    pub(crate) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Brings them into memory. Errors as [`CodeBytes::read`], or no memory.
    pub(crate) fn hold(&mut self, piece_bytes: usize) -> io::Result<()> {
        let Self::Filed(filed) = self else { return Ok(()) };
        let mut pages = Pages::zeroed(filed.room)?;
        filed.read(0, piece_bytes, &mut pages[..filed.checksums.len() * piece_bytes])?;
        *self = Self::Held(pages);
        Ok(())
    }

    /// Returns the bytes to be changed; none of those in a file.
    pub(crate) fn held_mut(&mut self) -> &mut [u8] {
        debug_assert!(self.is_held(), "held before they are changed");
        match self {
            Self::Held(pages) => pages,
            Self::Filed(_) => &mut [],
        }
    }

    /// Copies the first `n_bytes`. Errors: no memory.
    pub(crate) fn copy(&self, n_bytes: usize) -> io::Result<Self> {
        Ok(match self {
            Self::Held(pages) => Self::Held(pages.copy(n_bytes)?),
            Self::Filed(filed) => Self::Filed(filed.clone()),
        })
    }
}

#[expect(clippy::indexing_slicing, reason = "there is a checksum for every piece")]
impl FiledCodes {
    /// Fills a place with the pieces from number `first` on.
    fn read(&self, first: usize, piece_bytes: usize, place: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, place, self.start + (first * piece_bytes) as u64)?;
        let pieces = place.chunks(piece_bytes.max(1));
        let is_whole = |(piece, sum): (&[u8], &u32)| row_checksum(piece) == *sum;
        if pieces.zip(&self.checksums[first..]).all(is_whole) {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "codes are damaged"))
        }
    }
}
