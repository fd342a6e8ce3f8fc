//! Where two runs went the same way, and where they parted.

use crate::learn::{Move, NameNo};

/// Stretches of a run that are compared: alignment costs their product, 65,536 cells of a few nanoseconds.
const MAX_STRETCHES: usize = 256;

/// Steps in a row with the same tool and the same result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The tool.
    pub(crate) tool: NameNo,
    /// Whether the steps were ok.
    pub(crate) ok: bool,
    /// The first of them.
    pub(crate) at: u32,
    /// How many they are.
    pub(crate) n: u32,
}

impl Stretch {
    /// Whether both are the same tool with the same result; how often does not matter.
    fn like(&self, other: &Self) -> bool {
        self.tool == other.tool && self.ok == other.ok
    }
}

/// Merges steps in a row that use the same tool with the same result.
pub(crate) fn stretches(moves: &[Move]) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::new();
    for (step, at) in moves.iter().zip(0..) {
        match merged.last_mut() {
            Some(last) if last.tool == step.tool && last.ok == step.ok => last.n += 1,
            _ => merged.push(Stretch { tool: step.tool, ok: step.ok, at, n: 1 }),
        }
    }
    merged
}

/// Lengths of the longest common subsequences of all pairs of tails.
struct Tails {
    width: usize,
    cells: Vec<u16>,
}

impl Tails {
    fn new(a: &[Stretch], b: &[Stretch]) -> Self {
        let width = b.len() + 1;
        let mut tails = Self { width, cells: vec![0; (a.len() + 1) * width] };
        for (i, of_a) in a.iter().enumerate().rev() {
            for (j, of_b) in b.iter().enumerate().rev() {
                let best = if of_a.like(of_b) {
                    tails.at(i + 1, j + 1) + 1
                } else {
                    tails.at(i + 1, j).max(tails.at(i, j + 1))
                };
                if let Some(cell) = tails.cells.get_mut(i * width + j) {
                    *cell = best;
                }
            }
        }
        tails
    }

    fn at(&self, i: usize, j: usize) -> u16 {
        self.cells.get(i * self.width + j).copied().unwrap_or(0)
    }
}

fn head(run: &[Stretch]) -> &[Stretch] {
    run.get(..MAX_STRETCHES).unwrap_or(run)
}

/// How much of two runs is the same: twice their longest common subsequence over both lengths, in [0, 1].
///
/// Two empty runs are the same. Of very long runs the first 256 stretches count.
pub(crate) fn similarity(a: &[Stretch], b: &[Stretch]) -> f64 {
    let (a, b) = (head(a), head(b));
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let common = f64::from(Tails::new(a, b).at(0, 0));
    #[expect(clippy::cast_precision_loss, reason = "at most 512")]
    let both = (a.len() + b.len()) as f64;
    2.0 * common / both
}

/// Where two runs first went different ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parting {
    /// Steps of the first run before it.
    pub(crate) n_shared: u32,
    /// What the first run did until they met again.
    pub(crate) here: Vec<Stretch>,
    /// What the second did.
    pub(crate) there: Vec<Stretch>,
}

/// Finds the first place where two runs, aligned by their longest common subsequence, differ.
///
/// `None` when they do not, which says that the difference is not in the tools.
pub(crate) fn first_parting(a: &[Stretch], b: &[Stretch]) -> Option<Parting> {
    let (a, b) = (head(a), head(b));
    let shared = a.iter().zip(b).take_while(|(of_a, of_b)| of_a.like(of_b)).count();
    let (a_rest, b_rest) = (a.get(shared..)?, b.get(shared..)?);
    if a_rest.is_empty() && b_rest.is_empty() {
        return None;
    }
    let tails = Tails::new(a_rest, b_rest);
    let (mut i, mut j) = (0, 0);
    while let (Some(of_a), Some(of_b)) = (a_rest.get(i), b_rest.get(j)) {
        if of_a.like(of_b) && tails.at(i, j) == tails.at(i + 1, j + 1) + 1 {
            break;
        }
        if tails.at(i + 1, j) >= tails.at(i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    // Without another meeting point everything that follows differs.
    if i == a_rest.len() || j == b_rest.len() {
        (i, j) = (a_rest.len(), b_rest.len());
    }
    let before = a.get(..shared).unwrap_or_default();
    Some(Parting {
        n_shared: before.iter().map(|stretch| stretch.n).sum(),
        here: a_rest.get(..i).unwrap_or_default().to_vec(),
        there: b_rest.get(..j).unwrap_or_default().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::evidence::sample::run;

    fn way(tools: &[i32]) -> Vec<Stretch> {
        stretches(&run(1, 1, None, tools).moves)
    }

    fn tools(way: &[Stretch]) -> Vec<NameNo> {
        way.iter().map(|stretch| stretch.tool).collect()
    }

    #[test]
    fn steps_in_a_row_are_one_stretch() {
        let way = way(&[1, 1, 2, -2, -2, 1]);
        assert_eq!(tools(&way), [1, 2, 2, 1]);
        assert_eq!(
            way.iter().map(|s| (s.at, s.n)).collect::<Vec<_>>(),
            [(0, 2), (2, 1), (3, 2), (5, 1)]
        );
    }

    #[test]
    fn runs_part_at_the_first_step_that_one_of_them_did_not_take() {
        let parting = first_parting(&way(&[1, 1, 2, 3, 4]), &way(&[1, 2, 5, 6, 4])).unwrap();
        assert_eq!(parting.n_shared, 3);
        assert_eq!((tools(&parting.here), tools(&parting.there)), (vec![3], vec![5, 6]));
        let left_out = first_parting(&way(&[1, 4]), &way(&[1, 2, 4])).unwrap();
        assert_eq!((tools(&left_out.here), tools(&left_out.there)), (vec![], vec![2]));
        let stopped = first_parting(&way(&[1]), &way(&[1, 2])).unwrap();
        assert_eq!((stopped.n_shared, tools(&stopped.there)), (1, vec![2]));
        let failed = first_parting(&way(&[1, -2]), &way(&[1, 2])).unwrap();
        assert_eq!(failed.n_shared, 1, "a failed step is another step");
    }

    #[test]
    fn runs_that_went_the_same_way_do_not_part() {
        assert_eq!(first_parting(&way(&[1, 2, 2]), &way(&[1, 1, 2])), None);
        assert_eq!(first_parting(&[], &[]), None);
    }

    /// The definition, by trying every subsequence.
    fn longest_common(a: &[Stretch], b: &[Stretch]) -> usize {
        match (a.split_first(), b.split_first()) {
            (Some((of_a, rest_a)), Some((of_b, rest_b))) if of_a.like(of_b) => {
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
            a in proptest::collection::vec(1_i32..4, 0..9), b in proptest::collection::vec(1_i32..4, 0..9),
        ) {
            let (a, b) = (way(&a), way(&b));
            let n = a.len() + b.len();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let wanted = if n == 0 { 1.0 } else { 2.0 * longest_common(&a, &b) as f64 / n as f64 };
            proptest::prop_assert!((similarity(&a, &b) - wanted).abs() < 1e-12);
        }

        #[test]
        fn what_comes_before_a_parting_is_shared_and_what_it_holds_is_not(
            a in proptest::collection::vec(1_i32..5, 0..20), b in proptest::collection::vec(1_i32..5, 0..20),
        ) {
            let (a, b) = (way(&a), way(&b));
            match first_parting(&a, &b) {
                None => proptest::prop_assert_eq!(tools(&a), tools(&b)),
                Some(parting) => {
                    let shared = a.iter().zip(&b).take_while(|(x, y)| x.like(y)).count();
                    proptest::prop_assert!(a[shared..].starts_with(&parting.here));
                    proptest::prop_assert!(b[shared..].starts_with(&parting.there));
                    proptest::prop_assert!(!parting.here.is_empty() || !parting.there.is_empty());
                }
            }
        }
    }

    #[test]
    fn runs_of_thousands_of_steps_are_compared_by_their_beginning() {
        let tools: Vec<i32> = (0..5_000).map(|i| i % 7 + 1).collect();
        assert!((similarity(&way(&tools), &way(&tools)) - 1.0).abs() < 1e-12);
        assert_eq!(first_parting(&way(&tools), &way(&tools)), None);
    }
}
