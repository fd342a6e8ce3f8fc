//! Vectors that are distributed like those of sentences, for measuring speed without a model.

use std::hash::{DefaultHasher, Hash, Hasher};

use fastrand::Rng;
use memory_core::{EmbedError, Embedder, Role};

/// Number of clusters.
const N_CLUSTERS: u64 = 3_000;

/// Dimension of the vectors, that of the embedded model.
pub const DIMENSION: usize = 384;

/// Returns a unit vector near one of 3,000 cluster centres.
///
/// Low cluster numbers are drawn more often (Zipf's law), as in real stores much of the text is
/// about few subjects.
#[must_use]
pub fn vector(seed: u64) -> Vec<f32> {
    let mut rng = Rng::with_seed(seed);
    // Log-uniform: density 1/rank.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "the power of a number of at least 1 to one within [0, 1) is a rank"
    )]
    let cluster = (N_CLUSTERS as f64).powf(rng.f64()) as u64;
    let width = 0.45 + 0.55 * rng.f32();
    let centre = directions(&mut Rng::with_seed(cluster));
    let noise = directions(&mut rng);
    let mean = directions(&mut Rng::with_seed(N_CLUSTERS + 1));
    let parts = centre.iter().zip(noise).zip(mean);
    unit(parts.map(|((c, n), m)| 0.8 * c + width * n + 0.25 * m).collect())
}

/// Returns a random unit vector whose variance falls from dimension to dimension, as it does along
/// principal axes.
fn directions(rng: &mut Rng) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "a dimension is a small number")]
    let weight = |at: usize| ((1 + at) as f32).powf(-0.45);
    // The sum of four is bell-shaped enough.
    let mut bell = || (0..4).map(|_| rng.f32()).sum::<f32>() - 2.0;
    unit((0..DIMENSION).map(|at| bell() * weight(at)).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    for x in &mut vector {
        *x /= length;
    }
    vector
}

/// Embedder that returns a vector made from the hash of the text, at once: everything but the
/// embedding is measured, as for a query whose vector is cached.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashEmbedder;

impl Embedder for HashEmbedder {
    fn id(&self) -> &'static str {
        "synthetic/1"
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn batch_limit(&self) -> usize {
        1_000
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector_of = |text: &&str| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            vector(hasher.finish())
        };
        Ok(texts.iter().map(vector_of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_length_one_and_belongs_to_its_seed() {
        let one = vector(7);
        let length: f32 = one.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4);
        assert_eq!(one, vector(7));
        assert_ne!(one, vector(8));
    }
}
