//! Names as numbers.

use rustc_hash::FxHashMap;

use super::NameNo;

/// Each name once, counted by how often it is held, so that those nobody holds any more are let go.
///
/// Number 0 is the empty name. Numbers depend on the order in which names came: compare names, not
/// numbers, across tables.
#[derive(Debug)]
pub(super) struct Names {
    numbers: FxHashMap<Box<str>, NameNo>,
    /// The name of each number, and how often it is held.
    entries: Vec<(Box<str>, u32)>,
    free: Vec<NameNo>,
}

impl Default for Names {
    fn default() -> Self {
        Self { numbers: FxHashMap::default(), entries: vec![(Box::default(), 0)], free: Vec::new() }
    }
}

impl Names {
    /// The number of a name, which is held once more from now on.
    pub(super) fn hold(&mut self, name: &str) -> NameNo {
        if name.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(name) {
            if let Some((_, n_held)) = self.entries.get_mut(*number as usize) {
                *n_held += 1;
            }
            return *number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.entries.push((Box::default(), 0));
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(entry) = self.entries.get_mut(number as usize) {
            *entry = (name.into(), 1);
        }
        self.numbers.insert(name.into(), number);
        number
    }

    /// Lets go of a name that was held.
    pub(super) fn release(&mut self, number: NameNo) {
        let Some((name, n_held)) = self.entries.get_mut(number as usize) else { return };
        match *n_held {
            0 => {}
            1 => {
                self.numbers.remove(name);
                *name = Box::default();
                *n_held = 0;
                self.free.push(number);
            }
            _ => *n_held -= 1,
        }
    }

    /// The number of a name that is held.
    pub(super) fn find(&self, name: &str) -> Option<NameNo> {
        self.numbers.get(name).copied()
    }

    /// The name of a number; empty for one that is not in use.
    pub(super) fn get(&self, number: NameNo) -> &str {
        self.entries.get(number as usize).map_or("", |(name, _)| name)
    }

    /// How many names are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_long_as_somebody_holds_it() {
        let mut names = Names::default();
        let (a, b) = (names.hold("a"), names.hold("b"));
        assert_eq!((names.hold("a"), names.hold("")), (a, 0));
        names.release(a);
        assert_eq!((names.get(a), names.find("b"), names.len()), ("a", Some(b), 2));
        names.release(a);
        assert_eq!((names.get(a), names.find("a"), names.len()), ("", None, 1));
        names.release(a);
        names.release(0);
        names.release(99);
        assert_eq!(names.hold("c"), a, "its number is used again");
        assert_eq!((names.get(0), names.get(99)), ("", ""));
    }
}
