//! Distinct values of a list, which are written once.

use rustc_hash::FxHashMap;

/// Distinct values in the order of their first occurrence, and the position of each.
pub(super) struct Distinct<T> {
    pub(super) values: Vec<T>,
    positions: FxHashMap<T, u64>,
}

impl<T: Copy + Eq + std::hash::Hash> Distinct<T> {
    pub(super) fn of(all: impl Iterator<Item = T>) -> Self {
        let mut distinct = Self { values: Vec::new(), positions: FxHashMap::default() };
        for value in all {
            let next = distinct.values.len() as u64;
            if *distinct.positions.entry(value).or_insert(next) == next {
                distinct.values.push(value);
            }
        }
        distinct
    }

    /// Returns the position of a value that is among them.
    pub(super) fn position(&self, value: &T) -> u64 {
        let position = self.positions.get(value).copied();
        debug_assert!(position.is_some(), "only values that were collected are looked up");
        position.unwrap_or(0)
    }
}
