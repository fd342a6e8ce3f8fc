//! What a remembered item was worth to those who followed it; what retrieval may add for that.

use crate::model::{EpisodeId, Timestamp};

/// How far one followed episode moves an item towards its reward: three of them make up two thirds.
const LEARNING_RATE: f64 = 0.3;

/// Most that usefulness adds to or takes from a score, as a share of it.
const USEFULNESS_SHARE: f64 = 0.1;

/// How an item was shown to an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showing {
    /// Not when it began; it may have been found by a later recall.
    NotShown,
    /// As a hit that may not fit.
    Weak,
    /// As a hit that fits.
    Strong,
}

/// An episode that was shown an item or followed it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Following {
    /// The episode.
    pub(crate) id: EpisodeId,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// How the item was shown to it.
    pub(crate) showing: Showing,
    /// Whether it says that it followed the item.
    pub(crate) followed: bool,
    /// Its reward, in [0, 1]; `None` for unknown.
    pub(crate) reward: Option<f64>,
}

/// What an item was worth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Usefulness {
    /// From −1 (followed, it did harm) to 1 (followed, it helped); 0 for an item never followed or judged.
    pub(crate) value: f64,
    /// Episodes it was shown to.
    pub(crate) n_shown: u32,
    /// Episodes that moved it.
    pub(crate) n_followed: u32,
    /// Times it was called helpful.
    pub(crate) n_helpful: u32,
    /// Times it was called not helpful.
    pub(crate) n_unhelpful: u32,
}

/// Learns an item's usefulness from the episodes that met it and from what was said of it.
///
/// Q ← Q + 0.3 (r − Q) with the reward r put on [−1, 1] and Q = 0 at first (the rule of `MemRL`), over those
/// that followed the item: shown as a strong hit, or found by themselves. One followed in spite of a weak hit
/// is gated out, because it was hardly about the task; mere showing never moves it. Replayed in order of
/// (`ended_at`, id) with each id once, so the order of arrival does not matter. Feedback adds
/// (helpful − not) / (helpful + not + 2), and the sum is kept in [−1, 1].
pub(crate) fn usefulness(
    episodes: &mut Vec<Following>,
    n_helpful: u32,
    n_unhelpful: u32,
) -> Usefulness {
    episodes.sort_unstable_by_key(|episode| (episode.ended_at, episode.id));
    episodes.dedup_by_key(|episode| episode.id);
    let mut learned = Usefulness { n_helpful, n_unhelpful, ..Usefulness::default() };
    for episode in episodes {
        learned.n_shown += u32::from(episode.showing != Showing::NotShown);
        let gate = episode.followed && episode.showing != Showing::Weak;
        let known = episode.reward.filter(|reward| reward.is_finite());
        if let Some(reward) = known.filter(|_| gate) {
            let signed = 2.0 * reward.clamp(0.0, 1.0) - 1.0;
            learned.value += LEARNING_RATE * (signed - learned.value);
            learned.n_followed += 1;
        }
    }
    let (helpful, unhelpful) = (f64::from(n_helpful), f64::from(n_unhelpful));
    let said = (helpful - unhelpful) / (helpful + unhelpful + 2.0);
    learned.value = (learned.value + said).clamp(-1.0, 1.0);
    learned
}

/// What usefulness adds to an item's score: a tenth of its text score at most, either way.
///
/// An item never followed gets nothing, so what is new keeps its rank.
pub(crate) fn score_term(text_score: f64, value: f64) -> f64 {
    let value = if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 };
    text_score * USEFULNESS_SHARE * value
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what never moved is exactly 0")]
mod tests {
    use super::*;

    fn met(i: u8, showing: Showing, followed: bool, reward: f64) -> Following {
        Following {
            id: EpisodeId::from_bytes([i; 16]),
            ended_at: Timestamp::from_millis(i64::from(i / 2)),
            showing,
            followed,
            reward: Some(reward),
        }
    }

    fn value(episodes: &[Following]) -> f64 {
        usefulness(&mut episodes.to_vec(), 0, 0).value
    }

    #[test]
    fn mere_showing_never_moves_an_item() {
        for reward in [0.0, 1.0] {
            let shown: Vec<_> = (0..50).map(|i| met(i, Showing::Strong, false, reward)).collect();
            let got = usefulness(&mut shown.clone(), 0, 0);
            assert_eq!((got.value, got.n_shown, got.n_followed), (0.0, 50, 0));
        }
        assert_eq!(usefulness(&mut Vec::new(), 0, 0), Usefulness::default());
    }

    #[test]
    fn what_is_followed_moves_towards_the_reward_unless_the_hit_was_weak() {
        assert!((value(&[met(1, Showing::Strong, true, 1.0)]) - 0.3).abs() < 1e-12);
        assert!((value(&[met(1, Showing::NotShown, true, 0.0)]) + 0.3).abs() < 1e-12);
        assert_eq!(value(&[met(1, Showing::Weak, true, 1.0)]), 0.0);
        let unknown = Following { reward: None, ..met(1, Showing::Strong, true, 1.0) };
        assert_eq!(value(&[unknown]), 0.0);
        let many: Vec<_> = (0..40).map(|i| met(i, Showing::Strong, true, 0.75)).collect();
        assert!((value(&many) - 0.5).abs() < 1e-3, "the limit is the reward itself");
    }

    #[test]
    fn feedback_counts_without_an_episode() {
        let said = |helpful, not| usefulness(&mut Vec::new(), helpful, not).value;
        assert_eq!([said(0, 0), said(3, 3)], [0.0, 0.0]);
        assert!(said(1, 0) > 0.3 && said(0, 1) < -0.3 && said(9, 0) > said(1, 0));
        assert!(said(u32::MAX, 0) <= 1.0);
    }

    #[test]
    fn the_term_is_a_tenth_of_the_score_at_most() {
        assert_eq!([score_term(2.0, 0.0), score_term(2.0, f64::NAN)], [0.0, 0.0]);
        assert!((score_term(2.0, 1.0) - 0.2).abs() < 1e-12 && score_term(2.0, 9.0) <= 0.2);
        assert!((score_term(2.0, -1.0) + 0.2).abs() < 1e-12);
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            rewards in proptest::collection::vec((0.0_f64..=1.0, 0_u8..3, proptest::bool::ANY), 0..12),
            turn in 0_usize..12,
        ) {
            let all: Vec<Following> = rewards.iter().zip(0..).map(|((reward, showing, followed), i)| {
                let showing = match showing { 0 => Showing::NotShown, 1 => Showing::Weak, _ => Showing::Strong };
                met(i, showing, *followed, *reward)
            }).collect();
            let mut turned = all.clone();
            turned.rotate_left(turn % all.len().max(1));
            turned.extend(all.first().copied());
            let (a, b) = (usefulness(&mut all.clone(), 1, 0), usefulness(&mut turned, 1, 0));
            proptest::prop_assert_eq!(a, b);
            proptest::prop_assert!((-1.0..=1.0).contains(&a.value));
        }
    }
}
