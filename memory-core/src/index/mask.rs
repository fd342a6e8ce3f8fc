//! Filters as bit masks over unit numbers.

/// A set of unit numbers, one bit each: what a filter lets through.
///
/// A unit beyond the last word is not in the set. Memory: one bit per unit number up to the
/// largest ever set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    words: Vec<u64>,
}

const fn place(unit: u32) -> (usize, u64) {
    ((unit / u64::BITS) as usize, 1 << (unit % u64::BITS))
}

impl Mask {
    /// The empty set.
    pub(crate) const fn new() -> Self {
        Self { words: Vec::new() }
    }

    /// Adds a unit.
    pub(crate) fn set(&mut self, unit: u32) {
        let (word, bit) = place(unit);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    /// Takes a unit out; an absent one is no error.
    pub(crate) fn clear(&mut self, unit: u32) {
        let (word, bit) = place(unit);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether the unit is in the set.
    pub(crate) fn contains(&self, unit: u32) -> bool {
        let (word, bit) = place(unit);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Bytes held.
    pub(crate) fn size_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

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
    use proptest::prelude::*;

    use super::Mask;

    proptest! {
        #[test]
        fn a_mask_is_a_set_of_numbers(
            a in prop::collection::btree_set(0_u32..300, 0..60),
            gone in prop::collection::vec(0_u32..400, 0..20),
        ) {
            let mut mask: Mask = a.iter().copied().collect();
            let mut set = a;
            for unit in gone {
                mask.clear(unit);
                set.remove(&unit);
            }
            prop_assert!((0..500).all(|unit| mask.contains(unit) == set.contains(&unit)));
        }
    }
}
