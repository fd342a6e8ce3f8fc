//! Vectors that lie like those of sentences, from a seed: for speed, where no text has to be understood.

use std::hash::{DefaultHasher, Hash, Hasher};

use memory_core::{EmbedError, Embedder, Role};

const N_CLUSTERS: u64 = 3_000;

/// Numbers of the vectors of the embedded model.
pub const DIMENSION: usize = 384;

/// A unit vector near one of 3,000 centres; the small clusters are the frequent ones, as in real stores
/// where much of what is said is said in many ways.
#[must_use]
pub fn vector(seed: u64) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(seed);
    // Log-uniform: density 1/rank.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the power of a number of at least 1 to one within [0, 1) is a rank"
    )]
    let cluster = (N_CLUSTERS as f64).powf(rng.f64()) as u64;
    let width = 0.45 + 0.55 * rng.f32();
    let centre = directions(&mut fastrand::Rng::with_seed(cluster));
    let noise = directions(&mut rng);
    let mean = directions(&mut fastrand::Rng::with_seed(N_CLUSTERS + 1));
    let parts = centre.iter().zip(noise).zip(mean);
    unit(parts.map(|((c, n), m)| 0.8 * c + width * n + 0.25 * m).collect())
}

/// A unit vector whose early numbers weigh more, as variance does after a rotation to main axes.
fn directions(rng: &mut fastrand::Rng) -> Vec<f32> {
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

/// An embedder that answers at once with a vector of the text's hash: what is measured with it is all
/// but the embedding, as with a query whose vector is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Instant;

impl Embedder for Instant {
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
