//! Steps and time that attempts at a task took.

use super::precedent::Precedent;
use crate::stats::quantile;

/// Fewest attempts that give a range.
const MIN_RUNS: usize = 2;

/// Tenth, middle and nine tenths of what attempts took.
type Range = [f64; 3];

/// Steps and time of attempts at a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effort {
    steps: Range,
    /// In milliseconds; `None` where it is not known of enough attempts.
    latency_ms: Option<Range>,
}

fn range(mut values: Vec<f64>) -> Option<Range> {
    (values.len() >= MIN_RUNS).then_some(())?;
    let at = |p| quantile(&mut values, p);
    let [low, middle, high] = [0.1, 0.5, 0.9].map(at);
    Some([low?, middle?, high?])
}

impl Effort {
    /// Computes the effort of runs with steps: of the successes, or of all where there are fewer
    /// than two.
    pub(super) fn of(runs: &[Precedent<'_>]) -> Option<Self> {
        let with_steps = || runs.iter().map(|precedent| precedent.run);
        let with_steps = || with_steps().filter(|run| !run.moves.is_empty());
        let n_succeeded = with_steps().filter(|run| run.succeeded()).count();
        let counted = || with_steps().filter(|run| n_succeeded < MIN_RUNS || run.succeeded());
        let steps = counted().map(|run| crate::stats::real(run.moves.len()));
        #[expect(clippy::cast_precision_loss, reason = "a duration")]
        let times = counted().filter_map(|run| run.latency_ms).map(|ms| ms as f64);
        Some(Self { steps: range(steps.collect())?, latency_ms: range(times.collect()) })
    }

    /// Returns the effort in words.
    pub(super) fn words(&self) -> String {
        let [low, middle, high] = self.steps.map(|n| format!("{n:.0}"));
        let steps = if low == high {
            format!("Takes {middle} steps")
        } else {
            format!("Takes some {middle} steps ({low} to {high})")
        };
        let time = self.latency_ms.map_or_else(String::new, |range| {
            let [low, middle, high] = range.map(duration);
            if low == high {
                format!(" and {middle} in tools")
            } else {
                format!(" and {middle} in tools ({low} to {high})")
            }
        });
        format!("{steps}{time}.")
    }
}

fn duration(ms: f64) -> String {
    match ms / 1_000.0 {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::run;
    use crate::model::Outcome;

    #[test]
    fn effort_is_that_of_successes_and_needs_two_attempts() {
        let mut runs: Vec<_> = (1..=6_u8)
            .map(|id| {
                let outcome = if id == 6 { Outcome::Failure } else { Outcome::Success };
                let n = if id == 6 { 90 } else { 10 + usize::from(id) };
                run(id, 1, Some(outcome), &vec![1; n])
            })
            .collect();
        for (minutes, run) in (1..).zip(&mut runs) {
            run.latency_ms = Some(60_000 * minutes);
        }
        let all: Vec<Precedent<'_>> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        let words = Effort::of(&all).unwrap().words();
        assert_eq!(words, "Takes some 13 steps (11 to 15) and 3 min in tools (84 s to 5 min).");
        assert_eq!(Effort::of(&all[..1]), None);
        assert_eq!(Effort::of(&[]), None);
    }
}
