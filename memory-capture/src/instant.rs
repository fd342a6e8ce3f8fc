//! Instants as files write them.
//!
//! Input: a text of a file. Output: an instant in milliseconds of UTC, and back. Used by the
//! readers and writers of formats. Limits: a date that could mean two days, such as `03/04/2024`,
//! is not read.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use memory_core::Timestamp;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Smallest numbers that count milliseconds, microseconds and nanoseconds since 1970; each unit
/// thereby begins in the year 1973, and the one before it ends in 5138.
const UNITS: [(f64, f64); 3] = [(1e17, 1e6), (1e14, 1e3), (1e11, 1.0)];

/// Returns an instant in RFC 3339 and UTC; beyond the year 9999 the milliseconds since 1970.
#[must_use]
pub fn print(instant: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(instant.as_millis()) {
        Ok(instant) => instant.to_string(),
        Err(_) => instant.as_millis().to_string(),
    }
}

/// Reads an instant in any of the ways in which files write it; without a zone it is UTC.
///
/// Numbers count seconds, milliseconds, microseconds or nanoseconds since 1970, by their size.
#[must_use]
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    exact(text).or_else(|| in_words(text))
}

/// Converts a number since 1970 by its size.
fn of_number(number: f64) -> Option<Timestamp> {
    let unit = UNITS.iter().find(|(smallest, _)| number.abs() >= *smallest);
    let ms = unit.map_or(number * 1_000.0, |(_, per_ms)| number / per_ms);
    #[expect(clippy::cast_possible_truncation, reason = "the comparison before it bounds it")]
    let instant = |ms: f64| (ms.abs() < 1e15).then(|| Timestamp::from_millis(ms.floor() as i64));
    instant(ms)
}

/// Reads RFC 3339, or the same without a zone or without a time.
fn exact(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(instant.as_millisecond()));
    }
    in_utc(text.parse().ok()?)
}

fn in_utc(at: DateTime) -> Option<Timestamp> {
    let zoned = at.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

/// Reads `March-15-2024`, `8 May, 2023 1:56 pm` or `2024/04/01`: a year of four digits, a day, and
/// a month by name or as the number after the year.
fn in_words(text: &str) -> Option<Timestamp> {
    if !text.is_ascii() {
        return None;
    }
    let (mut hour, mut minute, mut second) = (0_i8, 0_i8, 0_i8);
    let mut month = None;
    let mut numbers: Vec<&str> = Vec::new();
    let mut afternoon = None;
    for word in text.split_ascii_whitespace() {
        if let Some((h, rest)) = word.split_once(':') {
            let (m, s) = rest.split_once(':').unwrap_or((rest, "0"));
            (hour, minute, second) = (h.parse().ok()?, m.parse().ok()?, s.parse().ok()?);
            continue;
        }
        for part in word.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
            let lower = part.to_ascii_lowercase();
            let named = MONTHS.iter().position(|m| lower.len() >= 3 && m.starts_with(&lower));
            match named {
                Some(at) => month = i8::try_from(at + 1).ok(),
                None if lower == "am" || lower == "pm" => afternoon = Some(lower == "pm"),
                None if part.bytes().all(|b| b.is_ascii_digit()) => numbers.push(part),
                None => {}
            }
        }
    }
    match afternoon {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    let (year, month, day) = match (month, numbers.as_slice()) {
        (Some(month), [day, year] | [year, day]) if year.len() == 4 && day.len() <= 2 => {
            (year, month, day)
        }
        (Some(month), [year, day]) if year.len() == 4 => (year, month, day),
        (None, [year, month, day]) if year.len() == 4 => (year, month.parse().ok()?, day),
        _ => return None,
    };
    let date = Date::new(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    in_utc(date.to_datetime(Time::new(hour, minute, second, 0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_instant_is_read() {
        for (text, expected) in [
            ("2025-08-18T21:34:51Z", "2025-08-18T21:34:51Z"),
            ("2025-08-18T21:34:51.958948", "2025-08-18T21:34:51.958Z"),
            ("2025-07-11T19:40:39.243350+00:00", "2025-07-11T19:40:39.243Z"),
            ("2025-07-11T21:40:39+02:00", "2025-07-11T19:40:39Z"),
            ("2025-07-11 19:40:39", "2025-07-11T19:40:39Z"),
            ("2024-03-15", "2024-03-15T00:00:00Z"),
            ("March-15-2024", "2024-03-15T00:00:00Z"),
            ("Mar 15, 2024", "2024-03-15T00:00:00Z"),
            ("15 March 2024", "2024-03-15T00:00:00Z"),
            ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00Z"),
            ("2024/04/01", "2024-04-01T00:00:00Z"),
            ("1712000000", "2024-04-01T19:33:20Z"),
            ("1712000000123", "2024-04-01T19:33:20.123Z"),
            ("1712000000123456", "2024-04-01T19:33:20.123Z"),
            ("1712000000123456789", "2024-04-01T19:33:20.123Z"),
        ] {
            assert_eq!(read(text).map(print).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_instant_that_is_printed_is_read_as_itself() {
        for ms in [0, -1, 1_712_000_000_123, 99_999_999_999_999, -2_208_988_800_000] {
            let instant = Timestamp::from_millis(ms);
            assert_eq!(read(&print(instant)), Some(instant));
        }
    }

    #[test]
    fn what_could_mean_two_days_is_not_guessed() {
        for text in
            ["", "soon", "03/04/2024", "2024-13-40", "May", "NaN", "1e300", "2024年04月01日"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
