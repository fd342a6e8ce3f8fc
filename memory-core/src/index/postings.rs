//! Posting lists by term hash, append-only, compressed, in one arena.
//!
//! A posting is (document number, term frequency). Document numbers only grow, so a list is
//! stored as gaps: `varint(gap << 1 | more)`, followed by `varint(frequency)` when `more` is set
//! and by nothing for the usual frequency of 1. Lists grow in chunks that lie scattered in the
//! arena; a zero byte ends a chunk (a gap is never 0) and the address of the next one follows it.
//!
//! Most terms of a real corpus occur in a single document (Zipf): their posting sits in the
//! dictionary slot itself and costs no list.

mod arena;
mod coding;

use arena::Arena;

/// Share of the dictionary's slots in use at which it grows, in eighths.
const MAX_LOAD_EIGHTHS: usize = 7;
/// Two varints of 33 and 30 bits.
const MAX_POSTING_BYTES: usize = 10;
/// End mark and address of the next chunk.
const END_BYTES: u32 = 5;
/// Room of the largest chunk.
const MAX_ROOM_BYTES: u32 = u8::MAX as u32;
/// Marks a dictionary slot that holds its only posting.
const SINGLE: u64 = 1 << 63;
/// Largest term frequency stored.
const MAX_FREQUENCY: u32 = (1 << 30) - 1;

/// Term hash → postings.
pub(crate) struct Postings {
    slots: Vec<Slot>,
    n_terms: usize,
    lists: Vec<List>,
    arena: Arena,
}

/// A dictionary entry; hash 0 is a free slot.
///
/// `place` is `SINGLE | frequency << 32 | document`, or the number of a list.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    place: u64,
}

/// End of a list, at which it grows.
///
/// `tail` is the address of the end mark of the last chunk. Where that chunk's link will be, behind
/// its `room` free bytes, stands the address of the first chunk.
#[derive(Clone, Copy)]
struct List {
    tail: u32,
    last: u32,
    /// Number of postings, saturating, in the upper 24 bits; free bytes in the last chunk below.
    count_room: u32,
}

impl Postings {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), n_terms: 0, lists: Vec::new(), arena: Arena::new() }
    }

    /// The postings whose document `renumber` gives a new number; order must be kept.
    ///
    /// Cost: linear in all postings. For a moment both copies are in memory.
    pub(crate) fn rewritten(&self, renumber: impl Fn(u32) -> Option<u32>) -> Self {
        let mut kept = Self::new();
        // Sized at once: terms come in the order of their hashes and would crowd the low end of a
        // growing table, a quadratic cost.
        kept.resize(n_slots_for(self.n_terms));
        let mut postings = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.hash != 0) {
            postings.clear();
            self.for_each_at(slot.place, |document, frequency| {
                postings.extend(renumber(document).map(|document| (document, frequency)));
            });
            kept.insert(slot.hash, &postings);
        }
        if kept.slots.len() > 2 * n_slots_for(kept.n_terms) {
            kept.resize(n_slots_for(kept.n_terms));
        }
        kept
    }

    /// Gives a new term its postings; the dictionary must have room.
    fn insert(&mut self, hash: u64, postings: &[(u32, u32)]) {
        let place = match *postings {
            [] => return,
            [(document, frequency)] => single(document, frequency),
            _ => self.add_list(postings),
        };
        if let Some(slot) = find(&self.slots, hash).and_then(|at| self.slots.get_mut(at)) {
            *slot = Slot { hash, place };
            self.n_terms += 1;
        }
    }

    /// Starts a list and returns its place.
    fn add_list(&mut self, postings: &[(u32, u32)]) -> u64 {
        let mut list = List::EMPTY;
        for &(document, frequency) in postings {
            list.push(&mut self.arena, document, frequency);
        }
        if self.lists.len() == self.lists.capacity() {
            self.lists.reserve_exact(self.lists.len() / 4 + 16);
        }
        self.lists.push(list);
        self.lists.len() as u64 - 1
    }

    /// Appends a posting; `document` must be larger than all those the term has.
    ///
    /// Amortised constant. When the arena is full (4 GiB, some two thousand million postings) the
    /// posting is dropped: the index is derived and approximate, storage has the text.
    pub(crate) fn push(&mut self, hash: u64, document: u32, frequency: u32) {
        if self.n_terms * 8 >= self.slots.len() * MAX_LOAD_EIGHTHS {
            self.resize(self.slots.len() + self.slots.len() / 4 + 64);
        }
        let frequency = frequency.min(MAX_FREQUENCY);
        let Some(at) = find(&self.slots, hash) else {
            return;
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        if slot.hash == 0 {
            self.n_terms += 1;
            *slot = Slot { hash, place: single(document, frequency) };
        } else if slot.place & SINGLE == 0 {
            if let Some(list) = list_at(&mut self.lists, slot.place) {
                list.push(&mut self.arena, document, frequency);
            }
        } else {
            let first = unpack(slot.place);
            let place = self.add_list(&[first, (document, frequency)]);
            if let Some(slot) = self.slots.get_mut(at) {
                slot.place = place;
            }
        }
    }

    /// Number of postings of a term, those of dead documents included.
    pub(crate) fn count(&self, hash: u64) -> u32 {
        match self.place(hash) {
            None => 0,
            Some(place) if place & SINGLE != 0 => 1,
            Some(place) => self.list(place).map_or(0, List::count),
        }
    }

    /// Calls `visit(document, frequency)` for each posting of a term, in ascending order.
    pub(crate) fn for_each(&self, hash: u64, visit: impl FnMut(u32, u32)) {
        if let Some(place) = self.place(hash) {
            self.for_each_at(place, visit);
        }
    }

    /// Returns whether a part of the lists could not be read from the snapshot.
    pub(crate) fn is_damaged(&self) -> bool {
        self.arena.is_damaged()
    }

    /// Bytes held.
    pub(crate) fn size_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.lists.capacity() * size_of::<List>()
            + self.arena.size_bytes()
    }

    fn place(&self, hash: u64) -> Option<u64> {
        let slot = find(&self.slots, hash).and_then(|at| self.slots.get(at))?;
        (slot.hash != 0).then_some(slot.place)
    }

    fn list(&self, place: u64) -> Option<&List> {
        usize::try_from(place).ok().and_then(|at| self.lists.get(at))
    }

    fn for_each_at(&self, place: u64, mut visit: impl FnMut(u32, u32)) {
        if place & SINGLE != 0 {
            let (document, frequency) = unpack(place);
            visit(document, frequency);
            return;
        }
        let Some(list) = self.list(place) else { return };
        let mut at = self.arena.link(list.tail + list.room() + 1);
        let mut document = List::EMPTY.last;
        loop {
            let chunk = self.arena.after(at);
            let mut bytes = chunk.iter();
            while let Some(head) = read_varint(&mut bytes).filter(|&head| head != 0) {
                let frequency =
                    if head & 1 == 1 { read_varint(&mut bytes).unwrap_or(1) } else { 1 };
                document = document.wrapping_add(truncate(head >> 1));
                visit(document, truncate(frequency));
            }
            // The end mark has been read.
            let n_read = chunk.len() - bytes.len();
            at += u32::try_from(n_read).unwrap_or(0);
            if at == list.tail + 1 || n_read == 0 {
                return;
            }
            at = self.arena.link(at);
            if at == 0 {
                // A page could not be read, and is marked as damaged.
                return;
            }
        }
    }

    /// Gives the dictionary another size. Cost: every term is placed anew.
    fn resize(&mut self, n_slots: usize) {
        let mut slots = vec![Slot::default(); n_slots];
        for &old in self.slots.iter().filter(|slot| slot.hash != 0) {
            if let Some(slot) = find(&slots, old.hash).and_then(|at| slots.get_mut(at)) {
                *slot = old;
            }
        }
        self.slots = slots;
    }
}

/// Slots for some terms with room to grow.
const fn n_slots_for(n_terms: usize) -> usize {
    n_terms * 5 / 4 + 64
}

fn list_at(lists: &mut [List], place: u64) -> Option<&mut List> {
    usize::try_from(place).ok().and_then(|at| lists.get_mut(at))
}

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
const fn truncate(value: u64) -> u32 {
    value as u32
}

const fn single(document: u32, frequency: u32) -> u64 {
    SINGLE | (frequency as u64) << 32 | document as u64
}

const fn unpack(place: u64) -> (u32, u32) {
    (truncate(place), truncate((place & !SINGLE) >> 32))
}

/// The slot of a hash, or the free one where it belongs: linear probing from the hash's share of
/// the table, for a table of any size (Lemire, "Fast random integer generation in an interval",
/// 2019). `None` only for an empty table.
fn find(slots: &[Slot], hash: u64) -> Option<usize> {
    let start = usize::try_from((u128::from(hash) * slots.len() as u128) >> 64).unwrap_or(0);
    let ends = |slot: &Slot| slot.hash == hash || slot.hash == 0;
    let (before, after) = slots.split_at_checked(start)?;
    after.iter().position(ends).map(|at| start + at).or_else(|| before.iter().position(ends))
}

impl List {
    /// The first gap is counted from −1, so that document 0 has a gap, too.
    const EMPTY: Self = Self { tail: 0, last: u32::MAX, count_room: 0 };

    const fn count(&self) -> u32 {
        self.count_room >> 8
    }

    const fn room(&self) -> u32 {
        self.count_room & 0xff
    }

    fn push(&mut self, arena: &mut Arena, document: u32, frequency: u32) {
        let mut bytes = [0_u8; MAX_POSTING_BYTES];
        let gap = u64::from(document.wrapping_sub(self.last));
        let mut len = write_varint(gap << 1 | u64::from(frequency != 1), &mut bytes);
        if frequency != 1 {
            let rest = bytes.get_mut(len..).unwrap_or_default();
            len += write_varint(u64::from(frequency), rest);
        }
        let posting = bytes.get(..len).unwrap_or_default();
        let n_bytes = u32::try_from(len).unwrap_or(0);
        if (self.tail == 0 || self.room() < n_bytes) && !self.extend(arena, n_bytes) {
            return;
        }
        arena.write(self.tail, posting);
        self.tail += n_bytes;
        self.last = document;
        let count = (self.count() + 1).min(u32::MAX >> 8);
        self.count_room = count << 8 | (self.room() - n_bytes);
    }

    /// Links a new chunk with room for `n_bytes` at least. False: the arena is full.
    ///
    /// The chunk grows with the square root of the list: the sum of half a chunk left free and
    /// `END_BYTES` for every chunk is smallest so.
    fn extend(&mut self, arena: &mut Arena, n_bytes: u32) -> bool {
        let room = (self.count() * 20).isqrt().clamp(n_bytes.max(6), MAX_ROOM_BYTES);
        let Some(at) = arena.allocate(room + END_BYTES) else {
            return false;
        };
        let head = if self.tail == 0 {
            at
        } else {
            let head = arena.link(self.tail + self.room() + 1);
            arena.write(self.tail + 1, &at.to_le_bytes());
            head
        };
        arena.write(at + room + 1, &head.to_le_bytes());
        self.tail = at;
        self.count_room = self.count() << 8 | room;
        true
    }
}

/// Writes seven bits a byte, lowest first, the top bit marking "more follow" (LEB128).
fn write_varint(mut value: u64, bytes: &mut [u8]) -> usize {
    let mut len = 0;
    for byte in bytes {
        len += 1;
        *byte = value.to_le_bytes().first().copied().unwrap_or(0) & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    len
}

#[inline]
fn read_varint(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let first = *bytes.next()?;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    let mut shift = 7_u32;
    for &byte in bytes {
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        // Five bytes are the longest ever written; the bound keeps the shift in range.
        if byte < 0x80 || shift > 35 {
            break;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn postings_come_back_in_order_whatever_their_gaps_and_frequencies(
            pushes in prop::collection::vec((1_u64..20, 1_u32..5000, 1_u32..400), 0..800),
        ) {
            let mut postings = Postings::new();
            let mut expected: BTreeMap<u64, Vec<(u32, u32)>> = BTreeMap::new();
            let mut document = 0;
            for (term, gap, frequency) in pushes {
                // Half of the hashes crowd the end of the dictionary, where probing wraps round.
                let hash = match term % 2 {
                    0 => u64::MAX - term,
                    _ => term.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                };
                postings.push(hash, document, frequency);
                expected.entry(hash).or_default().push((document, frequency));
                document += gap;
            }
            check(&postings, &expected);
            // Every third document goes, the rest close ranks.
            let kept = postings.rewritten(|d| (d % 3 != 0).then(|| d - d / 3 - 1));
            for list in expected.values_mut() {
                list.retain(|(d, _)| d % 3 != 0);
                for (d, _) in list {
                    *d -= *d / 3 + 1;
                }
            }
            check(&kept, &expected);
        }
    }

    fn check(postings: &Postings, expected: &BTreeMap<u64, Vec<(u32, u32)>>) {
        for (&hash, list) in expected {
            let mut found = Vec::new();
            postings.for_each(hash, |d, f| found.push((d, f)));
            assert_eq!(postings.count(hash) as usize, list.len());
            assert_eq!(&found, list);
        }
    }

    #[test]
    fn the_largest_numbers_survive() {
        let mut postings = Postings::new();
        postings.push(7, 0, u32::MAX);
        postings.push(7, u32::MAX - 2, u32::MAX);
        postings.push(7, u32::MAX - 1, 1);
        let mut found = Vec::new();
        postings.for_each(7, |d, f| found.push((d, f)));
        let expected = [(0, MAX_FREQUENCY), (u32::MAX - 2, MAX_FREQUENCY), (u32::MAX - 1, 1)];
        assert_eq!(found, expected);
    }
}
