//! Claims about queries that name a day.

use super::*;
use crate::clock::StepClock;
use crate::intake::NewNote;
use crate::model::{NoteKind, Scope, Timestamp};
use crate::storage::MemStorage;

/// 2026-11-20 at noon.
const NOON: i64 = 1_795_176_000_000;

const HOUR_MS: i64 = 3_600_000;

fn memory(step_ms: i64) -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(NOON), step_ms));
    let config = Config { cache_age_ms: 24 * HOUR_MS.unsigned_abs(), ..Config::default() };
    Memory::builder(Arc::new(MemStorage::new())).config(config).clock(clock).open().unwrap()
}

fn told(memory: &Memory, text: &str, days_ago: i64) -> RecordId {
    let mut note = NewNote::new(Scope::new("shop").unwrap(), NoteKind::Fact, text);
    note.occurred_at = Some(Timestamp::from_millis(NOON - days_ago * 24 * HOUR_MS));
    memory.remember(note).unwrap().value.id().into()
}

fn found(memory: &Memory, text: &str) -> Vec<RecordId> {
    memory.recall(&Query::new(text)).unwrap().hits.iter().map(|hit| hit.record.id()).collect()
}

#[test]
fn of_what_says_the_same_the_day_that_is_named_comes_first() {
    let memory = memory(0);
    let days = [3, 40, 80, 400];
    let ids = days.map(|day| told(&memory, &format!("The deploy failed, case {day}"), day));
    let first = |text: &str| found(&memory, text).first().copied();
    assert_eq!(first("why did the deploy fail on 2026-10-11"), Some(ids[1]));
    assert_eq!(first("which deploy failed in September 2026"), Some(ids[2]));
    assert_eq!(first("deploy that failed on October 16th, 2025"), Some(ids[3]));
    assert_eq!(first("deploy that failed last week"), Some(ids[0]));
    let hit = memory.recall(&Query::new("the deploy on 2026-10-11")).unwrap().hits.remove(0);
    assert!(hit.terms.contains(&("date", 0.5)), "{:?}", hit.terms);
}

#[test]
fn a_month_with_its_year_is_of_that_year_only() {
    let memory = memory(0);
    // 13 November of 2026, 2025 and 2024.
    let ids =
        [7, 372, 737].map(|days| told(&memory, &format!("Journal of the team, {days}"), days));
    for (text, id) in [
        ("journal in November 2025", ids[1]),
        ("the journal of Nov. 2024", ids[2]),
        ("journal, 2025-11", ids[1]),
        ("journal a year ago", ids[1]),
        ("what the journal said in the second week of November 2024", ids[2]),
        ("journal on Friday, 13 November 2026", ids[0]),
    ] {
        assert_eq!(found(&memory, text).first(), Some(&id), "{text}");
    }
}

#[test]
fn the_day_before_yesterday_is_not_yesterday() {
    let memory = memory(0);
    let ids =
        [1, 2, 4, 10].map(|days| told(&memory, &format!("Journal of the team, {days}"), days));
    for (text, id) in [
        ("journal of yesterday", ids[0]),
        ("journal of the day before yesterday", ids[1]),
        ("journal of last Monday", ids[2]),
        ("journal from ten days ago", ids[3]),
    ] {
        assert_eq!(found(&memory, text).first(), Some(&id), "{text}");
    }
}

#[test]
fn a_day_finds_what_shares_no_word_with_the_query() {
    let memory = memory(0);
    let id = told(&memory, "Chose redb for the journal", 40);
    told(&memory, "Bread needs an hour", 10);
    for day in 100..500 {
        told(&memory, &format!("What happened, part {day}"), day);
    }
    assert_eq!(found(&memory, "what happened on October 11, 2026?").first(), Some(&id));
    assert!(!found(&memory, "what happened with the bread").contains(&id));
}

#[test]
fn a_day_does_not_show_what_the_conditions_leave_out() {
    let memory = memory(0);
    told(&memory, "The deploy failed", 40);
    let query = Query {
        scope: Some(Scope::new("elsewhere").unwrap()),
        ..Query::new("the deploy on 2026-10-11")
    };
    assert!(memory.recall(&query).unwrap().hits.is_empty());
}

#[test]
fn a_year_alone_makes_nothing_relevant() {
    let memory = memory(0);
    for day in 0..30 {
        told(&memory, &format!("Loaf number {day}"), day);
    }
    assert!(found(&memory, "kubernetes ingress in 2026").is_empty());
    assert!(!found(&memory, "kubernetes ingress in November 2026").is_empty());
}

#[test]
fn yesterday_is_another_day_after_midnight() {
    let memory = memory(HOUR_MS);
    let old = told(&memory, "The build of the parser broke", 1);
    let new = told(&memory, "The build of the lexer broke", 0);
    // Fourteen hours, in which an answer that does not depend on the day would be kept.
    let asked: Vec<_> = (0..14).map(|_| found(&memory, "which build broke yesterday")).collect();
    assert_eq!(asked.first().and_then(|ids| ids.first()), Some(&old));
    assert_eq!(asked.last().and_then(|ids| ids.first()), Some(&new));
}
