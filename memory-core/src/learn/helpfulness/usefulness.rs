//! Usefulness of a record: the value that retrieval ranks by.

use super::record_use::{RecordUse, ShownAs, sort_once};
use crate::model::Feedback;

/// Share of the distance to its reward by which one followed episode moves a record: three of them
/// make up two thirds.
const LEARNING_RATE: f64 = 0.3;

/// Maximum share of a score that usefulness adds or subtracts.
const USEFULNESS_SHARE: f64 = 0.1;

/// Computes the usefulness of a record, from −1 (following it did harm) to 1 (it helped); 0 for one
/// that was never followed or rated.
///
/// Q ← Q + 0.3 (r − Q), with the credit r mapped to [−1, 1] and Q = 0 at first, over the episodes
/// that followed the record and that it was shown to as a strong hit, or that found it themselves.
/// One that followed a weak hit does not count, as the record was hardly about its task; showing
/// alone never moves the value. Episodes are replayed in the order of (`ended_at`, id), each once,
/// so that the order of arrival does not matter. Feedback then adds (h − u) / (h + u + 2) for h
/// helpful and u unhelpful ratings, and the sum is clamped to [−1, 1].
/// Source of the update rule: `MemRL`.
pub(super) fn usefulness(uses: &mut Vec<RecordUse>, feedback: Feedback) -> f64 {
    sort_once(uses);
    let mut value = 0.0;
    for episode in uses {
        let counts = episode.followed && episode.shown_as != ShownAs::Weak;
        let known = episode.credit.filter(|credit| credit.is_finite());
        if let Some(credit) = known.filter(|_| counts) {
            let reward = 2.0 * credit.clamp(0.0, 1.0) - 1.0;
            value += LEARNING_RATE * episode.weight * (reward - value);
        }
    }
    let (helpful, unhelpful) = (f64::from(feedback.n_helpful), f64::from(feedback.n_unhelpful));
    let rated = (helpful - unhelpful) / (helpful + unhelpful + 2.0);
    (value + rated).clamp(-1.0, 1.0)
}

/// Returns what usefulness adds to the score of a record: at most a tenth of its text score, either
/// way.
///
/// A record that was never followed gets nothing, so that new ones keep their rank.
pub(crate) fn usefulness_bonus(text_score: f64, usefulness: f64) -> f64 {
    let usefulness = if usefulness.is_finite() { usefulness.clamp(-1.0, 1.0) } else { 0.0 };
    text_score * USEFULNESS_SHARE * usefulness
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what never moved is exactly 0")]
mod tests {
    use super::*;
    use crate::learn::helpfulness::record_use::sample::record_use;
    use crate::model::Timestamp;

    const NONE: Feedback = Feedback { n_helpful: 0, n_unhelpful: 0 };

    fn episode(i: u8, shown_as: ShownAs, followed: bool, credit: f64) -> RecordUse {
        let ended_at = Timestamp::from_millis(i64::from(i / 2));
        RecordUse { shown_as, ..record_use(i, ended_at, followed, credit) }
    }

    fn value(episodes: &[RecordUse]) -> f64 {
        usefulness(&mut episodes.to_vec(), NONE)
    }

    #[test]
    fn mere_showing_never_moves_an_item() {
        for reward in [0.0, 1.0] {
            let shown: Vec<_> =
                (0..50).map(|i| episode(i, ShownAs::Strong, false, reward)).collect();
            assert_eq!(value(&shown), 0.0);
        }
        assert_eq!(value(&[]), 0.0);
    }

    #[test]
    fn what_is_followed_moves_towards_the_reward_unless_the_hit_was_weak() {
        assert!((value(&[episode(1, ShownAs::Strong, true, 1.0)]) - 0.3).abs() < 1e-12);
        assert!((value(&[episode(1, ShownAs::NotShown, true, 0.0)]) + 0.3).abs() < 1e-12);
        assert_eq!(value(&[episode(1, ShownAs::Weak, true, 1.0)]), 0.0);
        let unknown = RecordUse { credit: None, ..episode(1, ShownAs::Strong, true, 1.0) };
        assert_eq!(value(&[unknown]), 0.0);
        let many: Vec<_> = (0..40).map(|i| episode(i, ShownAs::Strong, true, 0.75)).collect();
        assert!((value(&many) - 0.5).abs() < 1e-3, "the limit is the reward itself");
    }

    #[test]
    fn feedback_counts_without_an_episode() {
        let rated = |n_helpful, n_unhelpful| {
            usefulness(&mut Vec::new(), Feedback { n_helpful, n_unhelpful })
        };
        assert_eq!([rated(0, 0), rated(3, 3)], [0.0, 0.0]);
        assert!(rated(1, 0) > 0.3 && rated(0, 1) < -0.3 && rated(9, 0) > rated(1, 0));
        assert!(rated(u32::MAX, 0) <= 1.0);
    }

    #[test]
    fn the_bonus_is_a_tenth_of_the_score_at_most() {
        assert_eq!([usefulness_bonus(2.0, 0.0), usefulness_bonus(2.0, f64::NAN)], [0.0, 0.0]);
        assert!(
            (usefulness_bonus(2.0, 1.0) - 0.2).abs() < 1e-12 && usefulness_bonus(2.0, 9.0) <= 0.2
        );
        assert!((usefulness_bonus(2.0, -1.0) + 0.2).abs() < 1e-12);
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            rewards in proptest::collection::vec(
                (0.0_f64..=1.0, 0_u8..3, proptest::bool::ANY), 0..12),
            turn in 0_usize..12,
        ) {
            let kinds = [ShownAs::NotShown, ShownAs::Weak, ShownAs::Strong];
            let all: Vec<RecordUse> = rewards.iter().zip(0..).map(|((reward, kind, followed), i)| {
                episode(i, kinds[usize::from(*kind)], *followed, *reward)
            }).collect();
            let mut turned = all.clone();
            turned.rotate_left(turn % all.len().max(1));
            turned.extend(all.first().copied());
            let feedback = Feedback { n_helpful: 1, ..NONE };
            let (a, b) =
                (usefulness(&mut all.clone(), feedback), usefulness(&mut turned, feedback));
            proptest::prop_assert_eq!(a, b);
            proptest::prop_assert!((-1.0..=1.0).contains(&a));
        }
    }
}
