//! Directly-follows graph of runs, and its decision points.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::learn::table::{Learned, Move, NameId, Run};
use crate::stats::Posterior;

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Number of moves of a run that count.
const MAX_MOVES: usize = 1_000;

/// Node of the directly-follows graph: a move, and what runs did after it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FlowNode {
    /// The move; `None` for the beginning of a run.
    pub(super) after: Option<Move>,
    /// Number of runs with this move.
    pub(super) n_runs: u32,
    /// Next steps, most frequent first.
    pub(super) branches: Vec<FlowBranch>,
    /// Entropy of the next step, in bits.
    pub(super) entropy_bits: f64,
}

/// Next step that some runs took.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FlowBranch {
    /// The tool; `None` for the end of the run.
    pub(super) tool: Option<NameId>,
    /// Number of times that it came next.
    pub(super) n: u32,
    /// Number of runs in which it came next.
    pub(super) n_runs: u32,
    /// Success rate of these runs, as far as their outcomes are known.
    pub(super) outcome: Posterior,
}

impl FlowNode {
    /// Returns the difference in success between the branches: the best mean less the worst, of
    /// those that at least `min_support` runs with an outcome took; `None` with less than two.
    pub(super) fn difference(&self, min_support: u32) -> Option<f64> {
        let known = self.branches.iter().filter(|b| b.outcome.n >= f64::from(min_support.max(1)));
        let means: Vec<f64> = known.map(|branch| branch.outcome.mean).collect();
        let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let worst = means.iter().copied().fold(f64::INFINITY, f64::min);
        (means.len() >= 2).then_some(best - worst)
    }
}

/// Counts of one edge of the graph.
#[derive(Debug, Default)]
struct Edge {
    n: u32,
    n_runs: u32,
    n_known: f64,
    n_success: f64,
}

/// Counts of one node while the graph is built.
#[derive(Debug, Default)]
struct NodeCounts {
    n_runs: u32,
    edges: FxHashMap<Option<NameId>, Edge>,
}

impl NodeCounts {
    fn into_node(self, after: Option<Move>) -> FlowNode {
        let total: u32 = self.edges.values().map(|edge| edge.n).sum();
        let shares = self.edges.values().map(|edge| f64::from(edge.n) / f64::from(total));
        // Summed in ascending order, so that the last digit does not depend on the order of
        // arrival.
        let mut bits: Vec<f64> = shares.map(|share| -share * share.log2()).collect();
        bits.sort_by(f64::total_cmp);
        let branches = self.edges.into_iter().map(|(tool, edge)| FlowBranch {
            tool,
            n: edge.n,
            n_runs: edge.n_runs,
            outcome: Posterior::new(edge.n_known, edge.n_success, LEVEL),
        });
        FlowNode {
            after,
            n_runs: self.n_runs,
            branches: branches.collect(),
            entropy_bits: bits.iter().sum(),
        }
    }
}

/// Builds the directly-follows graph of runs: for each move, and for the beginning, what came next.
///
/// A run counts once for an edge however often it took it. Of a very long run the first 1,000 moves
/// count. Costs a look at each move. In no particular order.
fn directly_follows<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<FlowNode> {
    let mut nodes: FxHashMap<Option<Move>, NodeCounts> = FxHashMap::default();
    let (mut seen_edges, mut seen_nodes) = (FxHashSet::default(), FxHashSet::default());
    for run in runs.filter(|run| !run.moves.is_empty()) {
        seen_edges.clear();
        seen_nodes.clear();
        let moves = run.moves.iter().take(MAX_MOVES).copied();
        let froms = std::iter::once(None).chain(moves.clone().map(Some));
        let tos = moves.map(|step| Some(step.tool)).chain([None]);
        for (from, to) in froms.zip(tos) {
            let node = nodes.entry(from).or_default();
            node.n_runs += u32::from(seen_nodes.insert(from));
            let edge = node.edges.entry(to).or_default();
            edge.n += 1;
            if seen_edges.insert((from, to)) {
                edge.n_runs += 1;
                if let Some(success) = run.success() {
                    edge.n_known += run.weight();
                    edge.n_success += if success { run.weight() } else { 0.0 };
                }
            }
        }
    }
    nodes.into_iter().map(|(after, counts)| counts.into_node(after)).collect()
}

impl Learned {
    /// Finds the decision points of a scope: moves after which at least `min_support` runs each
    /// went at least two ways. Their branches are ordered by frequency, ties by name.
    pub(super) fn decision_points(&self, scope: Option<&str>, min_support: u32) -> Vec<FlowNode> {
        let mut nodes = directly_follows(self.runs_unordered(scope));
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
    use crate::learn::digest::Digest;
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
    fn a_decision_point_has_the_branches_with_their_counts_and_outcomes() {
        let (good, bad) = (Outcome::Success, Outcome::Failure);
        let learned = learned(&[
            ("read test edit", good),
            ("read test edit", good),
            ("read edit", bad),
            ("read edit read edit", bad),
            ("", bad),
        ]);
        let nodes = learned.decision_points(Some("a"), 2);
        let named = |tool: Option<NameId>| tool.map_or("end", |tool| learned.name(tool));
        let read = nodes.iter().find(|node| named(node.after.map(|m| m.tool)) == "read").unwrap();
        let branches: Vec<_> =
            read.branches.iter().map(|b| (named(b.tool), b.n, b.n_runs)).collect();
        assert_eq!((read.n_runs, branches), (4, vec![("edit", 3, 2), ("test", 2, 2)]));
        assert!((read.branches[0].outcome.mean - 0.25).abs() < 1e-9, "none of two");
        assert!((read.difference(2).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(read.difference(3), None);
        assert!((read.entropy_bits - 0.970_950_594).abs() < 1e-6, "{}", read.entropy_bits);
        assert_eq!(
            nodes.len(),
            1,
            "the beginning has one way, the end of edit is no choice of two runs"
        );
        assert_eq!(learned.decision_points(Some("none"), 1), []);
    }

    #[test]
    fn the_beginning_is_a_decision_too() {
        let learned = learned(&[("a", Outcome::Success), ("b", Outcome::Failure)]);
        let nodes = learned.decision_points(None, 1);
        assert_eq!(nodes.len(), 1);
        assert_eq!((nodes[0].after, nodes[0].n_runs, nodes[0].branches.len()), (None, 2, 2));
    }
}
