//! Alignment of two runs by their longest common subsequence.

use crate::learn::table::{Move, NameId};

/// Maximum number of segments of a run that are compared: alignment costs the product of both
/// numbers, 65,536 cells of a few nanoseconds.
const MAX_SEGMENTS: usize = 256;

/// Consecutive steps with the same tool and the same result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The tool.
    pub(crate) tool: NameId,
    /// True when the steps were ok.
    pub(crate) ok: bool,
    /// Index of the first step.
    pub(crate) first: u32,
    /// Index of the last step.
    pub(crate) last: u32,
    /// Number of steps.
    pub(crate) n: u32,
}

impl Segment {
    /// Returns whether both have the same tool and result; their lengths do not matter.
    fn is_like(&self, other: &Self) -> bool {
        self.tool == other.tool && self.ok == other.ok
    }
}

/// Merges consecutive steps with the same tool and result.
///
/// Each move comes with the index of its step; steps that are left out do not separate segments.
pub(crate) fn segments(steps: impl Iterator<Item = (u32, Move)>) -> Vec<Segment> {
    let mut merged: Vec<Segment> = Vec::new();
    for (at, Move { tool, ok }) in steps {
        match merged.last_mut() {
            Some(segment) if segment.tool == tool && segment.ok == ok => {
                segment.n += 1;
                segment.last = at;
            }
            _ => merged.push(Segment { tool, ok, first: at, last: at, n: 1 }),
        }
    }
    merged
}

/// Lengths of the longest common subsequences of all pairs of suffixes of two runs.
struct SuffixLcs {
    width: usize,
    cells: Vec<u16>,
}

#[expect(clippy::indexing_slicing, reason = "the table has a cell for every pair of suffixes")]
impl SuffixLcs {
    fn new(a: &[Segment], b: &[Segment]) -> Self {
        let width = b.len() + 1;
        let mut lcs = Self { width, cells: vec![0; (a.len() + 1) * width] };
        for (i, of_a) in a.iter().enumerate().rev() {
            for (j, of_b) in b.iter().enumerate().rev() {
                lcs.cells[i * width + j] = if of_a.is_like(of_b) {
                    lcs.length(i + 1, j + 1) + 1
                } else {
                    lcs.length(i + 1, j).max(lcs.length(i, j + 1))
                };
            }
        }
        lcs
    }

    /// Returns the length for the suffixes that begin at `i` and `j`.
    fn length(&self, i: usize, j: usize) -> u16 {
        self.cells[i * self.width + j]
    }
}

/// Returns the part of a run that is compared.
fn compared(run: &[Segment]) -> &[Segment] {
    run.split_at(run.len().min(MAX_SEGMENTS)).0
}

/// Returns the similarity of two runs: twice the length of their longest common subsequence over
/// both lengths, in [0, 1].
///
/// Two empty runs have similarity 1. Of very long runs the first 256 segments count.
pub(crate) fn similarity(a: &[Segment], b: &[Segment]) -> f64 {
    let (a, b) = (compared(a), compared(b));
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let common = f64::from(SuffixLcs::new(a, b).length(0, 0));
    #[expect(clippy::cast_precision_loss, reason = "at most 512")]
    let both = (a.len() + b.len()) as f64;
    2.0 * common / both
}

/// First place where two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Number of steps of the first run before it.
    pub(crate) n_shared: u32,
    /// Last segment of each run before it, where there is one: the same step, in each run's number.
    pub(crate) last_shared: Option<(Segment, Segment)>,
    /// Segments of the first run until both are alike again.
    pub(crate) here: Vec<Segment>,
    /// Segments of the second run until both are alike again.
    pub(crate) there: Vec<Segment>,
}

/// Finds the first place where two runs, aligned by their longest common subsequence, differ.
///
/// Returns `None` when they do not: the difference between them is not in the tools.
pub(crate) fn first_difference(a: &[Segment], b: &[Segment]) -> Option<Difference> {
    let (a, b) = (compared(a), compared(b));
    let n_alike = a.iter().zip(b).take_while(|(of_a, of_b)| of_a.is_like(of_b)).count();
    let ((a_shared, a_rest), (b_shared, b_rest)) = (a.split_at(n_alike), b.split_at(n_alike));
    if a_rest.is_empty() && b_rest.is_empty() {
        return None;
    }
    // Walk along a longest common subsequence to the first pair that it aligns.
    let lcs = SuffixLcs::new(a_rest, b_rest);
    let (mut i, mut j) = (0, 0);
    while let (Some(of_a), Some(of_b)) = (a_rest.get(i), b_rest.get(j)) {
        if of_a.is_like(of_b) && lcs.length(i, j) == lcs.length(i + 1, j + 1) + 1 {
            break;
        }
        if lcs.length(i + 1, j) >= lcs.length(i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    // Without such a pair everything that follows differs.
    if i == a_rest.len() || j == b_rest.len() {
        (i, j) = (a_rest.len(), b_rest.len());
    }
    Some(Difference {
        n_shared: a_shared.iter().map(|segment| segment.n).sum(),
        last_shared: a_shared.last().copied().zip(b_shared.last().copied()),
        here: a_rest.split_at(i).0.to_vec(),
        there: b_rest.split_at(j).0.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::run;

    fn path(tools: &[i32]) -> Vec<Segment> {
        segments(run(1, 1, None, tools).steps())
    }

    fn tools(path: &[Segment]) -> Vec<NameId> {
        path.iter().map(|segment| segment.tool).collect()
    }

    #[test]
    fn consecutive_equal_steps_are_one_segment() {
        let path = path(&[1, 1, 2, -2, -2, 1]);
        assert_eq!(tools(&path), [1, 2, 2, 1]);
        assert_eq!(
            path.iter().map(|s| (s.first, s.n)).collect::<Vec<_>>(),
            [(0, 2), (2, 1), (3, 2), (5, 1)]
        );
    }

    #[test]
    fn runs_differ_from_the_first_step_that_one_of_them_did_not_take() {
        let difference =
            first_difference(&path(&[1, 1, 2, 3, 4]), &path(&[1, 2, 5, 6, 4])).unwrap();
        assert_eq!(difference.n_shared, 3);
        assert_eq!(difference.last_shared.map(|(a, b)| (a.tool, a.n, b.n)), Some((2, 1, 1)));
        assert_eq!((tools(&difference.here), tools(&difference.there)), (vec![3], vec![5, 6]));
        let left_out = first_difference(&path(&[1, 4]), &path(&[1, 2, 4])).unwrap();
        assert_eq!((tools(&left_out.here), tools(&left_out.there)), (vec![], vec![2]));
        let stopped = first_difference(&path(&[1]), &path(&[1, 2])).unwrap();
        assert_eq!((stopped.n_shared, tools(&stopped.there)), (1, vec![2]));
        let failed = first_difference(&path(&[1, -2]), &path(&[1, 2])).unwrap();
        assert_eq!(failed.n_shared, 1, "a failed step is another step");
    }

    #[test]
    fn runs_that_took_the_same_steps_do_not_differ() {
        assert_eq!(first_difference(&path(&[1, 2, 2]), &path(&[1, 1, 2])), None);
        assert_eq!(first_difference(&[], &[]), None);
    }

    /// Computes the length of the longest common subsequence by trying every subsequence.
    fn longest_common(a: &[Segment], b: &[Segment]) -> usize {
        match (a.split_first(), b.split_first()) {
            (Some((of_a, rest_a)), Some((of_b, rest_b))) if of_a.is_like(of_b) => {
                1 + longest_common(rest_a, rest_b)
            }
            (Some((_, rest_a)), Some((_, rest_b))) => {
                longest_common(rest_a, b).max(longest_common(a, rest_b))
            }
            _ => 0,
        }
    }

    proptest::proptest! {
        #[test]
        fn similarity_is_that_of_the_definition(
            a in proptest::collection::vec(1_i32..4, 0..9),
            b in proptest::collection::vec(1_i32..4, 0..9),
        ) {
            let (a, b) = (path(&a), path(&b));
            let n = a.len() + b.len();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let wanted = if n == 0 { 1.0 } else { 2.0 * longest_common(&a, &b) as f64 / n as f64 };
            proptest::prop_assert!((similarity(&a, &b) - wanted).abs() < 1e-12);
        }

        #[test]
        fn what_comes_before_a_difference_is_shared_and_what_it_holds_is_not(
            a in proptest::collection::vec(1_i32..5, 0..20),
            b in proptest::collection::vec(1_i32..5, 0..20),
        ) {
            let (a, b) = (path(&a), path(&b));
            match first_difference(&a, &b) {
                None => proptest::prop_assert_eq!(tools(&a), tools(&b)),
                Some(difference) => {
                    let shared = a.iter().zip(&b).take_while(|(x, y)| x.is_like(y)).count();
                    proptest::prop_assert!(a[shared..].starts_with(&difference.here));
                    proptest::prop_assert!(b[shared..].starts_with(&difference.there));
                    let n = difference.here.len() + difference.there.len();
                    proptest::prop_assert!(n > 0);
                }
            }
        }
    }

    #[test]
    fn runs_of_thousands_of_steps_are_compared_by_their_beginning() {
        let tools: Vec<i32> = (0..5_000).map(|i| i % 7 + 1).collect();
        assert!((similarity(&path(&tools), &path(&tools)) - 1.0).abs() < 1e-12);
        assert_eq!(first_difference(&path(&tools), &path(&tools)), None);
    }
}
