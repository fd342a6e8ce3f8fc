//! Vectors of units: derived from the texts of records, but dear to make, so they are kept.

use super::Rejection;
use crate::model::RecordId;

/// Names a unit of the index for as long as its record is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey {
    /// The record that the unit is a piece of.
    pub record: RecordId,
    /// Number of the piece: 0 is a note, or the task and result of an episode; others are known to
    /// the index alone.
    pub part: u32,
}

/// Vector of a unit's text.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVector {
    /// The unit.
    pub unit: UnitKey,
    /// Hash of the text that the vector was made from: another text needs another vector.
    pub content_hash: u64,
    /// The vector, of as many numbers as all others of its model.
    pub vector: Vec<f32>,
}

impl StoredVector {
    /// The dimension of these vectors of `model`, of which the stored ones have the dimension
    /// `stored`; `None` where there are neither. What every storage checks before it stores any of
    /// them.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoVector`] for one that is empty or not finite, [`Rejection::Dimension`] for
    /// one of another dimension.
    pub fn dimension_of(
        vectors: &[Self],
        model: &str,
        stored: Option<usize>,
    ) -> Result<Option<usize>, Rejection> {
        let mut dimension = stored;
        for Self { unit, vector, .. } in vectors {
            if vector.is_empty() || !vector.iter().all(|x| x.is_finite()) {
                return Err(Rejection::NoVector { model: model.into(), id: unit.record });
            }
            let expected = *dimension.get_or_insert(vector.len());
            if vector.len() != expected {
                let got = vector.len();
                return Err(Rejection::Dimension { model: model.into(), expected, got });
            }
        }
        Ok(dimension)
    }
}

/// A vector that is stored, with its place among all that ever were.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorRow {
    /// Its position: grows with every vector that is stored or replaced, whatever its model; has
    /// gaps, is never used again, and has nothing to do with the change feed.
    pub seq: u64,
    /// The vector.
    pub vector: StoredVector,
}
