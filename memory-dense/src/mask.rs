//! Set of ids: which vectors a search may return.

/// Bits of one word.
const WORD: u32 = u64::BITS;

/// Set of ids, one bit for each number up to the largest.
///
/// Equality compares sets, not capacities.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    words: Vec<u64>,
}

impl Mask {
    /// Returns the empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `id`; the words grow to reach it.
    #[expect(clippy::indexing_slicing, reason = "the words were resized to reach the id")]
    pub fn insert(&mut self, id: u32) {
        let at = (id / WORD) as usize;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (id % WORD);
    }

    /// Removes `id`, if it is in the set.
    pub fn remove(&mut self, id: u32) {
        if let Some(word) = self.words.get_mut((id / WORD) as usize) {
            *word &= !(1 << (id % WORD));
        }
    }

    /// Returns true if `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.word((id / WORD) as usize) >> (id % WORD) & 1 == 1
    }

    /// Returns the number of ids in the set; one popcount per word.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the memory that the set takes, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// Returns the ids in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(at, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| at * WORD + rest.trailing_zeros())
        })
    }

    /// Returns the membership of the sixteen ids from `start` on, lowest id in the lowest bit.
    /// `start` need not be aligned.
    #[expect(clippy::cast_possible_truncation, reason = "the low sixteen bits are asked for")]
    pub(crate) fn sixteen(&self, start: u32) -> u16 {
        let at = (start / WORD) as usize;
        let shift = start % WORD;
        let low = self.word(at) >> shift;
        let high = self.word(at + 1).checked_shl(WORD - shift).unwrap_or_default();
        (low | high) as u16
    }

    /// Returns a word; ids beyond the last word are not in the set.
    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or_default()
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        let n_words = self.words.len().max(other.words.len());
        (0..n_words).all(|at| self.word(at) == other.word(at))
    }
}

impl Eq for Mask {}

impl FromIterator<u32> for Mask {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut mask = Self::new();
        for id in ids {
            mask.insert(id);
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_mask_is_a_set_of_numbers(
            set in prop::collection::vec(0_u32..300, 0..80),
            removed in prop::collection::vec(0_u32..400, 0..40),
        ) {
            let mut mask: Mask = set.iter().copied().collect();
            let mut oracle: BTreeSet<u32> = set.into_iter().collect();
            for id in removed {
                mask.remove(id);
                oracle.remove(&id);
            }
            prop_assert_eq!(mask.count(), oracle.len());
            let ids: Vec<u32> = oracle.iter().copied().collect();
            prop_assert_eq!(mask.iter().collect::<Vec<_>>(), ids);
            for start in 0..320_u32 {
                prop_assert_eq!(mask.contains(start), oracle.contains(&start));
                let naive = (0..16).fold(0_u16, |bits, lane| {
                    bits | u16::from(oracle.contains(&(start + lane))) << lane
                });
                prop_assert_eq!(mask.sixteen(start), naive);
            }
            // Equal sets are equal whatever their capacity.
            mask.insert(100_000);
            mask.remove(100_000);
            prop_assert_eq!(mask, oracle.into_iter().collect::<Mask>());
        }
    }
}
