//! Instants as people and files write them.

use jiff::civil::{DateTime, date};
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

/// A number above this counts milliseconds, one below it seconds: 1973 and the year 5138.
const MIN_MILLIS: f64 = 1e11;

/// An instant in RFC 3339 and UTC.
pub(crate) fn printed(instant: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(instant.as_millis()) {
        Ok(instant) => instant.to_string(),
        // Beyond the year 9999.
        Err(_) => instant.as_millis().to_string(),
    }
}

/// An instant for a column of a table: to the minute, in UTC.
pub(crate) fn short(instant: Timestamp) -> String {
    let printed = printed(instant);
    match printed.get(..16) {
        Some(minute) if printed.ends_with('Z') => minute.replace('T', " "),
        _ => printed,
    }
}

/// Reads an instant in any of the ways in which data sets write it; without a zone it is UTC.
pub(crate) fn lenient(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    exact(text).or_else(|| in_words(text))
}

/// Seconds or milliseconds since 1970.
pub(crate) fn of_number(number: f64) -> Option<Timestamp> {
    let ms = if number.abs() >= MIN_MILLIS { number } else { number * 1_000.0 };
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the line above it")]
    let in_range = |ms: f64| (ms.abs() < 1e15).then(|| Timestamp::from_millis(ms.round() as i64));
    in_range(ms)
}

/// An instant of a flag: RFC 3339, a date, or a span before `now` such as `12h`, `7d` or `2w`.
pub(crate) fn of_flag(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let span = text.char_indices().last().and_then(|(at, unit)| {
        let unit_ms = match unit {
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 7 * 86_400_000,
            _ => return None,
        };
        let n: i64 = text.get(..at)?.parse().ok()?;
        Some(Timestamp::from_millis(now.as_millis().saturating_sub(n.saturating_mul(unit_ms))))
    });
    span.or_else(|| exact(text.trim())).ok_or_else(|| {
        format!("`{text}` is no instant: write 2026-03-31, 2026-03-31T14:00:00Z, 12h, 7d or 2w")
    })
}

/// RFC 3339, or the same without a zone or without a time.
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

/// `March-15-2024`, `8 May, 2023 1:56 pm`, `2024年04月01日 周一 08:39`, `2024/04/01`: a year of four
/// digits, a day, and a month by name or as the number after the year.
fn in_words(text: &str) -> Option<Timestamp> {
    let (mut hour, mut minute, mut second) = (0_i8, 0_i8, 0_i8);
    let mut month = None;
    let mut numbers: Vec<&str> = Vec::new();
    let mut afternoon = None;
    for word in text.split(char::is_whitespace) {
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
    let (year, day): (i16, i8) = (year.parse().ok()?, day.parse().ok()?);
    if !((1..=12).contains(&month) && (1..=31).contains(&day)) {
        return None;
    }
    let day = jiff::civil::Date::new(year, month, day).ok()?;
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    in_utc(date(day.year(), day.month(), day.day()).to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_instant_is_understood() {
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
            ("2024年04月01日 周一 08:39", "2024-04-01T08:39:00Z"),
            ("2024/04/01", "2024-04-01T00:00:00Z"),
            ("1712000000", "2024-04-01T19:33:20Z"),
            ("1712000000123", "2024-04-01T19:33:20.123Z"),
        ] {
            assert_eq!(lenient(text).map(printed).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_days_is_not_guessed() {
        for text in ["", "soon", "03/04/2024", "2024-13-40", "May", "NaN", "1e300"] {
            assert_eq!(lenient(text), None, "{text}");
        }
    }

    #[test]
    fn a_flag_takes_a_date_or_a_span_before_now() {
        let now = lenient("2026-03-31T12:00:00Z").unwrap();
        let read = |text| of_flag(text, now).map(printed);
        assert_eq!(read("7d").unwrap(), "2026-03-24T12:00:00Z");
        assert_eq!(read("12h").unwrap(), "2026-03-31T00:00:00Z");
        assert_eq!(read("2026-01-01").unwrap(), "2026-01-01T00:00:00Z");
        assert!(read("last week").unwrap_err().contains("7d"));
    }

    #[test]
    fn a_column_shows_the_minute() {
        assert_eq!(short(Timestamp::from_millis(1_712_000_000_123)), "2024-04-01 19:33");
    }
}
