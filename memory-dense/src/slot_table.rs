//! Table from ids to slots.

use crate::slab::NONE;

/// Slot of each id that has a vector. Memory: four bytes for each number up to the largest id.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlotTable {
    /// Slot by id, [`NONE`] where it has no vector; the last one has one.
    slots: Vec<u32>,
}

impl SlotTable {
    /// Returns the slot of `id`.
    pub(crate) fn get(&self, id: u32) -> Option<u32> {
        self.slots.get(id as usize).copied().filter(|&slot| slot != NONE)
    }

    /// Sets the slot of `id`; returns the slot that it had.
    #[expect(clippy::indexing_slicing, reason = "the table was resized to reach the id")]
    pub(crate) fn set(&mut self, id: u32, slot: u32) -> Option<u32> {
        let at = id as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, NONE);
        }
        let before = std::mem::replace(&mut self.slots[at], slot);
        Some(before).filter(|&slot| slot != NONE)
    }

    /// Removes `id`.
    pub(crate) fn remove(&mut self, id: u32) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            *slot = NONE;
        }
        while self.slots.last() == Some(&NONE) {
            self.slots.pop();
        }
    }

    /// Returns the memory that the table takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }
}
