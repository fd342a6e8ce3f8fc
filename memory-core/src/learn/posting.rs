//! Which runs have something.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Number of a run in the table; used again after the run is removed.
pub(super) type RunNo = u32;

/// For each key the runs that have it, each once, in no order that means anything.
///
/// Most sequences of moves occur in one run only. Those take an entry of the map and no memory besides.
#[derive(Debug)]
pub(super) struct Postings<K> {
    entries: FxHashMap<K, Runs>,
    /// Lists of the keys that several runs have.
    lists: Vec<Vec<RunNo>>,
    free: Vec<u32>,
}

/// The only run, or the number of the list.
#[derive(Debug, Clone, Copy)]
enum Runs {
    One(RunNo),
    List(u32),
}

impl<K> Default for Postings<K> {
    fn default() -> Self {
        Self { entries: FxHashMap::default(), lists: Vec::new(), free: Vec::new() }
    }
}

impl<K: Eq + Hash> Postings<K> {
    /// Adds a run to a key, unless it was the last to be added.
    ///
    /// Runs are entered one at a time, so that a run that is there is the last one.
    pub(super) fn add(&mut self, key: K, run: RunNo) {
        match self.entries.entry(key) {
            Entry::Vacant(entry) => _ = entry.insert(Runs::One(run)),
            Entry::Occupied(mut entry) => match *entry.get() {
                Runs::One(only) if only == run => {}
                Runs::One(only) => {
                    let list = self.free.pop().unwrap_or_else(|| {
                        self.lists.push(Vec::new());
                        u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX)
                    });
                    if let Some(runs) = self.lists.get_mut(list as usize) {
                        runs.extend([only, run]);
                        entry.insert(Runs::List(list));
                    }
                }
                Runs::List(list) => {
                    let runs = self.lists.get_mut(list as usize);
                    if let Some(runs) = runs.filter(|runs| runs.last() != Some(&run)) {
                        runs.push(run);
                    }
                }
            },
        }
    }

    /// Takes a run out of a key; O(runs of the key).
    pub(super) fn remove(&mut self, key: K, run: RunNo) {
        let Entry::Occupied(entry) = self.entries.entry(key) else { return };
        match *entry.get() {
            Runs::One(only) if only == run => _ = entry.remove(),
            Runs::One(_) => {}
            Runs::List(list) => {
                let Some(runs) = self.lists.get_mut(list as usize) else { return };
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

    /// The runs of a key.
    pub(super) fn runs(&self, key: &K) -> &[RunNo] {
        self.entries.get(key).map_or(&[], |runs| self.slice(runs))
    }

    /// The keys, in no order that means anything.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// The keys with their runs, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &[RunNo])> {
        self.entries.iter().map(|(key, runs)| (key, self.slice(runs)))
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn slice<'a>(&'a self, runs: &'a Runs) -> &'a [RunNo] {
        match runs {
            Runs::One(only) => std::slice::from_ref(only),
            Runs::List(list) => self.lists.get(*list as usize).map_or(&[], Vec::as_slice),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Postings;

    #[test]
    fn runs_are_there_once_until_they_are_taken_out() {
        let mut postings = Postings::default();
        for run in [3, 3, 5, 5, 9] {
            postings.add("a", run);
        }
        postings.add("b", 3);
        assert_eq!((postings.runs(&"a"), postings.runs(&"b")), (&[3, 5, 9][..], &[3][..]));
        for run in [3, 4, 3] {
            postings.remove("a", run);
        }
        assert_eq!(postings.runs(&"a"), [9, 5]);
        postings.remove("a", 9);
        postings.remove("a", 5);
        postings.remove("b", 4);
        assert_eq!((postings.runs(&"a"), postings.runs(&"b")), (&[][..], &[3][..]));
        postings.remove("b", 3);
        postings.remove("c", 3);
        assert_eq!((postings.len(), postings.lists.len(), postings.free.len()), (0, 1, 1));
        postings.add("c", 1);
        postings.add("c", 2);
        assert_eq!((postings.runs(&"c"), postings.lists.len()), (&[1, 2][..], 1), "used again");
    }
}
