//! Days that a sentence names.

use super::calendar::{Days, Part, date_of, day_of, days_of_month};
use super::found::{Found, Written};
use super::relative::{self, Now, Relative};
use super::token::Tokens;
use super::vocabulary::weekday_or_short;
use super::written;
use crate::model::Timestamp;

/// Longest text that is read, in words: a longer one is a pasted log or issue, and its dates are
/// not what it asks for.
const MAX_WORDS: usize = 32;

/// Days that a sentence names, in one phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedDays {
    kind: Kind,
    /// Days that some mean by the same words.
    loosely: Option<Days>,
    is_relative: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Once(Days),
    /// A part of a month, of any year.
    Yearly(i8, Part),
}

impl NamedDays {
    /// Reads a text of up to 32 words; `now` says which day is today, in UTC.
    ///
    /// Cost: linear in the text.
    pub(crate) fn read(text: &str, now: Timestamp) -> Vec<Self> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        if words.take(MAX_WORDS + 1).count() > MAX_WORDS {
            return Vec::new();
        }
        let tokens = Tokens::of(text);
        let now = Now::new(now);
        let mut named = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let (found, next) = phrase(&tokens, at, now).unwrap_or((None, at + 1));
            named.extend(found);
            at = next;
        }
        named
    }

    /// Returns whether the words name other days tomorrow.
    pub(crate) const fn is_relative(&self) -> bool {
        self.is_relative
    }

    /// Number of days from the first to the last.
    pub(crate) fn n_days(&self) -> i64 {
        match &self.kind {
            Kind::Once(days) => days.end() - days.start() + 1,
            Kind::Yearly(..) => 31,
        }
    }

    /// Returns whether a day is named, or meant by some.
    pub(crate) fn covers(&self, day: i64) -> bool {
        self.exact_gap_days(day) == Some(0)
            || self.loosely.as_ref().is_some_and(|days| days.contains(&day))
    }

    /// Days between a day and the nearest one that is named, one more where only some mean that;
    /// `None` where the calendar ends.
    pub(crate) fn gap_days(&self, day: i64) -> Option<i64> {
        let loose = self.loosely.as_ref().map(|days| gap(days, day) + 1);
        self.exact_gap_days(day).into_iter().chain(loose).min()
    }

    fn exact_gap_days(&self, day: i64) -> Option<i64> {
        match &self.kind {
            Kind::Once(days) => Some(gap(days, day)),
            Kind::Yearly(month, part) => {
                let year = date_of(day)?.year();
                let around =
                    (year - 1..=year + 1).filter_map(|year| days_of_month(year, *month, *part));
                around.map(|days| gap(&days, day)).min()
            }
        }
    }
}

/// Days between a day and the nearest one of a stretch.
fn gap(days: &Days, day: i64) -> i64 {
    let before = days.start().saturating_sub(day);
    before.max(day.saturating_sub(*days.end())).max(0)
}

/// The days that the phrase at a token names, and the position after it.
fn phrase(tokens: &Tokens<'_>, at: usize, now: Option<Now>) -> Option<(Option<NamedDays>, usize)> {
    if let Some(found) = written::read(tokens, at, now.map(|now| now.today)) {
        return Some((of_written(&found), found.next));
    }
    if let Some(after) = weekday_of_date(tokens, at, now) {
        return Some((None, after));
    }
    let Relative { days, loosely, next } = relative::read(tokens, at, now?)?;
    Some((Some(NamedDays { kind: Kind::Once(days), loosely, is_relative: true }), next))
}

/// A date as days in UTC: late in the evening of a zone to the west is the next day.
fn of_written(found: &Found) -> Option<NamedDays> {
    let kind = match (found.instant(), found.what.clone()?) {
        (Some(at), _) => Kind::Once(day_of(at)..=day_of(at)),
        (None, Written::Days(days)) => Kind::Once(days),
        (None, Written::Yearly(month, part)) => Kind::Yearly(month, part),
    };
    Some(NamedDays { kind, loosely: None, is_relative: found.is_relative })
}

/// The position of the date that a weekday stands before: “on Monday, 5 June” names one day.
fn weekday_of_date(tokens: &Tokens<'_>, at: usize, now: Option<Now>) -> Option<usize> {
    let leads = ["last", "on", "this", "past", "previous"];
    let place = at + usize::from(leads.iter().any(|lead| tokens.is(at, lead)));
    weekday_or_short(tokens.get(place)?.text)?;
    let has_the = tokens.is(place + 1, "the");
    let date = place + 1 + usize::from(has_the);
    let is_date = tokens.is_joined(place + 1)
        && written::read(tokens, date, now.map(|now| now.today)).is_some();
    is_date.then_some(date)
}

#[cfg(test)]
mod tests;
