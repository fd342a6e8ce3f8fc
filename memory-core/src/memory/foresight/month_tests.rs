//! A month of work in which a tool breaks on day 20: when, and how, do answers say so?

use std::sync::{Arc, Mutex};

use crate::Clock;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::memory::{Lookup, Memory};
use crate::model::{Outcome, Scope, Timestamp};
use crate::storage::MemStorage;

const DAY_MS: i64 = 86_400_000;
const FIRST_DAY: i64 = 20_572;

/// Clock that the test sets.
struct SetClock(Mutex<(i64, u128)>);

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

fn scope() -> Scope {
    Scope::new("example.org/shop").unwrap()
}

/// Plays `n_days` days of four episodes and returns the news that each episode began with, by day;
/// `fails` says of a day in how many of a hundred episodes `deploy` fails, and so the episode.
fn month(n_days: i64, fails: impl Fn(i64) -> u64) -> (Memory, Vec<(i64, Option<String>)>) {
    let clock = Arc::new(SetClock(Mutex::new((0, 0))));
    let builder = Memory::builder(Arc::new(MemStorage::new()));
    let memory = builder.clock(Arc::clone(&clock) as Arc<dyn Clock>).open().unwrap();
    let (mut told, mut chance) = (Vec::new(), 12_345_u64);
    for day in 0..n_days {
        for n in 0..4 {
            let now = (FIRST_DAY + day) * DAY_MS + (9 + 2 * n) * DAY_MS / 24;
            clock.0.lock().unwrap().0 = now;
            let task = format!("Ship part {} of the release", (day * 4 + n) % 7);
            let lookup = Lookup { limit: 3, advice_tokens: 300, ..Lookup::default() };
            let begun = memory.begin(NewEpisode::new(scope(), task), lookup).unwrap().value;
            told.push((day, begun.news));
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
            let is_broken = (chance >> 33) % 100 < fails(day);
            for tool in ["read", "edit", "test", "deploy"] {
                let step = NewStep {
                    tool: tool.into(),
                    args: format!(r#"{{"part":{}}}"#, day * 4 + n),
                    error: (is_broken && tool == "deploy")
                        .then(|| "error: the registry refused the image".into()),
                    latency_ms: Some(900 + 10 * (n.unsigned_abs())),
                    ..NewStep::default()
                };
                memory.log(begun.id, vec![step]).unwrap();
            }
            let outcome = if is_broken { Outcome::Failure } else { Outcome::Success };
            let completion = Completion { outcome: Some(outcome), ..Completion::default() };
            memory.finish(begun.id, completion).unwrap();
        }
    }
    (memory, told)
}

#[test]
fn a_tool_that_breaks_on_day_20_is_named_within_three_days_and_not_before() {
    let (memory, told) = month(30, |day| if day < 20 { 8 } else { 75 });
    let (day, text) = told.iter().find_map(|(day, news)| Some((*day, news.clone()?))).unwrap();
    println!("day {day}: {text}");
    assert!((20..=22).contains(&day), "first told on day {day}: {text}");
    assert!(text.starts_with("success of `deploy` fell from 0.8"), "{text}");
    assert!(text.contains(" since 2026-05-1") || text.contains(" since 2026-05-2"), "{text}");
    let last = memory.news(&scope()).unwrap().unwrap();
    println!("at the end: {last}");
    let begins: Vec<_> = told.iter().filter(|(day, _)| *day > 22).collect();
    assert!(begins.iter().all(|(_, news)| news.is_some()), "told for as long as it is new");
    let elsewhere = Scope::new("example.org/other").unwrap();
    assert_eq!(memory.news(&elsewhere).unwrap(), None);
}

#[test]
fn a_month_in_which_nothing_changes_has_no_news() {
    for rate in [5, 30, 60] {
        let (_, told) = month(30, |_| rate);
        let news: Vec<_> =
            told.iter().filter_map(|(day, news)| Some((day, news.as_ref()?))).collect();
        assert!(news.is_empty(), "{rate}: {news:?}");
    }
}
