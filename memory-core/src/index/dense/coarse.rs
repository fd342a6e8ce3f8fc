//! From vectors to 4-bit codes: what the scan reads, at half a byte a dimension.
//!
//! A row x is kept as codes n in 0..=15 and one scale a, standing for x̂ = a·(n − 7.5). The scale is the
//! one that makes x − x̂ shortest for the codes (least squares), so x − x̂ is at right angles to x̂ and
//! only the part of the query that is at right angles to x̂ as well can meet it:
//!
//! ```text
//! |q·(x − x̂)| ≤ |x − x̂| · √(|q|² − (q·x̂)²/|x̂|²)
//! ```
//!
//! On unit vectors of 384 dimensions |x − x̂| is about .107, and the actual error of a score some
//! twenty times smaller. Codes and query as the kernels take them: [`super::kernel::Blocks`].

use super::kernel::{CoarseQuery, DIMS_TOGETHER, LANES, TOGETHER};
use super::quantise::{Coded, Signed, Window, length, rounded_up};

/// The middle of the codes.
const MIDDLE: f32 = 7.5;

/// Shares of the largest magnitude that the outermost codes may stand for: few values are that large, and
/// cutting them off makes the steps finer for all others.
const REACHES: [f32; 4] = [0.6, 0.7, 0.8, 0.95];

/// Relative room for the roundings of `f32` in a score of 4-bit codes.
///
/// Its two products and the offset are each at most 16 · Σ|q̂|·a ≤ 32·|q̂|·|x̂| (|n − 7.5| is never below
/// ½, so a·√d ≤ 2·|x̂|), and take two roundings each, their sums three more: below 2⁻¹⁵ in all.
const ROUNDING: f64 = 1.0 / (1 << 14) as f64;

impl Coded {
    /// Codes a checked vector with four bits a dimension. Cost: a microsecond at 384.
    pub(super) fn coarse(vector: &[f32], width: usize) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let mut padded = vector.to_vec();
        padded.resize(width, 0.0);
        let steps = if largest > 0.0 { best_steps(&padded, largest) } else { 0.0 };
        let codes: Vec<f32> = padded.iter().map(|value| code(*value, steps)).collect();
        let pairs = || codes.iter().zip(vector).map(|(code, x)| (f64::from(*code), f64::from(*x)));
        let (along, square) = pairs().fold((0.0, 0.0), |(along, square), (code, value)| {
            (along + code * value, square + code * code)
        });
        #[expect(clippy::cast_possible_truncation, reason = "as stored; the error is its own")]
        let scale = (along / square) as f32;
        let step = f64::from(scale);
        Self {
            bytes: packed(&codes),
            scale,
            error: rounded_up(length(pairs().map(|(code, value)| value - step * code))),
            norm: rounded_up(square.sqrt() * step),
        }
    }
}

/// The code of a value less the middle.
fn code(value: f32, steps: f32) -> f32 {
    // Adding 1.5·2²³ leaves no room for fractions.
    let whole = (value * steps + MIDDLE).clamp(0.0, 15.0) + 12_582_912.0 - 12_582_912.0;
    whole - MIDDLE
}

/// Steps per unit for which codes point most nearly where the vector does.
fn best_steps(padded: &[f32], largest: f32) -> f32 {
    let mut best = (f32::NEG_INFINITY, 0.0);
    for reach in REACHES {
        let steps = MIDDLE / (reach * largest);
        let (mut along, mut length) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for values in padded.as_chunks::<LANES>().0 {
            for ((along, length), value) in along.iter_mut().zip(&mut length).zip(values) {
                let code = code(*value, steps);
                *along += code * (value * steps);
                *length += code * code;
            }
        }
        // In units of the step, of which the vector has more the smaller it is.
        let along = along.iter().sum::<f32>() / steps;
        let fit = along * along / length.iter().sum::<f32>();
        if fit > best.0 {
            best = (fit, steps);
        }
    }
    best.1
}

/// Two codes a byte: of each eight, the first four in the low halves and the others in the high ones.
fn packed(codes: &[f32]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=15")]
    let half = |code: f32| (code + MIDDLE) as u8;
    let mut bytes = Vec::with_capacity(codes.len() / 2);
    for eight in codes.as_chunks::<DIMS_TOGETHER>().0 {
        let (low, high) = eight.split_at(TOGETHER);
        bytes.extend(low.iter().zip(high).map(|(low, high)| half(*low) | half(*high) << 4));
    }
    bytes
}

/// A checked query for kernels with codes up to `limit`, and the bound of its scores.
///
/// A byte is v = 16·h + l. The dimensions of the high halves are coded as they are; a product with v adds
/// the low halves at a sixteenth, which the codes of their own dimensions take into account.
#[expect(clippy::cast_possible_truncation, reason = "steps and an offset as the kernels take them")]
pub(super) fn query(exact: &[f64], norm: f64, limit: i8) -> (CoarseQuery, Window) {
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for eight in exact.as_chunks::<DIMS_TOGETHER>().0 {
        let (first, last) = eight.split_at(TOGETHER);
        low.extend_from_slice(first);
        high.extend_from_slice(last);
    }
    let high = Signed::of(&high, limit);
    let whole_step = high.step / 16.0;
    let sixteenth = |code: i8| f64::from(code) * f64::from(whole_step);
    let rest: Vec<f64> =
        low.iter().zip(&high.codes).map(|(value, code)| value - sixteenth(*code)).collect();
    let low = Signed::of(&rest, limit);
    let gap = low.missed.hypot(high.missed);
    let total =
        high.total() * f64::from(high.step + whole_step) + low.total() * f64::from(low.step);
    let word = |four: &[i8; TOGETHER]| u32::from_le_bytes(four.map(i8::cast_unsigned));
    let fours = high.codes.as_chunks::<TOGETHER>().0.iter().zip(low.codes.as_chunks().0);
    let query = CoarseQuery {
        words: fours.map(|(high, low)| [word(high), word(low)]).collect(),
        steps: [whole_step, low.step],
        offset: (f64::from(MIDDLE) * total) as f32,
    };
    (query, Window::new(norm, gap, ROUNDING))
}
