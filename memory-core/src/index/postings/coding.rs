//! Dictionary, lists and arena in a snapshot.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memory_dense::Checksum;

use super::arena::{Arena, FiledPages, PAGE_BYTES};
use super::{List, Postings, Slot};
use crate::index::snapshot::codec::{Reader, Writer};
use crate::index::snapshot::error::SnapshotError;

impl Postings {
    /// Writes dictionary and lists as they are, and the checksum of each page of the arena.
    pub(in crate::index) fn write<W: Write>(
        &self,
        out: &mut Writer<W>,
    ) -> Result<(), SnapshotError> {
        out.array(&self.slots, |Slot { hash, place }| {
            (u128::from(hash) << 64 | u128::from(place)).to_le_bytes()
        })?;
        out.array(&self.lists, |List { tail, last, count_room }| {
            let mut bytes = [0; 12];
            for (place, number) in bytes.as_chunks_mut().0.iter_mut().zip([tail, last, count_room])
            {
                *place = number.to_le_bytes();
            }
            bytes
        })?;
        out.number(self.arena.used() as u64)?;
        let checksums: Vec<u64> = self.arena.pages().map(|page| Checksum::of(page)).collect();
        if self.is_damaged() {
            return Err(DAMAGED);
        }
        out.array(&checksums, u64::to_le_bytes)
    }

    /// Returns the pages of the arena, one after the other.
    pub(in crate::index) fn pages(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.arena.pages().len() * PAGE_BYTES);
        for page in self.arena.pages() {
            bytes.extend_from_slice(page);
        }
        bytes
    }

    /// Reads what [`Postings::write`] wrote; the pages of the arena begin at byte `start` of the
    /// file, where they stay until they are looked at.
    pub(in crate::index) fn read<R: Read>(
        input: &mut Reader<R>,
        file: &Arc<File>,
        start: u64,
    ) -> Result<Self, SnapshotError> {
        let slots = input.array(|bytes| {
            let number = u128::from_le_bytes(bytes);
            Slot { hash: upper(number), place: lower(number) }
        })?;
        let n_terms = slots.iter().filter(|slot: &&Slot| slot.hash != 0).count();
        let lists = input.array(|bytes: [u8; 12]| {
            let mut numbers = [0; 3];
            for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                *number = u32::from_le_bytes(*bytes);
            }
            let [tail, last, count_room] = numbers;
            List { tail, last, count_room }
        })?;
        let used = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        let checksums = input.array(u64::from_le_bytes)?;
        let (file, is_damaged) = (Arc::clone(file), AtomicBool::new(false));
        let filed = FiledPages { file, start, checksums, is_damaged };
        let arena = Arena::filed(filed, used).filter(|_| slots.len() > n_terms || n_terms == 0);
        let arena = arena.ok_or(SnapshotError::Corrupt { what: "postings" })?;
        Ok(Self { slots, n_terms, lists, arena })
    }

    /// Reads all pages of the arena.
    pub(in crate::index) fn read_pages(&self) -> Result<(), SnapshotError> {
        self.arena.pages().for_each(drop);
        if self.is_damaged() { Err(DAMAGED) } else { Ok(()) }
    }
}

/// A page of the arena that is not the one that was written.
const DAMAGED: SnapshotError = SnapshotError::Corrupt { what: "postings" };

const fn upper(number: u128) -> u64 {
    (number >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
const fn lower(number: u128) -> u64 {
    number as u64
}
