//! A random rotation in O(d log d): sign flips and Hadamard transforms.
//!
//! It spreads the variance of vectors evenly over their dimensions, so that equal steps fit all of
//! them. `H·D₃·H·D₂·H·D₁` with random signs D and the Hadamard matrix H is close enough to a
//! uniformly random rotation (Andoni et al., 2015, "Practical and Optimal LSH for Angular
//! Distance"). For dimensions that are no power of two the transforms alternate between the first
//! and the last 2ᵐ of them, in four rounds.

use std::ops::Range;

/// Rounds of flips and transforms.
const ROUNDS: usize = 4;

/// Seed of the signs. Fixed, so that the same vectors give the same codes in every process.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Orthogonal map of `width` dimensions.
#[derive(Debug, Clone)]
pub(crate) struct RandomRotation {
    width: usize,
    /// ±1/√span for transformed dimensions, ±1 for others; `width` per round.
    signs: Vec<f32>,
    /// Largest power of two within the width.
    span: usize,
}

impl RandomRotation {
    /// Returns the rotation of `width` ≥ 1 dimensions.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are few")]
    pub(crate) fn new(width: usize) -> Self {
        let span = 1 << width.max(1).ilog2();
        let scale = (span as f32).sqrt().recip();
        let mut state = SEED;
        let mut signs = Vec::with_capacity(ROUNDS * width);
        for round in 0..ROUNDS {
            let transformed = transformed(round, width, span);
            for dim in 0..width {
                // xorshift64 (Marsaglia, 2003); a bit from the middle.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let sign = if state >> 33 & 1 == 1 { 1.0 } else { -1.0 };
                signs.push(if transformed.contains(&dim) { sign * scale } else { sign });
            }
        }
        Self { width, signs, span }
    }

    /// Rotates `vector`, which has the rotation's width, in place.
    #[expect(clippy::indexing_slicing, reason = "the vector has the width of the rotation")]
    pub(crate) fn apply(&self, vector: &mut [f32]) {
        debug_assert_eq!(vector.len(), self.width);
        for (round, signs) in self.signs.chunks_exact(self.width).enumerate() {
            for (value, sign) in vector.iter_mut().zip(signs) {
                *value *= sign;
            }
            hadamard(&mut vector[transformed(round, self.width, self.span)]);
        }
    }
}

/// Returns the dimensions that a round transforms.
fn transformed(round: usize, width: usize, span: usize) -> Range<usize> {
    if round.is_multiple_of(2) { 0..span } else { width - span..width }
}

/// Computes the Walsh-Hadamard transform of a power of two of values, without scale.
fn hadamard(values: &mut [f32]) {
    let mut half = values.len() / 2;
    while half > 0 {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        half /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::RandomRotation;
    use proptest::prelude::*;

    fn dot(left: &[f32], right: &[f32]) -> f64 {
        let pairs = left.iter().zip(right);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    proptest! {
        #[test]
        fn a_rotation_keeps_inner_products(
            (left, right) in (1_usize..400).prop_flat_map(|width| {
                let vector = || prop::collection::vec(-1.0_f32..1.0, width);
                (vector(), vector())
            }),
        ) {
            let rotation = RandomRotation::new(left.len());
            let (mut a, mut b) = (left.clone(), right.clone());
            rotation.apply(&mut a);
            rotation.apply(&mut b);
            prop_assert!((dot(&left, &right) - dot(&a, &b)).abs() < 1e-3);
        }
    }

    #[test]
    fn a_rotation_spreads_a_single_dimension() {
        for width in [64, 384, 768] {
            let mut vector = vec![0.0; width];
            vector[5] = 1.0;
            RandomRotation::new(width).apply(&mut vector);
            let largest = vector.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(largest < 0.4, "{width}: {largest}");
        }
    }
}
