//! The stretch of time that a whole text is: an instant, a day, a month, a year.
//!
//! Input: an argument, a flag or a field of a file; output: its first instant and the first after
//! it.

use super::calendar::{Days, days_of_year, start_of};
use super::clock_time::ClockTime;
use super::found::{Found, PLAUSIBLE_YEARS, Written};
use super::span::Span;
use super::token::Tokens;
use super::vocabulary::weekday_or_short;
use super::written;
use crate::model::Timestamp;

/// Numbers up to this count seconds since 1970, up to a thousand times as many milliseconds, then
/// microseconds, then nanoseconds: the years 1973 and 5138 in each.
const MAX_SECONDS: f64 = 1e11;

/// A stretch of time that a text names, in UTC.
///
/// A date without a time is all of its day, a month all of its days; an instant begins and ends at
/// once. So the `start` bounds what came about since then, and the `end` what came about until
/// then, with the day that is named still in it.
///
/// ```
/// use memory_core::{Period, Timestamp};
///
/// let day = Period::read("2026-03-31").unwrap();
/// assert_eq!(day.end.millis_since(day.start), 24 * 3_600_000);
/// assert_eq!(Period::read("31 March 2026"), Some(day));
/// let instant = Period::read("2026-03-31T14:00:00+02:00").unwrap();
/// assert_eq!(instant.start, instant.end);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First instant of it.
    pub start: Timestamp,
    /// First instant after it; for an instant, the instant itself.
    pub end: Timestamp,
}

impl Period {
    /// Reads a date or a time in any of the ways in which they are written, such as `2026-03-31`,
    /// `2026-03-31T14:00:00Z`, `31 March 2026`, `Tue Mar 31 14:00:00 2026`, `20260331`, `2026-03`,
    /// `1:56 pm on 8 May, 2023` or `2026`; without a zone it is UTC.
    ///
    /// `None` for anything else beside it, and for figures that could be two days (03/04/2026).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Self::instant(Timestamp::from_millis(instant.as_millisecond())));
        }
        let tokens = Tokens::of(text);
        if tokens.len() == 1 {
            return year(text).or_else(|| digits(text)).or_else(|| whole(&tokens));
        }
        whole(&tokens)
    }

    /// Reads what files have for an instant: whatever [`Period::read`] takes, or a number of
    /// seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size.
    #[must_use]
    pub fn read_recorded(text: &str) -> Option<Self> {
        let of_number = || number(text.trim().parse().ok()?).map(Self::instant);
        Self::read(text).or_else(of_number)
    }

    const fn instant(at: Timestamp) -> Self {
        Self { start: at, end: at }
    }

    const fn days(days: &Days) -> Self {
        Self { start: start_of(*days.start()), end: start_of(days.end().saturating_add(1)) }
    }
}

/// A bound of a search in time: what [`Period::read`] takes, or a span before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBound(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Written(Period),
    Ago(Span),
}

impl TimeBound {
    /// Reads a date, a time, or a span such as `90m`, `24h`, `7d` or `2w`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let kind = match Span::read(text) {
            Some(span) => Kind::Ago(span),
            None => Kind::Written(Period::read(text)?),
        };
        Some(Self(kind))
    }

    /// First instant of the search, where this is its lower bound.
    #[must_use]
    pub const fn since(self, now: Timestamp) -> Timestamp {
        self.period(now).start
    }

    /// First instant after the search, where this is its upper bound: a day that is named is in it.
    #[must_use]
    pub const fn until(self, now: Timestamp) -> Timestamp {
        self.period(now).end
    }

    const fn period(self, now: Timestamp) -> Period {
        match self.0 {
            Kind::Written(period) => period,
            Kind::Ago(span) => {
                Period::instant(Timestamp::from_millis(now.as_millis().saturating_sub(span.ms())))
            }
        }
    }
}

/// A year alone.
fn year(text: &str) -> Option<Period> {
    let number: i32 = text.parse().ok().filter(|_| text.len() == 4)?;
    let number = i16::try_from(number).ok().filter(|_| PLAUSIBLE_YEARS.contains(&number))?;
    days_of_year(number).map(|days| Period::days(&days))
}

/// A day and a time in fourteen digits: `20260331140000`.
fn digits(text: &str) -> Option<Period> {
    let (date, time) = text.split_at_checked(8).filter(|(_, time)| time.len() == 6)?;
    whole(&Tokens::of(&format!("{date}T{time}")))
}

/// The instant that a number of seconds, or of parts of a second, since 1970 means.
fn number(number: f64) -> Option<Timestamp> {
    let mut scale = 1_000.0;
    let mut limit = MAX_SECONDS;
    // Seconds, milliseconds, microseconds, nanoseconds.
    for _ in 0..4 {
        if number.abs() < limit {
            let ms = (number * scale).round();
            #[expect(clippy::cast_possible_truncation, reason = "the limit bounds it to 1e14")]
            return Some(Timestamp::from_millis(ms as i64));
        }
        scale /= 1_000.0;
        limit *= 1_000.0;
    }
    None
}

/// The one date of a text, with the one time that may stand before or after it.
fn whole(tokens: &Tokens<'_>) -> Option<Period> {
    let mut date: Option<Found> = None;
    let mut time: Option<ClockTime> = None;
    let mut at = 0;
    while at < tokens.len() {
        if date.is_none()
            && let Some(found) = written::read(tokens, at, None)
        {
            if time.is_some() && found.time.is_some() {
                return None;
            }
            time = time.or(found.time);
            at = found.next;
            date = Some(found);
        } else if time.is_none()
            && let Some((found, next)) = ClockTime::read(tokens, at)
        {
            time = Some(found);
            at = next;
        } else if is_passed_over(tokens, at) {
            at += 1;
        } else {
            return None;
        }
    }
    let date = date.filter(|date| !date.is_ambiguous)?;
    let date = Found { time, ..date };
    match (date.instant(), date.what, date.time) {
        (Some(at), ..) => Some(Period::instant(at)),
        (None, Some(Written::Days(days)), None) => Some(Period::days(&days)),
        _ => None,
    }
}

/// Returns whether a token beside a date adds nothing: a weekday, “on”, “at”, a word without
/// letters of the Latin alphabet.
fn is_passed_over(tokens: &Tokens<'_>, at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    weekday_or_short(token.text).is_some()
        || ["on", "at", "the", "in"].iter().any(|word| token.is(word))
        || !token.is_number() && !token.text.chars().any(|c| c < '\u{250}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start(text: &str) -> Option<String> {
        Period::read_recorded(text).map(|period| period.start.to_string())
    }

    #[test]
    fn every_way_to_write_an_instant_is_understood() {
        for (text, expected) in [
            ("2025-08-18T21:34:51Z", "2025-08-18T21:34:51Z"),
            ("2025-08-18t21:34:51z", "2025-08-18T21:34:51Z"),
            ("2025-08-18T21:34:51.958948", "2025-08-18T21:34:51.958Z"),
            ("2025-08-18 21:34:51,958", "2025-08-18T21:34:51.958Z"),
            ("2025-07-11T19:40:39.243350+00:00", "2025-07-11T19:40:39.243Z"),
            ("2025-07-11T21:40:39+02:00", "2025-07-11T19:40:39Z"),
            ("2025-07-11 21:40:39 +0200", "2025-07-11T19:40:39Z"),
            ("2025-07-11 19:40:39", "2025-07-11T19:40:39Z"),
            ("2025-07-11 19:40", "2025-07-11T19:40:00Z"),
            ("20250711T194039Z", "2025-07-11T19:40:39Z"),
            ("20250711194039", "2025-07-11T19:40:39Z"),
            ("Fri Jul 11 19:40:39 2025", "2025-07-11T19:40:39Z"),
            ("Fri Jul  4 19:40:39 UTC 2025", "2025-07-04T19:40:39Z"),
            ("Fri Jul 11 19:40:39 2025 -0700", "2025-07-12T02:40:39Z"),
            ("Fri, 11 Jul 2025 19:40:39 GMT", "2025-07-11T19:40:39Z"),
            ("11/Jul/2025:19:40:39 +0000", "2025-07-11T19:40:39Z"),
            ("11-Jul-2025", "2025-07-11T00:00:00Z"),
            ("11-Jul-25", "2025-07-11T00:00:00Z"),
            ("July 11th, 2025, 7:40 PM", "2025-07-11T19:40:00Z"),
            ("07/31/2025", "2025-07-31T00:00:00Z"),
            ("31.07.2025", "2025-07-31T00:00:00Z"),
            ("04.03.2025", "2025-03-04T00:00:00Z"),
            ("2025/07/11 19:40:39", "2025-07-11T19:40:39Z"),
            ("2025/07/11 (Fri) 19:40", "2025-07-11T19:40:00Z"),
            ("2024-03-15", "2024-03-15T00:00:00Z"),
            ("20240315", "2024-03-15T00:00:00Z"),
            ("March-15-2024", "2024-03-15T00:00:00Z"),
            ("Mar 15, 2024", "2024-03-15T00:00:00Z"),
            ("15 March 2024", "2024-03-15T00:00:00Z"),
            ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00Z"),
            ("2024年04月01日 周一 08:39", "2024-04-01T08:39:00Z"),
            ("2024/04/01", "2024-04-01T00:00:00Z"),
            ("1712000000", "2024-04-01T19:33:20Z"),
            ("1712000000.5", "2024-04-01T19:33:20.5Z"),
            ("1712000000123", "2024-04-01T19:33:20.123Z"),
            ("1712000000123456", "2024-04-01T19:33:20.123Z"),
            ("1712000000123456789", "2024-04-01T19:33:20.123Z"),
            ("-86400", "1969-12-31T00:00:00Z"),
        ] {
            assert_eq!(start(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_days_is_not_guessed() {
        for text in [
            "",
            "soon",
            "03/04/2024",
            "03-04-2024",
            "2024-13-40",
            "May",
            "15 March",
            "14:00",
            "NaN",
            "1e300",
            "inf",
            "2024-03-15 and 2024-03-16",
            "report of 2024-03-15",
            "Fri Jul 11 19:40:39 XYZ 2025",
        ] {
            assert_eq!(start(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_without_a_time_is_all_of_its_days() {
        let bounds = |text: &str| {
            let Period { start, end } = Period::read(text).unwrap();
            (start.to_string(), end.to_string())
        };
        let expected =
            |start: &str, end: &str| (format!("{start}T00:00:00Z"), format!("{end}T00:00:00Z"));
        for text in ["2026-03-31", "31.03.2026", "March 31, 2026", "20260331"] {
            assert_eq!(bounds(text), expected("2026-03-31", "2026-04-01"), "{text}");
        }
        assert_eq!(bounds("2026-02"), expected("2026-02-01", "2026-03-01"));
        assert_eq!(bounds("December 2025"), expected("2025-12-01", "2026-01-01"));
        assert_eq!(bounds("Q4 2025"), expected("2025-10-01", "2026-01-01"));
        assert_eq!(bounds("2025"), expected("2025-01-01", "2026-01-01"));
        assert_eq!(bounds("2026-03-31T00:00"), expected("2026-03-31", "2026-03-31"));
    }

    #[test]
    fn a_bound_may_be_a_span_before_now() {
        let now = Period::read("2026-03-31T12:00:00Z").unwrap().start;
        let read = |text| TimeBound::read(text).unwrap();
        assert_eq!(read("7d").since(now).to_string(), "2026-03-24T12:00:00Z");
        assert_eq!(read("12h").until(now).to_string(), "2026-03-31T00:00:00Z");
        assert_eq!(read("2026-01-01").since(now).to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(read("2026-01-01").until(now).to_string(), "2026-01-02T00:00:00Z");
        for bad in ["last week", "-7d", "1699999999", "d"] {
            assert_eq!(TimeBound::read(bad), None, "{bad}");
        }
    }

    proptest! {
        /// The printer of the calendar is the oracle.
        #[test]
        fn an_instant_is_read_as_it_is_printed(ms in -62_135_596_800_000_i64..253_402_300_799_999) {
            let at = Timestamp::from_millis(ms);
            let printed = at.to_string();
            let spaced = printed.replace('T', " ").replace('Z', " UTC");
            prop_assert_eq!(Period::read(&printed), Some(Period::instant(at)));
            if (-30_610_224_000_000..32_503_680_000_000).contains(&ms) {
                prop_assert_eq!(Period::read(&spaced), Some(Period::instant(at)), "{}", spaced);
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}(2023|June|15|T|:| |-){0,6}") {
            if let Some(period) = Period::read_recorded(&text) {
                prop_assert!(period.start <= period.end);
            }
        }
    }
}
