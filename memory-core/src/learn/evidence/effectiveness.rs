//! What following a piece of advice was worth: shown, followed and succeeded are counted apart.

use super::beta::{Posterior, Prior, quantile};
use super::effect::{Effect, Trial, effect};
use crate::model::{EpisodeId, Timestamp};

/// After this many later episodes that followed it an outcome counts half.
const HALF_LIFE_EPISODES: f64 = 50.0;

/// After this many days an outcome counts half.
const HALF_LIFE_DAYS: f64 = 90.0;

/// What ranks: the rate that is exceeded with nine chances in ten.
const CAUTION: f64 = 0.1;

const MS_PER_DAY: f64 = 86_400_000.0;

/// An episode, as seen by a piece of advice (a note, a pattern, a cure, a playbook).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Use {
    /// The episode.
    pub(crate) id: EpisodeId,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// Whether the advice was shown to it.
    pub(crate) shown: bool,
    /// Whether it followed the advice.
    pub(crate) followed: bool,
    /// What its outcome is worth, in [0, 1]; `None` for unknown.
    pub(crate) credit: Option<f64>,
    /// What it is compared within; see [`Trial::strata`].
    pub(crate) strata: [u64; 3],
}

/// What a piece of advice was worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effectiveness {
    /// Episodes it was shown to.
    pub(crate) n_shown: u32,
    /// Episodes that followed it.
    pub(crate) n_followed: u32,
    /// Of these the successes.
    pub(crate) n_succeeded: u32,
    /// Success rate when followed, older outcomes discounted; 80 % interval.
    pub(crate) rate: Posterior,
    /// What to rank by: the 10 % quantile of that rate. 0.1 for advice never followed.
    pub(crate) rank: f64,
    /// Followed against not followed within the same task; `None` where nothing can be compared.
    pub(crate) effect: Option<Effect>,
}

/// Sums up all episodes that could have followed a piece of advice.
///
/// `uses` holds the episodes of the tasks concerned, whether or not it was shown to them: those that did
/// not follow it are what the others are compared with. Their order does not matter: they are put in order
/// of (`ended_at`, id), an id that comes twice counts once. An outcome counts by ½^(later episodes that
/// followed it / 50) × ½^(days / 90); what ended after `now` has age 0. O(n log n).
pub(crate) fn effectiveness(uses: &mut Vec<Use>, now: Timestamp) -> Effectiveness {
    uses.sort_unstable_by_key(|episode| (episode.ended_at, episode.id));
    uses.dedup_by_key(|episode| episode.id);
    let (mut n_shown, mut n_followed, mut n_succeeded) = (0, 0, 0);
    let (mut n, mut successes, mut n_later) = (0.0, 0.0, 0.0);
    for episode in uses.iter().rev() {
        n_shown += u32::from(episode.shown);
        if !episode.followed {
            continue;
        }
        n_followed += 1;
        let Some(credit) = episode.credit else { continue };
        n_succeeded += u32::from(credit >= 1.0);
        let age_days = days(now.millis_since(episode.ended_at));
        let weight = 0.5_f64.powf(n_later / HALF_LIFE_EPISODES + age_days / HALF_LIFE_DAYS);
        n += weight;
        successes += weight * credit.clamp(0.0, 1.0);
        n_later += 1.0;
    }
    let known = uses.iter().filter_map(|episode| {
        let success = episode.credit? >= 1.0;
        Some(Trial { strata: episode.strata, exposed: episode.followed, success })
    });
    Effectiveness {
        n_shown,
        n_followed,
        n_succeeded,
        rate: Posterior::new(n, successes, 0.8),
        rank: quantile(n, successes, Prior::UNIFORM, CAUTION),
        effect: effect(&mut known.collect::<Vec<_>>()),
    }
}

/// Milliseconds in days; what lies in the future has age 0.
#[expect(clippy::cast_precision_loss, reason = "an age needs no millisecond")]
fn days(age_ms: i64) -> f64 {
    age_ms.max(0) as f64 / MS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn episode(i: u8, day: i64, followed: bool, credit: f64) -> Use {
        Use {
            id: EpisodeId::from_bytes([i; 16]),
            ended_at: Timestamp::from_millis(day * DAY),
            shown: true,
            followed,
            credit: Some(credit),
            strata: [1, 1, 1],
        }
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
            Use { shown: false, ..episode(4, 4, true, 0.5) },
            Use { credit: None, ..episode(5, 5, true, 0.0) },
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
        let mut many: Vec<Use> =
            (0..51).map(|i| episode(i, 0, true, f64::from(u8::from(i > 0)))).collect();
        let got = effectiveness(&mut many, now(0));
        let lost = got.rate.n - got.rate.successes;
        assert!((lost - 0.5).abs() < 1e-12, "the failure lies 50 episodes back: {lost}");
    }

    #[test]
    fn advice_that_stopped_working_sinks_below_advice_that_works_now() {
        let turned = |first: f64, then: f64| {
            let mut uses: Vec<Use> = (0..100)
                .map(|i| episode(i, i64::from(i), true, if i < 60 { first } else { then }))
                .collect();
            effectiveness(&mut uses, now(100)).rank
        };
        assert!(turned(1.0, 0.0) + 0.2 < turned(0.0, 1.0));
    }

    #[test]
    fn always_failing_advice_ranks_below_advice_never_tried() {
        let mut failing: Vec<Use> = (0..20).map(|i| episode(i, 1, true, 0.0)).collect();
        let failing = effectiveness(&mut failing, now(1)).rank;
        let untried = effectiveness(&mut Vec::new(), now(1)).rank;
        let mut once = vec![episode(1, 1, true, 1.0)];
        let once = effectiveness(&mut once, now(1)).rank;
        assert!(failing < 0.02 && (untried - 0.1).abs() < 1e-9 && once > untried);
    }

    #[test]
    fn following_is_compared_within_the_task() {
        // Followed on the easy task mostly; within each task it changes nothing.
        let mut uses = Vec::new();
        let mut add = |n: u8, task, followed, credit| {
            for _ in 0..n {
                let next = u8::try_from(uses.len()).unwrap();
                uses.push(Use { strata: [task, 1, 1], ..episode(next, 1, followed, credit) });
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
        let uses: Vec<Use> =
            (0..9).map(|i| episode(i, i64::from(i % 4), i % 2 == 0, 1.0)).collect();
        let mut turned: Vec<Use> = uses.iter().rev().chain(&uses).copied().collect();
        let early = now(-3);
        assert_eq!(effectiveness(&mut turned, early), effectiveness(&mut uses.clone(), early));
    }
}
