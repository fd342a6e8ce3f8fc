//! Bound of how far a score of codes can be from the exact score.
//!
//! A row x is kept as codes that stand for x̂, the query q as codes that stand for q̂. For the
//! inner product, with Cauchy-Schwarz,
//!
//! ```text
//! x·q − x̂·q̂ = (x − x̂)·q + x̂·(q − q̂),   so   |x·q − x̂·q̂| ≤ |x − x̂|·|q| + |x̂|·|q − q̂|
//! ```
//!
//! which [`ErrorBound::margin`] computes from two numbers kept per row and two of the query. With
//! eight bits, on unit vectors of 384 dimensions, it is about .015; the actual error is some twenty
//! times smaller.

use crate::arithmetic::round_up;

/// Rounds of [`ErrorBound::narrowed`].
const ROUNDS: usize = 4;

/// Share of its norm that a query's codes are expected to be off by: as much of |x̂| is counted
/// with the error of each row, which the scan looks at row by row; only the rest is bounded by the
/// largest |x̂| of all rows.
pub(crate) const QUERY_ERROR_SHARE: f32 = 1.0 / 256.0;

/// Numbers by which the codes of a row are turned into a score and its bound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RowStats {
    /// Value of one code step; 0 for a zero vector.
    pub(crate) step: f32,
    /// |x − x̂|, rounded up.
    pub(crate) error: f32,
    /// |x̂|, rounded up.
    pub(crate) norm: f32,
}

impl RowStats {
    /// Returns |x − x̂| + [`QUERY_ERROR_SHARE`] · |x̂|, rounded up.
    pub(crate) fn shared_error(self) -> f32 {
        (self.error + self.norm * QUERY_ERROR_SHARE) * (1.0 + f32::EPSILON)
    }
}

/// The largest error and norm of several rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct WorstRow {
    /// Largest [`RowStats::shared_error`].
    pub(crate) error: f32,
    /// Largest |x̂|.
    pub(crate) norm: f32,
}

impl WorstRow {
    /// Returns the larger of each number.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { error: self.error.max(other.error), norm: self.norm.max(other.norm) }
    }
}

/// Bound of |score of codes − exact score|, for one query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorBound {
    /// |q|, or what of it can meet the error of a row.
    query_norm: f32,
    /// |q − q̂|, and the roundings of scores.
    query_error: f32,
    /// True if x − x̂ is at right angles to x̂ for every row.
    is_orthogonal: bool,
}

impl ErrorBound {
    /// Returns the bound for a query of that norm whose codes are off by `error`, in scores whose
    /// roundings are within `rounding` of |x̂|·|q̂|.
    pub(crate) fn new(norm: f64, error: f64, rounding: f64) -> Self {
        Self {
            query_norm: round_up(norm * (1.0 + rounding)),
            query_error: round_up(error * (1.0 + rounding) + (norm + error) * rounding),
            is_orthogonal: true,
        }
    }

    /// Returns the same for rows that may be off in every direction, as rotating leaves them.
    pub(crate) fn of_rotated(self) -> Self {
        Self { is_orthogonal: false, ..self }
    }

    /// Returns the bound for a row with |x − x̂| ≤ `error` and |x̂| ≤ `norm`.
    ///
    /// `score + margin` and `score − margin` computed in `f32` still bound the exact score.
    pub(crate) fn margin(self, error: f32, norm: f32) -> f32 {
        error * self.query_norm + norm * self.query_error
    }

    /// Returns a weight and a lower floor: no row whose score and margin reach `floor` is below the
    /// lower floor once its [`RowStats::shared_error`] times the weight is added to its score, if
    /// `worst` bounds its norm.
    pub(crate) fn cutoff(self, floor: f32, worst: WorstRow) -> (f32, f32) {
        let least = f64::from(floor) - f64::from(worst.norm) * f64::from(self.unshared_error());
        #[expect(clippy::cast_possible_truncation, reason = "rounded down beforehand")]
        let least = (least - least.abs() * 1e-6) as f32;
        (self.query_norm, least)
    }

    /// Returns the part of the query's error that is not counted with the errors of rows.
    fn unshared_error(self) -> f32 {
        (self.query_error - self.query_norm * QUERY_ERROR_SHARE * (1.0 - f32::EPSILON)).max(0.0)
    }

    /// Returns a bound of the margins of all rows that `worst` bounds.
    #[cfg(test)]
    pub(crate) fn of_worst(self, worst: WorstRow) -> f32 {
        worst.error * self.query_norm + worst.norm * self.unshared_error()
    }

    /// Returns a tighter bound for the rows whose score of codes plus its margin reaches `floor`,
    /// where x − x̂ of all rows is at right angles to x̂; else this one. `worst` bounds the error
    /// and the norm of every row.
    ///
    /// A row of score s meets x − x̂ with at most √(|q|² − (s/|x̂|)²) of the query (see
    /// [`crate::scan_quantizer`]), which falls with s: what bounds the rows from one score on
    /// bounds those that reach the floor, and so gives a higher score from which on it has to. Each
    /// round is sound; they converge fast.
    pub(crate) fn narrowed(self, floor: f32, worst: WorstRow) -> Self {
        if !self.is_orthogonal {
            return self;
        }
        let [query, error, norm] = [self.query_norm, self.query_error, worst.norm].map(f64::from);
        let mut across = query;
        for _ in 0..ROUNDS {
            // Rows whose score is below `least` cannot reach the floor.
            let unshared = (error - across * f64::from(QUERY_ERROR_SHARE)).max(0.0);
            let least = f64::from(floor) - f64::from(worst.error) * across - norm * unshared;
            if least.is_nan() || least <= 0.0 {
                break;
            }
            // The score of codes is within |x̂|·error of q·x̂.
            let along = (least / norm - error).max(0.0);
            across = (query * query - along * along).max(0.0).sqrt();
        }
        Self { query_norm: round_up(across), ..self }
    }
}
