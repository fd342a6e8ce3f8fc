//! Dates in figures alone.

use super::calendar::{Days, Part, days_of_month, days_of_year};
use super::found::{Found, PLAUSIBLE_YEARS, Written, YEARS, of_century};
use super::token::Tokens;

/// Words before a number that is a name, not a date: “issue 20230615”, “version 2023.06.15”.
const NUMBERED: [&str; 24] = [
    "account", "bug", "build", "case", "commit", "id", "invoice", "issue", "job", "no", "number",
    "order", "pid", "port", "pr", "release", "rev", "revision", "run", "serial", "ticket", "v",
    "ver", "version",
];

/// Reads the date in figures that begins at a token.
pub(super) fn read(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    year_first(tokens, at)
        .or_else(|| year_last(tokens, at))
        .or_else(|| month_of_year(tokens, at))
        .or_else(|| compact(tokens, at))
        .or_else(|| with_characters(tokens, at))
}

/// Returns whether a number stands alone and no word before it says that it is the name of
/// something.
fn is_date_like(tokens: &Tokens<'_>, at: usize) -> bool {
    let is_named = |word: &&str| tokens.before(at).is_some_and(|before| before.is(word));
    tokens.starts_alone(at) && !NUMBERED.iter().any(is_named)
}

/// The part of a date at a position: up to two digits.
fn part(tokens: &Tokens<'_>, at: usize) -> Option<i8> {
    tokens.get(at)?.number(1..=2).and_then(|number| i8::try_from(number).ok())
}

fn day(year: i32, month: i8, day: i8) -> Option<Days> {
    days_of_month(i16::try_from(year).ok()?, month, Part::Days(day, day))
}

/// `2023-06-15`, `2023/6/15`, `2023.06.15`.
fn year_first(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    let year = tokens.get(at)?.number(4..=4).filter(|year| YEARS.contains(year))?;
    let sign = tokens.gap(at + 1);
    if !matches!(sign, "-" | "/" | ".") || tokens.gap(at + 2) != sign {
        return None;
    }
    let (month, day_of_month) = (part(tokens, at + 1)?, part(tokens, at + 2)?);
    let days = day(year, month, day_of_month).map(Written::Days);
    let found = Found::new(days, at + 3).with_time(tokens);
    // Dotted figures are versions as well. The other forms may stand in a path or a file's name.
    let fits = if sign == "." {
        is_date_like(tokens, at) && (found.time.is_some() || tokens.ends_alone(at + 3))
    } else {
        starts_after_word(tokens, at) && (found.time.is_some() || ends_before_word(tokens, at + 3))
    };
    fits.then_some(found)
}

/// Returns whether no number is joined to the one that starts here.
fn starts_after_word(tokens: &Tokens<'_>, at: usize) -> bool {
    let is_word = tokens.before(at).is_none_or(|token| !token.is_number());
    tokens.starts_alone(at) || is_word && !tokens.gap(at).is_empty()
}

/// Returns whether no number and no letter is joined to the one that ends here.
fn ends_before_word(tokens: &Tokens<'_>, next: usize) -> bool {
    let is_word = tokens.get(next).is_none_or(|token| !token.is_number());
    tokens.ends_alone(next) || is_word && !tokens.gap(next).is_empty()
}

/// `15.06.2023`, `15-06-2023`, `06/15/2023`, `6/15/23`: dots and hyphens put the day first, slashes
/// the month, unless the calendar has only the other one.
fn year_last(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    let (first, second) = (part(tokens, at)?, part(tokens, at + 1)?);
    let sign = tokens.gap(at + 1);
    if !matches!(sign, "-" | "/" | ".") || tokens.gap(at + 2) != sign || !is_date_like(tokens, at) {
        return None;
    }
    let token = tokens.get(at + 2)?;
    let year = match token.text.len() {
        4 => token.number(4..=4).filter(|year| PLAUSIBLE_YEARS.contains(year))?,
        2 if sign == "/" => of_century(token.number(2..=2)?),
        _ => return None,
    };
    let (day_first, month_first) = (day(year, second, first), day(year, first, second));
    let is_ambiguous =
        sign != "." && day_first.is_some() && month_first.is_some() && first != second;
    let days = if sign == "/" { month_first.or(day_first) } else { day_first.or(month_first) };
    let found = Found::new(days.map(Written::Days), at + 3).with_time(tokens);
    let fits = found.time.is_some() || tokens.ends_alone(at + 3);
    fits.then_some(Found { is_ambiguous, ..found })
}

/// `2023-06`, `2023/06`, `06/2023`.
fn month_of_year(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    if !is_date_like(tokens, at) || !tokens.ends_alone(at + 2) {
        return None;
    }
    let (left, right) = (tokens.get(at)?, tokens.get(at + 1)?);
    let (year, month) = match tokens.gap(at + 1) {
        "-" | "/" if left.text.len() == 4 => (left.number(4..=4)?, right.number(2..=2)?),
        "/" => (right.number(4..=4)?, left.number(1..=2)?),
        _ => return None,
    };
    if !PLAUSIBLE_YEARS.contains(&year) {
        return None;
    }
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
    let days = days_of_month(year, month, Part::WHOLE)?;
    Some(Found::new(Some(Written::Days(days)), at + 2))
}

/// `20230615`, `20230615T140301Z`.
fn compact(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    let number = tokens.get(at)?.number(8..=8).filter(|_| is_date_like(tokens, at))?;
    let (year, month, day_of_month) = (number / 10_000, number / 100 % 100, number % 100);
    if !PLAUSIBLE_YEARS.contains(&year) {
        return None;
    }
    let days = day(year, i8::try_from(month).ok()?, i8::try_from(day_of_month).ok()?)?;
    let found = Found::new(Some(Written::Days(days)), at + 1).with_time(tokens);
    (found.time.is_some() || tokens.ends_alone(at + 1)).then_some(found)
}

/// `2023年6月15日`, `6月15日`, `2023年6月`, `2023년 6월 15일`.
fn with_characters(tokens: &Tokens<'_>, at: usize) -> Option<Found> {
    let is_one_of = |at: usize, signs: &[&str]| signs.iter().any(|sign| tokens.is(at, sign));
    let year = tokens.get(at)?.number(4..=4).filter(|_| is_one_of(at + 1, &["年", "년"]));
    let year = year.and_then(|year| i16::try_from(year).ok());
    let at = if year.is_some() { at + 2 } else { at };
    let month = part(tokens, at).filter(|_| is_one_of(at + 1, &["月", "월"]));
    let signs = ["日", "号", "號", "일"];
    let day = month.and_then(|_| part(tokens, at + 2)).filter(|_| is_one_of(at + 3, &signs));
    let days = Part::Days(day.unwrap_or(1), day.unwrap_or(31));
    let (what, next) = match (year, month) {
        (Some(year), Some(month)) => (days_of_month(year, month, days).map(Written::Days), at + 2),
        (Some(year), None) => (days_of_year(year).map(Written::Days), at),
        (None, Some(month)) if day.is_some() => {
            (days_of_month(2024, month, days).map(|_| Written::Yearly(month, days)), at + 2)
        }
        _ => return None,
    };
    Some(Found::new(what, next + if day.is_some() { 2 } else { 0 }))
}
