//! Route: the steps that successful runs of a task have in common, in their usual order.

use super::align::{Segment, segments, similarity};
use super::precedent::Precedent;
use crate::learn::quote::StepRef;
use crate::learn::table::NameId;
use crate::model::EpisodeId;

/// Maximum number of successful runs that are compared with each other: alignment costs their
/// square.
const MAX_RUNS: usize = 12;

/// Share of the successes, by weight, that must use a tool for it to be a step.
const MIN_SUPPORT: f64 = 0.5;

/// Maximum number of examples of a step.
const MAX_EXAMPLES: usize = 3;

/// Maximum number of steps of a route; a longer one is shortened to the first use of each tool.
const MAX_STEPS: usize = 8;

/// A step of a route.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RouteStep {
    /// The tool; several where they alternate.
    pub(crate) tools: Vec<NameId>,
    /// Number of uses here, in the run that the route was taken from.
    pub(crate) n_times: u32,
    /// Number of successes that use the (first) tool.
    pub(crate) n_with: u32,
    /// Number of successes that were examined.
    pub(crate) n_of: u32,
    /// Steps that show it: of the run that the route was taken from, then of others, nearest first.
    /// The first use of the tool; for the last step of the route the last use, which made the
    /// success.
    pub(crate) examples: Vec<StepRef>,
}

impl RouteStep {
    fn new(tools: Vec<NameId>, n_times: u32, example: StepRef) -> Self {
        Self { tools, n_times, n_with: 0, n_of: 0, examples: vec![example] }
    }

    /// Returns the share of the successes that have it.
    pub(crate) fn support(&self) -> f64 {
        f64::from(self.n_with) / f64::from(self.n_of.max(1))
    }
}

/// A successful run from which the route is made.
struct Success<'a> {
    id: EpisodeId,
    weight: f64,
    /// Segments of the steps that were ok: failed steps are no part of what worked.
    path: Vec<Segment>,
    precedent: &'a Precedent<'a>,
}

impl Success<'_> {
    fn step(&self, idx: u32) -> StepRef {
        StepRef { episode: self.id, idx }
    }

    /// Returns the first use of a tool, or the last one.
    fn use_of(&self, tool: NameId, last: bool) -> Option<StepRef> {
        let mut uses = self.path.iter().filter(|segment| segment.tool == tool);
        let idx = if last { uses.next_back()?.last } else { uses.next()?.first };
        Some(self.step(idx))
    }
}

/// Finds the route that successful runs took, in as few steps as describe it.
///
/// The run most similar to all others (the medoid by longest common subsequence) gives the order.
/// Tools that less than half of the successes use are left out of it; those that most use and the
/// medoid does not are inserted at their usual position. `successes` are ordered by similarity of
/// their task; the first 12 are examined.
pub(crate) fn route(successes: &[&Precedent<'_>]) -> Vec<RouteStep> {
    let successes: Vec<Success<'_>> = successes
        .iter()
        .take(MAX_RUNS)
        .map(|precedent| Success {
            id: precedent.run.id,
            weight: precedent.similarity,
            path: segments(precedent.run.steps().filter(|(_, step)| step.ok)),
            precedent,
        })
        .filter(|success| !success.path.is_empty() && success.weight > 0.0)
        .collect();
    let Some(medoid) = medoid(&successes) else { return Vec::new() };
    let usual = usual_tools(&successes);
    let is_usual = |tool: NameId| usual.iter().any(|usual| usual.tool == tool);
    let kept: Vec<Segment> =
        medoid.path.iter().copied().filter(|segment| is_usual(segment.tool)).collect();
    let mut steps = fold_alternations(&merge_neighbours(&kept), medoid);
    if steps.len() > MAX_STEPS {
        steps = first_uses(&kept, medoid);
    }
    insert_missing(&mut steps, &usual, medoid);
    count_support(&mut steps, &usual, successes.len());
    add_examples(&mut steps, medoid, &successes);
    steps
}

/// Returns the run most similar to the others; of equals the first, whose task is the most similar.
fn medoid<'a, 'b>(successes: &'b [Success<'a>]) -> Option<&'b Success<'a>> {
    let mut best: Option<(f64, &Success<'_>)> = None;
    for success in successes {
        let similarities =
            successes.iter().map(|other| other.weight * similarity(&success.path, &other.path));
        let sum: f64 = success.weight * similarities.sum::<f64>();
        // The margin keeps rounding from deciding between equals.
        if best.is_none_or(|(most, _)| sum > most + 1e-12) {
            best = Some((sum, success));
        }
    }
    best.map(|(_, success)| success)
}

/// A tool that most successes use.
struct UsualTool {
    tool: NameId,
    n_with: u32,
    /// Mean position of its first use, from 0 at the start of a run to 1 at its end.
    position: f64,
    /// First use in the nearest run that has it.
    example: StepRef,
}

/// Finds the tools that most successes use, in the order of first use.
fn usual_tools(successes: &[Success<'_>]) -> Vec<UsualTool> {
    let total: f64 = successes.iter().map(|success| success.weight).sum();
    let mut seen: Vec<(UsualTool, f64)> = Vec::new();
    for success in successes {
        let mut own: Vec<NameId> = Vec::new();
        for segment in &success.path {
            let tool = segment.tool;
            if own.contains(&tool) {
                continue;
            }
            own.push(tool);
            let position = success.weight * relative(segment.first, last_step(success));
            if let Some((usual, weight)) = seen.iter_mut().find(|(usual, _)| usual.tool == tool) {
                usual.n_with += 1;
                usual.position += position;
                *weight += success.weight;
            } else {
                let example = success.step(segment.first);
                seen.push((UsualTool { tool, n_with: 1, position, example }, success.weight));
            }
        }
    }
    seen.retain(|(_, weight)| *weight >= MIN_SUPPORT * total - 1e-9);
    let mean = |(usual, weight): (UsualTool, f64)| UsualTool {
        position: usual.position / weight,
        ..usual
    };
    seen.into_iter().map(mean).collect()
}

/// Returns the index of the last step of a run, at least 1.
fn last_step(success: &Success<'_>) -> u32 {
    u32::try_from(success.precedent.run.moves.len().max(2) - 1).unwrap_or(u32::MAX)
}

fn relative(idx: u32, last: u32) -> f64 {
    f64::from(idx) / f64::from(last)
}

/// Merges neighbouring segments of the same tool, which leaving others out may have created.
fn merge_neighbours(path: &[Segment]) -> Vec<Segment> {
    let mut merged: Vec<Segment> = Vec::new();
    for segment in path {
        match merged.last_mut() {
            Some(before) if before.tool == segment.tool => {
                before.n += segment.n;
                before.last = segment.last;
            }
            _ => merged.push(*segment),
        }
    }
    merged
}

/// Folds tools that alternate (a b a b, a b c a b c) into one step.
fn fold_alternations(path: &[Segment], medoid: &Success<'_>) -> Vec<RouteStep> {
    let mut steps = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.first() {
        let n_repeated = |period: usize| {
            let repeats = rest.iter().zip(rest.iter().skip(period));
            repeats.take_while(|(earlier, later)| earlier.tool == later.tool).count()
        };
        // An alternation counts once it was repeated whole.
        let folded = (2..=3).map(|period| (period, n_repeated(period)));
        let folded = folded.into_iter().find(|(period, n_repeated)| n_repeated >= period);
        let (n_tools, n_segments) =
            folded.map_or((1, 1), |(period, n_repeated)| (period, period + n_repeated));
        let (done, later) = rest.split_at(n_segments);
        let n_times = if n_tools == 1 {
            first.n
        } else {
            u32::try_from(n_segments / n_tools).unwrap_or(u32::MAX)
        };
        let tools = done.iter().take(n_tools).map(|segment| segment.tool).collect();
        steps.push(RouteStep::new(tools, n_times, medoid.step(first.first)));
        rest = later;
    }
    steps
}

/// Returns the first use of each tool, with all its uses counted.
fn first_uses(path: &[Segment], medoid: &Success<'_>) -> Vec<RouteStep> {
    let mut steps: Vec<RouteStep> = Vec::new();
    for segment in path {
        let known = steps.iter_mut().find(|step| step.tools.first() == Some(&segment.tool));
        if let Some(step) = known {
            step.n_times += segment.n;
        } else {
            let example = medoid.step(segment.first);
            steps.push(RouteStep::new(vec![segment.tool], segment.n, example));
        }
    }
    steps
}

/// Inserts the usual tools that the medoid does not use, at their usual positions.
fn insert_missing(steps: &mut Vec<RouteStep>, usual: &[UsualTool], medoid: &Success<'_>) {
    let last = last_step(medoid);
    let mut missing: Vec<&UsualTool> = usual
        .iter()
        .filter(|usual| medoid.path.iter().all(|segment| segment.tool != usual.tool))
        .collect();
    missing.sort_by(|a, b| a.position.total_cmp(&b.position));
    for tool in missing {
        let is_later = |step: &RouteStep| {
            let own = step.examples.first().filter(|example| example.episode == medoid.id);
            let position = if let Some(example) = own {
                relative(example.idx, last)
            } else {
                let usual = usual.iter().find(|usual| step.tools.contains(&usual.tool));
                usual.map_or(1.0, |usual| usual.position)
            };
            position > tool.position
        };
        let at = steps.iter().position(is_later).unwrap_or(steps.len());
        steps.insert(at, RouteStep::new(vec![tool.tool], 1, tool.example));
    }
}

fn count_support(steps: &mut [RouteStep], usual: &[UsualTool], n_successes: usize) {
    let n_of = u32::try_from(n_successes).unwrap_or(u32::MAX);
    for step in steps {
        let of_first = usual.iter().find(|usual| step.tools.first() == Some(&usual.tool));
        step.n_with = of_first.map_or(0, |usual| usual.n_with);
        step.n_of = n_of;
    }
}

/// Adds the steps of other successes that show the same; shows the last step by its last use.
fn add_examples(steps: &mut [RouteStep], medoid: &Success<'_>, successes: &[Success<'_>]) {
    let last_step = steps.len().saturating_sub(1);
    for (i, step) in steps.iter_mut().enumerate() {
        let Some(tool) = step.tools.first().copied() else { continue };
        let is_last = i == last_step;
        if is_last && let Some(last_use) = medoid.use_of(tool, true) {
            step.examples = vec![last_use];
        }
        let shown = step.examples.first().map(|example| example.episode);
        let others = successes.iter().filter(|success| shown != Some(success.id));
        let uses = others.filter_map(|success| success.use_of(tool, is_last));
        step.examples.extend(uses.take(MAX_EXAMPLES - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::run;
    use crate::learn::table::Run;
    use crate::model::Outcome;

    fn route_of(runs: &[&[i32]]) -> Vec<RouteStep> {
        let runs: Vec<Run> =
            runs.iter().zip(1..).map(|(t, id)| run(id, 1, Some(Outcome::Success), t)).collect();
        let precedents: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        route(&precedents.iter().collect::<Vec<_>>())
    }

    fn tools(steps: &[RouteStep]) -> Vec<Vec<NameId>> {
        steps.iter().map(|step| step.tools.clone()).collect()
    }

    #[test]
    fn what_most_successes_do_is_kept_and_what_one_did_is_not() {
        let steps = route_of(&[&[1, 2, 9, 3], &[1, 2, 3], &[1, 8, 2, 3]]);
        assert_eq!(tools(&steps), [vec![1], vec![2], vec![3]]);
        assert!(steps.iter().all(|step| (step.n_with, step.n_of) == (3, 3)));
    }

    #[test]
    fn what_the_typical_run_left_out_is_inserted_at_its_usual_position() {
        // 5 comes second in three of four; the first run, most like the others, lacks it.
        let steps = route_of(&[&[1, 2, 3, 4], &[1, 5, 2, 3], &[1, 5, 3, 4], &[1, 5, 2, 4]]);
        let order: Vec<NameId> = steps.iter().map(|step| step.tools[0]).collect();
        let place = |tool| order.iter().position(|t| *t == tool).unwrap();
        assert!(place(1) < place(5) && place(5) < place(4), "{order:?}");
    }

    #[test]
    fn failed_steps_are_no_part_of_what_worked() {
        let steps = route_of(&[&[1, -7, -7, 2], &[1, 2]]);
        assert_eq!(tools(&steps), [vec![1], vec![2]]);
        let only_failed = route_of(&[&[-1, -2]]);
        assert_eq!(only_failed, []);
    }

    #[test]
    fn alternations_are_one_step() {
        let steps = route_of(&[&[1, 2, 3, 2, 3, 2, 3, 4]]);
        assert_eq!(tools(&steps), [vec![1], vec![2, 3], vec![4]]);
        assert_eq!(steps[1].n_times, 3);
        assert_eq!(steps[1].examples[0].idx, 1);
        let three = route_of(&[&[1, 2, 3, 1, 2, 3]]);
        assert_eq!((tools(&three), three[0].n_times), (vec![vec![1, 2, 3]], 2));
    }

    #[test]
    fn a_long_route_is_shortened_to_the_first_use_of_each_tool() {
        let long = [1, 2, 1, 3, 2, 1, 4, 1, 3, 1, 2, 4, 1, 2, 5, 3, 1, 5];
        let steps = route_of(&[&long]);
        assert_eq!(tools(&steps), [vec![1], vec![2], vec![3], vec![4], vec![5]]);
        assert_eq!(steps[0].n_times, 7);
    }

    #[test]
    fn an_example_points_at_the_step_it_shows() {
        let steps = route_of(&[&[-1, -1, 2, 2, -3, 4, 4]]);
        let shown: Vec<u32> = steps.iter().map(|step| step.examples[0].idx).collect();
        assert_eq!(shown, [2, 6], "the first use, and of the last step the last");
        let steps = route_of(&[&[1, 2], &[1, 2], &[1, 2], &[1, 2]]);
        assert!(steps.iter().all(|step| step.examples.len() == 3), "{steps:?}");
    }

    #[test]
    fn without_successes_or_steps_there_is_no_route() {
        assert_eq!(route_of(&[]), []);
        assert_eq!(route_of(&[&[]]), []);
    }

    proptest::proptest! {
        #[test]
        fn every_step_is_used_by_half_of_the_successes(
            runs in proptest::collection::vec(
                proptest::collection::vec(-3_i32..7, 0..25), 1..6),
        ) {
            let used = |tool: i32| if tool == 0 { 7 } else { tool };
            let runs: Vec<Vec<i32>> =
                runs.into_iter().map(|run| run.into_iter().map(used).collect()).collect();
            let slices: Vec<&[i32]> = runs.iter().map(Vec::as_slice).collect();
            let steps = route_of(&slices);
            let found: Vec<NameId> = steps.iter().flat_map(|step| step.tools.clone()).collect();
            let uses = |run: &Vec<i32>, tool: NameId| {
                run.iter().any(|step| *step > 0 && step.unsigned_abs() == tool)
            };
            let with = |tool| runs.iter().filter(|run| uses(run, tool)).count();
            let n = runs.iter().filter(|r| r.iter().any(|t| *t > 0)).count();
            for tool in 1..=7 {
                let usual = n > 0 && 2 * with(tool) >= n && with(tool) > 0;
                proptest::prop_assert_eq!(usual, found.contains(&tool), "{} {:?}", tool, found);
            }
        }
    }
}
