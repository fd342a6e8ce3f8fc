//! Analyses through the engine: what a month of work says, and what bad input gets.

use std::sync::Arc;

use super::Memory;
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::model::{Outcome, Scope};
use crate::predict::{Analysis, AnalysisKind, AnalysisQuery, BinUnit, Metric};
use crate::storage::MemStorage;
use crate::{Clock, Timestamp};

const DAY_MS: i64 = 86_400_000;

/// Clock that a test sets.
struct SetClock(std::sync::Mutex<(i64, u128)>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.lock().unwrap().0)
    }

    fn next_id(&self) -> [u8; 16] {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        state.1.to_be_bytes()
    }
}

/// A memory whose days a test plays.
struct World {
    memory: Memory,
    clock: Arc<SetClock>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(SetClock(std::sync::Mutex::new((20_000 * DAY_MS, 0))));
        let builder = Memory::builder(Arc::new(MemStorage::new()));
        let memory = builder.clock(Arc::clone(&clock) as Arc<dyn Clock>).open().unwrap();
        Self { memory, clock }
    }

    /// Records an episode on a day; `tools` are (name, ok, latency).
    fn episode(&self, day: i64, tools: &[(&str, bool, u64)], outcome: Outcome) {
        self.clock.0.lock().unwrap().0 = (20_000 + day) * DAY_MS + DAY_MS / 3;
        let new = NewEpisode::new(scope(), format!("Ship the release of day {}", day % 5));
        let id = self.memory.start(new).unwrap().value;
        let steps = tools.iter().map(|(tool, ok, latency_ms)| NewStep {
            tool: (*tool).into(),
            error: (!ok).then(|| "error: connection reset by the registry".into()),
            latency_ms: Some(*latency_ms),
            ..NewStep::default()
        });
        self.memory.log(id, steps.collect()).unwrap();
        let completion = Completion { outcome: Some(outcome), ..Completion::default() };
        self.memory.finish(id, completion).unwrap();
    }

    fn ask(&self, kind: AnalysisKind, metric: Metric) -> Analysis {
        self.memory
            .analyze(&AnalysisQuery { metric: Some(metric), ..AnalysisQuery::new(kind) })
            .unwrap()
    }
}

fn scope() -> Scope {
    Scope::new("example.org/shop").unwrap()
}

/// Forty days of two episodes; from day 20 on `deploy` mostly fails, and slowly.
fn broken_on_day_20(world: &World) {
    for day in 0..40 {
        for n in 0..2 {
            let ok = if day < 20 { day % 7 != 3 || n == 1 } else { day % 5 == 2 };
            let outcome = if ok { Outcome::Success } else { Outcome::Failure };
            let slow = if day < 20 { 900 + 10 * (day % 3) } else { 4_000 + 30 * (day % 4) };
            let latency = u64::try_from(slow).unwrap();
            world.episode(day, &[("read", true, 20), ("deploy", ok, latency)], outcome);
        }
    }
}

#[test]
fn a_tool_that_breaks_on_day_20_is_found_with_the_day_and_both_rates() {
    let world = World::new();
    broken_on_day_20(&world);
    let query = AnalysisQuery {
        tool: Some("deploy".into()),
        scope: Some(scope()),
        ..AnalysisQuery::new(AnalysisKind::ChangePoints)
    };
    let found = world.memory.analyze(&query).unwrap();
    let [change] = &found.findings[..] else { panic!("{found:?}") };
    assert_eq!((found.unit, found.n_episodes, found.series.len()), (BinUnit::Day, 80, 40));
    let day = change.at.as_millis() / DAY_MS - 20_000;
    assert!((18..=22).contains(&day), "day {day}");
    assert!(change.before > 0.8 && change.after < 0.4, "{change:?}");
    assert!(found.sentence.contains("fell from 0.9"), "{}", found.sentence);
    let slower = world.ask(AnalysisKind::ChangePoints, Metric::LatencyMs);
    assert_eq!(slower.findings.len(), 1);
    assert!(slower.sentence.contains("rose from"), "{}", slower.sentence);
}

#[test]
fn forecasts_stay_within_what_the_metric_can_be() {
    let world = World::new();
    broken_on_day_20(&world);
    for metric in Metric::ALL {
        for level in [0.01, 0.8, 0.999] {
            let query = AnalysisQuery {
                metric: Some(metric),
                level: Some(level),
                horizon: Some(1_000),
                ..AnalysisQuery::new(AnalysisKind::Forecast)
            };
            let found = world.memory.analyze(&query).unwrap();
            if metric == Metric::Tokens {
                assert!(found.forecast.is_empty() && found.sentence.contains("`tokens`"));
                continue;
            }
            assert_eq!(found.forecast.len(), 1_000, "{metric:?}");
            let top = if matches!(metric, Metric::Success | Metric::Reward) { 1.0 } else { 1e300 };
            for point in &found.forecast {
                let numbers = [0.0, point.lower, point.value, point.upper, top];
                assert!(numbers.is_sorted(), "{metric:?} {level}: {point:?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    let world = World::new();
    broken_on_day_20(&world);
    let forecast = || AnalysisQuery::new(AnalysisKind::Forecast);
    let refused = |query| world.memory.analyze(&query).unwrap_err();
    for level in [0.0, 1.0, f64::NAN, -0.5, 80.0] {
        let error = refused(AnalysisQuery { level: Some(level), ..forecast() });
        assert!(matches!(error, Error::Invalid { field: "level", .. }), "{error}");
    }
    let error = refused(AnalysisQuery { horizon: Some(0), ..forecast() });
    assert!(matches!(error, Error::Invalid { field: "horizon", .. }), "{error}");
    let error = refused(AnalysisQuery { horizon: Some(10_000), ..forecast() });
    assert!(matches!(error, Error::LimitExceeded { what: "horizon", .. }), "{error}");
    let error = refused(AnalysisQuery { tool: Some("deplo".into()), ..forecast() });
    assert!(error.to_string().contains("deplo"), "{error}");
}

#[test]
fn too_few_episodes_are_said_with_how_many_it_takes() {
    let world = World::new();
    for kind in AnalysisKind::ALL {
        let found = world.memory.analyze(&AnalysisQuery::new(kind)).unwrap();
        assert!(!found.sentence.is_empty() && found.findings.is_empty(), "{kind:?}: {found:?}");
    }
    for n in 0..3 {
        world.episode(n, &[("read", true, 5)], Outcome::Success);
    }
    for kind in [AnalysisKind::ChangePoints, AnalysisKind::Anomalies] {
        let found = world.ask(kind, Metric::LatencyMs);
        assert!(found.sentence.starts_with("Too few points: 3, need 8"), "{}", found.sentence);
    }
    let rate = world.ask(AnalysisKind::Forecast, Metric::Success);
    assert!(rate.forecast[0].lower < 0.8, "three successes are no certainty: {rate:?}");
}

#[test]
fn an_unusual_day_and_an_unusual_episode_are_told_with_their_episodes() {
    let world = World::new();
    for day in 0..40 {
        let n = if day == 25 { 60 } else { 3 + usize::try_from(day % 2).unwrap() };
        world.episode(day, &vec![("read", true, 10); n], Outcome::Success);
    }
    let found = world.ask(AnalysisKind::Anomalies, Metric::Steps);
    let first = &found.findings[0];
    assert_eq!((first.at.as_millis() / DAY_MS - 20_000, first.after), (25, 60.0));
    assert!(found.findings.iter().all(|finding| !finding.episodes.is_empty()));
    assert!(found.sentence.starts_with("1 unusual value"), "{}", found.sentence);
}

#[test]
fn chances_told_from_a_tasks_history_beat_the_overall_rate() {
    let world = World::new();
    for day in 0..100 {
        // Of the five tasks two never succeed.
        let outcome = if day % 5 < 2 { Outcome::Failure } else { Outcome::Success };
        world.episode(day, &[("read", true, 10)], outcome);
    }
    let found = world.ask(AnalysisKind::Calibration, Metric::Success);
    let calibration = found.calibration.unwrap();
    assert_eq!(calibration.n, 100);
    assert!(calibration.brier < 0.5 * calibration.brier_base, "{calibration:?}");
    assert!(found.sentence.contains("better than"), "{}", found.sentence);
    assert_eq!(calibration.bins.iter().map(|bin| bin.n).sum::<usize>(), 100);
}

#[test]
fn huge_constant_missing_and_inferred_values_give_no_number_that_is_none() {
    let world = World::new();
    for day in 0..30 {
        let latency = if day == 17 { u64::MAX } else { 100 };
        world.episode(day, &[("read", day % 9 != 0, latency)], Outcome::Success);
    }
    for kind in AnalysisKind::ALL {
        for metric in Metric::ALL {
            let found = world.ask(kind, metric);
            let numbers = found.findings.iter().flat_map(|one| [one.before, one.after, one.score]);
            let points = found.forecast.iter().flat_map(|one| [one.value, one.lower, one.upper]);
            for number in numbers.chain(points) {
                assert!(number.is_finite(), "{kind:?} {metric:?}: {found:?}");
            }
            assert!(!found.sentence.contains("NaN") && !found.sentence.contains("inf"));
            assert!(!found.sentence.is_empty(), "{kind:?} {metric:?}");
        }
    }
    let elsewhere = AnalysisQuery {
        scope: Some(Scope::new("example.org/none").unwrap()),
        ..AnalysisQuery::new(AnalysisKind::Forecast)
    };
    let found = world.memory.analyze(&elsewhere).unwrap();
    assert_eq!((found.n_episodes, found.forecast.len()), (0, 0));
}

#[test]
fn a_tool_is_told_by_what_its_own_calls_cost_and_an_error_by_how_often_it_came() {
    let world = World::new();
    broken_on_day_20(&world);
    let ask = |kind, metric, tool: Option<&str>, error: Option<&str>| {
        let (tool, error) = (tool.map(Into::into), error.map(Into::into));
        let asked = AnalysisQuery { metric: Some(metric), ..AnalysisQuery::new(kind) };
        world.memory.analyze(&AnalysisQuery { tool, error, ..asked })
    };
    let read = ask(AnalysisKind::Forecast, Metric::LatencyMs, Some("read"), None).unwrap();
    assert!((read.forecast[0].value - 20.0).abs() < 1.0, "{}", read.sentence);
    let deploy = ask(AnalysisKind::ChangePoints, Metric::LatencyMs, Some("deploy"), None).unwrap();
    let start = "The latency of a call of `deploy` rose from 910 ms to 4.0 s since";
    assert!(deploy.sentence.starts_with(start), "{}", deploy.sentence);
    let message = "error: connection reset by the registry";
    let came = ask(AnalysisKind::ChangePoints, Metric::Errors, None, Some(message)).unwrap();
    assert_eq!((came.n_episodes, came.findings.len()), (80, 1), "{}", came.sentence);
    let met = ask(AnalysisKind::Forecast, Metric::Success, None, Some(message)).unwrap();
    assert!(met.n_episodes < 50 && met.forecast[0].value < 0.1, "{}", met.sentence);
    let other = ask(AnalysisKind::Forecast, Metric::Success, None, Some("no such file"));
    assert!(matches!(other.unwrap_err(), Error::Invalid { field: "error", .. }));
}

#[test]
fn odds_are_never_surer_than_the_experience_is_large() {
    let world = World::new();
    for day in 0..30 {
        world.episode(day, &[("read", true, 10)], Outcome::Success);
    }
    let found = world.ask(AnalysisKind::Calibration, Metric::Success).calibration.unwrap();
    let told = found.bins.last().unwrap().predicted;
    assert!(told < 0.97, "thirty successes are no certainty: {told}");
}
