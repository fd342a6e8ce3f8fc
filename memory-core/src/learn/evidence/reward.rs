//! How good an ended attempt was, what it cost, and how far it was from what was expected.

use super::beta::{Posterior, Prior};
use crate::learn::Run;
use crate::model::Outcome;

/// Most that efficiency takes from a reward: it orders successes of one task, nothing else.
const TIE_BREAK: f64 = 0.1;

/// Where a reward lies by its outcome. With the tie-break taken off the bands still do not overlap, so
/// that a failed attempt never outranks a partial one, nor a partial one a success.
const FAILURE: (f64, f64) = (0.0, 0.2);
const PARTIAL: (f64, f64) = (0.25, 0.65);
const SUCCESS: (f64, f64) = (0.8, 1.0);

/// What an outcome is worth as a share of a success: what posteriors count.
///
/// Success 1, failure 0; a partial one by its reward, ½ where none is given. An attempt that was abstained
/// from or abandoned is unknown (`None`) unless whoever recorded it gave a reward.
pub(crate) fn credit(outcome: Option<Outcome>, reward: Option<f64>) -> Option<f64> {
    let given = reward.filter(|reward| reward.is_finite()).map(|reward| reward.clamp(0.0, 1.0));
    match outcome {
        Some(Outcome::Success) => Some(1.0),
        Some(Outcome::Failure) => Some(0.0),
        Some(Outcome::Partial) => Some(given.unwrap_or(0.5)),
        Some(Outcome::Abstained) | None => given,
    }
}

/// The same for a run.
pub(crate) fn credit_of(run: &Run) -> Option<f64> {
    credit(run.outcome, run.reward)
}

/// Whether a run did its task.
pub(crate) fn succeeded(run: &Run) -> bool {
    run.outcome == Some(Outcome::Success)
}

/// How many attempts, and how many of them succeeded by their credit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Record {
    /// Attempts whose result is known.
    pub(crate) n: f64,
    /// Sum of their credit.
    pub(crate) successes: f64,
}

impl Record {
    /// Counts runs; those of unknown result are left out.
    pub(crate) fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut record = Self::default();
        for credit in runs.into_iter().filter_map(credit_of) {
            record.add(1.0, credit);
        }
        record
    }

    /// Counts an attempt by its weight.
    pub(crate) fn add(&mut self, weight: f64, credit: f64) {
        self.n += weight;
        self.successes += weight * credit;
    }

    /// Share of successes; `None` without attempts.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.successes / self.n)
    }

    /// What to expect of the next attempt: a posterior whose prior is worth two attempts at the rate of a
    /// wider record (the scope's), itself drawn to ½ by two attempts. 80 % interval.
    pub(crate) fn expect(&self, wider: &Self) -> Posterior {
        let rate = (wider.successes + 1.0) / (wider.n + 2.0);
        Posterior::with_prior(self.n, self.successes, 0.8, Prior::around(rate))
    }
}

/// Runs to judge another by; it is not among them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct History<'a> {
    /// Earlier runs of the same task.
    pub(crate) task: &'a [&'a Run],
    /// Earlier runs of the same type of task, of any task.
    pub(crate) task_type: &'a [&'a Run],
    /// What came of all earlier runs of the scope.
    pub(crate) scope: Record,
}

/// What a run cost, by one measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Number of steps.
    Steps,
    /// Tokens of all steps.
    Tokens,
    /// Milliseconds of all steps.
    Time,
}

impl Measure {
    pub(crate) const ALL: [Self; 3] = [Self::Steps, Self::Tokens, Self::Time];

    /// The value for a run, where it is known.
    pub(crate) fn of(self, run: &Run) -> Option<u64> {
        match self {
            Self::Steps => Some(run.moves.len() as u64),
            Self::Tokens => run.n_tokens,
            Self::Time => run.latency_ms,
        }
    }
}

/// How cheap a run was among successes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Efficiency {
    /// Share of the successes that cost more, in [0, 1]; those that cost the same count half. Mean over the
    /// measures that are known.
    pub(crate) share: f64,
    /// Successes it is compared with.
    pub(crate) n: u32,
    /// Whether these are of the same task, or else of the same type of task.
    pub(crate) same_task: bool,
}

/// How good an attempt was, in three parts that are kept apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reward {
    /// The reward, in [0, 1]: by outcome, ties among successes broken by efficiency. `None` for unknown.
    pub(crate) score: Option<f64>,
    /// How cheap it was; `None` unless it succeeded and there is a success to compare with.
    pub(crate) efficiency: Option<Efficiency>,
    /// What was to be expected at its start.
    pub(crate) expected: Posterior,
    /// Its credit less the expected rate, in [−1, 1]; `None` for unknown.
    pub(crate) surprise: Option<f64>,
}

/// Judges a run by its outcome, its cost and what was expected.
///
/// The outcome sets a band (failure to 0.2, partial 0.25 to 0.65, success from 0.8); a reward given by whoever
/// recorded the run counts as far as its band allows, without one it is 0, ½ or 1. A success loses up to
/// 0.1 for effort: its share among successes of the same task, else of the same type. Nothing is added for
/// the number of steps, patterns or artifacts, nor for what they are called.
pub(crate) fn reward(run: &Run, history: &History<'_>) -> Reward {
    let efficiency = if succeeded(run) { efficiency(run, history) } else { None };
    let expected = Record::of(history.task.iter().copied()).expect(&history.scope);
    let given = run.reward.filter(|reward| reward.is_finite());
    let within = |(low, high): (f64, f64), usual: f64| given.unwrap_or(usual).clamp(low, high);
    let score = match run.outcome {
        Some(Outcome::Success) => {
            let lost = efficiency.map_or(0.0, |efficiency| 1.0 - efficiency.share);
            Some(within(SUCCESS, 1.0) - TIE_BREAK * lost)
        }
        Some(Outcome::Partial) => Some(within(PARTIAL, 0.5)),
        Some(Outcome::Failure) => Some(within(FAILURE, 0.0)),
        Some(Outcome::Abstained) | None => given.map(|reward| reward.clamp(0.0, 1.0)),
    };
    let surprise = credit_of(run).map(|credit| credit - expected.mean);
    Reward { score, efficiency, expected, surprise }
}

/// How cheap a run is among the successes of its task, else of its type of task.
pub(crate) fn efficiency(run: &Run, history: &History<'_>) -> Option<Efficiency> {
    [(history.task, true), (history.task_type, false)].into_iter().find_map(|(runs, same_task)| {
        let others = runs.iter().copied().filter(|other| succeeded(other) && other.id != run.id);
        let n = u32::try_from(others.clone().count()).unwrap_or(u32::MAX);
        let shares = Measure::ALL.iter().filter_map(|m| share_above(*m, run, others.clone()));
        let (sum, n_measures) = shares.fold((0.0, 0.0), |(sum, n), share| (sum + share, n + 1.0));
        (n_measures > 0.0).then(|| Efficiency { share: sum / n_measures, n, same_task })
    })
}

/// Share of `others` that cost more than `run` by a measure, ties by half; `None` where it is not known.
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
    use crate::learn::evidence::sample::run;
    use proptest::prelude::*;

    fn with(outcome: Option<Outcome>, reward: Option<f64>, n_steps: usize) -> Run {
        let id = u8::try_from(n_steps).unwrap();
        Run { reward, ..run(id, 1, outcome, &vec![1; n_steps]) }
    }

    #[test]
    fn the_outcome_is_the_base_and_a_given_reward_counts_within_its_band() {
        let score = |outcome, given| reward(&with(outcome, given, 3), &History::default()).score;
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
            let judged = reward(&with(outcome, None, 3), &History::default());
            assert_eq!((judged.score, judged.surprise), (None, None));
            let judged = reward(&with(outcome, Some(0.7), 3), &History::default());
            assert_eq!(judged.score, Some(0.7));
        }
    }

    #[test]
    fn effort_is_compared_within_the_task_first_then_within_the_type() {
        let ended = with(Some(Outcome::Success), None, 5);
        let (long, short) =
            (with(Some(Outcome::Success), None, 9), with(Some(Outcome::Success), None, 2));
        let failed = with(Some(Outcome::Failure), None, 1);
        let both = History { task: &[&long, &failed], task_type: &[&short], ..History::default() };
        let cheap = efficiency(&ended, &both).unwrap();
        assert_eq!((cheap.share, cheap.n, cheap.same_task), (1.0, 1, true));
        let new_task = History { task: &[&failed], task_type: &[&short], ..History::default() };
        let dear = efficiency(&ended, &new_task).unwrap();
        assert_eq!((dear.share, dear.n, dear.same_task), (0.0, 1, false));
        assert!((reward(&ended, &new_task).score.unwrap() - 0.9).abs() < 1e-12);
        assert_eq!(efficiency(&ended, &History::default()), None);
    }

    #[test]
    fn surprise_is_measured_against_the_task_s_own_history() {
        let won = with(Some(Outcome::Success), None, 3);
        let ended = with(Some(Outcome::Failure), None, 3);
        let scope = Record { n: 98.0, successes: 49.0 };
        let history = History { task: &[&won, &won], scope, ..History::default() };
        let judged = reward(&ended, &history);
        assert!((judged.expected.mean - 0.75).abs() < 1e-12, "{:?}", judged.expected);
        assert!((judged.surprise.unwrap() + 0.75).abs() < 1e-12);
        let unknown = reward(&ended, &History { scope, ..History::default() });
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
            let history = History { task: &all, ..History::default() };
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
                    let alike = succeeded(a) && succeeded(b) && a.reward == b.reward;
                    if alike && a.moves.len() < b.moves.len() {
                        prop_assert!(score_a > score_b, "{score_a} {score_b}");
                    }
                }
            }
        }
    }
}
