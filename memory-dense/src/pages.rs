//! Fixed-length arrays of numbers on anonymous pages of their own: 2 MiB pages where the system
//! gives them.
//!
//! Huge pages double the speed of a scan from memory (31 against 15.5 GB/s measured on one
//! thread). One of the two places of the crate with `unsafe`; the kernels are the other.
#![expect(unsafe_code, reason = "reading mapped bytes as numbers")]

use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Size and alignment of a huge page in bytes.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

mod sealed {
    /// Numbers for which every bit pattern is a value.
    pub(crate) trait Number: Copy {}
    impl Number for u8 {}
    impl Number for f32 {}
}

/// Array of `len` numbers that owns its pages; dereferences to a slice.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    map: MmapMut,
    /// Byte offset of the first number: a multiple of the alignment of `T`.
    offset: usize,
    len: usize,
    number: PhantomData<T>,
}

impl<T: sealed::Number> Pages<T> {
    /// Returns zeros, which the system commits as they are first written.
    ///
    /// Asks for 2 MiB pages; without support for them the array works just the same.
    pub(crate) fn zeroed(len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        // Whole huge pages, and address space to align them in: pages never touched cost nothing.
        let room = bytes.max(1).next_multiple_of(HUGE_PAGE);
        let map = MmapMut::map_anon(room + HUGE_PAGE)?;
        let offset = map.as_ptr().align_offset(HUGE_PAGE);
        #[cfg(target_os = "linux")]
        // A refusal (kernel without transparent huge pages) only costs speed.
        drop(map.advise_range(memmap2::Advice::HugePage, offset, room));
        assert!(offset + bytes <= map.len(), "a huge page fits in twice its size");
        Ok(Self { map, offset, len, number: PhantomData })
    }

    /// Returns a copy of the first `n_used` numbers, followed by zeros.
    #[expect(clippy::indexing_slicing, reason = "callers use at most the numbers there are")]
    pub(crate) fn copy(&self, n_used: usize) -> io::Result<Self> {
        let mut copy = Self::zeroed(self.len)?;
        copy[..n_used].copy_from_slice(&self[..n_used]);
        Ok(copy)
    }
}

impl<T: sealed::Number> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `zeroed` made the map at least `offset` + `len` numbers long and `offset`
        // aligned; every bit pattern is a value of `T` (sealed trait); the borrow of `self` keeps
        // the map alive and unwritten.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(self.offset).cast(), self.len) }
    }
}

impl<T: sealed::Number> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the exclusive borrow of `self` makes this the only reference.
        unsafe {
            std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(self.offset).cast(), self.len)
        }
    }
}
