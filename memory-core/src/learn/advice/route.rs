//! The way that worked: what successful runs of a task have in common, in their usual order.

use super::align::{Stretch, similarity, stretches};
use super::playbook::Precedent;
use crate::learn::NameNo;
use crate::model::EpisodeId;

/// Successful runs that are compared with each other: alignment costs their square.
const MAX_RUNS: usize = 12;

/// Share of the successes, by weight, that must use a tool for it to be a step.
const MIN_SUPPORT: f64 = 0.5;

/// Most steps of a way; a longer one is told by the first use of each tool.
const MAX_STEPS: usize = 8;

/// A step of the way that worked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RouteStep {
    /// The tool; several where they are used in turns.
    pub(crate) tools: Vec<NameNo>,
    /// How often they are used here, in the run that the way was taken from.
    pub(crate) times: u32,
    /// Successes that use the tool (the first of them).
    pub(crate) n_with: u32,
    /// Successes that were looked at.
    pub(crate) n_of: u32,
    /// A run and a step of it that shows how.
    pub(crate) example: (EpisodeId, u32),
}

impl RouteStep {
    /// Share of the successes that do it.
    pub(crate) fn support(&self) -> f64 {
        f64::from(self.n_with) / f64::from(self.n_of.max(1))
    }
}

/// A successful run, as the way is made from it.
struct Success<'a> {
    id: EpisodeId,
    weight: f64,
    /// Ok steps only: what failed was no part of what worked.
    way: Vec<Stretch>,
    precedent: &'a Precedent<'a>,
}

/// The way that successful runs went, as few steps as tell it.
///
/// The run most like all others (the medoid by longest common subsequence) gives the order; tools that less
/// than half of the successes use are left out of it; what most use and this one does not is put in at its
/// usual place. `successes` are those to go by, nearest first, of which 12 are looked at.
pub(crate) fn route(successes: &[&Precedent<'_>]) -> Vec<RouteStep> {
    let successes: Vec<Success<'_>> = successes
        .iter()
        .take(MAX_RUNS)
        .map(|precedent| {
            let ok: Vec<_> =
                precedent.run.moves.iter().copied().enumerate().filter(|(_, m)| m.ok).collect();
            let moves: Vec<_> = ok.iter().map(|(_, step)| *step).collect();
            let mut way = stretches(&moves);
            for stretch in &mut way {
                let step = ok.get(stretch.at as usize).map_or(0, |(step, _)| *step);
                stretch.at = u32::try_from(step).unwrap_or(u32::MAX);
            }
            Success { id: precedent.run.id, weight: precedent.similarity, way, precedent }
        })
        .filter(|success| !success.way.is_empty() && success.weight > 0.0)
        .collect();
    let Some(medoid) = medoid(&successes) else { return Vec::new() };
    let usual = usual_tools(&successes);
    let is_usual = |tool: NameNo| usual.iter().any(|usual| usual.tool == tool);
    let kept: Vec<Stretch> = medoid.way.iter().copied().filter(|s| is_usual(s.tool)).collect();
    let mut steps = fold_turns(&merge(&kept), medoid.id);
    if steps.len() > MAX_STEPS {
        steps = first_uses(&kept, medoid.id);
    }
    add_missing(&mut steps, &usual, medoid);
    count_support(&mut steps, &usual, successes.len());
    steps
}

/// The run that is most like the others; the first, which is the nearest, of equals.
fn medoid<'a, 'b>(successes: &'b [Success<'a>]) -> Option<&'b Success<'a>> {
    let mut best: Option<(f64, &Success<'_>)> = None;
    for success in successes {
        let likeness =
            successes.iter().map(|other| other.weight * similarity(&success.way, &other.way));
        let sum: f64 = success.weight * likeness.sum::<f64>();
        if best.is_none_or(|(most, _)| sum > most + 1e-12) {
            best = Some((sum, success));
        }
    }
    best.map(|(_, success)| success)
}

/// A tool that most successes use.
struct UsualTool {
    tool: NameNo,
    n_with: u32,
    /// Mean place of its first use, from 0 at the start of a run to 1 at its end.
    place: f64,
    /// The nearest run that uses it, and where.
    example: (EpisodeId, u32),
}

fn usual_tools(successes: &[Success<'_>]) -> Vec<UsualTool> {
    let all: f64 = successes.iter().map(|success| success.weight).sum();
    let mut seen: Vec<(UsualTool, f64)> = Vec::new();
    for success in successes {
        let mut own: Vec<NameNo> = Vec::new();
        let n_steps = success.precedent.run.moves.len();
        for stretch in &success.way {
            if own.contains(&stretch.tool) {
                continue;
            }
            own.push(stretch.tool);
            #[expect(clippy::cast_precision_loss, reason = "a number of steps")]
            let place = f64::from(stretch.at) / (n_steps.max(2) - 1) as f64;
            if let Some((usual, weight)) = seen.iter_mut().find(|(u, _)| u.tool == stretch.tool) {
                usual.n_with += 1;
                usual.place += success.weight * place;
                *weight += success.weight;
            } else {
                let example = (success.id, stretch.at);
                let place = success.weight * place;
                seen.push((
                    UsualTool { tool: stretch.tool, n_with: 1, place, example },
                    success.weight,
                ));
            }
        }
    }
    seen.retain(|(_, weight)| *weight >= MIN_SUPPORT * all - 1e-9);
    let usual =
        seen.into_iter().map(|(usual, weight)| UsualTool { place: usual.place / weight, ..usual });
    usual.collect()
}

/// Merges neighbours of the same tool, which leaving others out may have made.
fn merge(way: &[Stretch]) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::new();
    for stretch in way {
        match merged.last_mut() {
            Some(last) if last.tool == stretch.tool => last.n += stretch.n,
            _ => merged.push(*stretch),
        }
    }
    merged
}

/// Folds tools used in turns (a b a b, a b c a b c) into one step.
fn fold_turns(way: &[Stretch], id: EpisodeId) -> Vec<RouteStep> {
    let mut steps = Vec::new();
    let mut rest = way;
    while let Some(first) = rest.first() {
        let tool_at = |i: usize| rest.get(i).map(|stretch| stretch.tool);
        let turns = |period: usize| {
            (period..rest.len()).take_while(|i| tool_at(*i) == tool_at(*i - period)).count()
        };
        // A turn counts once it came round whole.
        let folded = (2..=3).map(|period| (period, turns(period))).find(|(period, n)| n >= period);
        let (n_tools, n_stretches) = folded.map_or((1, 1), |(period, n)| (period, period + n));
        let (done, later) = rest.split_at(n_stretches.min(rest.len()));
        steps.push(RouteStep {
            tools: done.iter().take(n_tools).map(|stretch| stretch.tool).collect(),
            times: if n_tools == 1 {
                first.n
            } else {
                u32::try_from(n_stretches / n_tools).unwrap_or(u32::MAX)
            },
            n_with: 0,
            n_of: 0,
            example: (id, first.at),
        });
        rest = later;
    }
    steps
}

/// The first use of each tool, with all its uses counted.
fn first_uses(way: &[Stretch], id: EpisodeId) -> Vec<RouteStep> {
    let mut steps: Vec<RouteStep> = Vec::new();
    for stretch in way {
        match steps.iter_mut().find(|step| step.tools.first() == Some(&stretch.tool)) {
            Some(step) => step.times += stretch.n,
            None => steps.push(RouteStep {
                tools: vec![stretch.tool],
                times: stretch.n,
                n_with: 0,
                n_of: 0,
                example: (id, stretch.at),
            }),
        }
    }
    steps
}

/// Puts in what most successes use and the medoid does not, at its usual place.
fn add_missing(steps: &mut Vec<RouteStep>, usual: &[UsualTool], medoid: &Success<'_>) {
    let n_moves = u32::try_from(medoid.precedent.run.moves.len().max(2) - 1).unwrap_or(u32::MAX);
    let mut missing: Vec<&UsualTool> =
        usual.iter().filter(|u| medoid.way.iter().all(|s| s.tool != u.tool)).collect();
    missing.sort_by(|a, b| a.place.total_cmp(&b.place));
    for tool in missing {
        let place_of = |step: &RouteStep| {
            let (id, at) = step.example;
            if id == medoid.id {
                f64::from(at) / f64::from(n_moves)
            } else {
                usual.iter().find(|u| step.tools.contains(&u.tool)).map_or(1.0, |u| u.place)
            }
        };
        let at = steps.iter().position(|step| place_of(step) > tool.place).unwrap_or(steps.len());
        let step = RouteStep {
            tools: vec![tool.tool],
            times: 1,
            n_with: tool.n_with,
            n_of: 0,
            example: tool.example,
        };
        steps.insert(at, step);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Run;
    use crate::learn::evidence::sample::run;
    use crate::model::Outcome;

    fn way_of(runs: &[&[i32]]) -> Vec<RouteStep> {
        let runs: Vec<Run> =
            runs.iter().zip(1..).map(|(t, id)| run(id, 1, Some(Outcome::Success), t)).collect();
        let precedents: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        route(&precedents.iter().collect::<Vec<_>>())
    }

    fn tools(steps: &[RouteStep]) -> Vec<Vec<NameNo>> {
        steps.iter().map(|step| step.tools.clone()).collect()
    }

    #[test]
    fn what_most_successes_do_is_kept_and_what_one_did_is_not() {
        let steps = way_of(&[&[1, 2, 9, 3], &[1, 2, 3], &[1, 8, 2, 3]]);
        assert_eq!(tools(&steps), [vec![1], vec![2], vec![3]]);
        assert!(steps.iter().all(|step| (step.n_with, step.n_of) == (3, 3)));
    }

    #[test]
    fn what_the_typical_run_left_out_is_put_in_at_its_usual_place() {
        // 5 comes second in three of four; the first run, most like the others, lacks it.
        let steps = way_of(&[&[1, 2, 3, 4], &[1, 5, 2, 3], &[1, 5, 3, 4], &[1, 5, 2, 4]]);
        let order: Vec<NameNo> = steps.iter().map(|step| step.tools[0]).collect();
        let place = |tool| order.iter().position(|t| *t == tool).unwrap();
        assert!(place(1) < place(5) && place(5) < place(4), "{order:?}");
    }

    #[test]
    fn failed_steps_are_no_part_of_what_worked() {
        let steps = way_of(&[&[1, -7, -7, 2], &[1, 2]]);
        assert_eq!(tools(&steps), [vec![1], vec![2]]);
        let only_failed = way_of(&[&[-1, -2]]);
        assert_eq!(only_failed, []);
    }

    #[test]
    fn turns_are_one_step() {
        let steps = way_of(&[&[1, 2, 3, 2, 3, 2, 3, 4]]);
        assert_eq!(tools(&steps), [vec![1], vec![2, 3], vec![4]]);
        assert_eq!(steps[1].times, 3);
        assert_eq!(steps[1].example.1, 1);
        let three = way_of(&[&[1, 2, 3, 1, 2, 3]]);
        assert_eq!((tools(&three), three[0].times), (vec![vec![1, 2, 3]], 2));
    }

    #[test]
    fn a_long_way_is_told_by_the_first_use_of_each_tool() {
        let long = [1, 2, 1, 3, 2, 1, 4, 1, 3, 1, 2, 4, 1, 2, 5, 3, 1, 5];
        let steps = way_of(&[&long]);
        assert_eq!(tools(&steps), [vec![1], vec![2], vec![3], vec![4], vec![5]]);
        assert_eq!(steps[0].times, 7);
    }

    #[test]
    fn an_example_points_at_the_step_it_shows() {
        let steps = way_of(&[&[-1, -1, 2, 2, -3, 4]]);
        assert_eq!(steps.iter().map(|step| step.example.1).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(way_of(&[]), []);
        assert_eq!(way_of(&[&[]]), []);
    }

    proptest::proptest! {
        #[test]
        fn every_step_is_used_by_half_of_the_successes(
            runs in proptest::collection::vec(proptest::collection::vec(-3_i32..7, 0..25), 1..6),
        ) {
            let runs: Vec<Vec<i32>> =
                runs.into_iter().map(|r| r.into_iter().map(|t| if t == 0 { 7 } else { t }).collect()).collect();
            let slices: Vec<&[i32]> = runs.iter().map(Vec::as_slice).collect();
            let steps = way_of(&slices);
            let told: Vec<NameNo> = steps.iter().flat_map(|step| step.tools.clone()).collect();
            let with = |tool: NameNo| runs.iter().filter(|r| r.iter().any(|t| *t > 0 && t.unsigned_abs() == tool)).count();
            let n = runs.iter().filter(|r| r.iter().any(|t| *t > 0)).count();
            for tool in 1..=7 {
                let usual = n > 0 && 2 * with(tool) >= n && with(tool) > 0;
                proptest::prop_assert_eq!(usual, told.contains(&tool), "{} {:?}", tool, told);
            }
        }
    }
}
