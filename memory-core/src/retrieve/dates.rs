//! The days that a query names: what came about then is likely what is asked for.
//!
//! Texts seldom say when they were said, so a date is found by when a record came about, not by words.
//! Dates are read as English writes them, and in figures; `plans/0009` has what they are worth.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use regex::{Captures, Regex};

use super::meaning::words;
use crate::model::Timestamp;

/// A longer text is a pasted log or issue; its dates are not what is asked for.
const MAX_WORDS: usize = 32;

/// What is told some days before or after the day it is about is still near it.
const NEAR_DAYS: i64 = 7;

/// Longest span of days that is asked for as such.
const MAX_SINGLED_OUT_DAYS: i64 = 62;

const MS_PER_DAY: i64 = 86_400_000;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Ways to write a date; of those that begin at the same place, the first that fits is read.
static WRITTEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = |name: &str| {
        format!(
            r"(?P<{name}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
        )
    };
    let (m1, m2, m3, m4) = (month("m1"), month("m2"), month("m3"), month("m4"));
    let forms = [
        r"(?P<y5>\d{4})[-/](?P<m5>\d{1,2})[-/](?P<d5>\d{1,2})".to_owned(),
        r"(?P<d6>\d{1,2})\.(?P<m6>\d{1,2})\.(?P<y6>\d{4})".to_owned(),
        format!(r"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{m1}(?:,?\s+(?P<y1>\d{{4}}))?"),
        format!(r"{m2}\s+(?:the\s+)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y2>\d{{4}}))?"),
        format!(r"{m3},?\s+(?:of\s+)?(?P<y3>\d{{4}})"),
        format!(r"(?:in|during|last)\s+{m4}"),
        r"(?:in|during)\s+(?P<y7>\d{4})".to_owned(),
        r"(?P<day>today|yesterday)".to_owned(),
        r"(?P<which>this|last|past)\s+(?P<period>week|month)".to_owned(),
        r"(?P<n>\d{1,3}|an?|one|two|three|four|five|six)\s+(?P<unit>day|week|month)s?\s+ago"
            .to_owned(),
    ];
    // The pattern is ours and a test reads every form of it.
    Regex::new(&format!(r"(?i)\b(?:{})\b", forms.join("|"))).ok()
});

/// The days that a query names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Dates {
    named: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// From one day to another, counted from the epoch.
    Days(RangeInclusive<i64>),
    /// A day, or a whole month, of any year.
    Yearly { month: i8, day: Option<i8> },
    /// Days counted from today, which are others tomorrow.
    Relative(RangeInclusive<i64>),
}

impl Dates {
    /// Reads the dates of a query of up to 32 words; `now` says which day is today, in UTC.
    pub(super) fn read(text: &str, now: Timestamp) -> Self {
        if words(text).nth(MAX_WORDS).is_some() {
            return Self::default();
        }
        let Some(written) = WRITTEN.as_ref() else { return Self::default() };
        let named = written.captures_iter(text).filter_map(|found| named(&found, now));
        Self { named: named.collect() }
    }

    /// Whether none is named.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// How near an instant is to a day that is named: 1 on it, 0 from a week before or after.
    #[expect(clippy::cast_precision_loss, reason = "a few days")]
    pub(super) fn nearness(&self, at: Timestamp) -> f32 {
        let day = day_of(at);
        let gaps = self.named.iter().filter_map(|named| named.gap_days(day));
        let gap = gaps.min().unwrap_or(NEAR_DAYS).min(NEAR_DAYS);
        1.0 - gap as f32 / NEAR_DAYS as f32
    }

    /// Whether an instant is on a day that is named, alone or as one of two months at most: all of a year is
    /// said to set the scene.
    pub(super) fn singles_out(&self, at: Timestamp) -> bool {
        let day = day_of(at);
        self.named.iter().any(|named| named.gap_days(day) == Some(0) && !named.is_long())
    }

    /// When the same words begin to name other days: at midnight, if they count from today.
    pub(super) fn change_at(&self, now: Timestamp) -> Option<Timestamp> {
        let relative = self.named.iter().any(|named| matches!(named, Named::Relative(_)));
        relative.then(|| Timestamp::from_millis((day_of(now) + 1).saturating_mul(MS_PER_DAY)))
    }
}

impl Named {
    fn is_long(&self) -> bool {
        matches!(self, Self::Days(days) if days.end() - days.start() > MAX_SINGLED_OUT_DAYS)
    }

    /// Days between `day` and the nearest day that is meant.
    fn gap_days(&self, day: i64) -> Option<i64> {
        let gap = |days: &RangeInclusive<i64>| (days.start() - day).max(day - days.end()).max(0);
        match self {
            Self::Days(days) | Self::Relative(days) => Some(gap(days)),
            Self::Yearly { month, day: of_month } => {
                let year = date_of(day)?.year();
                let around = (year - 1..=year + 1).filter_map(|y| days(y, *month, *of_month));
                around.map(|days| gap(&days)).min()
            }
        }
    }
}

/// What one match of the pattern names; nothing for a day that no calendar has.
fn named(found: &Captures<'_>, now: Timestamp) -> Option<Named> {
    let text = |name: &str| found.name(name).map(|found| found.as_str());
    let number = |names: &[&str]| names.iter().find_map(|name| text(name)?.parse::<i16>().ok());
    if let Some(relative) = relative(found, date_of(day_of(now))?) {
        return Some(Named::Relative(relative));
    }
    let year = number(&["y1", "y2", "y3", "y5", "y6", "y7"]);
    let day = number(&["d1", "d2", "d5", "d6"]).map(i8::try_from).transpose().ok()?;
    let name = ["m1", "m2", "m3", "m4"].iter().find_map(|name| text(name));
    let month = match name {
        // “Step 3 may fail” names no day.
        Some("may" | "mar" | "march") if year.is_none() => return None,
        Some(name) => Some(month(name)?),
        None => number(&["m5", "m6"]).map(i8::try_from).transpose().ok()?,
    };
    match (year, month) {
        (Some(year), Some(month)) => days(year, month, day).map(Named::Days),
        (Some(year), None) => {
            let first = day_number(Date::new(year, 1, 1).ok()?);
            Some(Named::Days(first..=day_number(Date::new(year, 12, 31).ok()?)))
        }
        // Every day of the calendar comes in a leap year.
        (None, Some(month)) => days(2024, month, day).map(|_| Named::Yearly { month, day }),
        (None, None) => None,
    }
}

/// Days counted from today.
fn relative(found: &Captures<'_>, today: Date) -> Option<RangeInclusive<i64>> {
    let text = |name: &str| Some(found.name(name)?.as_str().to_ascii_lowercase());
    let back = |span: Span| today.checked_sub(span).ok().map(day_number);
    let today_no = day_number(today);
    if let Some(day) = text("day") {
        let day = if day == "today" { today_no } else { today_no - 1 };
        return Some(day..=day);
    }
    if let (Some(which), Some(period)) = (text("which"), text("period")) {
        // The days just past, for “last” also those before: some mean the one, some the other.
        let length = if period == "week" { 7 } else { 30 };
        let first = if which == "last" { today_no - 2 * length } else { today_no - length };
        return Some(first + 1..=today_no);
    }
    let n = match text("n")?.as_str() {
        "a" | "an" | "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        digits => digits.parse::<i64>().ok()?,
    };
    // The farther back, the rounder the number.
    let (day, about) = match text("unit")?.as_str() {
        "day" => (today_no - n, 0),
        "week" => (today_no - 7 * n, 3),
        _ => (back(n.months())?, 15),
    };
    Some(day - about..=day + about)
}

/// The days of a month, or one of them.
fn days(year: i16, month: i8, day: Option<i8>) -> Option<RangeInclusive<i64>> {
    let first = Date::new(year, month, day.unwrap_or(1)).ok()?;
    let last = if day.is_some() { first } else { first.last_of_month() };
    Some(day_number(first)..=day_number(last))
}

/// Number of the month that a name begins with.
fn month(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = name.to_ascii_lowercase();
    (1..).zip(MONTHS).find(|(_, short)| name.starts_with(short)).map(|(number, _)| number)
}

const fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MS_PER_DAY)
}

fn day_number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

fn date_of(day: i64) -> Option<Date> {
    // A span of days takes what a calendar has.
    EPOCH.checked_add(Span::new().try_days(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Friday.
    const NOW: &str = "2026-11-20";

    fn at(date: &str) -> Timestamp {
        let date: Date = date.parse().unwrap();
        // At noon: an instant belongs to its day whatever the hour.
        Timestamp::from_millis(day_number(date) * MS_PER_DAY + MS_PER_DAY / 2)
    }

    fn dates(text: &str) -> Dates {
        Dates::read(text, at(NOW))
    }

    /// Whether exactly the days from `first` to `last` are named.
    fn names(text: &str, first: &str, last: &str) -> bool {
        let dates = dates(text);
        let is_named = |day: i64| dates.nearness(Timestamp::from_millis(day * MS_PER_DAY)) >= 1.0;
        let (first, last) = (day_of(at(first)), day_of(at(last)));
        (first..=last).all(is_named) && !is_named(first - 1) && !is_named(last + 1)
    }

    #[test]
    fn a_day_is_read_however_it_is_written() {
        for text in [
            "what was said on 3 June, 2023?",
            "on 3rd june 2023",
            "the 3rd of June 2023",
            "June 3, 2023",
            "Jun. 3rd, 2023",
            "on June the 3rd 2023",
            "2023-06-03",
            "2023/6/3",
            "on 03.06.2023 with friends",
        ] {
            assert!(names(text, "2023-06-03", "2023-06-03"), "{text}");
        }
        assert!(names("on the 29th of February 2024", "2024-02-29", "2024-02-29"));
    }

    #[test]
    fn a_month_and_a_year_are_all_of_their_days() {
        assert!(names("in June 2023", "2023-06-01", "2023-06-30"));
        assert!(names("Feb, 2024", "2024-02-01", "2024-02-29"));
        assert!(names("during 2023", "2023-01-01", "2023-12-31"));
        assert!(dates("in June 2023").singles_out(at("2023-06-30")));
        assert!(!dates("in June 2023").singles_out(at("2023-07-01")));
        assert!(!dates("during 2023").singles_out(at("2023-06-30")));
        assert!(names("in December", "2023-12-01", "2023-12-31"));
    }

    #[test]
    fn a_day_without_a_year_is_that_of_any_year() {
        for year in ["2019", "2023", "2024"] {
            let day = format!("{year}-08-15");
            assert!(names("Who came on Aug 15th?", &day, &day), "{year}");
        }
        // Near across the turn of the year, and only where the calendar has the day.
        assert!(dates("on 1 January").nearness(at("2023-12-30")) > 0.7);
        assert!(names("on February 29", "2024-02-29", "2024-02-29"));
    }

    #[test]
    fn what_counts_from_today_changes_at_midnight() {
        for (text, first, last) in [
            ("what did we do today", "2026-11-20", "2026-11-20"),
            ("Yesterday's decision", "2026-11-19", "2026-11-19"),
            ("this week", "2026-11-14", "2026-11-20"),
            ("last week", "2026-11-07", "2026-11-20"),
            ("the past month", "2026-10-22", "2026-11-20"),
            ("3 days ago", "2026-11-17", "2026-11-17"),
            ("two weeks ago", "2026-11-03", "2026-11-09"),
            ("a month ago", "2026-10-05", "2026-11-04"),
        ] {
            assert!(names(text, first, last), "{text}");
            let midnight = Timestamp::from_millis(day_of(at("2026-11-21")) * MS_PER_DAY);
            assert_eq!(dates(text).change_at(at(NOW)), Some(midnight), "{text}");
        }
        assert_eq!(dates("on 3 June, 2023").change_at(at(NOW)), None);
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
            "in 17",
            "the marching 5 decibels",
            "yesterdays",
            "999999 days ago",
            &long,
        ] {
            assert!(dates(text).is_empty(), "{text}: {:?}", dates(text));
        }
    }

    #[test]
    fn nearness_falls_to_nothing_within_a_week() {
        let dates = dates("between 2023-06-03 and 5 June 2023");
        let near = |day: &str| dates.nearness(at(day));
        assert!(near("2023-06-03") >= 1.0);
        assert!((near("2023-06-04") - 6.0 / 7.0).abs() < 1e-6);
        assert!((near("2023-06-06") - 6.0 / 7.0).abs() < 1e-6);
        assert_eq!((near("2023-05-27"), near("2023-06-12"), near("1890-01-01")), (0.0, 0.0, 0.0));
    }

    proptest! {
        #[test]
        fn no_text_and_no_instant_is_too_strange(text in "\\PC{0,40}( ago| 2023| June| 31)?", ms in any::<i64>()) {
            let now = Timestamp::from_millis(ms);
            let dates = Dates::read(&text, now);
            let near = dates.nearness(now);
            prop_assert!((0.0..=1.0).contains(&near));
            dates.change_at(now);
        }

        #[test]
        fn every_day_is_found_by_its_date(day in 0_i64..40_000) {
            let date = date_of(day).unwrap();
            prop_assert_eq!(day_number(date), day);
            let dates = Dates::read(&format!("on {date}"), at(NOW));
            prop_assert_eq!(dates.named, vec![Named::Days(day..=day)]);
        }
    }
}
