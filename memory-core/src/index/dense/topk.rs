//! The best `k` of a stream of scores.

/// A score and a number as one integer that sorts by score, then by *smaller* number.
///
/// `f32` bits are made order preserving by flipping the sign bit of positives and every bit of
/// negatives; NaN must not come in.
pub(super) fn key(score: f32, number: u32) -> u64 {
    // One zero only: -0.0 and 0.0 are the same score.
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(!number)
}

/// The score and number of a [`key`].
#[expect(clippy::cast_possible_truncation, reason = "the halves of the key")]
pub(super) fn unkey(key: u64) -> (f32, u32) {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (f32::from_bits(bits), !(key as u32))
}

/// Keys as (number, score), best first.
fn ranked(mut keys: Vec<u64>) -> Vec<(u32, f32)> {
    keys.sort_unstable_by(|left, right| right.cmp(left));
    keys.into_iter()
        .map(|key| {
            let (score, number) = unkey(key);
            (number, score)
        })
        .collect()
}

/// Up to this many scores are kept in order; more are cheaper to thin out now and then.
const FEW: usize = 32;

/// The `k` largest scores seen so far, ties won by the smaller number.
#[derive(Debug)]
pub(super) struct TopK {
    k: usize,
    keys: Vec<u64>,
    floor: f32,
}

impl TopK {
    /// Keeps `k` scores; with `k` = 0 none.
    pub(super) fn new(k: usize) -> Self {
        let floor = if k == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { k, keys: Vec::with_capacity(2 * k.min(2048)), floor }
    }

    /// How many are kept.
    pub(super) fn k(&self) -> usize {
        self.k
    }

    /// A score that the `k` best reach, −∞ until `k` were seen; the k-th best score, but for many it may lag
    /// behind.
    pub(super) fn floor(&self) -> f32 {
        self.floor
    }

    /// Offers a score; constant time on average.
    pub(super) fn push(&mut self, score: f32, number: u32) {
        if score < self.floor || self.k == 0 {
            return;
        }
        let key = key(score, number);
        if self.k <= FEW {
            self.insert(key);
            return;
        }
        self.keys.push(key);
        if self.keys.len() == self.k || self.keys.len() == 2 * self.k {
            self.shrink();
        }
    }

    /// What was kept, best first, as (number, score).
    pub(super) fn into_ranked(mut self) -> Vec<(u32, f32)> {
        self.shrink();
        ranked(self.keys)
    }

    /// Puts a key in its place.
    fn insert(&mut self, key: u64) {
        let mut carried = key;
        // Passed on to the end: where its place is could not be predicted.
        for kept in &mut self.keys {
            (*kept, carried) = ((*kept).max(carried), (*kept).min(carried));
        }
        if self.keys.len() < self.k {
            self.keys.push(carried);
        }
        if self.keys.len() == self.k
            && let Some(least) = self.keys.last()
        {
            self.floor = unkey(*least).0;
        }
    }

    fn shrink(&mut self) {
        if self.keys.len() < self.k || self.k <= FEW {
            return;
        }
        let order = |left: &u64, right: &u64| right.cmp(left);
        let (_, least, _) = self.keys.select_nth_unstable_by(self.k - 1, order);
        self.floor = unkey(*least).0;
        self.keys.truncate(self.k);
    }
}

#[cfg(test)]
mod tests {
    use super::{TopK, key, unkey};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_sort_as_score_then_smaller_number(
            left in (-1e30_f32..1e30, any::<u32>()),
            right in (-1e30_f32..1e30, any::<u32>()),
        ) {
            let expected = left.0.total_cmp(&right.0).then(right.1.cmp(&left.1));
            prop_assert_eq!(key(left.0, left.1).cmp(&key(right.0, right.1)), expected);
            prop_assert_eq!(unkey(key(left.0, left.1)), left);
        }

        #[test]
        fn top_k_is_the_head_of_the_sorted_list(
            scores in prop::collection::vec(-4_i8..4, 0..200),
            k in 0_usize..80,
        ) {
            let mut top = TopK::new(k);
            let mut sorted = Vec::new();
            for (number, score) in (0_u32..).zip(scores) {
                top.push(f32::from(score), number);
                sorted.push((number, f32::from(score)));
            }
            sorted.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
            sorted.truncate(k);
            prop_assert_eq!(top.into_ranked(), sorted);
        }
    }

    #[test]
    fn both_zeros_are_one_score() {
        assert_eq!(key(-0.0, 7), key(0.0, 7));
    }
}
