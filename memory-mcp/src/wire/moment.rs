//! Times in the arguments and answers of tools.

use std::fmt;

use memory_core::{Period, TimeBound, Timestamp};
use serde_json::{Value, json};

use super::argument::{Argument, BadArgument, Place};

/// A date or a time; a date is all of its day, in UTC.
impl Argument for Period {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required")))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const EXPECTED: &str = "a date such as 2026-03-31 or a time such as 2026-03-31T14:00:00Z";
        let read = value.as_str().and_then(Self::read);
        read.ok_or_else(|| at.expected(EXPECTED, &value))
    }
}

/// A date, a time, or a span before now such as `7d`.
impl Argument for TimeBound {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required")))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const EXPECTED: &str = "a span such as 7d or 24h, a date such as 2026-03-31 or a time such \
                                as 2026-03-31T14:00:00Z";
        let read = value.as_str().and_then(Self::read);
        read.ok_or_else(|| at.expected(EXPECTED, &value))
    }
}

/// Formats an instant as RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    let ms = instant.as_millis();
    Timestamp::from_millis(ms.saturating_sub(ms.rem_euclid(1_000))).to_string()
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

    fn read<A: Argument>(text: &str) -> Option<A> {
        A::read(text.into(), &Place::Root).ok()
    }

    #[test]
    fn dates_and_times_are_read_as_utc() {
        let start_ms = |text: &str| read::<Period>(text).map(|period| period.start.as_millis());
        assert_eq!(start_ms("1970-01-02"), Some(86_400_000));
        assert_eq!(start_ms("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(start_ms("1970-01-01T01:00:00.5+01:00"), Some(500));
        assert_eq!(start_ms(" 1970-01-01T00:01 "), Some(60_000));
        for bad in ["", "yesterday", "2026-13-01", "1699999999", "7d"] {
            assert_eq!(start_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn bounds_are_spans_before_now_or_days_that_they_include() {
        let now = Timestamp::from_millis(10 * 86_400_000);
        let since = |text: &str| read::<TimeBound>(text).unwrap().since(now).as_millis();
        assert_eq!(since("7d"), 3 * 86_400_000);
        assert_eq!(since("24h"), 9 * 86_400_000);
        assert_eq!(since("1970-01-03"), 2 * 86_400_000);
        let until = read::<TimeBound>("1970-01-03").unwrap().until(now);
        assert_eq!(until.as_millis(), 3 * 86_400_000);
        let at = Place::Field(&Place::Root, "since");
        let message = <TimeBound as Argument>::read("last week".into(), &at).unwrap_err().0;
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
