//! A set of unit numbers: which units a query may return.

/// Bits of one word.
const WORD: u32 = u64::BITS;

/// A bitset over unit numbers; units beyond its last word are not in it.
///
/// `PartialEq` compares sets, not capacities. Memory: one bit per unit number up to the largest set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask {
    words: Vec<u64>,
}

impl Mask {
    /// The empty set.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds `unit`; the words grow to reach it.
    pub(crate) fn set(&mut self, unit: u32) {
        let at = (unit / WORD) as usize;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (unit % WORD);
        }
    }

    /// Takes `unit` out; nothing happens when it is not in the set.
    pub(crate) fn clear(&mut self, unit: u32) {
        if let Some(word) = self.words.get_mut((unit / WORD) as usize) {
            *word &= !(1 << (unit % WORD));
        }
    }

    /// Whether `unit` is in the set.
    pub(crate) fn contains(&self, unit: u32) -> bool {
        self.word((unit / WORD) as usize) >> (unit % WORD) & 1 == 1
    }

    /// How many units the set holds; one popcount per word.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps the units that are also in `other`.
    #[cfg(test)]
    pub(crate) fn and(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= theirs;
        }
    }

    /// Bytes held.
    pub(crate) fn size_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// The units in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(at, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| at * WORD + rest.trailing_zeros())
        })
    }

    /// Membership of the sixteen units from `start` on, lowest unit in the lowest bit.
    ///
    /// The dense index asks for a block of sixteen rows at a time; `start` need not be aligned.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low sixteen bits are what is asked for"
    )]
    pub(crate) fn sixteen(&self, start: u32) -> u16 {
        let at = (start / WORD) as usize;
        let shift = start % WORD;
        let low = self.word(at) >> shift;
        let high = self.word(at + 1).checked_shl(WORD - shift).unwrap_or_default();
        (low | high) as u16
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or_default()
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        let longer = self.words.len().max(other.words.len());
        (0..longer).all(|at| self.word(at) == other.word(at))
    }
}

impl Eq for Mask {}

impl FromIterator<u32> for Mask {
    fn from_iter<I: IntoIterator<Item = u32>>(units: I) -> Self {
        let mut mask = Self::new();
        for unit in units {
            mask.set(unit);
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
            clear in prop::collection::vec(0_u32..400, 0..40),
            other in prop::collection::btree_set(0_u32..300, 0..80),
        ) {
            let mut mask: Mask = set.iter().copied().collect();
            let mut oracle: BTreeSet<u32> = set.into_iter().collect();
            for unit in clear {
                mask.clear(unit);
                oracle.remove(&unit);
            }
            prop_assert_eq!(mask.count(), oracle.len());
            prop_assert_eq!(mask.iter().collect::<Vec<_>>(), oracle.iter().copied().collect::<Vec<_>>());
            for start in 0..320_u32 {
                prop_assert_eq!(mask.contains(start), oracle.contains(&start));
                let naive = (0..16).fold(0_u16, |bits, lane| {
                    bits | u16::from(oracle.contains(&(start + lane))) << lane
                });
                prop_assert_eq!(mask.sixteen(start), naive);
            }
            mask.and(&other.iter().copied().collect());
            prop_assert_eq!(mask, oracle.intersection(&other).copied().collect::<Mask>());
        }
    }
}
