//! Effectiveness of a record: success of the episodes that followed it.

use super::record_use::{RecordUse, ShownAs, sort_once};
use crate::model::Timestamp;
use crate::stats::{Effect, Posterior, Trial, effect};

/// Number of later episodes that followed the record after which an outcome counts half.
const HALF_LIFE_EPISODES: f64 = 50.0;

/// Number of days after which an outcome counts half.
const HALF_LIFE_DAYS: f64 = 90.0;

const MS_PER_DAY: f64 = 86_400_000.0;

/// Counts of the episodes that were shown a record, that followed it, and that succeeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effectiveness {
    /// Number of episodes that it was shown to.
    pub(super) n_shown: u32,
    /// Number of episodes that followed it.
    pub(super) n_followed: u32,
    /// Number of successes among these.
    pub(super) n_succeeded: u32,
    /// Success rate when followed, older outcomes discounted; 80 % interval.
    pub(super) rate: Posterior,
    /// Comparison of those that followed it with those that did not, within the same task; `None`
    /// where nothing can be compared.
    pub(super) effect: Option<Effect>,
}

/// Computes the effectiveness of a record at `now`.
///
/// `uses` holds the episodes of the tasks concerned, whether or not the record was shown to them:
/// those that did not follow it are the comparison. An outcome has the weight ½^(number of later
/// episodes that followed the record / 50) × ½^(age in days / 90); an end after `now` has age 0.
/// The order of `uses` does not matter, an episode that comes twice counts once. O(n log n).
pub(super) fn effectiveness(uses: &mut Vec<RecordUse>, now: Timestamp) -> Effectiveness {
    sort_once(uses);
    let (mut n_shown, mut n_followed, mut n_succeeded) = (0, 0, 0);
    let (mut n, mut successes, mut n_later) = (0.0, 0.0, 0.0);
    // From the newest back, so that the number of later episodes is known.
    for episode in uses.iter().rev() {
        n_shown += u32::from(episode.shown_as != ShownAs::NotShown);
        if !episode.followed {
            continue;
        }
        n_followed += 1;
        let Some(credit) = episode.credit else { continue };
        n_succeeded += u32::from(credit >= 1.0);
        let age_days = days(now.millis_since(episode.ended_at));
        let age = n_later / HALF_LIFE_EPISODES + age_days / HALF_LIFE_DAYS;
        let weight = episode.weight * 0.5_f64.powf(age);
        n += weight;
        successes += weight * credit.clamp(0.0, 1.0);
        n_later += 1.0;
    }
    let known = uses.iter().filter_map(|episode| {
        let success = episode.credit? >= 1.0;
        let RecordUse { strata, followed: exposed, weight, .. } = *episode;
        Some(Trial { strata, exposed, success, weight })
    });
    Effectiveness {
        n_shown,
        n_followed,
        n_succeeded,
        rate: Posterior::new(n, successes, 0.8),
        effect: effect(&mut known.collect::<Vec<_>>()),
    }
}

/// Converts milliseconds to days; a negative age counts as 0.
#[expect(clippy::cast_precision_loss, reason = "an age needs no millisecond")]
fn days(age_ms: i64) -> f64 {
    age_ms.max(0) as f64 / MS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::helpfulness::record_use::sample::record_use;

    const DAY: i64 = 86_400_000;

    fn episode(i: u8, day: i64, followed: bool, credit: f64) -> RecordUse {
        record_use(i, now(day), followed, credit)
    }

    fn now(day: i64) -> Timestamp {
        Timestamp::from_millis(day * DAY)
    }

    #[test]
    fn being_shown_is_not_being_followed_nor_succeeding() {
        let mut uses = vec![
            episode(1, 1, true, 1.0),
            episode(2, 2, true, 0.0),
            episode(3, 3, false, 1.0),
            RecordUse { shown_as: ShownAs::NotShown, ..episode(4, 4, true, 0.5) },
            RecordUse { credit: None, ..episode(5, 5, true, 0.0) },
        ];
        let got = effectiveness(&mut uses, now(5));
        assert_eq!((got.n_shown, got.n_followed, got.n_succeeded), (4, 4, 1));
        assert!(got.rate.n > 2.8 && got.rate.n <= 3.0, "{:?}", got.rate);
        let effect = got.effect.unwrap();
        assert_eq!((effect.n, effect.n_exposed), (4.0, 3.0));
    }

    #[test]
    fn old_outcomes_count_less_in_days_and_in_episodes() {
        let mut old = vec![episode(1, 0, true, 1.0)];
        assert!((effectiveness(&mut old, now(90)).rate.n - 0.5).abs() < 1e-12);
        let mut many: Vec<RecordUse> =
            (0..51).map(|i| episode(i, 0, true, f64::from(u8::from(i > 0)))).collect();
        let got = effectiveness(&mut many, now(0));
        let lost = got.rate.n - got.rate.successes;
        assert!((lost - 0.5).abs() < 1e-12, "the failure lies 50 episodes back: {lost}");
    }

    #[test]
    fn advice_that_stopped_working_sinks_below_advice_that_works_now() {
        let turned = |first: f64, then: f64| {
            let mut uses: Vec<RecordUse> = (0..100)
                .map(|i| episode(i, i64::from(i), true, if i < 60 { first } else { then }))
                .collect();
            effectiveness(&mut uses, now(100)).rate.lower
        };
        assert!(turned(1.0, 0.0) + 0.2 < turned(0.0, 1.0));
    }

    #[test]
    fn always_failing_advice_ranks_below_advice_never_tried() {
        let mut failing: Vec<RecordUse> = (0..20).map(|i| episode(i, 1, true, 0.0)).collect();
        let failing = effectiveness(&mut failing, now(1)).rate.lower;
        let untried = effectiveness(&mut Vec::new(), now(1)).rate.lower;
        let mut once = vec![episode(1, 1, true, 1.0)];
        let once = effectiveness(&mut once, now(1)).rate.lower;
        assert!(failing < 0.02 && (untried - 0.1).abs() < 1e-9 && once > untried);
    }

    #[test]
    fn following_is_compared_within_the_task() {
        // Followed on the easy task mostly; within each task it changes nothing.
        let mut uses = Vec::new();
        let mut add = |n: u8, task, followed, credit| {
            for _ in 0..n {
                let next = u8::try_from(uses.len()).unwrap();
                uses.push(RecordUse { strata: [task, 1, 1], ..episode(next, 1, followed, credit) });
            }
        };
        add(16, 1, true, 1.0);
        add(4, 1, false, 1.0);
        add(4, 2, true, 0.0);
        add(16, 2, false, 0.0);
        let got = effectiveness(&mut uses, now(1));
        assert_eq!((got.n_followed, got.n_succeeded), (20, 16));
        let effect = got.effect.unwrap();
        assert!(effect.difference.abs() < 1e-12 && effect.p > 0.9, "{effect:?}");
    }

    #[test]
    fn order_repeats_and_clocks_that_run_backwards_do_not_matter() {
        let uses: Vec<RecordUse> =
            (0..9).map(|i| episode(i, i64::from(i % 4), i % 2 == 0, 1.0)).collect();
        let mut turned: Vec<RecordUse> = uses.iter().rev().chain(&uses).copied().collect();
        let early = now(-3);
        assert_eq!(effectiveness(&mut turned, early), effectiveness(&mut uses.clone(), early));
    }
}
