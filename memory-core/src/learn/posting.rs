//! Which runs have something.

/// Number of a run in the table; used again after the run is removed.
pub(super) type RunNo = u32;

/// Runs, each once, in no order that means anything.
///
/// Most things occur in one run only, and those take no memory of their own.
#[derive(Debug, Clone)]
pub(super) enum Posting {
    One(RunNo),
    Many(Vec<RunNo>),
}

impl Posting {
    /// Adds a run, unless it was the last to be added.
    ///
    /// Runs are entered one at a time, so that a run that is there is the last one.
    pub(super) fn add(&mut self, run: RunNo) {
        match self {
            Self::One(only) if *only == run => {}
            Self::One(only) => *self = Self::Many(vec![*only, run]),
            Self::Many(runs) if runs.last() == Some(&run) => {}
            Self::Many(runs) => runs.push(run),
        }
    }

    /// Takes a run out; whether none is left. O(runs).
    pub(super) fn remove(&mut self, run: RunNo) -> bool {
        match self {
            Self::One(only) => *only == run,
            Self::Many(runs) => {
                if let Some(at) = runs.iter().rposition(|other| *other == run) {
                    runs.swap_remove(at);
                }
                if runs.len() < runs.capacity() / 4 {
                    runs.shrink_to_fit();
                }
                runs.is_empty()
            }
        }
    }

    /// The runs.
    pub(super) fn runs(&self) -> &[RunNo] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(runs) => runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Posting;

    #[test]
    fn runs_are_there_once_until_they_are_taken_out() {
        let mut posting = Posting::One(3);
        posting.add(3);
        assert_eq!(posting.runs(), [3]);
        posting.add(5);
        posting.add(5);
        assert_eq!(posting.runs(), [3, 5]);
        assert!(!posting.remove(3) && !posting.remove(4));
        assert_eq!(posting.runs(), [5]);
        assert!(posting.remove(5));
        assert!(Posting::One(1).remove(1) && !Posting::One(1).remove(2));
    }
}
