//! Instants as agents write them, and as they are printed.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use memory_core::Timestamp;
use serde_json::{Value, json};

use super::argument::{Argument, BadArgument, Place};

/// An instant: RFC 3339, or a date, which means its beginning in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Argument for Moment {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required")))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const WHAT: &str = "a date such as 2026-03-31 or a time such as 2026-03-31T14:00:00Z";
        let read = value.as_str().and_then(parse).map(Self);
        read.ok_or_else(|| at.expected(WHAT, &value))
    }
}

/// An instant, or a time span before now such as `7d`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Since {
    At(Timestamp),
    /// Milliseconds before now.
    Ago(i64),
}

impl Since {
    /// Returns the instant that is meant, seen from `now`.
    pub(crate) const fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(instant) => instant,
            Self::Ago(ms) => Timestamp::from_millis(now.as_millis().saturating_sub(ms)),
        }
    }
}

impl Argument for Since {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required")))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const WHAT: &str = "a span such as 7d or 24h, a date such as 2026-03-31 or a time such as \
                            2026-03-31T14:00:00Z";
        let text = value.as_str();
        let read = text.and_then(|text| span_ms(text).map(Self::Ago));
        let read = read.or_else(|| text.and_then(|text| parse(text).map(Self::At)));
        read.ok_or_else(|| at.expected(WHAT, &value))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let with_offset = text.parse::<jiff::Timestamp>().ok();
    let instant = with_offset.or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// Returns the milliseconds of a span such as `90m`, `24h`, `7d` or `2w`.
fn span_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms: i64 = match unit {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit_ms))
}

/// Returns an instant as RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    let seconds = instant.as_millis().div_euclid(1_000);
    match jiff::Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_string(),
        // Beyond the year 9999: nothing a calendar shows, but not worth an error.
        Err(_) => format!("{seconds} s after 1970"),
    }
}

/// Age of an instant, printed in one unit.
pub(crate) struct Age {
    pub(crate) now: Timestamp,
    pub(crate) then: Timestamp,
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.now.millis_since(self.then) / 60_000;
        let (number, unit) = match minutes {
            ..=-1 => return f.write_str(&rfc3339(self.then)),
            0 => return f.write_str("just now"),
            1..60 => (minutes, "min"),
            60..2_880 => (minutes / 60, "h"),
            2_880..86_400 => (minutes / 1_440, "days"),
            86_400..1_051_200 => (minutes / 43_800, "months"),
            _ => (minutes / 525_600, "years"),
        };
        write!(f, "{number} {unit} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Option<i64> {
        parse(text).map(Timestamp::as_millis)
    }

    #[test]
    fn dates_and_times_are_read_as_utc() {
        assert_eq!(moment("1970-01-02"), Some(86_400_000));
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(moment("1970-01-01T01:00:00.5+01:00"), Some(500));
        assert_eq!(moment(" 1970-01-01T00:01 "), Some(60_000));
        for bad in ["", "yesterday", "2026-13-01", "1699999999", "7d"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_count_back_from_now() {
        let now = Timestamp::from_millis(10 * 86_400_000);
        let since = |text: &str| Since::read(text.into(), &Place::Root).unwrap().seen_from(now);
        assert_eq!(since("7d").as_millis(), 3 * 86_400_000);
        assert_eq!(since("24h").as_millis(), 9 * 86_400_000);
        assert_eq!(since("1970-01-03").as_millis(), 2 * 86_400_000);
        let at = Place::Field(&Place::Root, "since");
        let message = Since::read("last week".into(), &at).unwrap_err().0;
        assert!(message.starts_with("since: ") && message.contains("7d"), "{message}");
    }

    #[test]
    fn times_are_printed_short() {
        assert_eq!(rfc3339(Timestamp::from_millis(1_500)), "1970-01-01T00:00:01Z");
        assert_eq!(rfc3339(Timestamp::from_millis(-1)), "1969-12-31T23:59:59Z");
        assert!(!rfc3339(Timestamp::from_millis(i64::MAX)).is_empty());
    }

    #[test]
    fn an_age_is_told_in_one_unit() {
        let age = |minutes: i64| {
            let now = Timestamp::from_millis(minutes * 60_000);
            Age { now, then: Timestamp::default() }.to_string()
        };
        assert_eq!(age(0), "just now");
        assert_eq!(age(59), "59 min ago");
        assert_eq!(age(47 * 60), "47 h ago");
        assert_eq!(age(3 * 1_440), "3 days ago");
        assert_eq!(age(400 * 1_440), "13 months ago");
        assert_eq!(age(-1), "1970-01-01T00:00:00Z", "what lies ahead is told by its date");
    }
}
