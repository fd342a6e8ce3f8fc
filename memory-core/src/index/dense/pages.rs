//! Fixed-length arrays of numbers on anonymous pages of their own: 2 MiB pages where the system gives
//! them.
//!
//! Huge pages are worth having because they double a scan from memory (31 against 15.5 GB/s measured
//! on one thread). One of the two places of the crate with `unsafe`; the kernels are the other.
#![expect(unsafe_code, reason = "reading mapped bytes as numbers")]

use memmap2::MmapMut;
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
    /// Asks for 2 MiB pages; without support for them the array works just the same.
    pub(super) fn zeroed(len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        // Whole huge pages, and address space to align them in: what is never touched costs nothing.
        let room = bytes.max(1).next_multiple_of(HUGE_PAGE);
        let map = MmapMut::map_anon(room + HUGE_PAGE)?;
        let offset = map.as_ptr().align_offset(HUGE_PAGE);
        #[cfg(target_os = "linux")]
        // A refusal (kernel without transparent huge pages) only costs speed.
        drop(map.advise_range(memmap2::Advice::HugePage, offset, room));
        debug_assert!(offset + len * size_of::<T>() <= map.len());
        Ok(Self { map, offset, len, number: PhantomData })
    }

    /// A copy whose first `used` numbers are these and whose others are zeros.
    pub(super) fn copy(&self, used: usize) -> io::Result<Self> {
        let mut copy = Self::zeroed(self.len)?;
        for (place, number) in copy.get_mut().iter_mut().zip(self.get()).take(used) {
            *place = *number;
        }
        Ok(copy)
    }

    /// The numbers.
    pub(super) fn get(&self) -> &[T] {
        // SAFETY: `zeroed` made the map at least `offset` + `len` numbers long and `offset` aligned;
        // every bit pattern is a value of `T` (sealed trait); the borrow of `self` keeps the map
        // alive and unwritten.
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
