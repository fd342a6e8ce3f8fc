//! Days as numbers, and months and weeks as ranges of them.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use crate::model::Timestamp;

/// Length of a day in UTC, in milliseconds.
pub(crate) const MS_PER_DAY: i64 = 86_400_000;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days from the first to the last, counted from 1970-01-01.
pub(super) type Days = RangeInclusive<i64>;

/// Day of an instant in UTC, counted from 1970-01-01.
pub(crate) const fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MS_PER_DAY)
}

/// Number of a date, counted from 1970-01-01.
pub(super) fn day_number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

/// Date of a day; `None` outside of the years −9999 to 9999.
pub(super) fn date_of(day: i64) -> Option<Date> {
    EPOCH.checked_add(Span::new().try_days(day).ok()?).ok()
}

/// First instant of a day.
pub(super) const fn start_of(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(MS_PER_DAY))
}

/// A part of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// From one day to another; days that the month does not have are cut off.
    Days(i8, i8),
    /// So many days at its end.
    Last(i8),
}

impl Part {
    /// All of a month.
    pub(super) const WHOLE: Self = Self::Days(1, 31);
}

/// Days of a part of a month; `None` where the calendar has none of them.
pub(super) fn days_of_month(year: i16, month: i8, part: Part) -> Option<Days> {
    let start = Date::new(year, month, 1).ok()?;
    let n_days = start.last_of_month().day();
    let (first, last) = match part {
        Part::Days(first, last) => (first, last.min(n_days)),
        Part::Last(n) => (n_days - n + 1, n_days),
    };
    // A day of the month that it does not have is no day; a longer part is cut.
    if first < 1 || first > last {
        return None;
    }
    let before = day_number(start) - 1;
    Some(before + i64::from(first)..=before + i64::from(last))
}

/// Days of so many months from one on.
pub(super) fn days_of_months(year: i16, month: i8, n_months: i8) -> Option<Days> {
    let first = Date::new(year, month, 1).ok()?;
    let last = first.checked_add(i64::from(n_months - 1).months()).ok()?.last_of_month();
    Some(day_number(first)..=day_number(last))
}

/// Days of a year.
pub(super) fn days_of_year(year: i16) -> Option<Days> {
    days_of_months(year, 1, 12)
}

/// Monday of the week that a day is in.
pub(super) fn monday_of(date: Date) -> i64 {
    day_number(date) - i64::from(date.weekday().to_monday_zero_offset())
}

/// The last such weekday before a date.
pub(super) fn weekday_before(date: Date, weekday: Weekday) -> i64 {
    let since = i64::from(date.weekday().since(weekday));
    day_number(date) - if since == 0 { 7 } else { since }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_of_a_month_ends_with_the_month() {
        let n_days = |year, part| days_of_month(year, 2, part).map(Iterator::count);
        assert_eq!(n_days(2024, Part::WHOLE), Some(29));
        assert_eq!(n_days(2023, Part::WHOLE), Some(28));
        assert_eq!(n_days(2023, Part::Days(29, 29)), None);
        assert_eq!(n_days(2023, Part::Last(7)), Some(7));
        assert_eq!(days_of_month(2023, 13, Part::WHOLE), None);
    }

    proptest! {
        #[test]
        fn a_day_has_one_number(day in -700_000_i64..2_900_000) {
            prop_assert_eq!(date_of(day).map(day_number), Some(day));
        }
    }
}
