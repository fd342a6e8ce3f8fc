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

    /// Keeps what is in both sets.
    pub(crate) fn and(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Number of units in the set.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Units of the set in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words
            .iter()
            .zip(0_u32..)
            .flat_map(|(&word, at)| Ones(word).map(move |bit| at * u64::BITS + bit))
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

/// Positions of the one bits of a word, ascending.
struct Ones(u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Mask;

    proptest! {
        #[test]
        fn a_mask_is_a_set_of_numbers(
            a in prop::collection::btree_set(0_u32..300, 0..60),
            b in prop::collection::btree_set(0_u32..300, 0..60),
            gone in prop::collection::vec(0_u32..400, 0..20),
        ) {
            let mut mask: Mask = a.iter().copied().collect();
            let mut set = a;
            for unit in gone {
                mask.clear(unit);
                set.remove(&unit);
            }
            mask.and(&b.iter().copied().collect());
            let both: BTreeSet<u32> = set.intersection(&b).copied().collect();
            prop_assert_eq!(mask.count(), both.len());
            prop_assert_eq!(mask.iter().collect::<BTreeSet<_>>(), both.clone());
            prop_assert!((0..500).all(|unit| mask.contains(unit) == both.contains(&unit)));
        }
    }
}
