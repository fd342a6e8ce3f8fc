//! Inverted index from a key to the runs that have it.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Number of a run in the table; reused after the run is removed.
pub(super) type RunSlot = u32;

/// For each key the runs that have it, each once, in no particular order.
///
/// Most sequences of moves occur in one run only: these take an entry of the map and no other
/// memory.
#[derive(Debug)]
pub(crate) struct RunLists<K> {
    entries: FxHashMap<K, Runs>,
    /// Lists of the keys that several runs have.
    lists: Vec<Vec<RunSlot>>,
    /// Numbers of the empty lists.
    free: Vec<u32>,
}

/// Runs of one key: the only one, or the number of their list.
#[derive(Debug, Clone, Copy)]
enum Runs {
    One(RunSlot),
    List(u32),
}

impl<K> Default for RunLists<K> {
    fn default() -> Self {
        Self { entries: FxHashMap::default(), lists: Vec::new(), free: Vec::new() }
    }
}

#[expect(clippy::indexing_slicing, reason = "the number of a list is given out with the list")]
impl<K: Eq + Hash> RunLists<K> {
    /// Adds a run to a key, unless it was the last one added to it.
    ///
    /// All keys of a run are added before those of the next run, so that a repeated key is always
    /// the last one added.
    pub(super) fn add(&mut self, key: K, run: RunSlot) {
        let mut entry = match self.entries.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Runs::One(run));
                return;
            }
            Entry::Occupied(entry) => entry,
        };
        match *entry.get() {
            Runs::One(only) if only == run => {}
            Runs::One(only) => {
                let list = self.free.pop().unwrap_or_else(|| {
                    self.lists.push(Vec::new());
                    u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX)
                });
                self.lists[list as usize].extend([only, run]);
                entry.insert(Runs::List(list));
            }
            Runs::List(list) => {
                let runs = &mut self.lists[list as usize];
                if runs.last() != Some(&run) {
                    runs.push(run);
                }
            }
        }
    }

    /// Removes a run from a key; O(runs of the key).
    pub(super) fn remove(&mut self, key: K, run: RunSlot) {
        let Entry::Occupied(entry) = self.entries.entry(key) else { return };
        match *entry.get() {
            Runs::One(only) if only == run => _ = entry.remove(),
            Runs::One(_) => {}
            Runs::List(list) => {
                let runs = &mut self.lists[list as usize];
                if let Some(at) = runs.iter().rposition(|other| *other == run) {
                    runs.swap_remove(at);
                }
                if runs.is_empty() {
                    runs.shrink_to_fit();
                    self.free.push(list);
                    entry.remove();
                }
            }
        }
    }

    /// Returns the runs of a key.
    pub(super) fn runs(&self, key: &K) -> &[RunSlot] {
        self.entries.get(key).map_or(&[], |runs| self.slice(runs))
    }

    /// Returns the keys, in no particular order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// Returns the keys with their runs, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &[RunSlot])> {
        self.entries.iter().map(|(key, runs)| (key, self.slice(runs)))
    }

    /// Returns the number of keys.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn slice<'a>(&'a self, runs: &'a Runs) -> &'a [RunSlot] {
        match runs {
            Runs::One(only) => std::slice::from_ref(only),
            Runs::List(list) => &self.lists[*list as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RunLists;

    #[test]
    fn runs_are_listed_once_until_they_are_removed() {
        let mut lists = RunLists::default();
        for run in [3, 3, 5, 5, 9] {
            lists.add("a", run);
        }
        lists.add("b", 3);
        assert_eq!((lists.runs(&"a"), lists.runs(&"b")), (&[3, 5, 9][..], &[3][..]));
        for run in [3, 4, 3] {
            lists.remove("a", run);
        }
        assert_eq!(lists.runs(&"a"), [9, 5]);
        lists.remove("a", 9);
        lists.remove("a", 5);
        lists.remove("b", 4);
        assert_eq!((lists.runs(&"a"), lists.runs(&"b")), (&[][..], &[3][..]));
        lists.remove("b", 3);
        lists.remove("c", 3);
        assert_eq!((lists.len(), lists.lists.len(), lists.free.len()), (0, 1, 1));
        lists.add("c", 1);
        lists.add("c", 2);
        assert_eq!((lists.runs(&"c"), lists.lists.len()), (&[1, 2][..], 1), "reused");
    }
}
