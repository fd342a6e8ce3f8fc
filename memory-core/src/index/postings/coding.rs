//! Dictionary, lists and arena in a snapshot.

use std::io::{Read, Write};

use super::{Arena, List, PAGE_BYTES, Postings, Slot};
use crate::index::snapshot::codec::{Reader, Writer};
use crate::index::snapshot::error::SnapshotError;

impl Postings {
    /// Writes dictionary, lists and arena as they are.
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
        out.number(self.arena.used as u64)?;
        out.number(self.arena.pages.len() as u64)?;
        self.arena.pages.iter().try_for_each(|page| out.part(page))
    }

    /// Reads what [`Postings::write`] wrote.
    pub(in crate::index) fn read<R: Read>(input: &mut Reader<R>) -> Result<Self, SnapshotError> {
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
        let n_pages = input.count(PAGE_BYTES)?;
        let mut pages = Vec::with_capacity(n_pages);
        for _ in 0..n_pages {
            let mut page = vec![0; PAGE_BYTES].into_boxed_slice();
            input.part(&mut page)?;
            pages.push(page);
        }
        if used > PAGE_BYTES || (slots.len() == n_terms && n_terms > 0) {
            return Err(SnapshotError::Corrupt { what: "postings" });
        }
        Ok(Self { slots, n_terms, lists, arena: Arena { pages, used } })
    }
}

const fn upper(number: u128) -> u64 {
    (number >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
const fn lower(number: u128) -> u64 {
    number as u64
}
