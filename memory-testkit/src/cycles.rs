//! Opening and closing a store again and again: no thread, descriptor or memory stays behind.
//!
//! What a process uses is told by Linux; elsewhere the store is opened and closed all the same. A
//! test of this has a binary of its own, as others in its process would be counted too.

use memory_core::Storage;
use memory_core::backend::{Durability, Op, WriteBatch};

use crate::sample;

/// Cycles before the first count, in which allocators and caches come to rest.
const N_BEFORE: u64 = 20;
/// Cycles between the two counts.
const N_CYCLES: u64 = 100;

/// Threads, descriptors, and bytes of memory of this process.
fn used() -> Option<(usize, usize, usize)> {
    let count = |folder: &str| Some(std::fs::read_dir(folder).ok()?.count());
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let n_pages: usize = pages.split(' ').nth(1)?.parse().ok()?;
    Some((count("/proc/self/task")?, count("/proc/self/fd")?, n_pages * 4_096))
}

/// Opens, writes, reads and closes a store a hundred times.
///
/// # Panics
///
/// Panics when more threads or descriptors are left than before, or a tenth more memory.
pub fn check<S: Storage>(open: impl Fn() -> S) {
    let cycle = |n: u64| {
        let store = open();
        let note = Op::InsertNote(Box::new(sample::note(n)));
        store.apply(WriteBatch::of(note), Durability::Process).unwrap();
        assert!(store.records(&[sample::note_id(n).into()]).unwrap().pop().unwrap().is_some());
        assert_eq!(store.head().unwrap().seq, n + 1);
    };
    (0..N_BEFORE).for_each(cycle);
    let before = used();
    (N_BEFORE..N_BEFORE + N_CYCLES).for_each(cycle);
    let (Some(before), Some(after)) = (before, used()) else { return };
    assert_eq!((before.0, before.1), (after.0, after.1), "threads and descriptors");
    assert!(after.2 * 10 < before.2 * 11, "memory: {} and {} bytes", before.2, after.2);
}
