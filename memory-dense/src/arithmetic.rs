//! Sums of products in `f64`. The order of the additions is fixed, so that a vector has the same
//! norm and the same codes on every machine.

/// Sums that run side by side, as each would wait for its own last addition.
const LANES: usize = 8;

/// Returns the square of the Euclidean norm.
pub(crate) fn squared_norm(values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for values in chunks.iter().map(<[f32; LANES]>::as_slice).chain([rest]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    sums.iter().sum()
}

/// Returns the inner product of two vectors of the same length.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    debug_assert_eq!(left.len(), right.len());
    let mut sums = [0.0_f64; LANES];
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        add_products(&mut sums, left, right);
    }
    add_products(&mut sums, left_rest, right_rest);
    sums.iter().sum()
}

fn add_products(sums: &mut [f64; LANES], left: &[f64], right: &[f64]) {
    for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
        *sum += left * right;
    }
}

/// Returns the Euclidean norm.
pub(crate) fn norm(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    dot(&values, &values).sqrt()
}

/// Rounds a non-negative number to an `f32` that is not below it.
#[expect(clippy::cast_possible_truncation, reason = "rounded up beforehand")]
pub(crate) fn round_up(value: f64) -> f32 {
    (value * (1.0 + 1e-6)) as f32
}
