//! Dates of the calendar as they are written: the forms that begin at a token.
//!
//! Figures (`2023-06-15`, `06/15/2023`, `20230615`, `2023-06`, 2023年6月15日) are in `figures.rs`;
//! forms with the name of a month, a quarter or a part of one are here.

use jiff::civil::Date;

use super::calendar::{Part, days_of_month, days_of_months, days_of_year};
use super::figures;
use super::found::{Found, PLAUSIBLE_YEARS, Written, YEARS, of_century};
use super::token::Tokens;
use super::vocabulary::{is_common_word, month, ordinal, tens};

/// Reads the date that begins at a token; `today` is needed for “June last year”.
pub(super) fn read(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    let found = if tokens.get(at)?.is_number() {
        figures::read(tokens, at)
            .or_else(|| part_of_month(tokens, at, today))
            .or_else(|| day_month(tokens, at, today))
            .or_else(|| year_month(tokens, at))
            .or_else(|| year_alone(tokens, at, today))
    } else {
        part_of_month(tokens, at, today)
            .or_else(|| part_of_year(tokens, at, today))
            .or_else(|| day_month(tokens, at, today))
            .or_else(|| month_day(tokens, at, today))
            .or_else(|| month_year(tokens, at, today))
    };
    found.map(|found| found.with_time(tokens))
}

/// A year as it follows a month.
#[derive(Clone, Copy)]
struct Year {
    number: i16,
    is_relative: bool,
    next: usize,
}

/// Reads `2023`, `, 2023`, `of 2023`, `'23`, `last year` or `this year`.
fn year(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Year> {
    let at = if tokens.is(at, "of") { at + 1 } else { at };
    let token = tokens.get(at)?;
    if let Some(today) = today
        && tokens.is_spaced(at)
        && tokens.is(at + 1, "year")
    {
        let before = if token.is("last") {
            1
        } else if token.is("this") {
            0
        } else {
            return None;
        };
        return Some(Year { number: today.year() - before, is_relative: true, next: at + 2 });
    }
    let number = match token.text.len() {
        2 if tokens.gap(at).trim_start().chars().eq(['\''])
            || tokens.gap(at).trim() == "\u{2019}" =>
        {
            of_century(token.number(2..=2)?)
        }
        4 if tokens.is_joined(at) => token.number(4..=4).filter(|year| YEARS.contains(year))?,
        _ => return None,
    };
    let number = i16::try_from(number).ok()?;
    Some(Year { number, is_relative: false, next: at + 1 })
}

/// One day of a month or a few in a row.
struct DayOfMonth {
    first: i8,
    last: i8,
    /// Set if it is written as an ordinal, as no plain number is.
    is_ordinal: bool,
    next: usize,
}

impl DayOfMonth {
    /// Reads `3`, `3rd`, `third`, `twenty-first`, `3-5` or `3rd to 5th`.
    fn read(tokens: &Tokens<'_>, at: usize) -> Option<Self> {
        let (first, is_ordinal, next) = one_day(tokens, at)?;
        let dash = matches!(tokens.gap(next).trim(), "-" | "\u{2013}" | "\u{2014}");
        let to = if tokens.is(next, "to") { Some(next + 1) } else { dash.then_some(next) };
        // After a hyphen a second number is the year: Jun-15-23.
        let is_range = tokens.gap(at).trim().is_empty();
        match to.filter(|_| is_range).and_then(|at| one_day(tokens, at)) {
            Some((last, also_ordinal, next)) if first < last => {
                Some(Self { first, last, is_ordinal: is_ordinal || also_ordinal, next })
            }
            _ => Some(Self { first, last: first, is_ordinal, next }),
        }
    }

    const fn part(&self) -> Part {
        Part::Days(self.first, self.last)
    }
}

/// The number of one day, whether it is an ordinal, and the position after it.
fn one_day(tokens: &Tokens<'_>, at: usize) -> Option<(i8, bool, usize)> {
    let token = tokens.get(at)?;
    let (number, is_ordinal, next) = if let Some(number) = token.number(1..=2) {
        let suffixes = ["st", "nd", "rd", "th"];
        let is_ordinal =
            tokens.gap(at + 1).is_empty() && suffixes.iter().any(|word| tokens.is(at + 1, word));
        (number, is_ordinal, at + 1 + usize::from(is_ordinal))
    } else if let Some(number) = ordinal(token.text) {
        (i32::from(number), true, at + 1)
    } else {
        let units = ordinal(tokens.get(at + 1)?.text).filter(|units| *units < 10)?;
        (i32::from(tens(token.text)? + units), true, at + 2)
    };
    let number = i8::try_from(number).ok().filter(|day| (1..=31).contains(day))?;
    Some((number, is_ordinal, next))
}

/// Returns whether the name of a month there means the month: not in “step 3 may fail”.
fn is_month_meant(tokens: &Tokens<'_>, at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let mut letters = token.text.chars();
    let is_capitalised =
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    !is_common_word(token.text) || is_capitalised
}

/// Days of a part of a month of a year, or of every year.
fn of_month(month: i8, part: Part, year: Option<Year>, next: usize) -> Found {
    let what = match year {
        Some(year) => days_of_month(year.number, month, part).map(Written::Days),
        // Every day of the calendar comes in a leap year.
        None => days_of_month(2024, month, part).map(|_| Written::Yearly(month, part)),
    };
    let is_relative = year.is_some_and(|year| year.is_relative);
    Found { is_relative, ..Found::new(what, year.map_or(next, |year| year.next)) }
}

/// `15 June 2023`, `15th of June`, `15-Jun-2023`, `15-Jun-23`, `the fifteenth of June`, `3–5 June`.
fn day_month(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    if !tokens.starts_alone(at) {
        return None;
    }
    let day = DayOfMonth::read(tokens, at)?;
    let has_of = tokens.is(day.next, "of");
    // “The first June release” is of no day.
    if !has_of && !tokens.get(at)?.is_number() {
        return None;
    }
    let place = day.next + usize::from(has_of);
    let number = month(tokens.get(place)?.text).filter(|_| tokens.is_joined(place))?;
    let next = place + 1;
    let two_digits = || {
        let is_hyphened = tokens.gap(place) == "-" && tokens.gap(next) == "-";
        let year = tokens.get(next)?.number(2..=2).filter(|_| is_hyphened)?;
        let number = i16::try_from(of_century(year)).ok()?;
        Some(Year { number, is_relative: false, next: next + 1 })
    };
    let year = year(tokens, next, today).or_else(two_digits);
    let is_clear = day.is_ordinal || has_of || tokens.before(at).is_some_and(|word| word.is("on"));
    let is_meant = year.is_some() || is_clear || is_month_meant(tokens, place);
    is_meant.then(|| of_month(number, day.part(), year, next))
}

/// `June 15, 2023`, `Jun. 15th`, `June the 15th`, `Jun 15 14:03:01 UTC 2023`, `Jun-15-2023`.
fn month_day(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    let number = month(tokens.get(at)?.text)?;
    let has_the = tokens.is(at + 1, "the");
    let place = at + 1 + usize::from(has_the);
    let day = DayOfMonth::read(tokens, place).filter(|_| tokens.is_joined(place))?;
    if let Some(year) = year(tokens, day.next, today) {
        return Some(of_month(number, day.part(), Some(year), day.next));
    }
    let is_clear = day.is_ordinal || tokens.before(at).is_some_and(|word| word.is("on"));
    let timed = Found::new(None, day.next).with_time(tokens);
    if let Some(time) = timed.time {
        let year = year(tokens, timed.next, today);
        let found = of_month(number, day.part(), year, timed.next);
        // Git writes the zone after the year.
        let (time, next) = time.with_zone(tokens, found.next);
        return Some(Found { time: Some(time), next, ..found });
    }
    let is_meant = is_clear || is_month_meant(tokens, at);
    // “June 3.11” holds a version.
    (is_meant && tokens.ends_alone(day.next)).then(|| of_month(number, day.part(), None, day.next))
}

/// `June 2023`, `June of 2023`, `Jun '23`, `June last year`; “in June” of any year.
fn month_year(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    let number = month(tokens.get(at)?.text)?;
    let plausible = |year: &Year| PLAUSIBLE_YEARS.contains(&i32::from(year.number));
    let year = year(tokens, at + 1, today).filter(plausible);
    let is_asked = || tokens.before(at).is_some_and(|word| word.is("in") || word.is("during"));
    let is_meant = year.is_some() || is_asked() && is_month_meant(tokens, at);
    is_meant.then(|| of_month(number, Part::WHOLE, year, at + 1))
}

/// `2023 June 15`, `2023-Jun-15`, `2023 June`, `2023 Q2`.
fn year_month(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    let number = tokens.get(at)?.number(4..=4).filter(|year| PLAUSIBLE_YEARS.contains(year))?;
    if !tokens.starts_alone(at) || !tokens.is_joined(at + 1) {
        return None;
    }
    let year = Year { number: i16::try_from(number).ok()?, is_relative: false, next: at + 2 };
    if let Some((first, n_months, next)) = numbered_part(tokens, at + 1) {
        let days = days_of_months(year.number, first, n_months);
        return Some(Found::new(days.map(Written::Days), next));
    }
    let month = month(tokens.get(at + 1)?.text)?;
    let day = DayOfMonth::read(tokens, at + 2).filter(|_| tokens.is_joined(at + 2));
    let (part, next) = day.map_or((Part::WHOLE, at + 2), |day| (day.part(), day.next));
    Some(of_month(month, part, Some(Year { next, ..year }), next))
}

/// A year after a word that says that it is one: “in 2023”.
fn year_alone(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    const SAID_BEFORE: [&str; 4] = ["in", "during", "year", "throughout"];
    let number = tokens.get(at)?.number(4..=4).filter(|year| PLAUSIBLE_YEARS.contains(year))?;
    let number = i16::try_from(number).ok()?;
    // “in 2048 bits” is no year yet.
    let is_past = today.is_none_or(|today| number <= today.year().saturating_add(10));
    let is_said = SAID_BEFORE.iter().any(|word| tokens.before(at).is_some_and(|b| b.is(word)));
    (is_past && is_said && tokens.is_spaced(at) && tokens.ends_alone(at + 1))
        .then(|| Found::new(days_of_year(number).map(Written::Days), at + 1))
}

/// A word that names a third of a month or year, and the position of what it is a part of.
fn third(tokens: &Tokens<'_>, at: usize) -> Option<(i8, usize)> {
    let word = tokens.get(at)?.text.to_ascii_lowercase();
    let has_of = tokens.is(at + 1, "of");
    let third = match (word.as_str(), has_of) {
        ("early", _) | ("beginning" | "start", true) => 0,
        ("mid", _) | ("middle", true) => 1,
        ("late", _) | ("end", true) => 2,
        _ => return None,
    };
    Some((third, at + 1 + usize::from(has_of)))
}

/// `first week of June 2023`, `last week of June`, `early June`, `mid-June`, `end of June 2023`,
/// `second half of June`.
fn part_of_month(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    let (part, place) = if let Some((third, place)) = third(tokens, at) {
        let parts = [Part::Days(1, 10), Part::Days(11, 20), Part::Days(21, 31)];
        (*parts.get(usize::try_from(third).ok()?)?, place)
    } else {
        let (nth, next) = if tokens.is(at, "last") {
            (None, at + 1)
        } else {
            let (nth, is_ordinal, next) = one_day(tokens, at)?;
            (Some(nth).filter(|_| is_ordinal), next)
        };
        let part = match (tokens.get(next)?.text.to_ascii_lowercase().as_str(), nth) {
            ("week", Some(nth @ 1..=5)) => Part::Days(7 * nth - 6, 7 * nth),
            ("week", None) if tokens.is(at, "last") => Part::Last(7),
            ("half", Some(1)) => Part::Days(1, 15),
            ("half", Some(2)) => Part::Days(16, 31),
            _ => return None,
        };
        if !(tokens.is(next + 1, "of") || tokens.is(next + 1, "in")) {
            return None;
        }
        (part, next + 2)
    };
    let number = month(tokens.get(place)?.text).filter(|_| tokens.is_joined(place))?;
    let year = year(tokens, place + 1, today);
    Some(of_month(number, part, year, place + 1))
}

/// First month and number of months of `Q2` or `H1`.
fn numbered_part(tokens: &Tokens<'_>, at: usize) -> Option<(i8, i8, usize)> {
    let number = tokens.get(at + 1)?.number(1..=1).filter(|_| tokens.gap(at + 1).is_empty())?;
    let number = i8::try_from(number).ok()?;
    if tokens.is(at, "q") && (1..=4).contains(&number) {
        Some((3 * number - 2, 3, at + 2))
    } else if tokens.is(at, "h") && (1..=2).contains(&number) {
        Some((6 * number - 5, 6, at + 2))
    } else {
        None
    }
}

/// `Q2 2023`, `second quarter of 2023`, `first half of 2023`, `early 2023`, `end of 2023`.
fn part_of_year(tokens: &Tokens<'_>, at: usize, today: Option<Date>) -> Option<Found> {
    let named = || {
        let nth = i8::try_from(ordinal(tokens.get(at)?.text)?).ok()?;
        match nth {
            1..=4 if tokens.is(at + 1, "quarter") => Some((3 * nth - 2, 3, at + 2)),
            1..=2 if tokens.is(at + 1, "half") => Some((6 * nth - 5, 6, at + 2)),
            _ => None,
        }
    };
    let of_thirds = || third(tokens, at).map(|(third, next)| (4 * third + 1, 4, next));
    let part = numbered_part(tokens, at).or_else(named).or_else(of_thirds);
    let (first, n_months, next) = part?;
    let plausible = |year: &Year| PLAUSIBLE_YEARS.contains(&i32::from(year.number));
    let year = year(tokens, next, today).filter(plausible)?;
    let days = days_of_months(year.number, first, n_months).map(Written::Days);
    Some(Found { is_relative: year.is_relative, ..Found::new(days, year.next) })
}
