//! Fixed-length arrays of numbers on pages of their own: anonymous (2 MiB pages where the system
//! gives them) or a private mapping of a part of a file.
//!
//! Huge pages are worth having because they double a scan from memory (31 against 15.5 GB/s measured
//! on one thread). One of the two places of the crate with `unsafe`; the kernels are the other.
#![expect(unsafe_code, reason = "reading mapped bytes as numbers")]

use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io;
use std::marker::PhantomData;

/// Size and alignment of a huge page in bytes.
pub(super) const HUGE_PAGE: usize = 2 << 20;

mod sealed {
    /// Numbers for which every bit pattern is a value.
    pub(crate) trait Number: Copy {}
    impl Number for u8 {}
    impl Number for f32 {}
}

/// An array of `len` numbers that owns its pages. Dereference with [`Pages::get`].
#[derive(Debug)]
pub(super) struct Pages<T> {
    map: MmapMut,
    /// Byte offset of the first number: a multiple of the alignment of `T`.
    offset: usize,
    len: usize,
    number: PhantomData<T>,
}

impl<T: sealed::Number> Pages<T> {
    /// Zeros, committed by the system as they are first written.
    ///
    /// `huge` asks for 2 MiB pages; without support for them the array works just the same.
    pub(super) fn zeroed(len: usize, huge: bool) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        // Whole huge pages, and address space to align them in: what is never touched costs nothing.
        let room = bytes.max(1).next_multiple_of(HUGE_PAGE);
        let length = if huge { room + HUGE_PAGE } else { bytes.max(1) };
        let map = MmapMut::map_anon(length)?;
        let offset = if huge { map.as_ptr().align_offset(HUGE_PAGE) } else { 0 };
        #[cfg(target_os = "linux")]
        if huge {
            // A refusal (kernel without transparent huge pages) only costs speed.
            drop(map.advise_range(memmap2::Advice::HugePage, offset, room));
        }
        Ok(Self::over(map, offset, len))
    }

    /// `len` numbers of `file` from byte `start` on, copied page by page as they are written.
    ///
    /// Writes stay private to this process and never reach the file. `start` must be a multiple of
    /// the size of `T` and the file at least `start` + `len` numbers long, else an error. The file
    /// must not be cut while it is mapped (reading would end the process by a signal); replacing it
    /// by a rename is fine, the mapping keeps the old contents.
    pub(super) fn mapped(file: &File, start: u64, len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        let end = start.checked_add(bytes as u64);
        let fits = end.is_some_and(|end| file.metadata().is_ok_and(|meta| end <= meta.len()));
        if !fits || bytes == 0 || !start.is_multiple_of(size_of::<T>() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the mapping is private, so nothing this process writes is seen through it twice;
        // that other processes do not cut the file in place is the contract documented above and
        // kept by the writer, which only ever renames a finished file into place.
        let map = unsafe { MmapOptions::new().offset(start).len(bytes).map_copy(file) }?;
        let aligned = map.as_ptr().align_offset(align_of::<T>()) == 0;
        if !aligned {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Self::over(map, 0, len))
    }

    fn over(map: MmapMut, offset: usize, len: usize) -> Self {
        debug_assert!(offset + len * size_of::<T>() <= map.len().max(1));
        Self { map, offset, len, number: PhantomData }
    }

    /// The numbers.
    pub(super) fn get(&self) -> &[T] {
        // SAFETY: `zeroed` and `mapped` made the map at least `offset` + `len` numbers long and
        // `offset` aligned; every bit pattern is a value of `T` (sealed trait); the borrow of
        // `self` keeps the map alive and unwritten.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(self.offset).cast(), self.len) }
    }

    /// The numbers, for writing.
    pub(super) fn get_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `get`; the exclusive borrow of `self` makes this the only reference.
        unsafe {
            std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(self.offset).cast(), self.len)
        }
    }
}
