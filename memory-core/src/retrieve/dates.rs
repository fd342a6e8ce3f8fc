//! Nearness of records to the days that a query names.
//!
//! Texts seldom say when they were said, so a record is compared by when it happened, not by its
//! words. Input: a query's text (read by [`crate::dates`]); output: a score per instant. Used by
//! fusion, by the verdict on strength and to keep answers; `plans/0009` has the figures.

use crate::dates::{MS_PER_DAY, NamedDays, day_of};
use crate::model::Timestamp;

/// Days from a named one within which a record is still near it: people write down later what
/// happened.
const NEAR_DAYS: i64 = 7;

/// Longest stretch of days that makes a record of it a hit by itself: two months. All of a year is
/// named to set the scene.
const MAX_SINGLED_OUT_DAYS: i64 = 62;

/// The days that a query names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Dates {
    named: Vec<NamedDays>,
}

impl Dates {
    /// Reads the dates of a query of up to 32 words; `now` says which day is today, in UTC.
    pub(super) fn read(text: &str, now: Timestamp) -> Self {
        Self { named: NamedDays::read(text, now) }
    }

    /// Returns whether no day is named.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Nearness of an instant to the nearest named day: 1 on it, 0 from a week before or after.
    #[expect(clippy::cast_precision_loss, reason = "a few days")]
    pub(super) fn nearness(&self, at: Timestamp) -> f32 {
        let day = day_of(at);
        let gaps = self.named.iter().filter_map(|named| named.gap_days(day));
        let gap = gaps.min().unwrap_or(NEAR_DAYS).min(NEAR_DAYS);
        1.0 - gap as f32 / NEAR_DAYS as f32
    }

    /// Returns whether an instant is on a named day, alone or within two months at most.
    pub(super) fn singles_out(&self, at: Timestamp) -> bool {
        let day = day_of(at);
        let is_short = |named: &NamedDays| named.n_days() <= MAX_SINGLED_OUT_DAYS;
        self.named.iter().any(|named| named.covers(day) && is_short(named))
    }

    /// The instant from which on the same words name other days: midnight, if they count from
    /// today.
    pub(super) fn change_at(&self, now: Timestamp) -> Option<Timestamp> {
        let is_relative = self.named.iter().any(NamedDays::is_relative);
        is_relative.then(|| Timestamp::from_millis((day_of(now) + 1).saturating_mul(MS_PER_DAY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dates::Period;

    fn at(date: &str) -> Timestamp {
        // At noon: an instant belongs to its day whatever the hour.
        Period::read(&format!("{date} 12:00")).unwrap().start
    }

    fn dates(text: &str) -> Dates {
        Dates::read(text, at("2026-11-20"))
    }

    #[test]
    fn nearness_falls_to_nothing_within_a_week() {
        let dates = dates("between 2023-06-03 and 5 June 2023");
        let near = |day: &str| dates.nearness(at(day));
        assert!(near("2023-06-03") >= 1.0);
        assert!((near("2023-06-04") - 6.0 / 7.0).abs() < 1e-6);
        assert!((near("2023-06-06") - 6.0 / 7.0).abs() < 1e-6);
        assert_eq!((near("2023-05-27"), near("2023-06-12"), near("1890-01-01")), (0.0, 0.0, 0.0));
        // Across the turn of the year.
        assert!(self::dates("on 1 January").nearness(at("2023-12-30")) > 0.7);
    }

    #[test]
    fn a_month_singles_out_its_days_and_a_year_none() {
        assert!(dates("in June 2023").singles_out(at("2023-06-30")));
        assert!(!dates("in June 2023").singles_out(at("2023-07-01")));
        assert!(!dates("during 2023").singles_out(at("2023-06-30")));
        assert!(!dates("last year").singles_out(at("2025-06-30")));
    }

    #[test]
    fn what_counts_from_today_changes_at_midnight() {
        let midnight = Period::read("2026-11-20").unwrap().end;
        for text in ["yesterday", "last week", "3 days ago", "on Monday", "in June last year"] {
            assert_eq!(dates(text).change_at(at("2026-11-20")), Some(midnight), "{text}");
        }
        assert_eq!(dates("on 3 June, 2023").change_at(at("2026-11-20")), None);
    }
}
