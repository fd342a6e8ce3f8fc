//! A date that was found in a text: what it names, with the time beside it.

use super::calendar::{Days, Part, start_of};
use super::clock_time::ClockTime;
use super::token::Tokens;
use crate::model::Timestamp;

/// Years that a date with a month by name, or of the form 2023-06-15, can have.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1_000..=2_999;

/// Years that a number is taken for where less around it says that it is one.
pub(super) const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1_900..=2_199;

/// Two-digit years below this are of this century.
const CENTURY_PIVOT: i32 = 70;

/// Days that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// Days of one year.
    Days(Days),
    /// A part of a month, of any year.
    Yearly(i8, Part),
}

/// A date that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The days that it names; `None` for a day that no calendar has (31 June), which is passed
    /// over whole.
    pub(super) what: Option<Written>,
    /// Time of the day, if one stands beside it.
    pub(super) time: Option<ClockTime>,
    /// Set if its figures could be a day and a month the other way round as well.
    pub(super) is_ambiguous: bool,
    /// Set if it counts from today: “June last year”.
    pub(super) is_relative: bool,
    /// Position after it.
    pub(super) next: usize,
}

impl Found {
    /// A date without a time.
    pub(super) const fn new(what: Option<Written>, next: usize) -> Self {
        Self { what, time: None, is_ambiguous: false, is_relative: false, next }
    }

    /// Takes in the time that follows, after a space, a comma, a `T`, a colon (web servers) or
    /// “at”.
    pub(super) fn with_time(mut self, tokens: &Tokens<'_>) -> Self {
        if self.time.is_some() {
            return self;
        }
        let at = self.next;
        let gap = tokens.gap(at);
        let is_marked = gap.is_empty() && tokens.is(at, "t") || tokens.is(at, "at");
        let is_close = gap == ":" || matches!(gap.trim(), "" | ",") && !gap.is_empty();
        let start = if is_marked { at + 1 } else { at };
        if (is_marked || is_close)
            && let Some((time, next)) = ClockTime::read(tokens, start)
        {
            (self.time, self.next) = (Some(time), next);
        }
        self
    }

    /// The instant, if a single day of one year and a time are named.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        let (Some(Written::Days(days)), Some(time)) = (&self.what, self.time) else { return None };
        let midnight = start_of(*days.start()).as_millis();
        let is_day = days.start() == days.end();
        is_day.then(|| Timestamp::from_millis(midnight + time.ms - time.offset_ms))
    }
}

/// The year that two digits mean.
pub(super) const fn of_century(two_digits: i32) -> i32 {
    if two_digits < CENTURY_PIVOT { 2_000 + two_digits } else { 1_900 + two_digits }
}
