//! Claims about days that sentences name.

use proptest::prelude::*;

use super::*;
use crate::dates::Period;

/// Friday.
const NOW: &str = "2026-11-20";

fn at(date: &str) -> Timestamp {
    Period::read(&format!("{date} 12:00")).unwrap().start
}

fn named(text: &str) -> Vec<NamedDays> {
    NamedDays::read(text, at(NOW))
}

/// Asserts that exactly the days from `first` to `last` are named.
#[track_caller]
fn assert_names(text: &str, first: &str, last: &str) {
    let named = named(text);
    let is_named = |day: i64| named.iter().any(|days| days.gap_days(day) == Some(0));
    let (first, last) = (day_of(at(first)), day_of(at(last)));
    let all = (first..=last).all(is_named) && !is_named(first - 1) && !is_named(last + 1);
    assert!(all && named.len() == 1, "{text}: {named:?}");
}

#[test]
fn a_day_is_read_however_it_is_written() {
    for text in [
        "what was said on 3 June, 2023?",
        "on 3rd june 2023",
        "the 3rd of June 2023",
        "the third of June, 2023",
        "June 3, 2023",
        "Jun. 3rd, 2023",
        "on June the 3rd 2023",
        "on Saturday, June 3rd 2023",
        "Sat 3 Jun 2023",
        "2023-06-03",
        "2023/6/3",
        "log-2023-06-03.txt",
        "date=2023-06-03",
        "on 03.06.2023 with friends",
        "2023.06.03",
        "since:20230603",
        "the build of 20230603?",
        "20230603T140301Z",
        "3-Jun-2023",
        "03-Jun-23",
        "[03/Jun/2023:14:03:01 +0000]",
        "2023-Jun-03",
        "2023 June 3",
        "Jun-03-2023",
        "3 June '23",
        "06/03/2023",
        "6/3/23",
        "03-06-2023",
        "2023-06-03T14:03:01Z",
        "at 2023-06-03 14:03:01,123 it failed",
        "2023-06-03T23:30:00+02:00",
        "2023-06-04T00:30:00+02:00",
        "June 3, 2023 at 2:03 pm",
        "Sat Jun  3 14:03:01 2023",
        "Sat Jun  3 14:03:01 UTC 2023",
        "Sat, 3 Jun 2023 14:03:01 +0200",
        "2023年6月3日的会议",
    ] {
        assert_names(text, "2023-06-03", "2023-06-03");
    }
    assert_names("on the 29th of February 2024", "2024-02-29", "2024-02-29");
    assert_names("the thirty-first of May 2023", "2023-05-31", "2023-05-31");
}

#[test]
fn of_figures_in_either_order_the_one_that_the_calendar_has_is_read() {
    assert_names("06/15/2023", "2023-06-15", "2023-06-15");
    assert_names("15/06/2023", "2023-06-15", "2023-06-15");
    assert_names("15.06.2023", "2023-06-15", "2023-06-15");
    // Where both are dates, slashes put the month first, dots and hyphens the day.
    assert_names("04/03/2023", "2023-04-03", "2023-04-03");
    assert_names("04.03.2023", "2023-03-04", "2023-03-04");
    assert_names("04-03-2023", "2023-03-04", "2023-03-04");
}

#[test]
fn a_month_and_a_year_are_all_of_their_days() {
    for text in [
        "in June 2023",
        "June 2023",
        "during June of 2023",
        "2023-06",
        "06/2023",
        "June '23",
        "2023 June",
        "2023年6月",
    ] {
        assert_names(text, "2023-06-01", "2023-06-30");
    }
    assert_names("Feb, 2024", "2024-02-01", "2024-02-29");
    assert_names("what was planned in may 2024", "2024-05-01", "2024-05-31");
    assert_names("during 2023", "2023-01-01", "2023-12-31");
    assert_names("in the year 2023", "2023-01-01", "2023-12-31");
    assert_names("in December", "2023-12-01", "2023-12-31");
    assert_names("in May", "2023-05-01", "2023-05-31");
}

#[test]
fn parts_of_months_and_years_are_read() {
    for (text, first, last) in [
        ("in the first week of June 2023", "2023-06-01", "2023-06-07"),
        ("the 2nd week of June, 2023", "2023-06-08", "2023-06-14"),
        ("the last week of June 2023", "2023-06-24", "2023-06-30"),
        ("in early June 2023", "2023-06-01", "2023-06-10"),
        ("mid-June 2023", "2023-06-11", "2023-06-20"),
        ("at the end of June 2023", "2023-06-21", "2023-06-30"),
        ("in the second half of June 2023", "2023-06-16", "2023-06-30"),
        ("June 3-5, 2023", "2023-06-03", "2023-06-05"),
        ("3 to 5 June 2023", "2023-06-03", "2023-06-05"),
        ("in Q2 2023", "2023-04-01", "2023-06-30"),
        ("2023 Q2", "2023-04-01", "2023-06-30"),
        ("the second quarter of 2023", "2023-04-01", "2023-06-30"),
        ("the first half of 2023", "2023-01-01", "2023-06-30"),
        ("late 2023", "2023-09-01", "2023-12-31"),
        ("in the first week of June", "2025-06-01", "2025-06-07"),
    ] {
        assert_names(text, first, last);
    }
}

#[test]
fn a_day_without_a_year_is_that_of_any_year() {
    for year in ["2019", "2023", "2024"] {
        let day = format!("{year}-08-15");
        assert_names("Who came on Aug 15th?", &day, &day);
        assert_names("Aug 15 14:03:01 host kernel", &day, &day);
    }
    // Only where the calendar has the day.
    assert_names("on February 29", "2024-02-29", "2024-02-29");
    assert_names("on 3 may", "2025-05-03", "2025-05-03");
    assert_names("May 3rd", "2025-05-03", "2025-05-03");
}

#[test]
fn days_are_counted_from_today() {
    for (text, first, last) in [
        ("what did we do today", "2026-11-20", "2026-11-20"),
        ("this morning", "2026-11-20", "2026-11-20"),
        ("Yesterday's decision", "2026-11-19", "2026-11-19"),
        ("last night", "2026-11-19", "2026-11-20"),
        ("the day before yesterday", "2026-11-18", "2026-11-18"),
        ("this week", "2026-11-14", "2026-11-20"),
        ("the past week", "2026-11-14", "2026-11-20"),
        ("in the last week", "2026-11-14", "2026-11-20"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("the week before last", "2026-11-02", "2026-11-08"),
        ("the past month", "2026-10-22", "2026-11-20"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this month", "2026-11-01", "2026-11-20"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("this year", "2026-01-01", "2026-11-20"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("last weekend", "2026-11-14", "2026-11-15"),
        ("last June", "2026-06-01", "2026-06-30"),
        ("last December", "2025-12-01", "2025-12-31"),
        ("in June last year", "2025-06-01", "2025-06-30"),
        ("3 June of last year", "2025-06-03", "2025-06-03"),
        ("3 days ago", "2026-11-17", "2026-11-17"),
        ("ten days ago", "2026-11-10", "2026-11-10"),
        ("twenty-one days ago", "2026-10-30", "2026-10-30"),
        ("two weeks ago", "2026-11-03", "2026-11-09"),
        ("a fortnight ago", "2026-11-03", "2026-11-09"),
        ("a month ago", "2026-10-05", "2026-11-04"),
        ("a year ago", "2025-11-05", "2025-12-05"),
        ("two years ago", "2024-10-21", "2024-12-20"),
        ("half a year ago", "2026-02-19", "2026-08-18"),
        ("a year and two months ago", "2025-09-05", "2025-10-05"),
        ("a couple of days ago", "2026-11-17", "2026-11-19"),
        ("several days ago", "2026-11-14", "2026-11-18"),
        ("five hours ago", "2026-11-20", "2026-11-20"),
        ("30 hours ago", "2026-11-19", "2026-11-19"),
        ("in the last three days", "2026-11-17", "2026-11-20"),
        ("the past 2 weeks", "2026-11-06", "2026-11-20"),
    ] {
        assert_names(text, first, last);
        assert!(named(text).iter().all(NamedDays::is_relative), "{text}");
    }
    assert!(!named("on 3 June, 2023").iter().any(NamedDays::is_relative));
}

#[test]
fn weekdays_are_those_of_the_days_just_past() {
    for (text, day) in [
        ("last Monday", "2026-11-16"),
        ("on Monday", "2026-11-16"),
        ("this Monday", "2026-11-16"),
        ("on Thursday morning", "2026-11-19"),
        ("last Friday", "2026-11-13"),
        ("this Friday", "2026-11-20"),
        ("last Sat", "2026-11-14"),
        ("Tuesday last week", "2026-11-10"),
        ("on Tuesday of last week", "2026-11-10"),
    ] {
        assert_names(text, day, day);
    }
}

#[test]
fn days_that_only_some_mean_come_after_those_that_all_do() {
    let gap = |text: &str, day: &str| named(text)[0].gap_days(day_of(at(day)));
    assert_eq!(gap("last week", "2026-11-15"), Some(0));
    assert_eq!(gap("last week", "2026-11-17"), Some(1));
    assert_eq!(gap("last week", "2026-11-08"), Some(1));
    assert_eq!(gap("last Monday", "2026-11-09"), Some(1));
    assert!(named("last week")[0].covers(day_of(at("2026-11-17"))));
    assert!(!named("last week")[0].covers(day_of(at("2026-11-08"))));
}

#[test]
fn what_names_no_day_is_not_read_as_one() {
    let long = format!("{} on 3 June, 2023", "a line of a log ".repeat(8));
    for text in [
        "",
        "step 3 may fail",
        "in may or march",
        "since June",
        "on 31 June 2023",
        "2023-13-01",
        "1.10.3",
        "version 1.2.30",
        "version 2023.06.15",
        "python 3.11 in 3.12.2023.1",
        "in 17",
        "in 2048 bits",
        "port 2023",
        "10.12.20.23",
        "127.0.0.1:20230615",
        "issue 20230615",
        "#20230615",
        "120230615",
        "20230615123",
        "A20230615",
        "20231315",
        "CVE-2023-06",
        "POL-2023-06-1234",
        "1-2023-06-15",
        "2023-06-15-2",
        "the marching 5 decibels",
        "the first June release",
        "yesterdays",
        "on Mondays",
        "he sat on sun",
        "999999 days ago",
        "two days before yesterday",
        "the last test",
        "half of it",
        "a few ideas",
        "in the middle of it",
        "the second half of the file",
        &long,
    ] {
        assert_eq!(named(text), vec![], "{text}");
    }
}

#[test]
fn a_sentence_may_name_several_days() {
    let named = named("between 2023-06-03 and 5 June 2023, or last week");
    assert_eq!(named.len(), 3, "{named:?}");
}

proptest! {
    #[test]
    fn no_text_and_no_instant_is_too_strange(
        text in "\\PC{0,30}( ago| a| year| 2023| June| 31| last| week|-|/| of| and| half){0,8}",
        ms in any::<i64>(),
    ) {
        let now = Timestamp::from_millis(ms);
        for named in NamedDays::read(&text, now) {
            prop_assert!(named.gap_days(day_of(now)).is_none_or(|gap| gap >= 0));
            prop_assert!(named.n_days() >= 1);
        }
    }

    #[test]
    fn every_day_is_found_by_its_date(day in 0_i64..40_000) {
        let date = date_of(day).unwrap();
        let named = NamedDays::read(&format!("on {date}"), at(NOW));
        let expected = NamedDays { kind: Kind::Once(day..=day), loosely: None, is_relative: false };
        prop_assert_eq!(named, vec![expected]);
    }
}
