//! The best `k` of a stream of scores.

/// Largest `k` for which scores are kept in order; more are cheaper to prune now and then.
const FEW: usize = 32;

/// Encodes a score and a number as one integer that sorts by score, then by *smaller* number.
///
/// `f32` bits are made order preserving by flipping the sign bit of positives and every bit of
/// negatives; NaN must not come in.
pub(crate) fn sort_key(score: f32, number: u32) -> u64 {
    // One zero only: -0.0 and 0.0 are the same score.
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(!number)
}

/// Decodes the score and the number of a [`sort_key`].
#[expect(clippy::cast_possible_truncation, reason = "the halves of the key")]
pub(crate) fn from_sort_key(key: u64) -> (f32, u32) {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (f32::from_bits(bits), !(key as u32))
}

/// The `k` largest scores of a stream, ties won by the smaller number.
#[derive(Debug)]
pub(crate) struct TopK {
    k: usize,
    keys: Vec<u64>,
    floor: f32,
}

impl TopK {
    /// Returns an empty selection of at most `k` scores.
    pub(crate) fn new(k: usize) -> Self {
        let floor = if k == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { k, keys: Vec::with_capacity(2 * k.min(2048)), floor }
    }

    /// Returns the most scores that are kept.
    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// Returns a score that all of the `k` best reach, −∞ until `k` were offered. For small `k` it
    /// is the k-th best score; for large `k` it may lag behind.
    pub(crate) fn floor(&self) -> f32 {
        self.floor
    }

    /// Offers a score; constant time on average.
    pub(crate) fn push(&mut self, score: f32, number: u32) {
        if score < self.floor || self.k == 0 {
            return;
        }
        let key = sort_key(score, number);
        if self.k <= FEW {
            self.insert_sorted(key);
            return;
        }
        self.keys.push(key);
        if self.keys.len() == self.k || self.keys.len() == 2 * self.k {
            self.prune();
        }
    }

    /// Returns the kept scores as (number, score), best first.
    pub(crate) fn into_ranked(mut self) -> Vec<(u32, f32)> {
        self.prune();
        self.keys.sort_unstable_by(|left, right| right.cmp(left));
        let pair = |key| {
            let (score, number) = from_sort_key(key);
            (number, score)
        };
        self.keys.into_iter().map(pair).collect()
    }

    /// Returns the kept numbers, best first.
    pub(crate) fn into_numbers(self) -> Vec<u32> {
        self.into_ranked().into_iter().map(|(number, _)| number).collect()
    }

    fn insert_sorted(&mut self, key: u64) {
        let mut carried = key;
        // Every place is visited: a branch on where the key belongs could not be predicted.
        for kept in &mut self.keys {
            (*kept, carried) = ((*kept).max(carried), (*kept).min(carried));
        }
        if self.keys.len() < self.k {
            self.keys.push(carried);
        }
        if self.keys.len() == self.k
            && let Some(least) = self.keys.last()
        {
            self.floor = from_sort_key(*least).0;
        }
    }

    /// Drops all but the `k` best.
    fn prune(&mut self) {
        if self.keys.len() < self.k || self.k <= FEW {
            return;
        }
        let order = |left: &u64, right: &u64| right.cmp(left);
        let (_, least, _) = self.keys.select_nth_unstable_by(self.k - 1, order);
        self.floor = from_sort_key(*least).0;
        self.keys.truncate(self.k);
    }
}

#[cfg(test)]
mod tests {
    use super::{TopK, from_sort_key, sort_key};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_sort_as_score_then_smaller_number(
            left in (-1e30_f32..1e30, any::<u32>()),
            right in (-1e30_f32..1e30, any::<u32>()),
        ) {
            let expected = left.0.total_cmp(&right.0).then(right.1.cmp(&left.1));
            let [left_key, right_key] = [left, right].map(|pair| sort_key(pair.0, pair.1));
            prop_assert_eq!(left_key.cmp(&right_key), expected);
            prop_assert_eq!(from_sort_key(sort_key(left.0, left.1)), left);
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
        assert_eq!(sort_key(-0.0, 7), sort_key(0.0, 7));
    }
}
