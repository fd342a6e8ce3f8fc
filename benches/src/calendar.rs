//! Instants of data sets, each of which writes dates in its own way.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use memory_core::Timestamp;

/// Instant of the first text without a date; only the order of such texts matters.
const FIRST_MS: i64 = 1_577_836_800_000;

/// Gives each text an instant: its own date if it can be read, else just after the one before.
#[derive(Debug)]
pub struct Calendar {
    last: Timestamp,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { last: Timestamp::from_millis(FIRST_MS) }
    }
}

impl Calendar {
    /// Returns the instant of the next text.
    pub fn next(&mut self, ts: Option<&str>) -> Timestamp {
        self.last = ts.and_then(read).unwrap_or(Timestamp::from_millis(self.last.as_millis() + 1));
        self.last
    }
}

/// Reads RFC 3339, `March-15-2024`, or any text whose first numbers are year, month, day and maybe
/// hour and minute; without a zone UTC is meant.
fn read(ts: &str) -> Option<Timestamp> {
    if let Ok(instant) = ts.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(instant.as_millisecond()));
    }
    let named_month = strtime::parse("%B-%d-%Y", ts).and_then(|parsed| parsed.to_date());
    let moment = match named_month {
        Ok(date) => date.to_datetime(jiff::civil::Time::midnight()),
        Err(_) => numbers(ts)?,
    };
    let instant = TimeZone::UTC.to_timestamp(moment).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

fn numbers(ts: &str) -> Option<DateTime> {
    let mut parts = ts.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut next = || parts.next().and_then(|part| part.parse::<i16>().ok());
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute) = (next().unwrap_or(0), next().unwrap_or(0));
    let narrow = |part: i16| i8::try_from(part).ok();
    DateTime::new(year, narrow(month)?, narrow(day)?, narrow(hour)?, narrow(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_the_data_sets_are_read() {
        let ms = |ts| read(ts).map(Timestamp::as_millis);
        assert_eq!(ms("2023-05-08T13:56:00Z"), Some(1_683_554_160_000));
        assert_eq!(ms("March-15-2024"), Some(1_710_460_800_000));
        assert_eq!(ms("2024年04月01日 周一 08:39"), Some(1_711_960_740_000));
        assert_eq!(ms("2024-13-01"), None);
        assert_eq!(ms("yesterday"), None);
    }

    #[test]
    fn what_has_no_date_follows_the_one_before() {
        let mut calendar = Calendar::default();
        let first = calendar.next(None);
        let dated = calendar.next(Some("2023-05-08T13:56:00Z"));
        assert_eq!(first.as_millis(), FIRST_MS + 1);
        assert_eq!(calendar.next(None).millis_since(dated), 1);
    }
}
