//! Instants of the texts of data sets.
//!
//! Input: the date that a text carries, if any; output: an instant, in the order of the texts.

use memory_core::{Period, Timestamp};

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
        let read = ts.and_then(Period::read_recorded).map(|period| period.start);
        self.last = read.unwrap_or(Timestamp::from_millis(self.last.as_millis() + 1));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_the_data_sets_are_read() {
        let ms = |ts| Calendar::default().next(Some(ts)).as_millis();
        assert_eq!(ms("2023-05-08T13:56:00Z"), 1_683_554_160_000);
        assert_eq!(ms("March-15-2024"), 1_710_460_800_000);
        assert_eq!(ms("2024年04月01日 周一 08:39"), 1_711_960_740_000);
        assert_eq!(ms("2024-13-01"), FIRST_MS + 1);
        assert_eq!(ms("yesterday"), FIRST_MS + 1);
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
