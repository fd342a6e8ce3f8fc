//! Times in flags and in the columns of a table.

use memory_core::{Period, TimeBound, Timestamp};

use super::output::Failure;

/// An instant for a column of a table: to the minute, in UTC.
pub(crate) fn short(instant: Timestamp) -> String {
    let printed = instant.to_string();
    match printed.get(..16) {
        Some(minute) if printed.ends_with('Z') => minute.replace('T', " "),
        _ => printed,
    }
}

/// Reads the value of `--since` or `--until`: a date, a time, or a span before now.
pub(crate) fn bound(text: Option<&str>) -> Result<Option<TimeBound>, Failure> {
    let read =
        text.map(|text| TimeBound::read(text).ok_or_else(|| unreadable(text, ", 12h, 7d or 2w")));
    read.transpose()
}

/// Reads a date or a time that may also lie ahead, so that spans before now are not taken.
pub(crate) fn period(text: Option<&str>) -> Result<Option<Period>, Failure> {
    let read = text.map(|text| Period::read(text).ok_or_else(|| unreadable(text, "")));
    read.transpose()
}

fn unreadable(text: &str, spans: &str) -> Failure {
    let example = "2026-03-31 or 2026-03-31T14:00:00Z";
    Failure::Usage(format!("`{text}` is no time: write {example}{spans}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_is_no_time_is_refused_with_what_would_be() {
        assert!(bound(Some("7d")).unwrap().is_some());
        assert!(bound(Some("2026-01-01")).unwrap().is_some());
        assert!(bound(None).unwrap().is_none());
        let message = |failure| match failure {
            Failure::Usage(message) => message,
            _ => String::new(),
        };
        assert!(message(bound(Some("last week")).unwrap_err()).contains("7d"));
        assert!(message(period(Some("7d")).unwrap_err()).contains("2026-03-31"));
    }

    #[test]
    fn a_column_shows_the_minute() {
        assert_eq!(short(Timestamp::from_millis(1_712_000_000_123)), "2024-04-01 19:33");
    }
}
