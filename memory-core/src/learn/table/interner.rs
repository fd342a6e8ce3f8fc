//! Interned names with reference counts.

use rustc_hash::FxHashMap;

/// Number of an interned name: of a tool, scope, task type, language, domain or tag. 0 is the empty
/// name.
pub(crate) type NameId = u32;

/// Maps names to numbers and back; a name that nothing holds any more is removed.
///
/// Numbers depend on the order in which names came: across tables compare names, not numbers.
#[derive(Debug)]
pub(super) struct Interner {
    ids: FxHashMap<Box<str>, NameId>,
    /// For each number the name and how often it is held.
    entries: Vec<(Box<str>, u32)>,
    free: Vec<NameId>,
}

impl Default for Interner {
    fn default() -> Self {
        Self { ids: FxHashMap::default(), entries: vec![(Box::default(), 0)], free: Vec::new() }
    }
}

#[expect(clippy::indexing_slicing, reason = "an id is given out with its entry, which stays")]
impl Interner {
    /// Returns the number of a name and holds the name once more.
    pub(super) fn hold(&mut self, name: &str) -> NameId {
        if name.is_empty() {
            return 0;
        }
        if let Some(id) = self.ids.get(name) {
            self.entries[*id as usize].1 += 1;
            return *id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.entries.push((Box::default(), 0));
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        self.entries[id as usize] = (name.into(), 1);
        self.ids.insert(name.into(), id);
        id
    }

    /// Releases a name that was held; the last release removes it.
    pub(super) fn release(&mut self, id: NameId) {
        if id == 0 {
            return;
        }
        let (name, n_held) = &mut self.entries[id as usize];
        debug_assert!(*n_held > 0, "a name is released as often as it is held");
        *n_held = n_held.saturating_sub(1);
        if *n_held == 0 {
            self.ids.remove(name);
            *name = Box::default();
            self.free.push(id);
        }
    }

    /// Returns the number of a name that is held.
    pub(super) fn find(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied()
    }

    /// Returns the name of a number; empty for 0.
    pub(super) fn name(&self, id: NameId) -> &str {
        &self.entries[id as usize].0
    }

    /// Returns the number of names that are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_long_as_it_is_held() {
        let mut names = Interner::default();
        let (a, b) = (names.hold("a"), names.hold("b"));
        assert_eq!((names.hold("a"), names.hold("")), (a, 0));
        names.release(a);
        assert_eq!((names.name(a), names.find("b"), names.len()), ("a", Some(b), 2));
        names.release(a);
        assert_eq!((names.name(a), names.find("a"), names.len()), ("", None, 1));
        names.release(0);
        assert_eq!(names.hold("c"), a, "its number is reused");
        assert_eq!(names.name(0), "");
    }
}
