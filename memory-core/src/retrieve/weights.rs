//! The constants of fusion and variety in one place, so that the harness can leave out one term at
//! a time and print what each is worth.

/// Weights of the evidence; the default is what the product uses, on every store.
///
/// Chosen on the development sets with one rule for all of them; `plans/0009` and `plans/0012` have
/// the figures.
#[cfg_attr(
    not(feature = "bench"),
    expect(unreachable_pub, reason = "only the benches reach it, with the feature `bench`")
)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Share of a neighbour's score that a turn of a conversation earns, and half as much of the
    /// other one's, which fits less: an answer often lies beside the words that were asked for.
    pub neighbour_share: f32,
    /// Bonus of a turn whose speaker is named in the query.
    pub speaker_bonus: f32,
    /// Bonus of a turn whose speaker the query means by “I” or “you”.
    pub pronoun_bonus: f32,
    /// Bonus of a unit of a day that the query names; less, up to a week from it.
    pub date_bonus: f32,
    /// Share of the mean of its session's best turns that a turn earns.
    pub session_share: f32,
    /// Bonus of a turn whose session holds every word of the query.
    pub session_coverage: f32,
    /// Most that vectors count among turns of a conversation; names and dates are found by words.
    pub turn_weight: f32,
    /// One weight of the vectors for all queries, in place of the one by length.
    pub fixed_weight: Option<f32>,
    /// Bonus of a unit that holds every word of the query.
    pub exact_bonus: f32,
    /// Share of its score that a hit loses which says the same as one before it; 0 ranks by score
    /// alone.
    pub variety: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            neighbour_share: 0.3,
            speaker_bonus: 0.15,
            pronoun_bonus: 0.25,
            date_bonus: 0.5,
            session_share: 0.35,
            session_coverage: 0.3,
            turn_weight: 0.5,
            fixed_weight: None,
            exact_bonus: 0.3,
            variety: 0.7,
        }
    }
}
