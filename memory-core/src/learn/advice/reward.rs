//! Reward of an ended run: its outcome, its cost, and its distance from what was expected.

use crate::learn::table::{OutcomeCounts, Run};
use crate::model::Outcome;
use crate::stats::Posterior;

/// Maximum that effort takes off the reward of a success: it orders successes of one task, and
/// nothing else.
const TIE_BREAK: f64 = 0.1;

/// Range of the reward for each outcome. With the tie-break taken off the ranges still do not
/// overlap, so that a failure never outranks a partial success, nor that a success.
const FAILURE: (f64, f64) = (0.0, 0.2);
const PARTIAL: (f64, f64) = (0.25, 0.65);
const SUCCESS: (f64, f64) = (0.8, 1.0);

/// Earlier runs that a run is compared with; it is not among them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EarlierRuns<'a> {
    /// Runs of the same task.
    pub(crate) task: &'a [&'a Run],
    /// Runs of the same type of task.
    pub(crate) task_type: &'a [&'a Run],
    /// Counts of all runs of the scope.
    pub(crate) scope: OutcomeCounts,
}

/// Measure of the cost of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Number of steps.
    Steps,
    /// Number of tokens of all steps.
    Tokens,
    /// Duration of all steps in milliseconds.
    LatencyMs,
}

impl Measure {
    pub(crate) const ALL: [Self; 3] = [Self::Steps, Self::Tokens, Self::LatencyMs];

    /// Returns the cost of a run, where it is known.
    pub(crate) fn of(self, run: &Run) -> Option<u64> {
        match self {
            Self::Steps => Some(run.moves.len() as u64),
            Self::Tokens => run.n_tokens,
            Self::LatencyMs => run.latency_ms,
        }
    }
}

/// Reward of a run, and its distance from what was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reward {
    /// Reward in [0, 1]: by outcome, ties among successes broken by effort. `None` for unknown.
    pub(crate) score: Option<f64>,
    /// Credit that was expected at its start.
    pub(crate) expected: Posterior,
    /// Its credit less the expected one, in [−1, 1]; `None` for unknown.
    pub(crate) surprise: Option<f64>,
}

/// Computes the reward of a run.
///
/// The outcome sets a range (failure up to 0.2, partial 0.25 to 0.65, success from 0.8). A recorded
/// reward counts within it; without one it is 0, ½ or 1. A success loses up to 0.1 for its effort:
/// see [`efficiency`]. Nothing is added for the number of steps, patterns or artifacts, nor for
/// their names.
pub(crate) fn reward(run: &Run, earlier: &EarlierRuns<'_>) -> Reward {
    let expected = OutcomeCounts::of(earlier.task.iter().copied()).expected_credit(&earlier.scope);
    let given = run.reward.filter(|reward| reward.is_finite());
    let within = |(low, high): (f64, f64), usual: f64| given.unwrap_or(usual).clamp(low, high);
    let score = match run.outcome {
        Some(Outcome::Success) => {
            let lost = efficiency(run, earlier).map_or(0.0, |share| 1.0 - share);
            Some(within(SUCCESS, 1.0) - TIE_BREAK * lost)
        }
        Some(Outcome::Partial) => Some(within(PARTIAL, 0.5)),
        Some(Outcome::Failure) => Some(within(FAILURE, 0.0)),
        Some(Outcome::Abstained | Outcome::Unjudged) | None => {
            given.map(|reward| reward.clamp(0.0, 1.0))
        }
    };
    let surprise = run.credit().map(|credit| credit - expected.mean);
    Reward { score, expected, surprise }
}

/// Returns the share of the earlier successes that cost more than a run: the mean over the measures
/// that are known.
///
/// The successes are those of its task, else those of its type of task; `None` without any.
fn efficiency(run: &Run, earlier: &EarlierRuns<'_>) -> Option<f64> {
    [earlier.task, earlier.task_type].into_iter().find_map(|runs| {
        let others = runs.iter().copied().filter(|other| other.succeeded() && other.id != run.id);
        let shares = Measure::ALL.iter().filter_map(|m| share_above(*m, run, others.clone()));
        let (sum, n_measures) = shares.fold((0.0, 0.0), |(sum, n), share| (sum + share, n + 1.0));
        (n_measures > 0.0).then(|| sum / n_measures)
    })
}

/// Returns the share of `others` that cost more than `run` by a measure, ties counting half; `None`
/// where it is not known.
pub(crate) fn share_above<'a>(
    measure: Measure,
    run: &Run,
    others: impl Iterator<Item = &'a Run>,
) -> Option<f64> {
    let own = measure.of(run)?;
    let (mut above, mut n) = (0.0, 0.0);
    for cost in others.filter_map(|other| measure.of(other)) {
        n += 1.0;
        above += match cost.cmp(&own) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
    }
    (n > 0.0).then(|| above / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::run;
    use proptest::prelude::*;

    fn with(outcome: Option<Outcome>, reward: Option<f64>, n_steps: usize) -> Run {
        let id = u8::try_from(n_steps).unwrap();
        Run { reward, ..run(id, 1, outcome, &vec![1; n_steps]) }
    }

    #[test]
    fn the_outcome_is_the_base_and_a_given_reward_counts_within_its_band() {
        let score =
            |outcome, given| reward(&with(outcome, given, 3), &EarlierRuns::default()).score;
        assert_eq!(score(Some(Outcome::Success), None), Some(1.0));
        assert_eq!(score(Some(Outcome::Success), Some(0.9)), Some(0.9));
        assert_eq!(score(Some(Outcome::Success), Some(0.0)), Some(0.8));
        assert_eq!(score(Some(Outcome::Partial), None), Some(0.5));
        assert_eq!(score(Some(Outcome::Partial), Some(1.0)), Some(0.65));
        assert_eq!(score(Some(Outcome::Failure), None), Some(0.0));
        assert_eq!(score(Some(Outcome::Failure), Some(1.0)), Some(0.2));
        assert_eq!(score(Some(Outcome::Success), Some(f64::NAN)), Some(1.0));
    }

    #[test]
    fn what_was_not_tried_is_unknown_unless_labelled() {
        for outcome in [Some(Outcome::Abstained), None] {
            let rated = reward(&with(outcome, None, 3), &EarlierRuns::default());
            assert_eq!((rated.score, rated.surprise), (None, None));
            let rated = reward(&with(outcome, Some(0.7), 3), &EarlierRuns::default());
            assert_eq!(rated.score, Some(0.7));
        }
    }

    #[test]
    fn effort_is_compared_within_the_task_first_then_within_the_type() {
        let ended = with(Some(Outcome::Success), None, 5);
        let (long, short) =
            (with(Some(Outcome::Success), None, 9), with(Some(Outcome::Success), None, 2));
        let failed = with(Some(Outcome::Failure), None, 1);
        let both =
            EarlierRuns { task: &[&long, &failed], task_type: &[&short], ..EarlierRuns::default() };
        let cheap = efficiency(&ended, &both).unwrap();
        assert!((cheap - 1.0).abs() < 1e-12, "{cheap}");
        let new_task =
            EarlierRuns { task: &[&failed], task_type: &[&short], ..EarlierRuns::default() };
        let dear = efficiency(&ended, &new_task).unwrap();
        assert!(dear.abs() < 1e-12, "{dear}");
        assert!((reward(&ended, &new_task).score.unwrap() - 0.9).abs() < 1e-12);
        assert_eq!(efficiency(&ended, &EarlierRuns::default()), None);
    }

    #[test]
    fn surprise_is_measured_against_earlier_runs_of_the_task() {
        let won = with(Some(Outcome::Success), None, 3);
        let ended = with(Some(Outcome::Failure), None, 3);
        let scope = OutcomeCounts { n: 98.0, credit: 49.0, successes: 0.0 };
        let history = EarlierRuns { task: &[&won, &won], scope, ..EarlierRuns::default() };
        let rated = reward(&ended, &history);
        assert!((rated.expected.mean - 0.75).abs() < 1e-12, "{:?}", rated.expected);
        assert!((rated.surprise.unwrap() + 0.75).abs() < 1e-12);
        let unknown = reward(&ended, &EarlierRuns { scope, ..EarlierRuns::default() });
        assert!((unknown.surprise.unwrap() + 0.5).abs() < 1e-12, "backs off to the scope");
    }

    fn outcome() -> impl Strategy<Value = Option<Outcome>> {
        proptest::sample::select(vec![
            Some(Outcome::Success),
            Some(Outcome::Partial),
            Some(Outcome::Failure),
        ])
    }

    proptest! {
        #[test]
        fn a_worse_outcome_never_outranks_a_better_one_and_order_follows_effort(
            runs in proptest::collection::vec(
                (outcome(), proptest::option::of(-1.0_f64..2.0), 0_usize..12), 2..9),
        ) {
            let runs: Vec<Run> = runs.iter().zip(0..).map(|((outcome, given, n_steps), i)| {
                let mut run = with(*outcome, *given, *n_steps);
                run.id = crate::model::EpisodeId::from_bytes([i; 16]);
                run
            }).collect();
            let all: Vec<&Run> = runs.iter().collect();
            let history = EarlierRuns { task: &all, ..EarlierRuns::default() };
            let rank = |outcome: Option<Outcome>| outcome.map(|o| match o {
                Outcome::Failure => 0, Outcome::Partial => 1, _ => 2,
            });
            for a in &runs {
                let score_a = reward(a, &history).score.unwrap();
                prop_assert!((0.0..=1.0).contains(&score_a));
                for b in &runs {
                    let score_b = reward(b, &history).score.unwrap();
                    if rank(a.outcome) > rank(b.outcome) {
                        prop_assert!(score_a > score_b, "{a:?} {b:?}");
                    }
                    let alike = a.succeeded() && b.succeeded() && a.reward == b.reward;
                    if alike && a.moves.len() < b.moves.len() {
                        prop_assert!(score_a > score_b, "{score_a} {score_b}");
                    }
                }
            }
        }
    }
}
