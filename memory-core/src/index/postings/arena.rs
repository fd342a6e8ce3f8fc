//! Memory of the lists, in pages: those of a snapshot are read when they are first looked at.

use std::fs::File;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use memory_dense::{Checksum, read_at};

/// Size of a page: a chunk never straddles two. What a query reads of a list lies in chunks all
/// over the arena, so small pages are read the fastest from a snapshot.
pub(super) const PAGE_BYTES: usize = 1 << 12;

type Page = Box<[u8; PAGE_BYTES]>;

/// Zeroed memory handed out in pieces and never taken back.
pub(super) struct Arena {
    /// Pages; those that are not set yet lie in the file.
    pages: Vec<OnceLock<Page>>,
    /// Bytes given out of the last page.
    used: usize,
    filed: Option<FiledPages>,
}

/// The first pages of an arena in a file that nobody writes to any more.
pub(super) struct FiledPages {
    pub(super) file: Arc<File>,
    /// Byte of the file at which the first page begins.
    pub(super) start: u64,
    /// Checksum of each page.
    pub(super) checksums: Vec<u64>,
    pub(super) is_damaged: AtomicBool,
}

impl FiledPages {
    /// Reads a page. One that cannot be read, or is not the one that was written, is a page of
    /// zeros, in which every list ends, and leaves the mark of damage.
    fn read(&self, number: usize) -> Page {
        let mut page = Box::new([0; PAGE_BYTES]);
        let at = self.start + (number * PAGE_BYTES) as u64;
        let is_read = read_at(&self.file, page.as_mut_slice(), at).is_ok();
        if !is_read || self.checksums.get(number) != Some(&Checksum::of(page.as_slice())) {
            self.is_damaged.store(true, Ordering::Relaxed);
            page.fill(0);
        }
        page
    }
}

impl Arena {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), used: PAGE_BYTES, filed: None }
    }

    /// Returns the arena whose pages lie in a file; `None` for a number that cannot be.
    pub(super) fn filed(filed: FiledPages, used: usize) -> Option<Self> {
        let pages = filed.checksums.iter().map(|_| OnceLock::new()).collect();
        (used <= PAGE_BYTES).then_some(Self { pages, used, filed: Some(filed) })
    }

    /// Returns the number of bytes given out of the last page.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// Returns all pages; those in the file are read.
    pub(super) fn pages(&self) -> impl ExactSizeIterator<Item = &[u8; PAGE_BYTES]> {
        (0..self.pages.len()).map(|number| self.page(number).unwrap_or(&[0; PAGE_BYTES]))
    }

    /// Returns whether a page could not be read.
    pub(super) fn is_damaged(&self) -> bool {
        self.filed.as_ref().is_some_and(|filed| filed.is_damaged.load(Ordering::Relaxed))
    }

    /// Returns the memory of the pages that are held, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        let n_held = self.pages.iter().filter(|page| page.get().is_some()).count();
        n_held * PAGE_BYTES + self.pages.capacity() * size_of::<OnceLock<Page>>()
    }

    fn page(&self, number: usize) -> Option<&[u8; PAGE_BYTES]> {
        let read = || match &self.filed {
            Some(filed) => filed.read(number),
            None => Box::new([0; PAGE_BYTES]),
        };
        self.pages.get(number).map(|page| &**page.get_or_init(read))
    }

    /// Address of `n_bytes` zeros within one page; never 0, which means "no chunk".
    pub(super) fn allocate(&mut self, n_bytes: u32) -> Option<u32> {
        let n_bytes = n_bytes as usize;
        if self.used + n_bytes > PAGE_BYTES {
            self.pages.push(OnceLock::from(Box::new([0; PAGE_BYTES])));
            // The very first bytes stay unused: no chunk has address 0.
            self.used = usize::from(self.pages.len() == 1);
        }
        let address = u32::try_from((self.pages.len() - 1) * PAGE_BYTES + self.used).ok();
        self.used += n_bytes;
        address
    }

    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) {
        let (number, at) = place_of(address);
        // So that it is there to be changed.
        self.page(number);
        let page = self.pages.get_mut(number).and_then(OnceLock::get_mut);
        if let Some(target) = page.and_then(|page| page.get_mut(at..at + bytes.len())) {
            target.copy_from_slice(bytes);
        }
    }

    /// The address written at an address.
    pub(super) fn link(&self, address: u32) -> u32 {
        self.after(address).first_chunk().map_or(0, |link| u32::from_le_bytes(*link))
    }

    /// The rest of the page from an address on.
    pub(super) fn after(&self, address: u32) -> &[u8] {
        let (number, at) = place_of(address);
        self.page(number).and_then(|page| page.get(at..)).unwrap_or_default()
    }
}

const fn place_of(address: u32) -> (usize, usize) {
    (address as usize / PAGE_BYTES, address as usize % PAGE_BYTES)
}
