//! What follows what, and where it makes a difference.

use rustc_hash::{FxHashMap, FxHashSet};

use super::evidence::Posterior;
use super::{Learned, Move, NameNo, Run};

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Moves of a run that are looked at.
const MAX_MOVES: usize = 1_000;

/// What runs did after a move: a node of the directly-follows graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The move; `None` for the beginning of a run.
    pub(super) after: Option<Move>,
    /// Runs that came here.
    pub(super) n_runs: u32,
    /// What they did next, most frequent first.
    pub(super) branches: Vec<Branch>,
    /// Uncertainty of what comes next, in bits.
    pub(super) entropy_bits: f64,
}

/// What some runs did next.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch {
    /// The tool; `None` for the end of the run.
    pub(super) tool: Option<NameNo>,
    /// How often it came next.
    pub(super) n: u32,
    /// In how many runs.
    pub(super) n_runs: u32,
    /// How runs that did so ended, as far as they have an outcome.
    pub(super) outcome: Posterior,
}

impl Node {
    /// By how much the branches differ in success: the best mean less the worst, of those that at least
    /// `min_support` runs with an outcome took; `None` with less than two of them.
    pub(super) fn difference(&self, min_support: u32) -> Option<f64> {
        let known = self.branches.iter().filter(|b| b.outcome.n >= f64::from(min_support.max(1)));
        let means: Vec<f64> = known.map(|branch| branch.outcome.mean).collect();
        let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let worst = means.iter().copied().fold(f64::INFINITY, f64::min);
        (means.len() >= 2).then_some(best - worst)
    }
}

#[derive(Debug, Default)]
struct Edge {
    n: u32,
    n_runs: u32,
    n_known: u32,
    n_success: u32,
}

/// The directly-follows graph of runs: for each move, and for the beginning, what came next.
///
/// A run counts once for an edge however often it took it. Of a very long run the first 1,000 moves count.
/// Costs a look at each move. In no order that means anything.
pub(super) fn flow<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<Node> {
    let mut edges: FxHashMap<Option<Move>, FxHashMap<Option<NameNo>, Edge>> = FxHashMap::default();
    let mut n_runs: FxHashMap<Option<Move>, u32> = FxHashMap::default();
    let (mut seen, mut been) = (FxHashSet::default(), FxHashSet::default());
    for run in runs.filter(|run| !run.moves.is_empty()) {
        seen.clear();
        been.clear();
        let moves = || run.moves.iter().take(MAX_MOVES).copied();
        let froms = std::iter::once(None).chain(moves().map(Some));
        let tools = moves().map(|step| Some(step.tool)).chain([None]);
        for (from, to) in froms.zip(tools) {
            if been.insert(from) {
                *n_runs.entry(from).or_default() += 1;
            }
            let edge = edges.entry(from).or_default().entry(to).or_default();
            edge.n += 1;
            if seen.insert((from, to)) {
                edge.n_runs += 1;
                edge.n_known += u32::from(run.success().is_some());
                edge.n_success += u32::from(run.success() == Some(true));
            }
        }
    }
    let node = |(after, edges): (Option<Move>, FxHashMap<Option<NameNo>, Edge>)| {
        let all: u32 = edges.values().map(|edge| edge.n).sum();
        let bits = |edge: &Edge| {
            let share = f64::from(edge.n) / f64::from(all);
            -share * share.log2()
        };
        // Summed in ascending order, so that the last digit does not depend on the order of arrival.
        let mut entropy: Vec<f64> = edges.values().map(bits).collect();
        entropy.sort_by(f64::total_cmp);
        let branch = |(tool, edge): (&Option<NameNo>, &Edge)| Branch {
            tool: *tool,
            n: edge.n,
            n_runs: edge.n_runs,
            outcome: Posterior::new(edge.n_known.into(), edge.n_success.into(), LEVEL),
        };
        Node {
            after,
            n_runs: n_runs.get(&after).copied().unwrap_or(0),
            branches: edges.iter().map(branch).collect(),
            entropy_bits: entropy.iter().sum(),
        }
    };
    edges.into_iter().map(node).collect()
}

impl Learned {
    /// Decision points of a scope: moves after which at least `min_support` runs each went at least two
    /// ways. Branches are ordered by how often they were taken; of two alike the first by name comes first.
    pub(super) fn decisions(&self, scope: Option<&str>, min_support: u32) -> Vec<Node> {
        let mut nodes = flow(self.unordered(scope));
        nodes.retain(|node| {
            let taken = node.branches.iter().filter(|branch| branch.n_runs >= min_support.max(1));
            taken.count() >= 2
        });
        for node in &mut nodes {
            node.branches.sort_by_key(|branch| {
                (std::cmp::Reverse(branch.n), branch.tool.map(|tool| self.name(tool)))
            });
        }
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Digest;
    use crate::learn::sample::{episode, step};
    use crate::model::Outcome;

    fn learned(runs: &[(&str, Outcome)]) -> Learned {
        let mut learned = Learned::default();
        for (n, (tools, outcome)) in (1..).zip(runs) {
            let steps: Vec<_> = tools.split(' ').map(|tool| step(tool, "", true, "")).collect();
            let steps = if tools.is_empty() { Vec::new() } else { steps };
            learned.put(&episode(n, "a", "b", Some(*outcome)), &Digest::of(&steps));
        }
        learned
    }

    #[test]
    fn a_decision_point_tells_who_went_where_and_how_that_ended() {
        let (good, bad) = (Outcome::Success, Outcome::Failure);
        let learned = learned(&[
            ("read test edit", good),
            ("read test edit", good),
            ("read edit", bad),
            ("read edit read edit", bad),
            ("", bad),
        ]);
        let nodes = learned.decisions(Some("a"), 2);
        let named = |tool: Option<NameNo>| tool.map_or("end", |tool| learned.name(tool));
        let read = nodes.iter().find(|node| named(node.after.map(|m| m.tool)) == "read").unwrap();
        let told: Vec<_> = read.branches.iter().map(|b| (named(b.tool), b.n, b.n_runs)).collect();
        assert_eq!((read.n_runs, told), (4, vec![("edit", 3, 2), ("test", 2, 2)]));
        assert!((read.branches[0].outcome.mean - 0.25).abs() < 1e-9, "none of two");
        assert!((read.difference(2).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(read.difference(3), None);
        assert!((read.entropy_bits - 0.970_950_594).abs() < 1e-6, "{}", read.entropy_bits);
        assert_eq!(
            nodes.len(),
            1,
            "the beginning has one way, the end of edit is no choice of two runs"
        );
        assert_eq!(learned.decisions(Some("none"), 1), []);
    }

    #[test]
    fn the_beginning_is_a_decision_too() {
        let learned = learned(&[("a", Outcome::Success), ("b", Outcome::Failure)]);
        let nodes = learned.decisions(None, 1);
        assert_eq!(nodes.len(), 1);
        assert_eq!((nodes[0].after, nodes[0].n_runs, nodes[0].branches.len()), (None, 2, 2));
    }
}
